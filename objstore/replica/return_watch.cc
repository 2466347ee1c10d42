#include "objstore/replica/return_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"

namespace strata::replica {

namespace {

// Names, sizes and times of what is in the index's folder; empty when it cannot be told.
std::string looks_of_index(io::FileSystem& files, const std::string& path) {
  const std::string index = io::join_path(path, drive::kIndexFolder);
  auto names = files.list(index);
  if (!names.ok()) return {};
  std::ranges::sort(*names);
  std::string looks = "index";
  for (const std::string& name : *names) {
    const auto info = files.info(io::join_path(index, name));
    if (!info.ok()) return {};
    looks += fmt::format("\n{} {} {}", name, info->size_bytes, info->modified_ms);
  }
  return looks;
}

}  // namespace

ReturnWatch::Missing ReturnWatch::look_at_drives() const {
  const View& view = core_.view();
  std::vector<Place> places = view.current.places;
  if (view.next) {
    for (const Place& place : view.next->places) {
      if (view.current.place_of(place.seat) == nullptr) places.push_back(place);
    }
  }
  Missing missing{.drives = {}, .folders = folders_};
  std::vector<std::string> used;
  for (const Place& place : places) {
    const Seat& seat = core_.seat(place.seat);
    if (seat.in_service()) seat.drive->look_for_folder();
    if (seat.in_service()) {
      used.push_back(seat.path);
    } else if (seat.is_missing() && !place.member.is_lost()) {
      missing.drives.push_back(place.member.drive);
      if (seat.drive) missing.folders.push_back({&seat.drive->files(), seat.path});
    }
  }
  std::erase_if(missing.folders, [&](const DriveFolderOption& folder) {
    return std::ranges::find(used, folder.path) != used.end();
  });
  std::ranges::stable_sort(missing.folders, {}, &DriveFolderOption::path);
  const auto rest = std::ranges::unique(missing.folders, {}, &DriveFolderOption::path);
  missing.folders.erase(rest.begin(), rest.end());
  return missing;
}

bool ReturnWatch::is_back(const DriveFolderOption& folder,
                          const std::vector<drive::Id128>& missing) {
  const auto identity = drive::read_identity(*folder.files, folder.path);
  if (!identity.ok() || identity->cluster != core_.cluster ||
      std::ranges::find(missing, identity->drive) == missing.end()) {
    seen_.erase(folder.path);
    return false;
  }
  std::string looks = looks_of_index(*folder.files, folder.path);
  const bool still = !looks.empty() && seen_[folder.path] == looks;
  seen_[folder.path] = std::move(looks);
  return still;
}

Result<worker::Step> ReturnWatch::step() {
  const Missing missing = look_at_drives();
  uint64_t returned = 0;
  Status refused;
  for (const DriveFolderOption& folder : missing.folders) {
    if (missing.drives.empty()) break;
    if (!is_back(folder, missing.drives)) continue;
    seen_.erase(folder.path);
    const Status back = moves_.bring_back(folder);
    if (back.ok()) {
      ++returned;
      log::info("drive.found_again", {{"path", folder.path}});
    } else if (refused.ok()) {
      refused = back.error();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    shown_.done = missing.drives.size() - std::min<size_t>(returned, missing.drives.size());
    shown_.total = shown_.done;
    shown_.findings += returned;
    shown_.note = shown_.done == 0 ? "no drive is missing" : "waits for the folders of drives";
  }
  TRY(refused);
  return worker::Step{.bytes = 0, .more = false, .wait = kReturnLookEvery};
}

worker::Progress ReturnWatch::progress() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

}  // namespace strata::replica
