#include "objstore/replica/union_walk.h"

namespace strata::replica {

UnionWalk::UnionWalk(const Core& core, const std::vector<size_t>& members, drive::Table table,
                     std::string_view from)
    : core_(core), table_(table) {
  for (const size_t member : members) {
    walks_.push_back(
        Walk{.member = member,
             .cursor = core.drive(member).index().cursor(table, drive::Index::Keep::kNoCache),
             .stopped = std::nullopt});
    walks_.back().cursor.seek(from);
    look(walks_.back());
  }
}

void UnionWalk::look(Walk& walk) {
  walk.stopped.reset();
  if (walk.cursor.valid()) return;
  const Status status = walk.cursor.status();
  if (!status.ok()) walk.stopped = status.error();
}

std::optional<std::string> UnionWalk::next_key() const {
  std::optional<std::string_view> first;
  for (const Walk& walk : walks_) {
    if (walk.cursor.valid() && (!first || walk.cursor.key() < *first)) first = walk.cursor.key();
  }
  if (!first) return std::nullopt;
  return std::string(*first);
}

std::vector<HeldCopy> UnionWalk::take(const std::string& key) {
  std::vector<HeldCopy> copies;
  copies.reserve(walks_.size());
  for (Walk& walk : walks_) copies.push_back(take_from(walk, key));
  return copies;
}

HeldCopy UnionWalk::take_from(Walk& walk, const std::string& key) {
  HeldCopy copy{.member = walk.member, .record = std::nullopt, .error = std::nullopt};
  if (walk.stopped) {
    auto found = core_.drive(walk.member).index().get(table_, key, drive::Tier::kDisk);
    if (!found.ok()) {
      copy.error = found.error();
    } else if (found->state == drive::Index::Found::State::kFound) {
      copy.record = std::move(found->value);
    }
    walk.cursor.seek(key + '\0');
    look(walk);
  } else if (walk.cursor.valid() && walk.cursor.key() == key) {
    copy.record = std::string(walk.cursor.value());
    walk.cursor.next();
    look(walk);
  }
  if (copy.record) bytes_ += key.size() + copy.record->size();
  return copy;
}

std::vector<HeldCopy> UnionWalk::stopped() const {
  std::vector<HeldCopy> out;
  for (const Walk& walk : walks_) {
    if (walk.stopped) out.push_back(HeldCopy{walk.member, std::nullopt, walk.stopped});
  }
  return out;
}

}  // namespace strata::replica
