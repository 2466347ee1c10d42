#include "common/io/memory_handles.h"

#include <mutex>
#include <utility>

namespace strata::io::memory {
namespace {

constexpr uint64_t kMaxOffset = INT64_MAX;

Status check_range(uint64_t offset, uint64_t length, std::string_view path) {
  if (offset <= kMaxOffset && length <= kMaxOffset - offset) return {};
  return refuse(Code::kOutOfRange, "use", path, "the range is past what a file can hold");
}

class MemoryFile final : public ForgetfulFile {
 public:
  MemoryFile(std::shared_ptr<State> state, InodePtr inode, bool writable, std::string path)
      : state_(std::move(state)),
        inode_(std::move(inode)),
        generation_(state_->generation),
        writable_(writable),
        path_(std::move(path)) {
    ++inode_->handles;
  }
  ~MemoryFile() override {
    const std::lock_guard lock(state_->mutex);
    --inode_->handles;
    if (generation_ == state_->generation) state_->account(*inode_);
  }

  Result<size_t> read_at(uint64_t offset, MutableBytes out) override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->check_handle(generation_));
    TRY(check_range(offset, out.size(), path_));
    return inode_->data.live().read(offset, out);
  }

  Result<std::optional<size_t>> read_cached(uint64_t offset, MutableBytes out) override {
    TRY_ASSIGN(const size_t got, read_at(offset, out));
    return std::optional<size_t>(got);
  }

  Status write_at(uint64_t offset, Bytes data) override {
    const std::lock_guard lock(state_->mutex);
    TRY(check_writable("write"));
    TRY(check_range(offset, data.size(), path_));
    const uint64_t fits = inode_->data.live().fitting(offset, data.size(), state_->available());
    state_->count_mutation();
    if (fits > 0) inode_->data.write(offset, data.first(static_cast<size_t>(fits)));
    touch();
    if (fits < data.size()) return no_space("write");
    return {};
  }

  Status sync_data() override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->check_handle(generation_));
    state_->count_mutation();
    inode_->data.flush();
    return {};
  }
  Status sync() override { return sync_data(); }

  Status truncate(uint64_t size_bytes) override {
    const std::lock_guard lock(state_->mutex);
    TRY(check_writable("resize"));
    TRY(check_range(size_bytes, 0, path_));
    state_->count_mutation();
    inode_->data.resize(size_bytes);
    touch();
    return {};
  }

  Status allocate(uint64_t offset, uint64_t length) override {
    const std::lock_guard lock(state_->mutex);
    TRY(check_writable("reserve space for"));
    TRY(check_range(offset, length, path_));
    if (inode_->data.live().fitting(offset, length, state_->available()) < length) {
      return no_space("reserve space for");
    }
    state_->count_mutation();
    inode_->data.reserve(offset, length);
    touch();
    return {};
  }

  Result<uint64_t> size() override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->check_handle(generation_));
    return inode_->data.live().size();
  }

  void forget_unflushed() override {
    const std::lock_guard lock(state_->mutex);
    if (generation_ == state_->generation) inode_->data.forget_unflushed();
  }

 private:
  [[nodiscard]] Status check_writable(std::string_view action) const {
    TRY(state_->check_handle(generation_));
    if (writable_) return {};
    return refuse(Code::kIo, action, path_, "it was opened for reading only");
  }
  Error no_space(std::string_view action) const {
    return refuse(Code::kNoSpace, action, path_, "no space left on the simulated disk");
  }
  void touch() { state_->touch(*inode_); }

  std::shared_ptr<State> state_;
  InodePtr inode_;
  uint64_t generation_;
  bool writable_;
  std::string path_;
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(std::shared_ptr<State> state, InodePtr inode)
      : state_(std::move(state)), inode_(std::move(inode)), generation_(state_->generation) {}
  ~MemoryLock() override {
    const std::lock_guard lock(state_->mutex);
    if (generation_ == state_->generation) state_->locked.erase(inode_->number);
  }

 private:
  std::shared_ptr<State> state_;
  InodePtr inode_;
  uint64_t generation_;
};

}  // namespace

std::unique_ptr<File> make_file(std::shared_ptr<State> state, InodePtr inode, bool writable,
                                std::string path) {
  return std::make_unique<MemoryFile>(std::move(state), std::move(inode), writable,
                                      std::move(path));
}

std::unique_ptr<FileLock> make_lock(std::shared_ptr<State> state, InodePtr inode) {
  return std::make_unique<MemoryLock>(std::move(state), std::move(inode));
}

}  // namespace strata::io::memory
