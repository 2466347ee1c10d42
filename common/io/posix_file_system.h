// The FileSystem of the operating system.
//
// New files are made with mode 0600 and new directories with 0700: what is stored belongs to the
// user who runs the program and to nobody else. Descriptors are closed on exec. Locks are flock(2)
// locks: they belong to the open file, so a second lock inside one process is refused too, and the
// kernel drops them when the process dies.
#pragma once

#include "common/io/file_system.h"

namespace strata::io {

// Stateless; any thread.
class PosixFileSystem final : public FileSystem {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path,
                                                   OpenOptions options) override;
  [[nodiscard]] Status rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status link(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status remove_file(const std::string& path) override;
  [[nodiscard]] Status create_directory(const std::string& path) override;
  [[nodiscard]] Status remove_directory(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override;
  [[nodiscard]] Result<FileInfo> info(const std::string& path) override;
  [[nodiscard]] Status sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  [[nodiscard]] Result<Space> space(const std::string& path) override;
};

}  // namespace strata::io
