// The volumes' part of the control socket.
//
//   GET    /v1/volumes              {"volumes": [volume ...]}
//   POST   /v1/volumes              {"name": "db", "size_bytes": 1073741824, limits...}: 201
//   GET    /v1/volumes/NAME         the volume
//   DELETE /v1/volumes/NAME         deletes it: 200, {}
//   POST   /v1/volumes/NAME/set     {limits...}: the volume
//   POST   /v1/volumes/NAME/resize  {"size_bytes": N}: the volume
//   POST   /v1/volumes/NAME/rename  {"to": "other"}: the volume
//   POST   /v1/volumes/NAME/fsck    {"repair": false, "read": false}: what was found, as
//                                   {"clean", "bytes_read", "findings": [{"what", "repaired"}]}
//
// Limits are "profile", "iops", "throughput" (bytes a second), "latency" ("2ms", "500us/4ms", "0",
// "profile") and "layers" (texts, outermost first); what is not given stays as it is.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "blockdev/volume/catalog.h"
#include "strata/control_api.h"

namespace strata::roof {

inline constexpr const char* kVolumesPath = "/v1/volumes";

// The catalogue outlives the route.
[[nodiscard]] ControlRoute volumes_route(volume::Catalog& catalog);

// What a request to this route asks of a volume, for those who serve it elsewhere too.
struct VolumeRequest {
  std::string name = {};
  bool goes = false;  // it is deleted or gets another name
  bool resizes = false;
};
[[nodiscard]] VolumeRequest volume_request(const std::string& method, const std::string& path);

[[nodiscard]] nlohmann::json volume_json(const volume::VolumeInfo& info);

}  // namespace strata::roof
