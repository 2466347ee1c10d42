// Snapshots on the control socket. Everything is a POST to one path; `place` may be left out.
//
//   POST /v1/snapshots
//     {"action": "create", "volume": "db", "name": "db-1", "place": "own", "rate": 0}   202 {"job":
//     1}
//     {"action": "list"}                                         {"snapshots": [snapshot ...]}
//     {"action": "show", "name": "db-1"}                         the snapshot
//     {"action": "delete", "name": "db-1"}                       {}
//     {"action": "diff", "from": "db-1", "to": "db-2"}           {"ranges": [{"offset", "length"}
//     ...]}
//     {"action": "restore", "name": "db-1", "volume": "new"}     201, the volume
//     {"action": "verify", "name": "db-1"}                       202 {"job": 2}
//     {"action": "collect"}                                      202 {"job": 3}
//     {"action": "hydration"}                                    {"volumes": [...]}
//     {"action": "job", "job": 1}                                {"job", "what", "ended", ...}
//     {"action": "cancel", "job": 1}                             {}
#pragma once

#include "blockdev/snapshot/service.h"
#include "common/worker/crew.h"
#include "strata/control_api.h"

namespace strata::roof {

inline constexpr const char* kSnapshotsPath = "/v1/snapshots";

// Both outlive the route.
[[nodiscard]] ControlRoute snapshots_route(snapshot::SnapshotService& snapshots,
                                           worker::Crew& crew);

}  // namespace strata::roof
