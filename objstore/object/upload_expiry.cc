#include "objstore/object/upload_expiry.h"

#include <algorithm>

#include "common/base/log.h"

namespace strata::object {
namespace {

constexpr size_t kStepUploads = 500;
// What looking at one upload counts for: its row.
constexpr uint64_t kLookBytes = 1024;
// How often it looks: often enough that an upload does not outlive its age by much.
constexpr int kLooksInAge = 24;
constexpr Duration kWaitMin = std::chrono::minutes(1);
constexpr Duration kWaitMax = std::chrono::hours(1);

}  // namespace

UploadExpiry::UploadExpiry(ObjectStore& store, const io::Clock& clock, Duration age, RunOnLoop run)
    : store_(store), clock_(clock), age_(age), run_(std::move(run)) {}

void UploadExpiry::begin_pass() {
  in_pass_ = true;
  bucket_.clear();
  bucket_done_ = false;
  key_marker_.clear();
  upload_marker_.clear();
  const std::lock_guard lock(mutex_);
  shown_.done = 0;
  shown_.unit = "uploads";
  shown_.findings = 0;
  shown_.pass_started_ms = clock_.wall_now().time_since_epoch().count();
}

worker::Step UploadExpiry::end_pass() {
  in_pass_ = false;
  const std::lock_guard lock(mutex_);
  shown_.total = shown_.done;
  shown_.pass_finished_ms = clock_.wall_now().time_since_epoch().count();
  return worker::Step{
      .bytes = 0, .more = false, .wait = std::clamp(age_ / kLooksInAge, kWaitMin, kWaitMax)};
}

async::Task<Result<std::string>> UploadExpiry::next_bucket() {
  CO_TRY_ASSIGN(const std::vector<BucketInfo> buckets, co_await store_.list_buckets());
  for (const BucketInfo& bucket : buckets) {
    if (bucket.name > bucket_ || (bucket.name == bucket_ && !bucket_done_)) co_return bucket.name;
  }
  co_return std::string();
}

async::Task<Result<bool>> UploadExpiry::end_if_old(std::string bucket, UploadInfo upload) {
  if (clock_.wall_now() - upload.started < age_) co_return false;
  const Status ended = co_await store_.abort_upload(bucket, upload.key, upload.upload_id);
  if (!ended.ok()) {
    if (ended.error().code == Code::kNotFound) co_return false;  // somebody was faster
    co_return ended.error();
  }
  log::info("upload.expired", {{"bucket", bucket}, {"upload", upload.upload_id}});
  co_return true;
}

async::Task<Result<worker::Step>> UploadExpiry::sweep() {
  if (!in_pass_) begin_pass();
  CO_TRY_ASSIGN(std::string bucket, co_await next_bucket());
  if (bucket.empty()) co_return end_pass();
  if (bucket != bucket_) {
    key_marker_.clear();
    upload_marker_.clear();
  }
  bucket_ = bucket;
  bucket_done_ = false;
  ListUploadsRequest request;
  request.bucket = bucket;
  request.key_marker = key_marker_;
  request.upload_id_marker = upload_marker_;
  request.uploads_max = kStepUploads;
  Result<ListUploadsPage> page = co_await store_.list_uploads(std::move(request));
  if (!page.ok()) {
    if (page.error().code != Code::kNotFound) co_return std::move(page).error();
    bucket_done_ = true;  // the bucket went meanwhile
    co_return worker::Step{.bytes = 0, .more = true, .wait = {}};
  }
  uint64_t ended = 0;
  for (UploadInfo& upload : page->uploads) {
    CO_TRY_ASSIGN(const bool old, co_await end_if_old(bucket, std::move(upload)));
    if (old) ++ended;
  }
  bucket_done_ = !page->truncated;
  key_marker_ = page->next_key_marker;
  upload_marker_ = page->next_upload_id_marker;
  const std::lock_guard lock(mutex_);
  shown_.done += page->uploads.size();
  shown_.findings += ended;
  co_return worker::Step{.bytes = page->uploads.size() * kLookBytes, .more = true, .wait = {}};
}

worker::Progress UploadExpiry::progress() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

}  // namespace strata::object
