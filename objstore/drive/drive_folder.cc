// What is in a drive's folder before it is opened, and its identity file.
#include <fmt/format.h>

#include "objstore/drive/drive.h"

namespace strata::drive {

namespace {
constexpr std::string_view kLockName = "lock";

// Names that may be in a folder that counts as empty: our lock, and an identity that was being
// written when the power went.
bool counts_as_nothing(std::string_view name) {
  return name == kLockName || name == "lost+found" || name.starts_with(kIdentityName);
}
}  // namespace

Result<DriveFolder> look_at_folder(io::FileSystem& files, const std::string& path) {
  TRY(io::create_directories(files, path));
  DriveFolder folder;
  auto lock = files.lock(io::join_path(path, kLockName));
  if (!lock.ok()) {
    if (lock.error().code != Code::kConflict) return lock.error().with_context("drive " + path);
    return Error(Code::kConflict,
                 fmt::format("drive {} is in use by another strata process; stop it, or start this "
                             "one with another data folder",
                             path));
  }
  folder.lock = std::move(lock).value();
  auto identity = read_identity(files, path);
  if (identity.ok()) {
    folder.identity = std::move(identity).value();
    return folder;
  }
  if (identity.error().code != Code::kNotFound) {
    return identity.error().with_context("drive " + path);
  }
  TRY_ASSIGN(const std::vector<std::string> names, files.list(path));
  for (const std::string& name : names) {
    if (counts_as_nothing(name)) continue;
    return Error(Code::kInvalidArgument,
                 fmt::format("drive {} is not empty (it has \"{}\") and not a drive of strata; "
                             "choose another folder or empty this one",
                             path, name));
  }
  return folder;
}

bool is_index_damaged(io::FileSystem& files, const std::string& path) {
  return files.info(io::join_path(path, kIndexDamagedName)).ok();
}

// The mark goes last: a start that is cut begins again.
Status discard_index(io::FileSystem& files, const std::string& path) {
  const std::string index = io::join_path(path, kIndexFolder);
  TRY(io::create_directories(files, index));
  TRY_ASSIGN(const std::vector<std::string> names, files.list(index));
  for (const std::string& name : names) TRY(files.remove_file(io::join_path(index, name)));
  TRY(files.sync_directory(index));
  TRY(files.remove_file(io::join_path(path, kIndexDamagedName)));
  return files.sync_directory(path);
}

}  // namespace strata::drive
