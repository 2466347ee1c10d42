#include "blockdev/snapshot/snapshotter.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "common/base/log.h"

namespace strata::snapshot {
namespace {

using chunks::Manifest;
using chunks::ManifestEntry;

constexpr std::chrono::minutes kCollectorWaitMax{10};
// How soon a cancel takes effect, and a copier that its rate holds back looks again.
constexpr std::chrono::milliseconds kLook{50};

}  // namespace

Result<Manifest> Snapshotter::run(const Request& request) {
  TRY(chunks::check_snapshot_name(request.name));
  const std::string claim = repository_.claims().create_key(request.id);
  TRY(repository_.claims().enter(claim, as_bytes(request.name), Deadline::after(kCollectorWaitMax),
                                 std::chrono::milliseconds(200),
                                 [this] { return progress_.cancelled.load(); }));
  auto made = run_claimed(request, claim);
  const Status left = repository_.claims().leave(claim);
  if (!left.ok()) {
    log::warning("snapshot.claim_left", {{"claim", claim}, {"error", left.error().message}});
  }
  return made;
}

std::optional<Manifest> Snapshotter::find_base() {
  const Tracking tracking = device_.slow_path().tracking();
  if (!tracking.base || tracking.changes.empty() || tracking.base->place != repository_.name()) {
    return std::nullopt;
  }
  auto manifest = repository_.store().manifest(tracking.base->name);
  // Deleted, or another one of the same name: then everything is read, and what is there already
  // is not stored again.
  if (!manifest.ok() || manifest->id != tracking.base->id) return std::nullopt;
  return std::move(manifest).value();
}

Result<Manifest> Snapshotter::run_claimed(const Request& request, const std::string& claim) {
  TRY_ASSIGN(const bool taken, repository_.store().has_manifest(request.name));
  if (taken) {
    return Error(Code::kAlreadyExists, "there is a snapshot '" + request.name + "' already");
  }
  const std::optional<Manifest> found = find_base();
  const Manifest* base = found ? &*found : nullptr;
  TRY(make_present(base == nullptr));
  SlowPath& volume = device_.slow_path();
  TRY(volume.begin_snapshot(base == nullptr));
  const int64_t created_ms = clock_.wall_now().time_since_epoch().count();
  bucket_.set_rate(request.rate, std::chrono::steady_clock::now());
  progress_.total_bytes.store(volume.copies().total() * chunks::kChunkBytes);
  Status done = copy(base, request, claim);
  if (done.ok()) done = flush_image();
  Manifest manifest;
  if (done.ok()) {
    manifest = make_manifest(request, base, created_ms);
    if (manifest.chunks.size() > chunks::kManifestChunksMax) {
      done = Error(Code::kTooLarge, "the volume holds more data than one snapshot can name: 1 TiB");
    }
  }
  if (done.ok()) done = repository_.store().put_manifest(manifest);
  if (done.ok()) {
    const Status based = volume.finish_snapshot({manifest.id, manifest.name, repository_.name()});
    if (based.ok()) return manifest;
    log::warning("snapshot.base_not_kept",
                 {{"volume", request.volume_name}, {"error", based.error().message}});
  }
  const Status abandoned = volume.abandon_snapshot();
  if (!abandoned.ok()) {
    log::error("snapshot.abandon_failed",
               {{"volume", request.volume_name}, {"error", abandoned.error().message}});
  }
  if (!done.ok()) return done.error();
  return manifest;
}

// Chunks that are to be copied must be in the image. Nothing that is absent becomes changed later.
Status Snapshotter::make_present(bool whole) {
  SlowPath& volume = device_.slow_path();
  if (!device_.hydrating()) return {};
  if (!whole) {
    for (const uint64_t chunk : volume.absent_and_marked()) {
      TRY(volume.ensure_present({chunk, chunk + 1}));
    }
    return {};
  }
  for (auto chunk = volume.next_absent(0); chunk; chunk = volume.next_absent(*chunk)) {
    if (progress_.cancelled.load()) return Error(Code::kConflict, "cancelled");
    TRY(volume.ensure_present({*chunk, std::min(*chunk + 8, Bitmap::kBits)}));
  }
  return {};
}

Status Snapshotter::copy(const Manifest* base, const Request& request, const std::string& claim) {
  std::vector<std::thread> copiers;
  copiers.reserve(kCopiers);
  copiers_left_.store(kCopiers);
  for (size_t i = 0; i < kCopiers; ++i) {
    copiers.emplace_back([this, base] { copy_some(base); });
  }
  {
    std::unique_lock lock(mutex_);
    while (!copied_.wait_for(lock, chunks::kClaimRenewal,
                             [this] { return copiers_left_.load() == 0; })) {
      lock.unlock();
      const Status renewed = repository_.claims().renew(claim, as_bytes(request.name));
      lock.lock();
      if (!renewed.ok() && !error_) error_ = renewed.error();
    }
  }
  for (std::thread& copier : copiers) copier.join();
  const std::lock_guard lock(mutex_);
  return error_ ? Status(*error_) : Status();
}

// What was copied may be in a cache of the disk's only. Lost with the power, it would be in the
// snapshot and not in the volume, and nothing would say that the two differ.
Status Snapshotter::flush_image() {
  TRY_ASSIGN(const auto image, BlockingIo::open(device_.image()));
  return image->flush();
}

void Snapshotter::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
}

void Snapshotter::copy_some(const Manifest* base) {
  const auto work = [&]() -> Status {
    // On Linux a thread has a priority of its own. Refused, it copies at the usual one.
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kCopierNice);
    TRY_ASSIGN(const auto image, BlockingIo::open(device_.image()));
    TRY_ASSIGN(ChunkBuffer buffer, ChunkBuffer::create());
    for (;;) {
      TRY(pause_for_rate());
      const SteadyTime began = std::chrono::steady_clock::now();
      const uint64_t passed = device_.use().passed;
      TRY_ASSIGN(const auto chunk, device_.slow_path().copies().next(*image, buffer.bytes()));
      if (!chunk) return {};
      TRY(copy_chunk(base, *chunk, buffer.bytes()));
      progress_.done_bytes.fetch_add(chunks::kChunkBytes);
      pause_for_users(began, passed);
    }
  };
  const Status done = work();
  if (!done.ok()) fail(done.error());
  const std::lock_guard lock(mutex_);
  copiers_left_.fetch_sub(1);
  copied_.notify_all();
}

Status Snapshotter::copy_chunk(const Manifest* base, uint64_t chunk, Bytes bytes) {
  if (chunks::is_zero(bytes)) return {};
  const chunks::ChunkId id = chunks::chunk_id(bytes);
  const chunks::ChunkId* before = base == nullptr ? nullptr : base->find(chunk);
  bool stored = false;
  if (before == nullptr || *before != id) {
    TRY_ASSIGN(stored, repository_.store().put_chunk(id, bytes));
  }
  const std::lock_guard lock(mutex_);
  entries_.push_back({static_cast<uint32_t>(chunk), id});
  if (stored) new_bytes_ += chunks::kChunkBytes;
  return {};
}

// What the next chunk will cost is owed before it is read.
Status Snapshotter::pause_for_rate() {
  SteadyTime ready;
  {
    const std::lock_guard lock(mutex_);
    if (error_) return *error_;
    ready = bucket_.ready();
    bucket_.take(chunks::kChunkBytes, std::chrono::steady_clock::now());
  }
  for (;;) {
    if (progress_.cancelled.load()) return Error(Code::kConflict, "the snapshot was cancelled");
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now >= ready) return {};
    std::this_thread::sleep_for(std::min<Duration>(kLook, ready - now));
  }
}

void Snapshotter::pause_for_users(SteadyTime began, uint64_t passed_before) {
  const TrackedDevice::Use use = device_.use();
  const Duration worked = std::chrono::steady_clock::now() - began;
  const auto passed = static_cast<int64_t>(use.passed - passed_before);
  const bool in_use = use.writing || passed * std::chrono::seconds(1) > worked * kUsedPerSecond;
  if (in_use) std::this_thread::sleep_for(copier_pause(worked));
}

Manifest Snapshotter::make_manifest(const Request& request, const Manifest* base,
                                    int64_t created_ms) {
  const std::lock_guard lock(mutex_);
  Manifest out;
  out.name = request.name;
  out.id = request.id;
  out.volume_name = request.volume_name;
  out.volume_id = request.volume_id;
  out.size_bytes = device_.slow_path().copies().size_bytes();
  out.created_ms = created_ms;
  out.new_bytes = new_bytes_;
  if (base != nullptr) {
    out.parent_id = base->id;
    const Bitmap* frozen = device_.slow_path().frozen();
    for (const ManifestEntry& entry : base->chunks) {
      if (!frozen->test(entry.index)) entries_.push_back(entry);
    }
  }
  out.chunks = std::move(entries_);
  std::sort(out.chunks.begin(), out.chunks.end(),
            [](const ManifestEntry& a, const ManifestEntry& b) { return a.index < b.index; });
  return out;
}

}  // namespace strata::snapshot
