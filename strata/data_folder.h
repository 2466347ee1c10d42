// The data folder: who may use it, and where things are inside it.
//
//   server.lock     held by the running server; server.pid holds its process id
//   control.sock    where the other verbs reach it
//   nbd.sock        volumes over a Unix socket, unless --nbd-socket names another place
//   volumes/        the volume catalogue
//   keys            master keys of encrypted objects, unless --kms-key-file names another file
//   vhost-user.json volumes that are virtual machines' disks (vhost_exports.h)
//   workers         what people asked of the workers (common/worker/settings.h)
//   drive1/ ...     the drives, unless --drive names others
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::roof {

inline constexpr std::string_view kDataInUseReason = "data_in_use";

[[nodiscard]] std::string control_socket_path(const std::string& data);
[[nodiscard]] std::string volumes_path(const std::string& data);
[[nodiscard]] std::string workers_path(const std::string& data);

// Held while the server runs. The kernel drops it when the process dies, so nothing that a killed
// server leaves behind keeps the next one from starting.
class DataFolder {
 public:
  // Makes the folder (mode 0700) if it is missing, takes its lock and writes the process id.
  // kConflict with the reason kDataInUseReason and the other server's process id, if another holds
  // it.
  [[nodiscard]] static Result<std::unique_ptr<DataFolder>> open(io::FileSystem& files,
                                                                const std::string& data,
                                                                int64_t process_id);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

 private:
  DataFolder(io::FileSystem& files, std::string data, std::unique_ptr<io::FileLock> lock);
  io::FileSystem& files_;
  std::string data_;
  std::unique_ptr<io::FileLock> lock_;
};

}  // namespace strata::roof
