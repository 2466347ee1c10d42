#include "strata/control_drives.h"

#include <nlohmann/json.hpp>

#include "strata/json.h"

namespace strata::roof {
namespace {

struct Rooms {
  replica::ReplicaSet& store;
  io::FileSystem& files;
  DriveList& list;
};

nlohmann::json drives_json(const replica::StoreStatus& status) {
  nlohmann::json body;
  body["replicas"] = status.replicas;
  body["durability"] = status.relaxed ? "relaxed" : "strict";
  nlohmann::json& drives = body["drives"] = nlohmann::json::array();
  for (const replica::DriveStatus& drive : status.drives) drives.push_back(drive_json(drive));
  return body;
}

// The store knows a drive by the path that it was opened with, which may be a relative one.
std::string name_in_store(const Rooms& rooms, const std::string& given) {
  const std::string wanted = absolute_path(given);
  for (const replica::DriveStatus& drive : rooms.store.status().drives) {
    if (!drive.path.empty() && absolute_path(drive.path) == wanted) return drive.path;
  }
  return given;
}

// A folder that is to become a drive is remembered first: a crash in between leaves a name too
// many, which the next start passes over.
Status with_new_folder(const Rooms& rooms, const std::string& path, bool& remembered,
                       const std::function<Status(replica::DriveFolderOption)>& begin) {
  TRY_ASSIGN(remembered, rooms.list.remember(path));
  Status begun = begin({.files = &rooms.files, .path = name_in_store(rooms, path)});
  if (begun.ok() || !remembered) return begun;
  remembered = false;
  TRY(rooms.list.forget(path));
  return begun;
}

Status tell_drives(const Rooms& rooms, const std::string& text, bool& remembered) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string action, json_string(request, "action"));
  if (action == "drain") {
    TRY_ASSIGN(const std::string drive, json_string(request, "drive"));
    return rooms.store.drain_drive(name_in_store(rooms, drive));
  }
  if (action == "accept_loss") {
    TRY_ASSIGN(const std::string drive, json_string(request, "drive"));
    return rooms.store.accept_drive_loss(name_in_store(rooms, drive));
  }
  TRY_ASSIGN(const std::string path, json_string(request, "path"));
  if (!path.starts_with('/')) {
    return Error(Code::kInvalidArgument, "the path of a drive begins with /");
  }
  if (action == "add") {
    return with_new_folder(rooms, path, remembered, [&](replica::DriveFolderOption folder) {
      return rooms.store.add_drive(std::move(folder));
    });
  }
  if (action == "replace") {
    TRY_ASSIGN(const std::string drive, json_string(request, "drive"));
    const std::string old = name_in_store(rooms, drive);
    return with_new_folder(rooms, path, remembered, [&](replica::DriveFolderOption folder) {
      return rooms.store.replace_drive(old, std::move(folder));
    });
  }
  if (action == "return") {
    return with_new_folder(rooms, path, remembered, [&](const replica::DriveFolderOption& folder) {
      return rooms.store.return_drive(folder);
    });
  }
  return Error(Code::kInvalidArgument, "an action is add, drain, replace, return or accept_loss");
}

}  // namespace

nlohmann::json drive_json(const replica::DriveStatus& drive) {
  return {{"path", drive.path},
          {"id", drive.id},
          {"slot", drive.slot},
          {"weight", drive.weight},
          {"in_service", drive.in_service},
          {"state", drive.state},
          {"joining", drive.joining},
          {"leaving", drive.leaving},
          {"suspect", drive.suspect},
          {"percent", drive.percent},
          {"capacity_bytes", drive.capacity_bytes},
          {"available_bytes", drive.available_bytes},
          {"position", drive.position}};
}

ControlRoute drives_route(replica::ReplicaSet& store, io::FileSystem& files, DriveList& list) {
  const Rooms rooms{store, files, list};
  return [rooms](const std::string& method, const std::string& path, const std::string& body) {
    if (path != kDrivesPath) {
      return control_error(Error(Code::kNotFound, "the control socket has no " + path));
    }
    bool remembered = false;
    if (method == "POST") {
      const Status told = tell_drives(rooms, body, remembered);
      if (!told.ok()) return control_error(told.error());
    } else if (method != "GET") {
      return control_error(Error(Code::kUnsupported, path + " takes GET and POST"));
    }
    nlohmann::json answer = drives_json(rooms.store.status());
    if (method == "POST") answer["remembered"] = remembered;
    return ControlAnswer{200, dump_json(answer)};
  };
}

}  // namespace strata::roof
