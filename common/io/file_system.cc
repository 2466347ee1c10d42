#include "common/io/file_system.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::io {
namespace {

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

// Fills a temporary file and flushes it. The caller removes the file after a failure.
Status write_new_file(FileSystem& files, const std::string& path, Bytes data) {
  // Truncating instead of demanding a new file: one that a crash left behind is overwritten.
  TRY_ASSIGN(auto file, files.open(path, {.write = true, .create = true, .truncate = true}));
  TRY(file->write_at(0, data));
  return file->sync();
}

}  // namespace

std::string join_path(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (directory.back() == '/') return fmt::format("{}{}", directory, name);
  return fmt::format("{}/{}", directory, name);
}

std::string parent_path(std::string_view path) {
  path = without_trailing_slashes(path);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  const std::string_view parent = without_trailing_slashes(path.substr(0, slash));
  return parent.empty() ? "/" : std::string(parent);
}

Status create_directories(FileSystem& files, const std::string& path) {
  if (path.empty()) return Error(Code::kInvalidArgument, "the path of a folder is empty: name one");
  // From the leaf up to the deepest directory that exists.
  std::vector<std::string> missing;
  std::string existing(without_trailing_slashes(path));
  for (;;) {
    Result<FileInfo> found = files.info(existing);
    if (found.ok()) {
      if (found->is_directory) break;
      return Error(Code::kAlreadyExists,
                   fmt::format("{} is a file where a folder is needed: move it away", existing));
    }
    if (found.error().code != Code::kNotFound) return std::move(found).error();
    std::string parent = parent_path(existing);
    if (parent == existing || missing.size() >= kMaxPathDepth) return std::move(found).error();
    missing.push_back(std::move(existing));
    existing = std::move(parent);
  }
  // Each entry is flushed before the next is made, so only the deepest directory that exists can
  // be one whose maker died before the flush. Parents that may not be read are not of our making.
  Status flushed = files.sync_directory(parent_path(existing));
  if (!flushed.ok() && flushed.error().code != Code::kPermissionDenied) return flushed;
  for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
    Status made = files.create_directory(*next);
    if (!made.ok() && made.error().code != Code::kAlreadyExists) return made;
    TRY(files.sync_directory(parent_path(*next)));
  }
  return {};
}

Result<ByteVector> read_file(FileSystem& files, const std::string& path, uint64_t limit_bytes) {
  TRY_ASSIGN(auto file, files.open(path, {}));
  TRY_ASSIGN(const uint64_t size, file->size());
  if (size > limit_bytes) {
    return Error(Code::kTooLarge,
                 fmt::format("{} has {} bytes, more than the {} that are allowed: it is not the "
                             "file that was expected there",
                             path, size, limit_bytes));
  }
  ByteVector content(size);
  TRY_ASSIGN(const size_t got, file->read_at(0, content));
  content.resize(got);
  return content;
}

Status write_file_atomic(FileSystem& files, const std::string& path, Bytes data) {
  const std::string temporary = fmt::format("{}{}", path, kTemporarySuffix);
  Status outcome = write_new_file(files, temporary, data);
  if (outcome.ok()) outcome = files.rename(temporary, path);
  if (!outcome.ok()) {
    // What failed first is what is reported; a file that stays behind does no harm.
    static_cast<void>(files.remove_file(temporary));
    return outcome;
  }
  return files.sync_directory(parent_path(path));
}

}  // namespace strata::io
