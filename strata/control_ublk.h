// The control socket's part about volumes as ublk devices, for `strata volume attach --as ublk`.
//
//   GET    /v1/ublk              {"devices": [device ...]}
//   POST   /v1/ublk              {"volume", "token": "", "read_only": false, "queues": 0}: 201, the
//                                device
//   POST   /v1/ublk/NAME/end     {"force": false}: 200, {}
//
// A device has "volume", "device" ("/dev/ublkb0"), "read_only", "queues", "recoverable" and
// "problem".
#pragma once

#include "strata/control_api.h"
#include "strata/ublk_devices.h"

namespace strata::roof {

inline constexpr const char* kUblkPath = "/v1/ublk";

// The devices outlive the route.
[[nodiscard]] ControlRoute ublk_route(UblkDevices& devices);

// The volumes' route, with what the devices have to do with it: a volume that is a device is not
// deleted or renamed, and when one has grown the kernel is told.
[[nodiscard]] ControlRoute with_ublk(ControlRoute volumes, UblkDevices& devices);

}  // namespace strata::roof
