#include "common/async/file_io.h"

#include <cerrno>

namespace strata::async {
namespace {

// One call on the ring that nothing cancels: its buffer belongs to the kernel until it is done.
class FileAwaiter : public ring::Operation {
 public:
  FileAwaiter() noexcept { complete = &completed; }
  FileAwaiter(const FileAwaiter&) = delete;
  FileAwaiter& operator=(const FileAwaiter&) = delete;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    start(EventLoop::current().ring());
  }
  // What the system call would have returned, or -errno.
  [[nodiscard]] int32_t await_resume() const noexcept { return result_; }

 protected:
  ~FileAwaiter() = default;
  virtual void start(ring::Ring& ring) noexcept = 0;

 private:
  static void completed(ring::Operation& op, int32_t result) noexcept {
    auto& self = static_cast<FileAwaiter&>(op);
    self.result_ = result;
    self.waiter_.resume();
  }
  std::coroutine_handle<> waiter_;
  int32_t result_ = 0;
};

class ReadAwaiter final : public FileAwaiter {
 public:
  ReadAwaiter(int fd, MutableBytes into, uint64_t offset) noexcept
      : fd_(fd), into_(into), offset_(offset) {}

 private:
  void start(ring::Ring& ring) noexcept override { ring.read(*this, fd_, into_, offset_); }
  int fd_;
  MutableBytes into_;
  uint64_t offset_;
};

class WriteAwaiter final : public FileAwaiter {
 public:
  WriteAwaiter(int fd, Bytes from, uint64_t offset) noexcept
      : fd_(fd), from_(from), offset_(offset) {}

 private:
  void start(ring::Ring& ring) noexcept override { ring.write(*this, fd_, from_, offset_); }
  int fd_;
  Bytes from_;
  uint64_t offset_;
};

bool try_again(int32_t result) {
  return result == -EINTR || result == -EAGAIN;
}

}  // namespace

Task<Result<size_t>> read_file_at(BlockingPool& pool, io::File& file, uint64_t offset,
                                  MutableBytes out) {
  if (file.descriptor() < 0) {
    auto read = [&file, offset, out] { return file.read_at(offset, out); };
    co_return co_await pool.run(std::move(read));
  }
  size_t done = 0;
  while (done < out.size()) {
    ReadAwaiter read(file.descriptor(), out.subspan(done), offset + done);
    const int32_t got = co_await read;
    if (try_again(got)) continue;
    if (got < 0) co_return errno_error(-got, "read");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  co_return done;
}

Task<Status> write_file_at(BlockingPool& pool, io::File& file, uint64_t offset, Bytes data) {
  if (file.descriptor() < 0) {
    auto write = [&file, offset, data] { return file.write_at(offset, data); };
    co_return co_await pool.run(std::move(write));
  }
  while (!data.empty()) {
    WriteAwaiter write(file.descriptor(), data, offset);
    const int32_t put = co_await write;
    if (try_again(put)) continue;
    if (put <= 0) co_return errno_error(put == 0 ? EIO : -put, "write");
    offset += static_cast<uint64_t>(put);
    data = data.subspan(static_cast<size_t>(put));
  }
  co_return Status();
}

}  // namespace strata::async
