#include "common/io/memory_disk.h"

#include <algorithm>
#include <set>
#include <utility>

namespace strata::io::memory {
namespace {

// Unflushed changes of one file or directory. Beyond it the oldest reaches the disk by itself, as
// it does when a kernel writes back.
constexpr size_t kMaxUnflushed = 65'536;

void apply_entries(Entries& entries, const EntryChange& change) {
  if (!change.removed.empty()) entries.erase(change.removed);
  if (change.target != nullptr) entries.insert_or_assign(change.set, change.target);
}

// Chosen by a power cut: the last change id that survived in each directory.
using Thresholds = std::map<const Inode*, uint64_t>;

// Every directory that can be there after a crash, in an order that depends on nothing but what
// was done to the disk.
std::vector<InodePtr> possible_directories(const InodePtr& root) {
  std::vector<InodePtr> found{root};
  std::set<const Inode*> seen{root.get()};
  for (size_t next = 0; next < found.size(); ++next) {
    const InodePtr directory = found[next];
    const auto visit = [&](const InodePtr& inode) {
      if (inode != nullptr && inode->is_directory && seen.insert(inode.get()).second) {
        found.push_back(inode);
      }
    };
    for (const auto& [name, inode] : directory->durable) visit(inode);
    for (const EntryChange& change : directory->unflushed) visit(change.target);
  }
  return found;
}

uint64_t choose_threshold(const Inode& directory, RandomSource& random, Survival survival) {
  const size_t count = directory.unflushed.size();
  size_t kept = count;
  if (survival == Survival::kNothing) kept = 0;
  if (survival == Survival::kRandom) kept = static_cast<size_t>(random.below(count + 1));
  return kept == 0 ? 0 : directory.unflushed[kept - 1].id;
}

// Takes back changes whose other half did not survive, until none is left.
void keep_operations_whole(const std::vector<InodePtr>& directories, Thresholds& thresholds) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const InodePtr& directory : directories) {
      uint64_t& mine = thresholds[directory.get()];
      for (const EntryChange& change : directory->unflushed) {
        if (change.id > mine) break;
        const InodePtr other = change.other.lock();
        const auto theirs = thresholds.find(other.get());
        if (theirs == thresholds.end() || theirs->second >= change.id) continue;
        mine = change.id - 1;
        changed = true;
        break;
      }
    }
  }
}

class Rebuild {
 public:
  Rebuild(const Thresholds& thresholds, RandomSource& random, const CrashPlan& plan)
      : thresholds_(thresholds), random_(random), plan_(plan) {}

  InodePtr build(const InodePtr& old) {
    const auto [slot, is_new] = built_.try_emplace(old.get());
    if (!is_new) return slot->second;
    auto fresh = std::make_shared<Inode>();
    slot->second = fresh;
    fresh->number = old->number;
    fresh->is_directory = old->is_directory;
    fresh->modified_ms = old->modified_ms;
    if (!old->is_directory) {
      fresh->data = old->data.after_crash(random_, plan_);
      return fresh;
    }
    Entries entries = old->durable;
    const auto threshold = thresholds_.find(old.get());
    CHECK(threshold != thresholds_.end());
    for (const EntryChange& change : old->unflushed) {
      if (change.id <= threshold->second) apply_entries(entries, change);
    }
    for (const auto& [name, inode] : entries) {
      const InodePtr child = build(inode);
      ++child->links;
      fresh->durable.emplace(name, child);
    }
    fresh->live = fresh->durable;
    return fresh;
  }

 private:
  const Thresholds& thresholds_;
  RandomSource& random_;
  const CrashPlan& plan_;
  std::map<const Inode*, InodePtr> built_;
};

}  // namespace

void FileData::apply(SparseBytes& content, const Change& change) {
  switch (change.kind) {
    case Kind::kWrite:
      content.write(change.offset, change.bytes);
      break;
    case Kind::kResize:
      content.resize(change.length);
      break;
    case Kind::kReserve:
      content.reserve(change.offset, change.length);
      break;
  }
}

void FileData::apply_torn(SparseBytes& content, const Change& change, RandomSource& random,
                          uint32_t sector_bytes) {
  Bytes left = change.bytes;
  uint64_t offset = change.offset;
  while (!left.empty()) {
    const size_t piece = std::min<size_t>(left.size(), sector_bytes - offset % sector_bytes);
    if (random.below(2) == 0) content.write(offset, left.first(piece));
    offset += piece;
    left = left.subspan(piece);
  }
}

void FileData::record(Change change) {
  apply(live_, change);
  unflushed_.push_back(std::move(change));
  if (unflushed_.size() > kMaxUnflushed) {
    apply(durable_, unflushed_.front());
    unflushed_.pop_front();
  }
}

void FileData::write(uint64_t offset, Bytes data) {
  record({Kind::kWrite, offset, data.size(), ByteVector(data.begin(), data.end())});
}

void FileData::resize(uint64_t size_bytes) {
  record({Kind::kResize, 0, size_bytes, {}});
}

void FileData::reserve(uint64_t offset, uint64_t length) {
  record({Kind::kReserve, offset, length, {}});
}

void FileData::flush() {
  for (const Change& change : unflushed_) apply(durable_, change);
  unflushed_.clear();
}

FileData FileData::after_crash(RandomSource& random, const CrashPlan& plan) const {
  FileData left;
  left.durable_ = durable_;
  for (const Change& change : unflushed_) {
    if (plan.survival == Survival::kNothing) break;
    if (plan.survival == Survival::kEverything) {
      apply(left.durable_, change);
      continue;
    }
    // Lost, whole, or (a write, where sectors tear) some of its sectors.
    const uint64_t fate = random.below(3);
    if (fate == 0) continue;
    if (fate == 1 && change.kind == Kind::kWrite && plan.sector_bytes != 0) {
      apply_torn(left.durable_, change, random, plan.sector_bytes);
    } else {
      apply(left.durable_, change);
    }
  }
  left.live_ = left.durable_;
  return left;
}

void change_entries(const InodePtr& directory, EntryChange change) {
  CHECK(directory->unflushed.empty() || directory->unflushed.back().id < change.id);
  apply_entries(directory->live, change);
  directory->unflushed.push_back(std::move(change));
  if (directory->unflushed.size() > kMaxUnflushed) {
    flush_entries(directory, directory->unflushed.front().id);
  }
}

void flush_entries(const InodePtr& directory, uint64_t through_id) {
  std::vector<std::pair<InodePtr, uint64_t>> work{{directory, through_id}};
  while (!work.empty()) {
    const auto [inode, through] = work.back();
    work.pop_back();
    while (!inode->unflushed.empty() && inode->unflushed.front().id <= through) {
      const EntryChange change = std::move(inode->unflushed.front());
      inode->unflushed.pop_front();
      // Held before the entry goes, which may be all that keeps a removed directory.
      InodePtr other = change.other.lock();
      apply_entries(inode->durable, change);
      if (other != nullptr) work.emplace_back(std::move(other), change.id);
    }
  }
}

InodePtr tree_after_crash(const InodePtr& root, RandomSource& random, const CrashPlan& plan) {
  const std::vector<InodePtr> directories = possible_directories(root);
  Thresholds thresholds;
  for (const InodePtr& directory : directories) {
    thresholds[directory.get()] = choose_threshold(*directory, random, plan.survival);
  }
  keep_operations_whole(directories, thresholds);
  return Rebuild(thresholds, random, plan).build(root);
}

}  // namespace strata::io::memory
