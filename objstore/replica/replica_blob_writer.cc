#include "objstore/replica/replica_blob_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/async/file_io.h"
#include "common/digest/checksum.h"

namespace strata::replica {

using async::Task;

namespace {
constexpr uint64_t kSmallReserveMax = drive::kSmallBlobBytesMax;
}

// One drive's file. `writer` belongs to the lanes (opening is awaited before any other step),
// `status` to the blob's writer.
struct ReplicaBlobWriter::File {
  size_t member = 0;
  std::optional<drive::BlobFileWriter> writer;
  Status status;
};

// All of them. Whoever lets go of it last removes the files, unless a commit owns them.
struct ReplicaBlobWriter::Files {
  Core& core;
  drive::Id128 id;
  std::optional<uint64_t> expected_bytes;
  std::atomic<bool> adopted{false};
  std::vector<File> all;
  std::vector<size_t> copied_to;  // seats that came later
  Files(Core& owner, const drive::Id128& blob) : core(owner), id(blob) {}
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    if (adopted) return;
    for (File& file : all) {
      file.writer.reset();
      core.drive(file.member).remove_blob_file(id);
    }
    for (const size_t seat : copied_to) core.drive(seat).remove_blob_file(id);
  }
};

// Something done on every drive at the same time, a lane each.
struct ReplicaBlobWriter::Step {
  Step(StepKind what, size_t lanes)
      : kind(what), left(lanes), ended(lanes), results(lanes), unneeded(lanes) {}
  StepKind kind;
  BufferPool::Buffer buffer;
  Bytes padded;  // in buffer
  uint64_t first_block = 0;
  uint64_t size_bytes = 0;
  std::vector<uint64_t> checksums;  // for kFinish: all of them

  std::mutex mutex;
  size_t left;                  // guarded by mutex
  bool announced = false;       // guarded by mutex: done has been set
  std::vector<bool> ended;      // guarded by mutex
  std::vector<Status> results;  // guarded by mutex until done
  std::vector<bool> unneeded;   // set before the start: the drive has failed before
  async::Completion<bool> done;

  void lane_ended(size_t lane, Status result) {
    const std::lock_guard lock(mutex);
    if (announced) return;
    ended[lane] = true;
    results[lane] = std::move(result);
    if (--left > 0) return;
    announced = true;
    done.set(true);
  }

  // The lanes that have not ended are not waited for any more; their drives go out of service.
  void give_up(const Files& files) {
    const std::lock_guard lock(mutex);
    if (announced) return;
    for (size_t lane = 0; lane < ended.size(); ++lane) {
      if (ended[lane]) continue;
      drive::Drive& drive = files.core.drive(files.all[lane].member);
      drive.take_out(drive::unanswered(files.core.drive_answer_max));
      results[lane] = drive.health();
    }
    announced = true;
    done.set(true);
  }
};

// Gives a step up when the drives have had time enough.
class ReplicaBlobWriter::StepTimer final : public async::Timer {
 public:
  StepTimer(Step& step, const Files& files) : step_(step), files_(files) {
    async::EventLoop::current().set_timer(*this, Deadline::after(files.core.drive_answer_max));
  }
  ~StepTimer() { async::EventLoop::current().clear_timer(*this); }
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;
  void expired() noexcept override { step_.give_up(files_); }

 private:
  Step& step_;
  const Files& files_;
};

namespace {

// What a lane does, on the drives' own loop.
Task<Status> open_file(Core& core, size_t member, drive::Id128 id,
                       std::optional<uint64_t> expected_bytes,
                       std::optional<drive::BlobFileWriter>& out) {
  auto open = [&core, &out, member, id, expected_bytes]() -> Status {
    TRY_ASSIGN(drive::BlobFileWriter writer, core.drive(member).create_blob(id, expected_bytes));
    out.emplace(std::move(writer));
    return {};
  };
  co_return co_await core.pool.run(std::move(open));
}

}  // namespace

async::detail::Detached ReplicaBlobWriter::run_lane(std::shared_ptr<Files> files,
                                                    std::shared_ptr<Step> step, size_t lane) {
  Core& core = files->core;
  File& file = files->all[lane];
  drive::Drive& drive = core.drive(file.member);
  Status result = drive.health();
  if (result.ok() && !step->unneeded[lane]) {
    if (step->kind == StepKind::kOpen) {
      result = co_await open_file(core, file.member, files->id, files->expected_bytes, file.writer);
    } else if (step->kind == StepKind::kWrite) {
      if (!files->expected_bytes) result = drive.check_space(step->padded.size());
      if (result.ok()) {
        result = co_await async::write_file_at(core.pool, file.writer->file(),
                                               drive::BlobLayout::block_offset(step->first_block),
                                               step->padded);
      }
    } else {
      auto finish = [&file, &step] {
        return file.writer->finish(step->size_bytes, step->checksums);
      };
      result = co_await core.pool.run(std::move(finish));
    }
    if (!result.ok()) (void)drive.write_failed(result.error());
  }
  step->lane_ended(lane, std::move(result));
  step.reset();
  files.reset();
  core.background.leave();
}

ReplicaBlobWriter::ReplicaBlobWriter(Core& core, uint64_t placement,
                                     std::optional<uint64_t> expected_bytes)
    : core_(core),
      placement_(placement),
      expected_bytes_(expected_bytes),
      id_(core.new_blob_id()),
      live_(core.live_writers, id_) {}

ReplicaBlobWriter::~ReplicaBlobWriter() {
  if (!files_ || files_->adopted) return;
  // The last holder removes the files; that should be a thread that may block.
  (void)core_.background.run([files = std::move(files_)] {});
}

Task<Status> ReplicaBlobWriter::append(Bytes bytes) {
  CHECK(!finished_, "nothing is appended to a finished blob");
  if (bytes.size() > drive::kBlobBytesMax - size_bytes_) {
    co_return Error(Code::kTooLarge,
                    fmt::format("a blob holds at most {} bytes", drive::kBlobBytesMax));
  }
  size_bytes_ += bytes.size();
  if (!files_) {
    if (size_bytes_ <= drive::kSmallBlobBytesMax) {
      if (small_.empty()) small_.reserve(std::min(expected_bytes_.value_or(0), kSmallReserveMax));
      small_.insert(small_.end(), bytes.begin(), bytes.end());
      co_return Status();
    }
    CO_TRY(co_await open_files());
    const ByteVector begun = std::exchange(small_, ByteVector());
    CO_TRY(co_await gather(begun));
  }
  co_return co_await gather(bytes);
}

Task<Status> ReplicaBlobWriter::gather(Bytes bytes) {
  while (!bytes.empty()) {
    if (!run_) run_ = core_.buffers.take();
    const Bytes now = bytes.first(std::min(drive::kRunBytesMax - run_bytes_, bytes.size()));
    std::memcpy(run_.bytes().data() + run_bytes_, now.data(), now.size());
    run_bytes_ += now.size();
    bytes = bytes.subspan(now.size());
    if (run_bytes_ == drive::kRunBytesMax) CO_TRY(co_await write_run());
  }
  co_return Status();
}

Task<Status> ReplicaBlobWriter::open_files() {
  files_ = std::make_shared<Files>(core_, id_);
  files_->expected_bytes = expected_bytes_;
  for (const size_t member : core_.writers(placement_)) {
    files_->all.push_back(File{.member = member, .writer = std::nullopt, .status = {}});
  }
  start_step(std::make_shared<Step>(StepKind::kOpen, files_->all.size()));
  co_return co_await await_steps(0);
}

Task<Status> ReplicaBlobWriter::write_run() {
  CO_TRY(co_await await_steps(kRunsUnderWayMax - 1));
  const auto step = std::make_shared<Step>(StepKind::kWrite, files_->all.size());
  const size_t padded = round_up(run_bytes_, drive::kBlobAlignment);
  std::memset(run_.bytes().data() + run_bytes_, 0, padded - run_bytes_);
  step->buffer = std::exchange(run_, BufferPool::Buffer());
  step->padded = step->buffer.bytes().first(padded);
  step->first_block = blocks_started_;
  run_bytes_ = 0;
  const std::vector<uint64_t> sums =
      drive::checksums_of(core_.seed(), id_, blocks_started_, step->padded);
  blocks_started_ += sums.size();
  checksums_.insert(checksums_.end(), sums.begin(), sums.end());
  start_step(step);
  co_return Status();
}

Task<Result<BlobRef>> ReplicaBlobWriter::finish() {
  CHECK(!finished_, "a blob is finished once");
  BlobRef ref{.id = BlobId{id_.bytes}, .size_bytes = size_bytes_, .in_index = false};
  if (!files_) {
    for (const size_t member : core_.in_service(placement_)) {
      CO_TRY(core_.drive(member).check_space(size_bytes_));
    }
    ref.in_index = true;
  } else {
    if (run_bytes_ > 0) CO_TRY(co_await write_run());
    CO_TRY(co_await await_steps(0));
    const auto step = std::make_shared<Step>(StepKind::kFinish, files_->all.size());
    step->size_bytes = size_bytes_;
    step->checksums = std::move(checksums_);
    start_step(step);
    CO_TRY(co_await await_steps(0));
  }
  finished_ = true;
  co_return ref;
}

bool ReplicaBlobWriter::is_on(size_t seat) const {
  if (std::ranges::find(files_->copied_to, seat) != files_->copied_to.end()) return true;
  return std::ranges::any_of(files_->all, [&](const File& file) {
    return file.member == seat && file.status.ok() && core_.drive(seat).in_service();
  });
}

Status ReplicaBlobWriter::copy_to(size_t seat) {
  const drive::BlobName name{.id = id_, .size_bytes = size_bytes_, .in_index = false};
  Status copied = core_.too_few_drives(placement_);
  for (const File& file : files_->all) {
    if (!is_on(file.member)) continue;
    auto reader = core_.drive(file.member).open_blob(name);
    copied = reader.ok() ? core_.drive(seat).rewrite_blob(name, *reader) : Status(reader.error());
    if (copied.ok() || !core_.drive(seat).in_service()) break;
  }
  return copied;
}

Task<Status> ReplicaBlobWriter::reach(std::vector<size_t> seats) {
  if (!files_) co_return Status();  // its bytes travel with the commit
  for (const size_t seat : seats) {
    if (is_on(seat) || !core_.drive(seat).in_service()) continue;
    auto job = [this, seat] { return copy_to(seat); };
    const Status copied = co_await core_.pool.run(std::move(job));
    if (copied.ok()) {
      files_->copied_to.push_back(seat);
      continue;
    }
    const std::vector<size_t> serving = core_.in_service(placement_);
    if (std::ranges::find(serving, seat) != serving.end()) co_return copied;
    core_.drive(seat).take_out("it could not take a new blob: " + copied.error().message);
  }
  co_return Status();
}

drive::Change::Adopt ReplicaBlobWriter::adopt() {
  CHECK(finished_, "only a finished blob can be owned");
  drive::Change::Adopt adopt;
  adopt.blob = drive::BlobName{.id = id_, .size_bytes = size_bytes_, .in_index = !files_};
  adopt.digest = digest::xxh3(small_);
  adopt.bytes = std::move(small_);
  if (files_) files_->adopted = true;
  return adopt;
}

void ReplicaBlobWriter::disown() noexcept {
  if (files_) files_->adopted = false;
}

void ReplicaBlobWriter::start_step(std::shared_ptr<Step> step) {
  const size_t lanes = files_->all.size();
  if (lanes == 0) step->done.set(true);
  for (size_t lane = 0; lane < lanes; ++lane) {
    step->unneeded[lane] = !files_->all[lane].status.ok();
  }
  steps_.push_back(step);
  for (size_t lane = 0; lane < lanes; ++lane) {
    core_.background.enter();
    core_.drive_loop().post([files = files_, step, lane] { run_lane(files, step, lane); });
  }
}

Task<Status> ReplicaBlobWriter::await_steps(size_t left) {
  while (steps_.size() > left) {
    const std::shared_ptr<Step> step = steps_.front();
    {
      const StepTimer timer(*step, *files_);
      (void)co_await step->done;
    }
    steps_.pop_front();
    for (size_t lane = 0; lane < files_->all.size(); ++lane) {
      File& file = files_->all[lane];
      if (file.status.ok()) file.status = step->results[lane];
    }
    CO_TRY(check_files());
  }
  co_return Status();
}

Status ReplicaBlobWriter::check_files() {
  size_t good = 0;
  const std::vector<size_t> serving = core_.in_service(placement_);
  for (const File& file : files_->all) {
    if (std::ranges::find(serving, file.member) == serving.end()) continue;
    // A drive that failed is out, and the others go on; one that is full or busy is not.
    if (!file.status.ok()) return file.status.error();
    ++good;
  }
  if (good < core_.quorum()) return core_.too_few_drives(placement_);
  return {};
}

}  // namespace strata::replica
