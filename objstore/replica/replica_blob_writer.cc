#include "objstore/replica/replica_blob_writer.h"

#include <fmt/format.h>

#include <optional>

#include "common/digest/checksum.h"

namespace strata::replica {

// One drive's file. Touched by one step's job at a time, or by the writer between steps.
struct ReplicaBlobWriter::File {
  size_t member;
  std::optional<drive::BlobFileWriter> writer;
  Status status;
};

// All of them. Whoever lets go of it last removes the files, unless a commit owns them.
struct ReplicaBlobWriter::Files {
  Core& core;
  drive::Id128 id;
  bool adopted = false;
  std::vector<File> all;
  Files(Core& owner, const drive::Id128& blob) : core(owner), id(blob) {}
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    if (adopted) return;
    for (File& file : all) {
      file.writer.reset();
      core.drive(file.member).remove_blob_file(id);
    }
  }
};

struct ReplicaBlobWriter::Step {
  StepKind kind;
  ByteVector bytes;
  uint64_t first_block;
  uint64_t size_bytes;
  std::vector<uint64_t> checksums;  // for kFinish: all of them
  std::atomic<size_t> left;
  async::Completion<bool> done;

  void run(Files& files, File& file);
};

void ReplicaBlobWriter::Step::run(Files& files, File& file) {
  if (!file.status.ok()) return;
  drive::Drive& drive = files.core.drive(file.member);
  const auto work = [&]() -> Status {
    if (!file.writer) {
      TRY_ASSIGN(drive::BlobFileWriter writer, drive.create_blob(files.id));
      file.writer.emplace(std::move(writer));
    }
    TRY(drive.health());
    if (kind == StepKind::kWrite) {
      TRY(drive.check_space(bytes.size()));
      return file.writer->write_blocks(first_block, bytes);
    }
    return file.writer->finish(size_bytes, checksums);
  };
  file.status = work();
  if (!file.status.ok()) (void)drive.write_failed(file.status.error());
}

ReplicaBlobWriter::ReplicaBlobWriter(Core& core, uint64_t placement)
    : core_(core), placement_(placement), id_(core.new_id()) {}

ReplicaBlobWriter::~ReplicaBlobWriter() {
  if (!files_ || files_->adopted) return;
  // The last holder removes the files; that should be a thread that may block.
  (void)core_.background.run([files = std::move(files_)] {});
}

async::Task<Status> ReplicaBlobWriter::append(Bytes bytes) {
  CHECK(!finished_, "nothing is appended to a finished blob");
  if (bytes.size() > drive::kBlobBytesMax - size_bytes_) {
    co_return Error(Code::kTooLarge,
                    fmt::format("a blob holds at most {} bytes", drive::kBlobBytesMax));
  }
  while (!bytes.empty()) {
    const size_t room = drive::kRunBytesMax - buffer_.size();
    const Bytes now = bytes.first(std::min(room, bytes.size()));
    buffer_.insert(buffer_.end(), now.begin(), now.end());
    size_bytes_ += now.size();
    bytes = bytes.subspan(now.size());
    if (buffer_.size() == drive::kRunBytesMax) {
      CO_TRY(co_await await_step());
      start_step(StepKind::kWrite, std::exchange(buffer_, ByteVector()));
    }
  }
  co_return Status();
}

async::Task<Result<BlobRef>> ReplicaBlobWriter::finish() {
  CHECK(!finished_, "a blob is finished once");
  BlobRef ref{.id = BlobId{id_.bytes}, .size_bytes = size_bytes_, .in_index = false};
  if (size_bytes_ <= drive::kSmallBlobBytesMax) {
    for (const size_t member : core_.in_service(placement_)) {
      CO_TRY(core_.drive(member).check_space(size_bytes_));
    }
    ref.in_index = true;
  } else {
    if (!buffer_.empty()) {
      CO_TRY(co_await await_step());
      start_step(StepKind::kWrite, std::exchange(buffer_, ByteVector()));
    }
    CO_TRY(co_await await_step());
    start_step(StepKind::kFinish, ByteVector());
    CO_TRY(co_await await_step());
  }
  finished_ = true;
  co_return ref;
}

drive::Change::Adopt ReplicaBlobWriter::adopt() {
  CHECK(finished_, "only a finished blob can be owned");
  drive::Change::Adopt adopt;
  adopt.blob = drive::BlobName{.id = id_, .size_bytes = size_bytes_, .in_index = !files_};
  adopt.digest = digest::xxh3(buffer_);
  adopt.bytes = std::move(buffer_);
  if (files_) files_->adopted = true;
  return adopt;
}

void ReplicaBlobWriter::disown() noexcept {
  if (files_) files_->adopted = false;
}

void ReplicaBlobWriter::start_step(StepKind kind, ByteVector bytes) {
  if (!files_) {
    files_ = std::make_shared<Files>(core_, id_);
    for (const size_t member : core_.in_service(placement_)) {
      files_->all.push_back(File{.member = member, .writer = std::nullopt, .status = {}});
    }
  }
  step_ = std::make_shared<Step>();
  step_->kind = kind;
  step_->first_block = blocks_started_;
  step_->size_bytes = size_bytes_;
  if (kind == StepKind::kWrite) {
    bytes.resize(round_up(bytes.size(), drive::kBlobAlignment));
    const std::vector<uint64_t> sums =
        drive::checksums_of(core_.seed(), id_, blocks_started_, bytes);
    blocks_started_ += sums.size();
    checksums_.insert(checksums_.end(), sums.begin(), sums.end());
    step_->bytes = std::move(bytes);
  } else {
    step_->checksums = std::move(checksums_);
  }
  step_->left = files_->all.size();
  if (files_->all.empty()) step_->done.set(true);
  for (size_t i = 0; i < files_->all.size(); ++i) {
    auto work = [files = files_, step = step_, i] {
      step->run(*files, files->all[i]);
      if (--step->left == 0) step->done.set(true);
    };
    if (!core_.background.run(work)) {
      files_->all[i].status = Error(Code::kBusy, "too much is being written; try again");
      if (--step_->left == 0) step_->done.set(true);
    }
  }
}

async::Task<Status> ReplicaBlobWriter::await_step() {
  if (!step_) co_return Status();
  (void)co_await step_->done;
  step_.reset();
  co_return check_files();
}

Status ReplicaBlobWriter::check_files() {
  size_t good = 0;
  for (const File& file : files_->all) {
    if (file.status.ok()) ++good;
    // A drive that failed is out, and the others go on; one that is full or busy is not.
    if (!file.status.ok() && core_.drive(file.member).in_service()) return file.status.error();
  }
  if (good < core_.placement.quorum()) return core_.too_few_drives(placement_);
  return {};
}

}  // namespace strata::replica
