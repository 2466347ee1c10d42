// The drives' part of the control socket.
//
//   GET  /v1/drives   {"replicas": 3, "drives": [drive ...]}
//   POST /v1/drives   {"action": "add", "path": "/mnt/d4"}
//                     {"action": "drain", "drive": ID-or-PATH}
//                     {"action": "replace", "drive": ID-or-PATH, "path": "/mnt/d4"}
//                     {"action": "return", "path": "/mnt/d2"}
//                     Begins it and answers like GET, with "remembered": true when the path was
//                     written down for the next start.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/io/file_system.h"
#include "objstore/replica/replica_set.h"
#include "strata/control_api.h"
#include "strata/drive_list.h"

namespace strata::roof {

inline constexpr const char* kDrivesPath = "/v1/drives";

// All outlive the route.
[[nodiscard]] ControlRoute drives_route(replica::ReplicaSet& store, io::FileSystem& files,
                                        DriveList& list);

// Members: path, id, slot, weight, in_service, state, joining, leaving, percent, capacity_bytes,
// available_bytes, position.
[[nodiscard]] nlohmann::json drive_json(const replica::DriveStatus& drive);

}  // namespace strata::roof
