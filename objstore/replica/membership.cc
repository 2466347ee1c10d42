#include "objstore/replica/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/log.h"
#include "objstore/replica/placement.h"
#include "objstore/replica/rebuild.h"

namespace strata::replica {

namespace {

struct Folder {
  const DriveFolderOption* option = nullptr;
  drive::DriveFolder found;
  std::string trouble;  // it cannot be read
  drive::Durability durability;
};

drive::Id128 new_id(RandomSource& random) {
  drive::Id128 id;
  random.fill(id.bytes);
  return id;
}

Result<std::vector<Folder>> look_at_folders(const ReplicaSetOptions& options) {
  std::vector<Folder> folders;
  for (const DriveFolderOption& option : options.drives) {
    Folder folder{.option = &option, .found = {}, .trouble = {}, .durability = options.durability};
    auto found = drive::look_at_folder(*option.files, option.path);
    if (found.ok()) {
      folder.found = std::move(found).value();
    } else if (found.error().code == Code::kIo || found.error().code == Code::kCorrupt) {
      folder.trouble = found.error().message;
    } else {
      return std::move(found).error();
    }
    folders.push_back(std::move(folder));
  }
  return folders;
}

// Two folders that may not stand side by side.
Status check_pair(const Folder& one, const Folder& other) {
  const drive::Identity& a = *one.found.identity;
  const drive::Identity& b = *other.found.identity;
  if (a.drive == b.drive) {
    return Error(Code::kConflict, fmt::format("{} and {} are copies of the same drive; remove one "
                                              "of them from the list of drives",
                                              one.option->path, other.option->path));
  }
  if (a.cluster != b.cluster) {
    return Error(Code::kConflict,
                 fmt::format("drive {} belongs to another cluster than {}; start with the drives "
                             "of one cluster only",
                             other.option->path, one.option->path));
  }
  if (a.layout == b.layout && (a.members != b.members || a.next != b.next)) {
    return Error(Code::kConflict,
                 fmt::format("{} and {} disagree about which drives the cluster has: each was "
                             "changed without the other; leave one of them out",
                             one.option->path, other.option->path));
  }
  return {};
}

// The identity that speaks for the cluster: the one with the newest list of members. nullopt when
// every folder is empty.
Result<std::optional<drive::Identity>> true_identity(const std::vector<Folder>& folders,
                                                     const ReplicaSetOptions& options) {
  const Folder* newest = nullptr;
  for (size_t i = 0; i < folders.size(); ++i) {
    if (!folders[i].found.identity) continue;
    for (size_t j = 0; j < i; ++j) {
      if (folders[j].found.identity) TRY(check_pair(folders[j], folders[i]));
    }
    if (newest == nullptr || folders[i].found.identity->layout > newest->found.identity->layout) {
      newest = &folders[i];
    }
  }
  if (newest == nullptr) return std::optional<drive::Identity>();
  const drive::Identity& identity = *newest->found.identity;
  if (options.replicas_asked && identity.replicas != options.replicas) {
    return Error(Code::kInvalidArgument,
                 fmt::format("these drives keep {} copies of everything, {} were asked for; start "
                             "with --replicas {}",
                             identity.replicas, options.replicas, identity.replicas));
  }
  return std::optional<drive::Identity>(identity);
}

Result<drive::Identity> new_cluster(const std::vector<Folder>& folders,
                                    const ReplicaSetOptions& options, RandomSource& random) {
  if (options.replicas == 0 || options.replicas > options.drives.size()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} copies cannot be kept on {} drives; choose between 1 and {}",
                             options.replicas, options.drives.size(), options.drives.size()));
  }
  drive::Identity identity;
  identity.cluster = new_id(random);
  identity.replicas = options.replicas;
  for (const Folder& folder : folders) {
    if (!folder.trouble.empty()) return Error(Code::kIo, folder.trouble);
    TRY_ASSIGN(const uint64_t weight, weight_of_folder(*folder.option));
    identity.members.push_back({new_id(random), new_id(random), weight});
  }
  identity.drive = identity.members.front().drive;
  return identity;
}

void open_member(Member& member, Folder& folder, const drive::Identity& identity, size_t tag,
                 drive::IndexCache& cache) {
  member.path = folder.option->path;
  auto opened = drive::Drive::open(drive::Drive::Setup{.files = *folder.option->files,
                                                       .path = folder.option->path,
                                                       .cache = cache,
                                                       .tag = tag,
                                                       .lock = std::move(folder.found.lock),
                                                       .identity = identity,
                                                       .durability = folder.durability});
  if (opened.ok()) {
    member.drive = std::move(opened).value();
    return;
  }
  member.absent = false;
  member.state = "cannot be opened: " + opened.error().to_string();
  log::error("drive.open", {{"path", member.path}, {"error", opened.error().to_string()}});
}

// Whether no change was ever written: the cluster's first start did not get to its end.
bool never_served(const Members& members) {
  if (members.layout != 1) return false;
  return std::ranges::all_of(members.all, [](const Member& member) {
    if (!member.drive) return true;
    const auto position = member.drive->position();
    return position.ok() && position->sequence == 0;
  });
}

void leave_out(Members& members, const Folder& folder, std::string why) {
  log::warning("drive.left_out", {{"path", folder.option->path}, {"reason", why}});
  members.left_out.push_back(
      {folder.option->path, std::move(why), folder.found.identity.has_value()});
}

// Finds each drive's place by its id.
void place_known_folders(Members& members, std::vector<Folder>& folders, drive::IndexCache& cache) {
  const auto find = [](std::vector<Member>& list, const drive::Id128& id) {
    return std::ranges::find_if(list, [&](const Member& m) { return m.record.drive == id; });
  };
  for (Folder& folder : folders) {
    if (!folder.found.identity) continue;
    const drive::Identity identity = *folder.found.identity;
    if (const auto place = find(members.all, identity.drive); place != members.all.end()) {
      open_member(*place, folder, identity, static_cast<size_t>(place - members.all.begin()),
                  cache);
    } else if (const auto coming = find(members.incoming, identity.drive);
               coming != members.incoming.end()) {
      const auto number = static_cast<size_t>(coming - members.incoming.begin());
      open_member(*coming, folder, identity, members.all.size() + number, cache);
    } else {
      leave_out(
          members, folder,
          "it has left the cluster: it was drained or replaced, or its loss was accepted. Take "
          "it off the list of drives; to use the folder again, empty it and `strata drive "
          "add` it");
    }
  }
}

// An empty folder in the place of a missing member: as the same drive if nothing was ever written,
// else as a new drive, so that the missing one is refused when it comes back.
Status fill_place(Members& members, Member& member, size_t number, Folder& folder, bool unborn,
                  drive::IndexCache& cache, RandomSource& random) {
  if (!unborn) {
    member.record.drive = new_id(random);
    ++members.layout;
  }
  const drive::Identity identity = members.identity_of(member.record.drive);
  TRY(drive::write_identity(*folder.option->files, folder.option->path, identity));
  open_member(member, folder, identity, number, cache);
  // Until it has been filled it must not speak for the cluster.
  if (member.drive && !unborn) TRY(member.drive->set_mark(drive::kFillingName, true));
  return {};
}

// Gives empty folders the places of missing drives.
Status place_other_folders(Members& members, std::vector<Folder>& folders, bool fill,
                           drive::IndexCache& cache, RandomSource& random) {
  const bool unborn = never_served(members);
  size_t next = 0;
  for (Folder& folder : folders) {
    if (folder.found.identity) continue;
    while (next < members.all.size() && !members.all[next].path.empty()) ++next;
    if (next == members.all.size()) {
      leave_out(members, folder,
                folder.trouble.empty()
                    ? "it is empty, and no drive of the cluster is missing; `strata drive add` it"
                    : folder.trouble);
      continue;
    }
    Member& member = members.all[next];
    member.path = folder.option->path;
    if (member.record.is_lost()) {
      member.state = lost_state(member.record);
    } else if (!folder.trouble.empty()) {
      member.absent = false;
      member.state = folder.trouble;
    } else if ((!fill || members.replicas == 1) && !unborn) {
      member.state = fmt::format(
          "the folder is empty: mount the drive, or, if it is a new one, `strata drive replace {} "
          "{}`",
          member.record.drive.to_hex(), member.path);
    } else {
      TRY(fill_place(members, member, next, folder, unborn, cache, random));
    }
  }
  return {};
}

// Marks the members that are to be waited for no longer.
Status accept_losses(Members& members, const std::vector<std::string>& ids) {
  bool changed = false;
  for (const std::string& id : ids) {
    const auto is_called = [&](const Member& m) { return m.record.drive.to_hex().starts_with(id); };
    const auto named = std::ranges::count_if(members.all, is_called);
    if (id.size() < kIdPrefixMin || named > 1) {
      return Error(Code::kInvalidArgument,
                   fmt::format("'{}' does not name one drive whose loss is to be accepted; give "
                               "all of its id",
                               id));
    }
    const auto member = std::ranges::find_if(members.all, is_called);
    if (member == members.all.end() || member->record.is_lost()) continue;
    if (member->in_service()) {
      return Error(Code::kConflict,
                   fmt::format("drive {} ({}) is there, and its loss is not accepted; start "
                               "without that option",
                               member->path, member->record.drive.to_hex()));
    }
    log::warning("drive.lost", {{"id", member->record.drive.to_hex()}, {"path", member->path}});
    for (drive::MemberRecord& record : members.next) {
      if (record.drive == member->record.drive) record.lose();
    }
    member->record.lose();
    member->drive.reset();
    member->state = lost_state(member->record);
    changed = true;
  }
  if (changed) ++members.layout;
  return {};
}

// Every drive that is there gets the newest list of members.
void spread_identity(Members& members) {
  const auto spread = [&](Member& member) {
    if (!member.in_service()) return;
    const drive::Identity now = members.identity_of(member.record.drive);
    if (member.drive->identity() == now) return;
    // Members may have moved since it was here, and it may hold what is no longer its own.
    if (member.drive->identity().layout != now.layout) {
      if (!member.drive->set_mark(drive::kStraysName, true).ok()) return;
    }
    (void)member.drive->change_identity(now);  // a failure takes it out
  };
  for (Member& member : members.all) spread(member);
  for (Member& member : members.incoming) {
    spread(member);
    if (member.in_service()) (void)member.drive->set_mark(drive::kFillingName, true);
  }
}

}  // namespace

drive::Identity Members::identity_of(const drive::Id128& drive) const {
  drive::Identity identity;
  identity.cluster = cluster;
  identity.drive = drive;
  identity.replicas = replicas;
  identity.layout = layout;
  for (const Member& member : all) identity.members.push_back(member.record);
  identity.next = next;
  return identity;
}

std::string lost_state(const drive::MemberRecord& record) {
  const std::string id = record.drive.to_hex().substr(0, 12);
  return fmt::format("lost: `strata drive replace {0} PATH`, or `strata drive drain {0}`", id);
}

Result<uint64_t> weight_of_folder(const DriveFolderOption& folder) {
  TRY_ASSIGN(const io::Space space, folder.files->space(folder.path));
  return weight_of_capacity(space.capacity_bytes);
}

Result<Members> open_members(const ReplicaSetOptions& options, drive::IndexCache& cache,
                             RandomSource& random) {
  if (options.drives.empty() || options.drives.size() > drive::kDrivesMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("between 1 and {} drives are needed", drive::kDrivesMax));
  }
  TRY_ASSIGN(std::vector<Folder> folders, look_at_folders(options));
  TRY_ASSIGN(std::optional<drive::Identity> known, true_identity(folders, options));
  if (!known) {
    TRY_ASSIGN(known, new_cluster(folders, options, random));
  }
  Members members;
  members.cluster = known->cluster;
  members.replicas = known->replicas;
  members.layout = known->layout;
  members.next = known->next;
  const auto absent = [](const drive::MemberRecord& record) {
    return Member{.record = record,
                  .path = {},
                  .state = record.is_lost() ? lost_state(record) : "no folder of it was given",
                  .drive = nullptr};
  };
  for (const drive::MemberRecord& record : known->members) members.all.push_back(absent(record));
  for (const drive::MemberRecord& record : known->next) {
    const bool here = std::ranges::any_of(
        known->members, [&](const drive::MemberRecord& m) { return m.drive == record.drive; });
    if (!here) members.incoming.push_back(absent(record));
  }
  place_known_folders(members, folders, cache);
  TRY(accept_losses(members, options.accept_loss));
  TRY(place_other_folders(members, folders, options.fill_empty_drives, cache, random));
  for (const std::vector<Member>* list : {&members.all, &members.incoming}) {
    for (const Member& member : *list) {
      if (member.drive) members.repaired_at_open += member.drive->repaired_at_open();
    }
  }
  rebuild_damaged(options, members, cache);
  spread_identity(members);
  return members;
}

}  // namespace strata::replica
