#include "common/io/memory_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>

#include "common/io/memory_disk.h"

namespace strata::io {
namespace {

using memory::EntryChange;
using memory::Inode;
using memory::InodePtr;

constexpr size_t kMaxNameBytes = 255;
constexpr uint64_t kMaxOffset = INT64_MAX;

Error refuse(Code code, std::string_view action, std::string_view path, std::string_view why) {
  return Error(code, fmt::format("cannot {} {}: {}", action, path, why));
}
Error not_found(std::string_view action, std::string_view path) {
  return refuse(Code::kNotFound, action, path, "no such file or folder");
}

Status check_range(uint64_t offset, uint64_t length, std::string_view path) {
  if (offset <= kMaxOffset && length <= kMaxOffset - offset) return {};
  return refuse(Code::kOutOfRange, "use", path, "the range is past what a file can hold");
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

// Where a path leads: the directory that holds it, and what is there now, if anything. The root has
// no directory.
struct Place {
  InodePtr directory;
  std::string name;
  InodePtr inode;
};

}  // namespace

// Everything, behind one mutex. Methods other than the constructor want the mutex held.
class MemoryFileSystem::State {
 public:
  explicit State(MemoryDiskOptions disk_options) : options(disk_options) {
    root = std::make_shared<Inode>();
    root->number = next_inode++;
    root->is_directory = true;
    root->links = 1;
  }

  Status check_power() const {
    if (on) return {};
    return Error(Code::kIo, "power_off", "the simulated disk has no power");
  }
  Status check_handle(uint64_t handle_generation) const {
    TRY(check_power());
    if (handle_generation == generation) return {};
    return Error(Code::kIo, "power_off", "the file was opened before the power was cut: reopen it");
  }
  // Counts an operation that is about to happen; the cut comes after the last that is allowed.
  void count_mutation() {
    ++mutations;
    if (mutations_left.has_value() && --*mutations_left == 0) on = false;
  }

  Result<Place> find(const std::string& path, std::string_view action) const {
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
  Result<InodePtr> find_existing(const std::string& path, std::string_view action) const {
    TRY_ASSIGN(Place place, find(path, action));
    if (place.inode == nullptr) return not_found(action, path);
    return std::move(place.inode);
  }
  Result<InodePtr> find_directory(const std::string& path, std::string_view action) const {
    TRY_ASSIGN(InodePtr inode, find_existing(path, action));
    if (!inode->is_directory) {
      return refuse(Code::kInvalidArgument, action, path, "it is not a folder");
    }
    return inode;
  }

  int64_t now_ms() const {
    return options.clock == nullptr ? 0 : options.clock->wall_now().time_since_epoch().count();
  }
  InodePtr make_inode(bool is_directory) {
    auto inode = std::make_shared<Inode>();
    inode->number = next_inode++;
    inode->is_directory = is_directory;
    inode->modified_ms = now_ms();
    return inode;
  }
  void set_entry(const Place& place, const InodePtr& inode) {
    EntryChange change;
    change.id = next_change++;
    change.set = place.name;
    change.target = inode;
    ++inode->links;
    memory::change_entries(place.directory, std::move(change));
    place.directory->modified_ms = now_ms();
  }

  // Brings the used space in line with what the file holds and whether anybody can reach it.
  void account(Inode& inode) {
    const bool reachable = inode.links > 0 || inode.handles > 0;
    const uint64_t bytes = reachable ? inode.data.live().allocated_bytes() : 0;
    used_bytes = used_bytes - inode.charged_bytes + bytes;
    inode.charged_bytes = bytes;
  }
  void drop_link(Inode& inode) {
    CHECK(inode.links > 0);
    --inode.links;
    account(inode);
  }
  uint64_t available() const {
    return options.capacity_bytes > used_bytes ? options.capacity_bytes - used_bytes : 0;
  }

  void restart_with(InodePtr tree) {
    root = std::move(tree);
    root->links = 1;
    used_bytes = 0;
    account_shared(*root);
    locked.clear();
    mutations_left.reset();
    ++generation;
    on = true;
  }

  mutable std::mutex mutex;
  MemoryDiskOptions options;
  InodePtr root;
  uint64_t generation = 0;  // how many crashes there were
  bool on = true;
  uint64_t mutations = 0;
  std::optional<uint64_t> mutations_left;  // until the cut
  uint64_t used_bytes = 0;
  uint64_t next_inode = 1;
  uint64_t next_change = 1;
  std::set<uint64_t> locked;  // inode numbers

 private:
  // A file with two names is visited twice and charged once.
  void account_shared(Inode& inode) {
    if (!inode.is_directory) return account(inode);
    for (const auto& [name, child] : inode.live) account_shared(*child);
  }
};

class MemoryFileSystem::MemoryFile final : public ForgetfulFile {
 public:
  MemoryFile(std::shared_ptr<State> state, InodePtr inode, bool writable, std::string path)
      : state_(std::move(state)),
        inode_(std::move(inode)),
        generation_(state_->generation),
        writable_(writable),
        path_(std::move(path)) {
    ++inode_->handles;
  }
  ~MemoryFile() override {
    const std::lock_guard lock(state_->mutex);
    --inode_->handles;
    if (generation_ == state_->generation) state_->account(*inode_);
  }

  Result<size_t> read_at(uint64_t offset, MutableBytes out) override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->check_handle(generation_));
    TRY(check_range(offset, out.size(), path_));
    return inode_->data.live().read(offset, out);
  }

  Status write_at(uint64_t offset, Bytes data) override {
    const std::lock_guard lock(state_->mutex);
    TRY(check_writable("write"));
    TRY(check_range(offset, data.size(), path_));
    const uint64_t fits = inode_->data.live().fitting(offset, data.size(), state_->available());
    state_->count_mutation();
    if (fits > 0) inode_->data.write(offset, data.first(static_cast<size_t>(fits)));
    touch();
    if (fits < data.size()) return no_space("write");
    return {};
  }

  Status sync_data() override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->check_handle(generation_));
    state_->count_mutation();
    inode_->data.flush();
    return {};
  }
  Status sync() override { return sync_data(); }

  Status truncate(uint64_t size_bytes) override {
    const std::lock_guard lock(state_->mutex);
    TRY(check_writable("resize"));
    TRY(check_range(size_bytes, 0, path_));
    state_->count_mutation();
    inode_->data.resize(size_bytes);
    touch();
    return {};
  }

  Status allocate(uint64_t offset, uint64_t length) override {
    const std::lock_guard lock(state_->mutex);
    TRY(check_writable("reserve space for"));
    TRY(check_range(offset, length, path_));
    if (inode_->data.live().fitting(offset, length, state_->available()) < length) {
      return no_space("reserve space for");
    }
    state_->count_mutation();
    inode_->data.reserve(offset, length);
    touch();
    return {};
  }

  Result<uint64_t> size() override {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->check_handle(generation_));
    return inode_->data.live().size();
  }

  void forget_unflushed() override {
    const std::lock_guard lock(state_->mutex);
    if (generation_ == state_->generation) inode_->data.forget_unflushed();
  }

 private:
  Status check_writable(std::string_view action) const {
    TRY(state_->check_handle(generation_));
    if (writable_) return {};
    return refuse(Code::kIo, action, path_, "it was opened for reading only");
  }
  Error no_space(std::string_view action) const {
    return refuse(Code::kNoSpace, action, path_, "no space left on the simulated disk");
  }
  void touch() {
    inode_->modified_ms = state_->now_ms();
    state_->account(*inode_);
  }

  std::shared_ptr<State> state_;
  InodePtr inode_;
  uint64_t generation_;
  bool writable_;
  std::string path_;
};

class MemoryFileSystem::MemoryLock final : public FileLock {
 public:
  MemoryLock(std::shared_ptr<State> state, InodePtr inode)
      : state_(std::move(state)), inode_(std::move(inode)), generation_(state_->generation) {}
  ~MemoryLock() override {
    const std::lock_guard lock(state_->mutex);
    if (generation_ == state_->generation) state_->locked.erase(inode_->number);
  }

 private:
  std::shared_ptr<State> state_;
  InodePtr inode_;
  uint64_t generation_;
};

MemoryFileSystem::MemoryFileSystem(MemoryDiskOptions options)
    : state_(std::make_shared<State>(options)) {}
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
  return std::unique_ptr<File>(
      std::make_unique<MemoryFile>(state_, std::move(place.inode), options.write, path));
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
  EntryChange take;
  take.id = state_->next_change++;
  take.removed = source.name;
  EntryChange put;
  put.id = take.id;
  put.set = target.name;
  put.target = source.inode;
  if (source.directory == target.directory) {
    put.removed = source.name;
    memory::change_entries(source.directory, std::move(put));
  } else {
    take.other = target.directory;
    put.other = source.directory;
    memory::change_entries(source.directory, std::move(take));
    memory::change_entries(target.directory, std::move(put));
  }
  if (target.inode != nullptr) state_->drop_link(*target.inode);
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
  EntryChange change;
  change.id = state_->next_change++;
  change.removed = place.name;
  memory::change_entries(place.directory, std::move(change));
  state_->drop_link(*place.inode);
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
  EntryChange change;
  change.id = state_->next_change++;
  change.removed = place.name;
  change.other = place.inode;
  // The other half ties the removal to everything that was done in the directory before.
  EntryChange last;
  last.id = change.id;
  last.other = place.directory;
  memory::change_entries(place.inode, std::move(last));
  memory::change_entries(place.directory, std::move(change));
  state_->drop_link(*place.inode);
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
  return std::unique_ptr<FileLock>(std::make_unique<MemoryLock>(state_, std::move(place.inode)));
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
