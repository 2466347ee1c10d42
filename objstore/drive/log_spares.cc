#include "objstore/drive/log_spares.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::drive {

namespace {

constexpr size_t kZerosBytes = kMiB;
constexpr size_t kZerosAlignment = 4096;

struct FreeZeros {
  void operator()(std::byte* memory) const noexcept { std::free(memory); }
};

}  // namespace

LogSpares::LogSpares(io::FileSystem& files, std::string folder, uint64_t bytes_max,
                     std::function<void(const std::string&)> failed)
    : files_(files), folder_(std::move(folder)), bytes_max_(bytes_max), failed_(std::move(failed)) {
  const auto names = files_.list(folder_);
  if (!names.ok()) return;  // a new index: RocksDB makes its folder, and says what is wrong with it
  for (const std::string& name : *names) {
    if (!name.starts_with(kSparePrefix)) continue;
    (void)files_.remove_file(io::join_path(folder_, name));  // one that stays costs space only
  }
}

LogSpares::~LogSpares() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool LogSpares::take(const std::string& path) {
  Spare spare;
  {
    const std::lock_guard lock(mutex_);
    if (ready_.empty()) return false;
    spare = std::move(ready_.back());
    ready_.pop_back();
    bytes_ -= spare.bytes;
  }
  const Status renamed = files_.rename(spare.path, path);
  if (!renamed.ok()) report(spare.path, renamed.error());
  return renamed.ok();
}

bool LogSpares::give(const std::string& path) {
  const auto info = files_.info(path);
  if (!info.ok() || info->size_bytes < kSpareBytesMin) return false;
  const std::lock_guard lock(mutex_);
  if (stopping_ || bytes_ + info->size_bytes > bytes_max_) return false;
  Spare spare{.path = io::join_path(folder_, fmt::format("{}{}", kSparePrefix, next_number_)),
              .bytes = info->size_bytes};
  const Status renamed = files_.rename(path, spare.path);
  if (!renamed.ok()) {
    report(spare.path, renamed.error());
    return false;
  }
  ++next_number_;
  bytes_ += spare.bytes;
  given_.push_back(std::move(spare));
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_all();
  return true;
}

void LogSpares::settle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || (given_.empty() && !filling_); });
}

void LogSpares::work() {
  pthread_setname_np(pthread_self(), "log-spares");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !given_.empty(); });
    if (stopping_) return;
    Spare spare = std::move(given_.back());
    given_.pop_back();
    filling_ = true;
    lock.unlock();
    const Status filled = fill(spare);
    if (!filled.ok()) {
      report(spare.path, filled.error());
      (void)files_.remove_file(spare.path);
    }
    lock.lock();
    filling_ = false;
    if (filled.ok()) {
      ready_.push_back(std::move(spare));
    } else {
      bytes_ -= spare.bytes;
    }
    changed_.notify_all();
  }
}

void LogSpares::report(const std::string& path, const Error& error) const {
  if (error.code == Code::kClosed) return;
  log::warning("drive.log_spare", {{"path", path}, {"error", error.message}});
  if (error.code == Code::kNoSpace || error.code == Code::kBusy || error.code == Code::kNotFound) {
    return;
  }
  failed_("a log of the index could not be filled with zeros: " + error.message);
}

Status LogSpares::fill(const Spare& spare) {
  TRY(files_.sync_directory(folder_));
  TRY_ASSIGN(const auto file, files_.open(spare.path, {.write = true, .direct = true}));
  const std::unique_ptr<std::byte[], FreeZeros> zeros(
      static_cast<std::byte*>(std::aligned_alloc(kZerosAlignment, kZerosBytes)));
  CHECK(zeros != nullptr, "memory for zeros");
  std::fill_n(zeros.get(), kZerosBytes, std::byte{0});
  for (uint64_t at = 0; at < spare.bytes; at += kZerosBytes) {
    const uint64_t bytes = std::min<uint64_t>(kZerosBytes, spare.bytes - at);
    TRY(file->write_at(at, Bytes(zeros.get(), static_cast<size_t>(bytes))));
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error(Code::kClosed, "the index is being closed");
  }
  return file->sync_data();
}

}  // namespace strata::drive
