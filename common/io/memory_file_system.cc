#include "common/io/memory_file_system.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "common/io/memory_disk.h"
#include "common/io/memory_handles.h"
#include "common/io/memory_state.h"

namespace strata::io {

using memory::InodePtr;
using memory::not_found;
using memory::Place;
using memory::refuse;
using memory::split;

MemoryFileSystem::MemoryFileSystem(MemoryDiskOptions options)
    : state_(std::make_shared<memory::State>(options)) {}
MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path, OpenOptions options) {
  CHECK(options.write || (!options.create && !options.truncate), "creating needs write");
  CHECK(options.create || !options.exclusive, "exclusive needs create");
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(Place place, state_->find(path, "open"));
  if (place.inode == nullptr) {
    if (!options.create) return not_found("open", path);
    state_->count_mutation();
    place.inode = state_->make_inode(false);
    state_->set_entry(place, place.inode);
  } else {
    if (options.exclusive) return refuse(Code::kAlreadyExists, "create", path, "it exists");
    if (place.inode->is_directory) {
      return refuse(Code::kInvalidArgument, "open", path, "it is a folder");
    }
    if (options.truncate) {
      state_->count_mutation();
      place.inode->data.resize(0);
      state_->account(*place.inode);
    }
  }
  return memory::make_file(state_, std::move(place.inode), options.write, path);
}

Status MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const Place source, state_->find(from, "rename"));
  TRY_ASSIGN(const Place target, state_->find(to, "rename"));
  if (source.inode == nullptr) return not_found("rename", from);
  if (source.inode == target.inode) return {};
  TRY_ASSIGN(const std::vector<std::string> from_parts, split(from));
  TRY_ASSIGN(const std::vector<std::string> to_parts, split(to));
  const bool into_itself = from_parts.size() <= to_parts.size() &&
                           std::equal(from_parts.begin(), from_parts.end(), to_parts.begin());
  if (into_itself || target.directory == nullptr) {
    return refuse(Code::kInvalidArgument, "rename", from, "a folder cannot go into itself");
  }
  if (target.inode != nullptr) {
    if (target.inode->is_directory != source.inode->is_directory) {
      return refuse(Code::kInvalidArgument, "rename", from, "one is a folder, the other a file");
    }
    if (!target.inode->live.empty()) {
      return refuse(Code::kConflict, "rename", from, "the target folder is not empty");
    }
  }
  state_->count_mutation();
  state_->move_entry(source, target);
  return {};
}

Status MemoryFileSystem::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const InodePtr inode, state_->find_existing(from, "link"));
  TRY_ASSIGN(const Place target, state_->find(to, "link"));
  if (target.inode != nullptr) return refuse(Code::kAlreadyExists, "link", to, "it exists");
  if (inode->is_directory) return refuse(Code::kPermissionDenied, "link", from, "it is a folder");
  state_->count_mutation();
  state_->set_entry(target, inode);
  return {};
}

Status MemoryFileSystem::remove_file(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const Place place, state_->find(path, "remove"));
  if (place.inode == nullptr) return not_found("remove", path);
  if (place.inode->is_directory) {
    return refuse(Code::kInvalidArgument, "remove", path, "it is a folder");
  }
  state_->count_mutation();
  state_->remove_entry(place);
  return {};
}

Status MemoryFileSystem::create_directory(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const Place place, state_->find(path, "create the folder"));
  if (place.inode != nullptr) {
    return refuse(Code::kAlreadyExists, "create the folder", path, "it exists");
  }
  state_->count_mutation();
  state_->set_entry(place, state_->make_inode(true));
  return {};
}

Status MemoryFileSystem::remove_directory(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const Place place, state_->find(path, "remove the folder"));
  if (place.inode == nullptr) return not_found("remove the folder", path);
  if (!place.inode->is_directory || place.directory == nullptr) {
    return refuse(Code::kInvalidArgument, "remove the folder", path, "it is not a folder");
  }
  if (!place.inode->live.empty()) {
    return refuse(Code::kConflict, "remove the folder", path, "it is not empty");
  }
  state_->count_mutation();
  state_->remove_entry(place);
  return {};
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const InodePtr directory, state_->find_directory(path, "list"));
  std::vector<std::string> names;
  names.reserve(directory->live.size());
  for (const auto& [name, inode] : directory->live) names.push_back(name);
  return names;
}

Result<FileInfo> MemoryFileSystem::info(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const InodePtr inode, state_->find_existing(path, "examine"));
  FileInfo info;
  info.size_bytes = inode->data.live().size();
  info.allocated_bytes = inode->data.live().allocated_bytes();
  info.is_directory = inode->is_directory;
  info.modified_ms = inode->modified_ms;
  info.inode = inode->number;
  return info;
}

Status MemoryFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(const InodePtr directory, state_->find_directory(path, "flush the folder"));
  state_->count_mutation();
  memory::flush_entries(directory, state_->next_change);
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY_ASSIGN(Place place, state_->find(path, "lock"));
  if (place.inode == nullptr) {
    state_->count_mutation();
    place.inode = state_->make_inode(false);
    state_->set_entry(place, place.inode);
  }
  if (place.inode->is_directory) {
    return refuse(Code::kInvalidArgument, "lock", path, "it is a folder");
  }
  if (!state_->locked.insert(place.inode->number).second) {
    return refuse(Code::kConflict, "lock", path, "somebody holds it: stop that one first");
  }
  return memory::make_lock(state_, std::move(place.inode));
}

Result<Space> MemoryFileSystem::space(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  TRY(state_->find_existing(path, "examine"));
  return Space{state_->options.capacity_bytes, state_->available()};
}

uint64_t MemoryFileSystem::mutations() const {
  const std::lock_guard lock(state_->mutex);
  return state_->mutations;
}

void MemoryFileSystem::cut_after(uint64_t further_mutations) {
  const std::lock_guard lock(state_->mutex);
  state_->mutations_left = further_mutations;
  if (further_mutations == 0) state_->on = false;
}

bool MemoryFileSystem::powered() const {
  const std::lock_guard lock(state_->mutex);
  return state_->on;
}

void MemoryFileSystem::crash(RandomSource& random, CrashPlan plan) {
  const std::lock_guard lock(state_->mutex);
  state_->restart_with(memory::tree_after_crash(state_->root, random, plan));
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::crash_copy(RandomSource& random,
                                                               CrashPlan plan) const {
  const std::lock_guard lock(state_->mutex);
  auto copy = std::make_unique<MemoryFileSystem>(state_->options);
  copy->state_->next_inode = state_->next_inode;
  copy->state_->next_change = state_->next_change;
  copy->state_->restart_with(memory::tree_after_crash(state_->root, random, plan));
  return copy;
}

void MemoryFileSystem::set_capacity(uint64_t capacity_bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->options.capacity_bytes = capacity_bytes;
}

}  // namespace strata::io
