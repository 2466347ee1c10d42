// The master keys' part of the control socket. What is secret about a key is never told.
//
//   GET  /v1/keys   {"keys": [{name, generation, generations, created_ms} ...]}
//   POST /v1/keys   {"action": "create" | "rotate", "name": "team"}; answers with the key
#pragma once

#include "objstore/encryption/key_ring.h"
#include "strata/control_api.h"

namespace strata::roof {

inline constexpr const char* kKeysPath = "/v1/keys";

// The keys outlive the route.
[[nodiscard]] ControlRoute keys_route(encryption::KeyRing& keys);

}  // namespace strata::roof
