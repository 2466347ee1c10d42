#include "common/io/read_only_file_system.h"

namespace strata::io {
namespace {

Error refused(const std::string& path) {
  return Error(Code::kPermissionDenied, path + ": opened for reading only");
}

}  // namespace

Result<std::unique_ptr<File>> ReadOnlyFileSystem::open(const std::string& path,
                                                       OpenOptions options) {
  if (options.write || options.create || options.truncate) return refused(path);
  return below_.open(path, options);
}
Status ReadOnlyFileSystem::rename(const std::string& from, const std::string&) {
  return refused(from);
}
Status ReadOnlyFileSystem::link(const std::string& from, const std::string&) {
  return refused(from);
}
Status ReadOnlyFileSystem::remove_file(const std::string& path) {
  return refused(path);
}
Status ReadOnlyFileSystem::create_directory(const std::string& path) {
  return refused(path);
}
Status ReadOnlyFileSystem::remove_directory(const std::string& path) {
  return refused(path);
}
Result<std::vector<std::string>> ReadOnlyFileSystem::list(const std::string& path) {
  return below_.list(path);
}
Result<FileInfo> ReadOnlyFileSystem::info(const std::string& path) {
  return below_.info(path);
}
Status ReadOnlyFileSystem::sync_directory(const std::string& path) {
  return refused(path);
}
Result<std::unique_ptr<FileLock>> ReadOnlyFileSystem::lock(const std::string& path) {
  return refused(path);
}
Result<Space> ReadOnlyFileSystem::space(const std::string& path) {
  return below_.space(path);
}

}  // namespace strata::io
