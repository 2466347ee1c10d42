#include "strata/drive_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace strata::roof {
namespace {

// The second form has lines of drives that have left, which begin with a word; paths begin with
// '/'.
constexpr std::string_view kFirstLine = "strata added drives\n";
constexpr std::string_view kFirstLineWithLeft = "strata drives 2\n";
constexpr std::string_view kLeftWord = "left ";

bool same_folder(const std::vector<std::string>& list, const std::string& path) {
  const std::string wanted = absolute_path(path);
  return std::ranges::any_of(list,
                             [&](const std::string& one) { return absolute_path(one) == wanted; });
}

void remove_folder(std::vector<std::string>& list, const std::string& path) {
  const std::string wanted = absolute_path(path);
  std::erase_if(list, [&](const std::string& one) { return absolute_path(one) == wanted; });
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

Status DriveList::parse(std::string_view text) {
  const Error damaged(Code::kCorrupt,
                      fmt::format("{} is not as strata writes it; remove it, and name the drives "
                                  "that were added with --drive",
                                  file_));
  const bool with_left = text.starts_with(kFirstLineWithLeft);
  if (!with_left && !text.starts_with(kFirstLine)) return damaged;
  text.remove_prefix(text.find('\n') + 1);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos || end == 0) return damaged;
    std::string_view line = text.substr(0, end);
    const bool left = with_left && line.starts_with(kLeftWord);
    if (left) line.remove_prefix(kLeftWord.size());
    std::vector<std::string>& list = left ? left_ : remembered_;
    if (line.empty() || list.size() == kRememberedMax) return damaged;
    list.emplace_back(line);
    text.remove_prefix(end + 1);
  }
  return {};
}

Result<std::unique_ptr<DriveList>> DriveList::open(io::FileSystem& files, const std::string& data,
                                                   std::vector<std::string> configured,
                                                   bool by_default) {
  std::unique_ptr<DriveList> list(
      new DriveList(files, io::join_path(data, "drives"), std::move(configured), by_default));
  const Result<ByteVector> bytes = io::read_file(files, list->file_, kDriveListBytesMax);
  if (bytes.ok()) {
    TRY(list->parse(as_text(*bytes)));
  } else if (bytes.error().code != Code::kNotFound) {
    return bytes.error().with_context("the list of drives that were added");
  }
  return list;
}

std::vector<std::string> DriveList::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const std::string& path : configured_) {
    if (!by_default_ || !same_folder(left_, path)) all.push_back(path);
  }
  for (const std::string& path : remembered_) {
    if (!same_folder(all, path)) all.push_back(path);
  }
  return all;
}

Status DriveList::write() const {
  std::string text(left_.empty() ? kFirstLine : kFirstLineWithLeft);
  for (const std::string& path : remembered_) text += path + "\n";
  for (const std::string& path : left_) text += fmt::format("{}{}\n", kLeftWord, path);
  return io::write_file_atomic(files_, file_, as_bytes(text));
}

Result<bool> DriveList::remember(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (path.find('\n') != std::string::npos) {
    return Error(Code::kInvalidArgument, "the path of a drive has no line breaks");
  }
  const bool own = same_folder(configured_, path);
  const bool back = own && same_folder(left_, path);
  if ((own && !back) || same_folder(remembered_, path)) return false;
  if (back) {
    remove_folder(left_, path);
  } else if (remembered_.size() >= kRememberedMax) {
    return Error(
        Code::kOutOfRange,
        fmt::format("{} names {} folders already; start strata with --drive for those that "
                    "are in use and remove the file",
                    file_, kRememberedMax));
  } else {
    remembered_.push_back(path);
  }
  TRY(write());
  return true;
}

Status DriveList::forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const bool leaves = by_default_ && same_folder(configured_, path) && !same_folder(left_, path);
  if (!leaves && !same_folder(remembered_, path)) return {};
  remove_folder(remembered_, path);
  if (leaves && left_.size() < kRememberedMax) left_.push_back(absolute_path(path));
  return write();
}

}  // namespace strata::roof
