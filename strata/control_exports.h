// The control socket's part about volumes as disks of virtual machines.
//
//   GET    /v1/exports              {"exports": [export ...]}
//   POST   /v1/exports              {"volume", "socket", "queues": 16, "read_only": false}:
//                                   201, the export
//   POST   /v1/exports/NAME/end     {"socket": "", "in_use": false}: 200, {}; an empty socket: all
//                                   of the volume
//
// An export has "volume", "socket", "queues", "read_only", "connected" and "problem".
#pragma once

#include "strata/control_api.h"
#include "strata/vhost_exports.h"

namespace strata::roof {

inline constexpr const char* kExportsPath = "/v1/exports";

// The exports outlive the route.
[[nodiscard]] ControlRoute exports_route(VhostExports& exports);

// The volumes' route, with what the exports have to do with it: an exported volume is not deleted
// or renamed, and one that grew is announced to its machine.
[[nodiscard]] ControlRoute with_exports(ControlRoute volumes, VhostExports& exports);

}  // namespace strata::roof
