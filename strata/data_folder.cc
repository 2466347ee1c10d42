#include "strata/data_folder.h"

#include <fmt/format.h>

#include "common/base/parse.h"

namespace strata::roof {
namespace {

constexpr uint64_t kPidFileBytesMax = 32;

std::string pid_path(const std::string& data) {
  return io::join_path(data, "server.pid");
}

// " (process 123)", or nothing when the file does not say.
std::string holder(io::FileSystem& files, const std::string& data) {
  const Result<ByteVector> text = read_file(files, pid_path(data), kPidFileBytesMax);
  if (!text.ok()) return {};
  std::string_view digits = as_text(*text);
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  const auto pid = parse_u64(digits);
  return pid ? fmt::format(" (process {})", *pid) : std::string();
}

}  // namespace

std::string control_socket_path(const std::string& data) {
  return io::join_path(data, "control.sock");
}

std::string volumes_path(const std::string& data) {
  return io::join_path(data, "volumes");
}

std::string workers_path(const std::string& data) {
  return io::join_path(data, "workers");
}

DataFolder::DataFolder(io::FileSystem& files, std::string data, std::unique_ptr<io::FileLock> lock)
    : files_(files), data_(std::move(data)), lock_(std::move(lock)) {}

DataFolder::~DataFolder() {
  // Best effort: the lock decides, the file only helps to find the holder.
  (void)files_.remove_file(pid_path(data_));
}

Result<std::unique_ptr<DataFolder>> DataFolder::open(io::FileSystem& files, const std::string& data,
                                                     int64_t process_id) {
  if (const Status made = create_directories(files, data); !made.ok()) {
    return made.error().with_context(fmt::format("cannot make the data folder {}", data));
  }
  Result<std::unique_ptr<io::FileLock>> lock = files.lock(io::join_path(data, "server.lock"));
  if (!lock.ok()) {
    if (lock.error().code != Code::kConflict) {
      return lock.error().with_context(fmt::format("cannot lock the data folder {}", data));
    }
    return Error(Code::kConflict, kDataInUseReason,
                 fmt::format("the data folder {0} is in use by another server{1}: stop that one, "
                             "or give this one a folder of its own with --data DIR. "
                             "`strata status --data {0}` shows what it serves",
                             data, holder(files, data)));
  }
  const std::string pid = fmt::format("{}\n", process_id);
  TRY(write_file_atomic(files, pid_path(data), as_bytes(pid)));
  return std::unique_ptr<DataFolder>(new DataFolder(files, data, std::move(*lock)));
}

}  // namespace strata::roof
