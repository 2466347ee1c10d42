#include "strata/drive_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace strata::roof {
namespace {

constexpr std::string_view kFirstLine = "strata added drives\n";

bool same_folder(const std::vector<std::string>& list, const std::string& path) {
  const std::string wanted = absolute_path(path);
  return std::ranges::any_of(list,
                             [&](const std::string& one) { return absolute_path(one) == wanted; });
}

Result<std::vector<std::string>> parse_list(std::string_view text, const std::string& file) {
  const Error damaged(Code::kCorrupt,
                      fmt::format("{} is not as strata writes it; remove it, and name the drives "
                                  "that were added with --drive",
                                  file));
  if (!text.starts_with(kFirstLine)) return damaged;
  text.remove_prefix(kFirstLine.size());
  std::vector<std::string> paths;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos || end == 0 || paths.size() == kRememberedMax) return damaged;
    paths.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return paths;
}

}  // namespace

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  if (error) return path;
  std::string text = whole.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

Result<std::unique_ptr<DriveList>> DriveList::open(io::FileSystem& files, const std::string& data,
                                                   std::vector<std::string> configured) {
  std::unique_ptr<DriveList> list(
      new DriveList(files, io::join_path(data, "drives"), std::move(configured)));
  const Result<ByteVector> bytes = io::read_file(files, list->file_, kDriveListBytesMax);
  if (bytes.ok()) {
    TRY_ASSIGN(list->remembered_, parse_list(as_text(*bytes), list->file_));
  } else if (bytes.error().code != Code::kNotFound) {
    return bytes.error().with_context("the list of drives that were added");
  }
  return list;
}

std::vector<std::string> DriveList::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all = configured_;
  for (const std::string& path : remembered_) {
    if (!same_folder(all, path)) all.push_back(path);
  }
  return all;
}

Status DriveList::write() const {
  std::string text(kFirstLine);
  for (const std::string& path : remembered_) text += path + "\n";
  return io::write_file_atomic(files_, file_, as_bytes(text));
}

Result<bool> DriveList::remember(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (path.find('\n') != std::string::npos) {
    return Error(Code::kInvalidArgument, "the path of a drive has no line breaks");
  }
  if (same_folder(configured_, path) || same_folder(remembered_, path)) return false;
  if (remembered_.size() >= kRememberedMax) {
    return Error(
        Code::kOutOfRange,
        fmt::format("{} names {} folders already; start strata with --drive for those that "
                    "are in use and remove the file",
                    file_, kRememberedMax));
  }
  remembered_.push_back(path);
  TRY(write());
  return true;
}

Status DriveList::forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const std::string wanted = absolute_path(path);
  if (std::erase_if(remembered_,
                    [&](const std::string& one) { return absolute_path(one) == wanted; }) == 0) {
    return {};
  }
  return write();
}

}  // namespace strata::roof
