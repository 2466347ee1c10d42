// LogSpares: files of ended logs, filled with zeros, for logs to come.
//
// A log over blocks that the filesystem has written already costs a write; one that grows costs a
// commit of the filesystem's journal for each flush. So a log that is not needed any more is not
// removed: it gets another name, and when that name is durable (else a crash could bring a log back
// that is half zeros), zeros, in the background.
//
// Spares hold nothing. Those that an earlier run left are removed. But a disk that fails while one
// is written or flushed has failed, as with any other file.
//
// Thread rule: any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::drive {

// How the names of spares begin; a number follows.
inline constexpr std::string_view kSparePrefix = "spare-";

class LogSpares {
 public:
  // No log shorter than this is worth keeping.
  static constexpr uint64_t kSpareBytesMin = 64 * kKiB;

  // folder: of the logs. bytes_max: what all spares may take together. failed: told the reason,
  // from any thread, when a spare could not be written, renamed or flushed; not when the disk is
  // full, too many files are open, or the spare is gone, which say nothing of the disk. All outlive
  // this.
  LogSpares(io::FileSystem& files, std::string folder, uint64_t bytes_max,
            std::function<void(const std::string&)> failed);
  ~LogSpares();
  LogSpares(const LogSpares&) = delete;
  LogSpares& operator=(const LogSpares&) = delete;

  // Gives a spare the name `path`, a file of the folder, durable after the folder's flush. False:
  // there is none.
  [[nodiscard]] bool take(const std::string& path);
  // Takes a file that is to be removed. False: it is not wanted; remove it.
  [[nodiscard]] bool give(const std::string& path);
  // Waits until what was given is filled.
  void settle();

 private:
  struct Spare {
    std::string path;
    uint64_t bytes = 0;
  };
  void work();
  [[nodiscard]] Status fill(const Spare& spare);
  void report(const std::string& path, const Error& error) const;

  io::FileSystem& files_;
  const std::string folder_;
  const uint64_t bytes_max_;
  const std::function<void(const std::string&)> failed_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<Spare> given_;
  std::vector<Spare> ready_;
  uint64_t bytes_ = 0;  // of given, of the one being filled, and of ready
  uint64_t next_number_ = 1;
  bool filling_ = false;
  bool stopping_ = false;
  std::thread thread_;  // since the first spare
};

}  // namespace strata::drive
