#include "objstore/drive/log_file.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"
#include "objstore/drive/rocksdb_env.h"

namespace strata::drive {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

thread_local bool sync_follows = false;

constexpr uint64_t blocks_up(uint64_t bytes) {
  return (bytes + LogFile::kBlockBytes - 1) / LogFile::kBlockBytes * LogFile::kBlockBytes;
}
constexpr uint64_t blocks_down(uint64_t bytes) {
  return bytes / LogFile::kBlockBytes * LogFile::kBlockBytes;
}

}  // namespace

SyncFollows::SyncFollows() noexcept {
  sync_follows = true;
}
SyncFollows::~SyncFollows() {
  sync_follows = false;
}

LogFile::LogFile(std::unique_ptr<io::File> file)
    : file_(std::move(file)),
      buffer_(static_cast<std::byte*>(std::aligned_alloc(kBlockBytes, kBufferBytes))) {
  CHECK(buffer_ != nullptr, "memory for a log");
}

LogFile::~LogFile() {
  const std::lock_guard lock(mutex_);
  if (file_ && !all_written()) (void)write_out(false);  // nobody waits for it any more
}

IOStatus LogFile::Append(const rocksdb::Slice& data, const IOOptions&, IODebugContext*) {
  const std::lock_guard lock(mutex_);
  return to_io_status(append(as_bytes(std::string_view(data.data(), data.size()))));
}

IOStatus LogFile::Flush(const IOOptions&, IODebugContext*) {
  const std::lock_guard lock(mutex_);
  if (sync_follows || all_written()) return IOStatus::OK();
  return to_io_status(write_out(false));
}

IOStatus LogFile::Sync(const IOOptions&, IODebugContext*) {
  const std::lock_guard lock(mutex_);
  if (!all_written()) return to_io_status(write_out(true));
  if (!unflushed_) return IOStatus::OK();
  const Status flushed = file_->sync_data();
  if (flushed.ok()) unflushed_ = false;
  return to_io_status(flushed);
}

IOStatus LogFile::Close(const IOOptions&, IODebugContext*) {
  const std::lock_guard lock(mutex_);
  if (!file_) return IOStatus::OK();
  const Status written = all_written() ? Status() : write_out(false);
  file_.reset();
  return to_io_status(written);
}

uint64_t LogFile::GetFileSize(const IOOptions&, IODebugContext*) {
  const std::lock_guard lock(mutex_);
  return size_;
}

Status LogFile::append(Bytes data) {
  while (!data.empty()) {
    const size_t used = static_cast<size_t>(size_ - base_);
    const size_t fits = std::min(data.size(), kBufferBytes - used);
    std::memcpy(buffer_.get() + used, data.data(), fits);
    size_ += fits;
    data = data.subspan(fits);
    if (size_ - base_ == kBufferBytes) TRY(write_out(false));
  }
  return {};
}

// A write that is stable by itself says nothing of those before it, which a cache of the device may
// still hold.
Status LogFile::write_out(bool stable) {
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
