#include "objstore/replica/membership.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"
#include "objstore/replica/rebuild.h"

namespace strata::replica {

namespace {

struct Folder {
  const DriveFolderOption* option = nullptr;
  drive::DriveFolder found;
  std::string trouble;  // it cannot be read
};

drive::Id128 new_id(RandomSource& random) {
  drive::Id128 id;
  random.fill(id.bytes);
  return id;
}

Result<std::vector<Folder>> look_at_folders(const ReplicaSetOptions& options) {
  std::vector<Folder> folders;
  for (const DriveFolderOption& option : options.drives) {
    Folder folder{.option = &option, .found = {}, .trouble = {}};
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

// What all identities must agree on, taken from the first; nullopt when every folder is empty.
Result<std::optional<drive::Identity>> common_identity(const std::vector<Folder>& folders,
                                                       const ReplicaSetOptions& options) {
  std::optional<drive::Identity> first;
  std::string first_path;
  std::vector<std::pair<drive::Id128, std::string>> seen;
  for (const Folder& folder : folders) {
    const auto& identity = folder.found.identity;
    if (!identity) continue;
    const std::string& path = folder.option->path;
    for (const auto& [id, other] : seen) {
      if (id == identity->drive) {
        return Error(Code::kConflict, fmt::format("{} and {} are copies of the same drive; remove "
                                                  "one of them from the list of drives",
                                                  other, path));
      }
    }
    seen.emplace_back(identity->drive, path);
    if (!first) {
      first = identity;
      first_path = path;
    } else if (identity->cluster != first->cluster || identity->members != first->members) {
      return Error(Code::kConflict,
                   fmt::format("drive {} belongs to another cluster than {}; start with the drives "
                               "of one cluster only",
                               path, first_path));
    }
  }
  if (first && first->replicas != options.replicas) {
    return Error(Code::kInvalidArgument,
                 fmt::format("these drives keep {} copies of everything, {} were asked for; start "
                             "with --replicas {}",
                             first->replicas, options.replicas, first->replicas));
  }
  if (first && folders.size() > first->members.size()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} drives were given, but this cluster has {}; leave the others out",
                             folders.size(), first->members.size()));
  }
  return first;
}

Result<std::unique_ptr<drive::Drive>> open_drive(Folder& folder, const drive::Identity& identity,
                                                 size_t tag, drive::IndexCache& cache) {
  return drive::Drive::open(drive::Drive::Setup{.files = *folder.option->files,
                                                .path = folder.option->path,
                                                .cache = cache,
                                                .tag = tag,
                                                .lock = std::move(folder.found.lock),
                                                .identity = identity});
}

void open_member(Member& member, Folder& folder, const drive::Identity& identity, size_t tag,
                 drive::IndexCache& cache) {
  member.path = folder.option->path;
  auto opened = open_drive(folder, identity, tag, cache);
  if (opened.ok()) {
    member.drive = std::move(opened).value();
    return;
  }
  member.state = "cannot be opened: " + opened.error().to_string();
  log::error("drive.open", {{"path", member.path}, {"error", opened.error().to_string()}});
}

// Whether no change was ever written: the cluster's first start did not get to its end.
bool never_served(const Members& members) {
  return std::ranges::all_of(members.all, [](const Member& member) {
    if (!member.drive) return true;
    const auto position = member.drive->position();
    return position.ok() && position->sequence == 0;
  });
}

// Gives empty folders the places of missing drives.
Status place_empty_folders(Members& members, std::vector<Folder>& folders, drive::Identity identity,
                           bool fill, drive::IndexCache& cache) {
  const bool unborn = never_served(members);
  size_t next = 0;
  for (Folder& folder : folders) {
    if (folder.found.identity) continue;
    while (next < members.all.size() && !members.all[next].path.empty()) ++next;
    CHECK(next < members.all.size(), "no more folders than members");
    Member& member = members.all[next];
    member.path = folder.option->path;
    if (!folder.trouble.empty()) {
      member.state = folder.trouble;
    } else if (!fill && !unborn) {
      member.state = "the folder is empty: mount the drive, or allow empty drives to be filled";
    } else {
      identity.drive = member.id;
      TRY(drive::write_identity(*folder.option->files, folder.option->path, identity));
      open_member(member, folder, identity, next, cache);
      // Until it has been filled it must not speak for the cluster.
      if (member.drive && !unborn) {
        drive::Batch batch = member.drive->index().batch();
        batch.put(drive::Table::kMeta, drive::kFillingName, "1");
        TRY(member.drive->write_now(batch));
      }
    }
  }
  return {};
}

}  // namespace

Result<Members> open_members(const ReplicaSetOptions& options, drive::IndexCache& cache,
                             RandomSource& random) {
  if (options.drives.empty() || options.drives.size() > drive::kDrivesMax) {
    return Error(Code::kInvalidArgument,
                 fmt::format("between 1 and {} drives are needed", drive::kDrivesMax));
  }
  TRY_ASSIGN(std::vector<Folder> folders, look_at_folders(options));
  TRY_ASSIGN(std::optional<drive::Identity> known, common_identity(folders, options));
  if (!known) {
    if (options.replicas == 0 || options.replicas > options.drives.size()) {
      return Error(Code::kInvalidArgument,
                   fmt::format("{} copies cannot be kept on {} drives; choose between 1 and {}",
                               options.replicas, options.drives.size(), options.drives.size()));
    }
    for (const Folder& folder : folders) {
      if (!folder.trouble.empty()) return Error(Code::kIo, folder.trouble);
    }
    known.emplace();
    known->cluster = new_id(random);
    known->replicas = options.replicas;
    for (size_t i = 0; i < folders.size(); ++i) known->members.push_back(new_id(random));
    known->drive = known->members.front();
  }
  Members members{.cluster = known->cluster, .replicas = known->replicas, .all = {}, .rebuilt = 0};
  for (const drive::Id128& id : known->members) {
    members.all.push_back(
        Member{.id = id, .path = {}, .state = "no folder of it was given", .drive = nullptr});
  }
  for (Folder& folder : folders) {
    if (!folder.found.identity) continue;
    const drive::Identity identity = *folder.found.identity;
    const auto place = std::ranges::find(known->members, identity.drive);
    const size_t number = static_cast<size_t>(place - known->members.begin());
    open_member(members.all[number], folder, identity, number, cache);
  }
  TRY(place_empty_folders(members, folders, *known, options.fill_empty_drives, cache));
  rebuild_damaged(options, members, cache);
  return members;
}

}  // namespace strata::replica
