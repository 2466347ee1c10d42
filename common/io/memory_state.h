// The state of a simulated disk behind its mutex: paths, power, used space. Used by
// memory_file_system.cc and memory_handles.cc only; memory_file_system.h documents the rules.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/io/memory_disk.h"
#include "common/io/memory_file_system.h"

namespace strata::io::memory {

[[nodiscard]] Error refuse(Code code, std::string_view action, std::string_view path,
                           std::string_view why);
[[nodiscard]] Error not_found(std::string_view action, std::string_view path);
// The names along a path from the root, "." and ".." resolved by text.
[[nodiscard]] Result<std::vector<std::string>> split(const std::string& path);

// Where a path leads: the directory that holds it, and what is there now, if anything. The root has
// no directory.
struct Place {
  InodePtr directory;
  std::string name;
  InodePtr inode;
};

// Every method wants `mutex` held by the caller.
class State {
 public:
  explicit State(MemoryDiskOptions disk_options);

  [[nodiscard]] Status check_power() const;
  // For a handle that was opened in that generation.
  [[nodiscard]] Status check_handle(uint64_t handle_generation) const;
  // Counts an operation that is about to happen; the cut comes after the last that is allowed.
  void count_mutation();

  [[nodiscard]] Result<Place> find(const std::string& path, std::string_view action) const;
  [[nodiscard]] Result<InodePtr> find_existing(const std::string& path,
                                               std::string_view action) const;
  [[nodiscard]] Result<InodePtr> find_directory(const std::string& path,
                                                std::string_view action) const;

  [[nodiscard]] InodePtr make_inode(bool is_directory);
  // Names the inode at a place where nothing is.
  void set_entry(const Place& place, const InodePtr& inode);
  // Moves what is at `source` to `target`, over what is there.
  void move_entry(const Place& source, const Place& target);
  void remove_entry(const Place& place);

  // Brings the used space in line with what the file holds and whether anybody can reach it.
  void account(Inode& inode);
  // The same, and a new modification time.
  void touch(Inode& inode);
  [[nodiscard]] uint64_t available() const;

  // The disk goes on with this tree: power on, handles and locks of before void.
  void restart_with(InodePtr tree);

  mutable std::mutex mutex;
  MemoryDiskOptions options;
  InodePtr root;
  uint64_t generation = 0;  // how many crashes there were
  bool on = true;
  uint64_t mutations = 0;
  std::optional<uint64_t> mutations_left;  // until the cut
  uint64_t next_inode = 1;
  uint64_t next_change = 1;
  std::set<uint64_t> locked;  // inode numbers

 private:
  [[nodiscard]] int64_t now_ms() const;
  void drop_link(Inode& inode);
  // A file with two names is visited twice and charged once.
  void account_tree(Inode& inode);
  uint64_t used_bytes_ = 0;
};

}  // namespace strata::io::memory
