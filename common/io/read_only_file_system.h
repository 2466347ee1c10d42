// A FileSystem that reads and never writes: what would change a byte or a name is refused
// (kPermissionDenied). For looking at what belongs to somebody else, perhaps in use right now.
#pragma once

#include "common/io/file_system.h"

namespace strata::io {

// Thread rule: that of the file system below, which outlives it.
class ReadOnlyFileSystem final : public FileSystem {
 public:
  explicit ReadOnlyFileSystem(FileSystem& below) : below_(below) {}
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

 private:
  FileSystem& below_;
};

}  // namespace strata::io
