#include "objstore/drive/log_writer.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace strata::drive {

namespace {

thread_local bool sync_follows = false;

constexpr uint64_t blocks_up(uint64_t bytes) {
  return (bytes + LogWriter::kBlockBytes - 1) / LogWriter::kBlockBytes * LogWriter::kBlockBytes;
}
constexpr uint64_t blocks_down(uint64_t bytes) {
  return bytes / LogWriter::kBlockBytes * LogWriter::kBlockBytes;
}

}  // namespace

SyncFollows::SyncFollows() noexcept {
  sync_follows = true;
}
SyncFollows::~SyncFollows() {
  sync_follows = false;
}

LogWriter::LogWriter(std::unique_ptr<io::File> file)
    : file_(std::move(file)),
      buffer_(static_cast<std::byte*>(std::aligned_alloc(kBlockBytes, kBufferBytes))) {
  CHECK(buffer_ != nullptr, "memory for a log");
}

LogWriter::~LogWriter() {
  const std::lock_guard lock(mutex_);
  if (!all_written()) (void)write_out(false);
}

Status LogWriter::append(Bytes data) {
  const std::lock_guard lock(mutex_);
  while (!data.empty()) {
    const auto used = static_cast<size_t>(size_ - base_);
    const size_t fits = std::min(data.size(), kBufferBytes - used);
    std::memcpy(buffer_.get() + used, data.data(), fits);
    size_ += fits;
    data = data.subspan(fits);
    if (size_ - base_ == kBufferBytes) TRY(write_out(false));
  }
  return {};
}

Status LogWriter::hand_over() {
  const std::lock_guard lock(mutex_);
  if (sync_follows || all_written()) return {};
  return write_out(false);
}

Status LogWriter::sync() {
  const std::lock_guard lock(mutex_);
  if (!all_written()) return write_out(true);
  if (!unflushed_) return {};
  TRY(file_->sync_data());
  unflushed_ = false;
  return {};
}

bool LogWriter::flushed() const {
  const std::lock_guard lock(mutex_);
  return all_written() && !unflushed_;
}

uint64_t LogWriter::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

// A write that is stable by itself says nothing of those before it, which a cache of the device may
// still hold.
Status LogWriter::write_out(bool stable) {
  const auto bytes = static_cast<size_t>(size_ - base_);
  const auto padded = static_cast<size_t>(blocks_up(bytes));
  std::memset(buffer_.get() + bytes, 0, padded - bytes);
  const Bytes blocks(buffer_.get(), padded);
  if (stable && !unflushed_) {
    TRY(file_->write_stable_at(base_, blocks));
  } else {
    unflushed_ = true;
    TRY(file_->write_at(base_, blocks));
    if (stable) {
      TRY(file_->sync_data());
      unflushed_ = false;
    }
  }
  written_ = size_;
  const auto whole = static_cast<size_t>(blocks_down(bytes));
  std::memmove(buffer_.get(), buffer_.get() + whole, bytes - whole);
  base_ += whole;
  return {};
}

}  // namespace strata::drive
