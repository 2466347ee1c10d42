#include "strata/attachment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/base/bytes.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kStateBytesMax = 64 * kKiB;

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// The kernel writes spaces, tabs, newlines and backslashes in mount points as \040 and so on.
std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool octal = text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' &&
                       text[i + 1] <= '3' && text[i + 2] >= '0' && text[i + 2] <= '7' &&
                       text[i + 3] >= '0' && text[i + 3] <= '7';
    if (!octal) {
      out += text[i];
      continue;
    }
    out +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

struct Mount {
  std::string source;
  std::string point;
};

std::vector<Mount> mounts() {
  std::ifstream in("/proc/self/mounts");
  std::vector<Mount> all;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    Mount one;
    words >> one.source >> one.point;
    all.push_back({unescaped(one.source), unescaped(one.point)});
  }
  return all;
}

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

std::string link_target(const fs::path& link) {
  std::array<char, 4096> text{};
  const ssize_t bytes = readlink(link.c_str(), text.data(), text.size());
  return bytes > 0 ? std::string(text.data(), static_cast<size_t>(bytes)) : "";
}

bool process_holds(const fs::path& process, const std::string& path) {
  for (const char* link : {"cwd", "root", "exe"}) {
    if (is_below(link_target(process / link), path)) return true;
  }
  std::error_code ignored;
  for (const auto& open : fs::directory_iterator(process / "fd", ignored)) {
    if (is_below(link_target(open.path()), path)) return true;
  }
  return false;
}

}  // namespace

AttachmentStore::AttachmentStore(io::FileSystem& files, const std::string& data)
    : files_(files), folder_((fs::absolute(data) / "attached").lexically_normal().string()) {}

std::string AttachmentStore::path(const std::string& volume, std::string_view ending) const {
  return fmt::format("{}/{}{}", folder_, volume, ending);
}

std::string AttachmentStore::disk_path(const std::string& volume) const {
  return path(volume, ".disk");
}

std::string AttachmentStore::log_path(const std::string& volume) const {
  return path(volume, ".log");
}

Result<std::unique_ptr<io::FileLock>> AttachmentStore::lock(const std::string& volume) {
  TRY(io::create_directories(files_, folder_));
  auto lock = files_.lock(path(volume, ".lock"));
  if (!lock.ok() && lock.error().code == Code::kConflict) {
    return Error(Code::kConflict,
                 fmt::format("the volume '{}' is being attached or detached just now", volume));
  }
  return lock;
}

Result<std::optional<Attachment>> AttachmentStore::load(const std::string& volume) {
  const auto bytes = io::read_file(files_, path(volume, ".json"), kStateBytesMax);
  if (!bytes.ok() && bytes.error().code == Code::kNotFound) return std::optional<Attachment>();
  if (!bytes.ok()) return bytes.error();
  TRY_ASSIGN(const nlohmann::json state, parse_json(as_text(*bytes), kStateBytesMax));
  Attachment out;
  TRY_ASSIGN(out.volume, json_string(state, "volume"));
  TRY_ASSIGN(out.volume_id, json_string(state, "volume_id"));
  TRY_ASSIGN(out.token, json_string(state, "token"));
  TRY_ASSIGN(out.method, json_string(state, "method"));
  TRY_ASSIGN(out.device, json_string(state, "device"));
  TRY_ASSIGN(out.mount, json_string(state, "mount"));
  out.read_only = state.value("read_only", false);
  return std::optional<Attachment>(std::move(out));
}

Status AttachmentStore::save(const Attachment& attachment) {
  const nlohmann::json state = {
      {"volume", attachment.volume},       {"volume_id", attachment.volume_id},
      {"token", attachment.token},         {"method", attachment.method},
      {"read_only", attachment.read_only}, {"device", attachment.device},
      {"mount", attachment.mount}};
  const std::string text = dump_json(state, 2) + "\n";
  return io::write_file_atomic(files_, path(attachment.volume, ".json"), as_bytes(text));
}

Status AttachmentStore::forget(const std::string& volume) {
  for (const char* ending : {".json", ".disk", ".log"}) {
    const Status removed = files_.remove_file(path(volume, ending));
    if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  }
  return files_.sync_directory(folder_);
}

std::vector<std::string> loops_over(const std::string& file) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/block", ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("loop")) continue;
    if (first_line(entry.path() / "loop" / "backing_file") == file) out.push_back("/dev/" + name);
  }
  return out;
}

bool is_mounted(const std::string& point) {
  const auto all = mounts();
  return std::any_of(all.begin(), all.end(), [&](const Mount& one) { return one.point == point; });
}

std::vector<std::string> mounts_of(const std::string& device) {
  std::vector<std::string> out;
  for (const Mount& one : mounts()) {
    if (one.source == device) out.push_back(one.point);
  }
  return out;
}

std::vector<std::string> holders_of(const std::string& path) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!process_holds(entry.path(), path)) continue;
    out.push_back(fmt::format("{} ({})", name, first_line(entry.path() / "comm")));
    if (out.size() == kHoldersMax) break;
  }
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace strata::roof
