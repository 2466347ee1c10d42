#include "objstore/replica/rebuild.h"

#include <algorithm>

#include "common/base/log.h"

namespace strata::replica {

namespace {

io::FileSystem* files_of(const ReplicaSetOptions& options, const Member& member) {
  for (const DriveFolderOption& option : options.drives) {
    if (option.path == member.path) return option.files;
  }
  return nullptr;
}

// It knows a state of its own, and what it knows can be read.
bool is_good(const Member& member) {
  if (!member.in_service()) return false;
  const auto filling = member.drive->filling();
  return filling.ok() && !*filling && member.drive->position().ok();
}

Status rebuild(io::FileSystem& files, Member& member, size_t tag, drive::IndexCache& cache,
               drive::Durability durability) {
  member.drive.reset();
  TRY_ASSIGN(drive::DriveFolder folder, drive::look_at_folder(files, member.path));
  if (!folder.identity) return Error(Code::kCorrupt, "its identity is gone");
  TRY(drive::discard_index(files, member.path));
  TRY_ASSIGN(member.drive, drive::Drive::open(drive::Drive::Setup{.files = files,
                                                                  .path = member.path,
                                                                  .cache = cache,
                                                                  .tag = tag,
                                                                  .lock = std::move(folder.lock),
                                                                  .identity = *folder.identity,
                                                                  .durability = durability}));
  drive::Batch batch = member.drive->index().batch();
  batch.put(drive::Table::kMeta, drive::kFillingName, "1");
  return member.drive->write_now(batch);
}

}  // namespace

void rebuild_damaged(const ReplicaSetOptions& options, Members& members, drive::IndexCache& cache) {
  std::vector<size_t> marked;
  size_t good = 0;
  for (size_t i = 0; i < members.all.size(); ++i) {
    Member& member = members.all[i];
    if (member.record.is_lost()) continue;  // its folder, if there is one, is not a member's
    io::FileSystem* const files = files_of(options, member);
    // Damage that shows in what is read first.
    if (member.in_service()) {
      const auto position = member.drive->position();
      if (!position.ok()) member.drive->note_index_damage(position.error());
    }
    if (files != nullptr && drive::is_index_damaged(*files, member.path)) {
      marked.push_back(i);
    } else if (is_good(member)) {
      ++good;
    }
  }
  // With fewer, a change that succeeded might be on the damaged drives only.
  const size_t majority = members.replicas / 2 + 1;
  if (good + (members.replicas - majority) < members.all.size()) return;
  for (const size_t number : marked) {
    Member& member = members.all[number];
    log::warning("drive.rebuild", {{"path", member.path}});
    const Status rebuilt =
        rebuild(*files_of(options, member), member, number, cache, options.durability);
    if (rebuilt.ok()) {
      ++members.rebuilt;
      continue;
    }
    member.drive.reset();
    member.absent = false;
    member.state = "its damaged index cannot be made anew: " + rebuilt.error().to_string();
    log::error("drive.rebuild", {{"path", member.path}, {"error", member.state}});
  }
}

}  // namespace strata::replica
