#include "common/io/memory_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace strata::io::memory {
namespace {

constexpr size_t kMaxNameBytes = 255;

}  // namespace

Error refuse(Code code, std::string_view action, std::string_view path, std::string_view why) {
  return Error(code, fmt::format("cannot {} {}: {}", action, path, why));
}
Error not_found(std::string_view action, std::string_view path) {
  return refuse(Code::kNotFound, action, path, "no such file or folder");
}

Result<std::vector<std::string>> split(const std::string& path) {
  if (path.empty()) return not_found("find", "the empty path");
  std::vector<std::string> parts;
  size_t from = 0;
  while (from <= path.size()) {
    const size_t slash = std::min(path.find('/', from), path.size());
    std::string part = path.substr(from, slash - from);
    from = slash + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    if (part.size() > kMaxNameBytes || parts.size() >= kMaxPathDepth) {
      return refuse(Code::kInvalidArgument, "find", path, "the name is too long");
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

State::State(MemoryDiskOptions disk_options) : options(disk_options) {
  root = std::make_shared<Inode>();
  root->number = next_inode++;
  root->is_directory = true;
  root->links = 1;
}

Status State::check_power() const {
  if (on) return {};
  return Error(Code::kIo, "power_off", "the simulated disk has no power");
}

Status State::check_handle(uint64_t handle_generation) const {
  TRY(check_power());
  if (handle_generation == generation) return {};
  return Error(Code::kIo, "power_off", "the file was opened before the power was cut: reopen it");
}

void State::count_mutation() {
  ++mutations;
  if (mutations_left.has_value() && --*mutations_left == 0) on = false;
}

Result<Place> State::find(const std::string& path, std::string_view action) const {
  TRY(check_power());
  TRY_ASSIGN(const std::vector<std::string> parts, split(path));
  Place place{nullptr, "", root};
  for (const std::string& part : parts) {
    if (place.inode == nullptr) return not_found(action, path);
    if (!place.inode->is_directory) {
      return refuse(Code::kInvalidArgument, action, path, "a file is where a folder is needed");
    }
    const auto entry = place.inode->live.find(part);
    InodePtr child = entry == place.inode->live.end() ? nullptr : entry->second;
    place = {std::move(place.inode), part, std::move(child)};
  }
  return place;
}

Result<InodePtr> State::find_existing(const std::string& path, std::string_view action) const {
  TRY_ASSIGN(Place place, find(path, action));
  if (place.inode == nullptr) return not_found(action, path);
  return std::move(place.inode);
}

Result<InodePtr> State::find_directory(const std::string& path, std::string_view action) const {
  TRY_ASSIGN(InodePtr inode, find_existing(path, action));
  if (!inode->is_directory) {
    return refuse(Code::kInvalidArgument, action, path, "it is not a folder");
  }
  return inode;
}

int64_t State::now_ms() const {
  return options.clock == nullptr ? 0 : options.clock->wall_now().time_since_epoch().count();
}

InodePtr State::make_inode(bool is_directory) {
  auto inode = std::make_shared<Inode>();
  inode->number = next_inode++;
  inode->is_directory = is_directory;
  inode->modified_ms = now_ms();
  return inode;
}

void State::set_entry(const Place& place, const InodePtr& inode) {
  EntryChange change;
  change.id = next_change++;
  change.set = place.name;
  change.target = inode;
  ++inode->links;
  change_entries(place.directory, std::move(change));
  place.directory->modified_ms = now_ms();
}

void State::account(Inode& inode) {
  const bool reachable = inode.links > 0 || inode.handles > 0;
  const uint64_t bytes = reachable ? inode.data.live().allocated_bytes() : 0;
  used_bytes_ = used_bytes_ - inode.charged_bytes + bytes;
  inode.charged_bytes = bytes;
}

uint64_t State::available() const {
  return options.capacity_bytes > used_bytes_ ? options.capacity_bytes - used_bytes_ : 0;
}

void State::move_entry(const Place& source, const Place& target) {
  EntryChange put;
  put.id = next_change++;
  put.set = target.name;
  put.target = source.inode;
  if (source.directory == target.directory) {
    put.removed = source.name;
  } else {
    EntryChange take;
    take.id = put.id;
    take.removed = source.name;
    take.other = target.directory;
    put.other = source.directory;
    change_entries(source.directory, std::move(take));
  }
  change_entries(target.directory, std::move(put));
  source.directory->modified_ms = now_ms();
  target.directory->modified_ms = now_ms();
  if (target.inode != nullptr) drop_link(*target.inode);
}

void State::remove_entry(const Place& place) {
  EntryChange change;
  change.id = next_change++;
  change.removed = place.name;
  if (place.inode->is_directory) {
    // The other half ties the removal to everything that was done in the directory before.
    change.other = place.inode;
    EntryChange last;
    last.id = change.id;
    last.other = place.directory;
    change_entries(place.inode, std::move(last));
  }
  change_entries(place.directory, std::move(change));
  place.directory->modified_ms = now_ms();
  drop_link(*place.inode);
}

void State::drop_link(Inode& inode) {
  CHECK(inode.links > 0);
  --inode.links;
  account(inode);
}

void State::touch(Inode& inode) {
  inode.modified_ms = now_ms();
  account(inode);
}

void State::account_tree(Inode& inode) {
  if (!inode.is_directory) return account(inode);
  for (const auto& [name, child] : inode.live) account_tree(*child);
}

void State::restart_with(InodePtr tree) {
  root = std::move(tree);
  root->links = 1;
  used_bytes_ = 0;
  account_tree(*root);
  locked.clear();
  mutations_left.reset();
  ++generation;
  on = true;
}

}  // namespace strata::io::memory
