#include "objstore/lifecycle/lifecycle_worker.h"

#include <algorithm>

#include "common/base/log.h"

namespace strata::lifecycle {
namespace {

using object::BucketSetting;
using settings::DueAction;

constexpr size_t kStepEntries = 500;
// What looking at one version or upload counts for: its row.
constexpr uint64_t kLookBytes = 1024;
// How often it looks: what is due is done soon after.
constexpr int kLooksInDay = 24;
constexpr Duration kWaitMin = std::chrono::milliseconds(500);
constexpr Duration kWaitMax = std::chrono::hours(1);

std::string_view action_name(DueAction action) noexcept {
  switch (action) {
    case DueAction::kExpire:
      return "expire";
    case DueAction::kRemoveMarker:
      return "remove marker";
    case DueAction::kDelete:
      return "delete version";
    case DueAction::kTransition:
      return "transition";
    case DueAction::kNothing:
      break;
  }
  return "nothing";
}

// Somebody else was faster, or a lock holds the version: not a failure of the pass.
bool is_passed_over(const Error& error) noexcept {
  return error.code == Code::kNotFound || error.code == Code::kPreconditionFailed ||
         error.code == Code::kConflict || error.code == Code::kPermissionDenied ||
         error.code == Code::kInvalidArgument;
}

// Exactly the version that was looked at: it may have been replaced since.
object::Conditions same_version(const object::ObjectInfo& info) {
  object::Conditions conditions;
  conditions.if_match = "\"" + info.etag + "\"";
  conditions.if_match_modified = info.modified;
  conditions.if_match_size_bytes = info.size_bytes;
  return conditions;
}

}  // namespace

LifecycleWorker::LifecycleWorker(object::ObjectStore& store, const io::Clock& clock,
                                 settings::DayLength day, RunOnLoop run)
    : store_(store), clock_(clock), day_(day), run_(std::move(run)) {}

void LifecycleWorker::begin_pass() {
  in_pass_ = true;
  place_ = Place::kBetweenBuckets;
  bucket_.clear();
  const std::lock_guard lock(mutex_);
  shown_.done = 0;
  shown_.unit = "versions";
  shown_.findings = 0;
  shown_.pass_started_ms = clock_.wall_now().time_since_epoch().count();
}

worker::Step LifecycleWorker::end_pass() {
  in_pass_ = false;
  const std::lock_guard lock(mutex_);
  shown_.total = shown_.done;
  shown_.pass_finished_ms = clock_.wall_now().time_since_epoch().count();
  const Duration wait = std::clamp<Duration>(day_ / kLooksInDay, kWaitMin, kWaitMax);
  return worker::Step{.bytes = 0, .more = false, .wait = wait};
}

async::Task<Result<bool>> LifecycleWorker::find_bucket() {
  CO_TRY_ASSIGN(std::vector<object::BucketInfo> buckets, co_await store_.list_buckets());
  std::sort(buckets.begin(), buckets.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const object::BucketInfo& bucket : buckets) {
    if (bucket.name <= bucket_) continue;
    const std::string* const document = bucket.settings->find(BucketSetting::kLifecycle);
    if (document == nullptr) continue;
    Result<settings::LifecycleConfiguration> parsed = settings::parse_lifecycle(*document, 0);
    if (!parsed.ok()) {
      log::error("lifecycle.unreadable",
                 {{"bucket", bucket.name}, {"error", parsed.error().to_string()}});
      continue;
    }
    bucket_ = bucket.name;
    configuration_ = std::move(*parsed);
    key_marker_.clear();
    version_marker_.clear();
    upload_marker_.clear();
    held_.reset();
    last_key_.clear();
    newer_noncurrent_ = 0;
    co_return true;
  }
  co_return false;
}

void LifecycleWorker::count(const Status& done, const object::ObjectInfo& info,
                            const settings::Due& due) {
  if (!done.ok()) {
    log::debug("lifecycle.passed_over",
               {{"bucket", bucket_}, {"key", info.key}, {"why", done.error().to_string()}});
    return;
  }
  log::info("lifecycle.done", {{"bucket", bucket_},
                               {"key", info.key},
                               {"version", info.version_id},
                               {"action", action_name(due.action)},
                               {"rule", due.rule_id}});
  found_one();
}

void LifecycleWorker::found_one() {
  const std::lock_guard lock(mutex_);
  ++shown_.findings;
}

async::Task<Status> LifecycleWorker::act(const object::ObjectInfo& info, bool latest,
                                         const settings::Due& due) {
  if (due.action == DueAction::kTransition) {
    object::VersionName name{bucket_, info.key, info.version_id};
    std::string storage_class(due.storage_class);
    Result<object::ObjectInfo> moved =
        co_await store_.set_storage_class(std::move(name), std::move(storage_class));
    co_return moved.ok() ? Status() : Status(std::move(moved).error());
  }
  object::RemoveRequest request;
  request.bucket = bucket_;
  request.key = info.key;
  if (due.action != DueAction::kExpire) request.version_id = info.version_id;
  if (latest && due.action == DueAction::kExpire) request.conditions = same_version(info);
  Result<object::Removal> removed = co_await store_.remove(std::move(request));
  co_return removed.ok() ? Status() : Status(std::move(removed).error());
}

async::Task<Status> LifecycleWorker::judge(Held held, bool only_version) {
  const object::ObjectInfo& info = held.version.info;
  settings::VersionFacts facts;
  facts.key = info.key;
  facts.size_bytes = info.size_bytes;
  facts.modified = info.modified;
  facts.tags = info.extras.tags;
  facts.storage_class = info.attributes.storage_class;
  facts.current = held.version.latest;
  facts.delete_marker = info.delete_marker;
  facts.only_version = only_version;
  facts.noncurrent_since = held.noncurrent_since;
  facts.newer_noncurrent_versions = held.newer_noncurrent;
  const settings::Due due = settings::due_now(configuration_, facts, clock_.wall_now(), day_);
  if (due.action == DueAction::kNothing) co_return Status();
  Status done = co_await act(info, held.version.latest, due);
  if (!done.ok() && !is_passed_over(done.error())) co_return done;
  count(done, info, due);
  co_return Status();
}

// A version is judged when the one after it is known: a delete marker counts by what is behind it.
async::Task<Result<size_t>> LifecycleWorker::walk_versions() {
  object::ListVersionsRequest request;
  request.bucket = bucket_;
  request.key_marker = key_marker_;
  request.version_id_marker = version_marker_;
  request.versions_max = kStepEntries;
  CO_TRY_ASSIGN(object::ListVersionsPage page, co_await store_.list_versions(std::move(request)));
  const size_t seen = page.versions.size();
  for (object::ListedVersion& version : page.versions) {
    const bool same_key = version.info.key == last_key_;
    if (held_) {
      const bool only = held_->version.latest && !same_key;
      Held ready = std::move(*held_);
      held_.reset();
      CO_TRY(co_await judge(std::move(ready), only));
    }
    if (!same_key) newer_noncurrent_ = 0;
    Held next;
    next.noncurrent_since = last_modified_;
    next.newer_noncurrent = newer_noncurrent_;
    if (!version.latest) ++newer_noncurrent_;
    last_key_ = version.info.key;
    last_modified_ = version.info.modified;
    next.version = std::move(version);
    held_ = std::move(next);
  }
  key_marker_ = std::move(page.next_key_marker);
  version_marker_ = std::move(page.next_version_id_marker);
  if (page.truncated) co_return seen;
  if (held_) {
    Held ready = std::move(*held_);
    held_.reset();
    const bool only = ready.version.latest;
    CO_TRY(co_await judge(std::move(ready), only));
  }
  place_ = Place::kUploads;
  key_marker_.clear();
  co_return seen;
}

async::Task<Result<size_t>> LifecycleWorker::walk_uploads() {
  object::ListUploadsRequest request;
  request.bucket = bucket_;
  request.key_marker = key_marker_;
  request.upload_id_marker = upload_marker_;
  request.uploads_max = kStepEntries;
  CO_TRY_ASSIGN(object::ListUploadsPage page, co_await store_.list_uploads(std::move(request)));
  const settings::Time now = clock_.wall_now();
  for (const object::UploadInfo& upload : page.uploads) {
    const std::optional<settings::Expiry> abort =
        settings::upload_abort_of(configuration_, upload.key, upload.started, day_);
    if (!abort || abort->when > now) continue;
    Status ended = co_await store_.abort_upload(bucket_, upload.key, upload.upload_id);
    if (!ended.ok() && ended.error().code != Code::kNotFound) co_return std::move(ended).error();
    if (!ended.ok()) continue;
    log::info("lifecycle.upload_aborted",
              {{"bucket", bucket_}, {"upload", upload.upload_id}, {"rule", abort->rule_id}});
    found_one();
  }
  key_marker_ = std::move(page.next_key_marker);
  upload_marker_ = std::move(page.next_upload_id_marker);
  if (!page.truncated) place_ = Place::kBetweenBuckets;
  co_return page.uploads.size();
}

async::Task<Result<worker::Step>> LifecycleWorker::walk() {
  if (!in_pass_) begin_pass();
  if (place_ == Place::kBetweenBuckets) {
    CO_TRY_ASSIGN(const bool found, co_await find_bucket());
    if (!found) co_return end_pass();
    place_ = Place::kVersions;
  }
  Result<size_t> seen = size_t{0};
  if (place_ == Place::kVersions) {
    seen = co_await walk_versions();
  } else {
    seen = co_await walk_uploads();
  }
  if (!seen.ok()) {
    if (seen.error().code != Code::kNotFound) co_return std::move(seen).error();
    place_ = Place::kBetweenBuckets;  // the bucket went meanwhile
    co_return worker::Step{.bytes = 0, .more = true, .wait = {}};
  }
  const std::lock_guard lock(mutex_);
  shown_.done += *seen;
  co_return worker::Step{.bytes = *seen * kLookBytes, .more = true, .wait = {}};
}

worker::Progress LifecycleWorker::progress() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

}  // namespace strata::lifecycle
