// What the running server says of itself: gathered once, shown as JSON or as text.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "blockdev/volume/catalog.h"
#include "objstore/replica/store.h"

namespace strata::roof {

struct ListenerStatus {
  std::string wire;     // "s3", "admin", "nbd", "nbd_socket", "control"
  std::string address;  // HOST:PORT or a path
};

struct ServerStatus {
  std::string version;
  int64_t process_id = 0;
  std::string data;
  uint64_t resident_bytes = 0;
  int64_t ready_ms = 0;  // from the start of the program until it served
  int64_t uptime_ms = 0;
  std::string durability;  // what a success promises
  replica::StoreStatus store;
  std::vector<volume::VolumeInfo> volumes;
  std::vector<ListenerStatus> listeners;
  std::string nbd_tls;  // of NBD over TCP: "off", "optional", "required"
  int64_t http_connections = 0;
  uint32_t nbd_connections = 0;
};

// What a success promises: begins with "strict" or "relaxed".
[[nodiscard]] std::string_view durability_words(const replica::StoreStatus& store) noexcept;

// Members: version, pid, data, resident_bytes, ready_ms, uptime_ms, durability, connections,
// nbd_tls, "listeners": {wire: address}, "store": {replicas, write_quorum, ..., "drives": [...]}
// and "volumes": [...]. Listeners that are off are left out.
[[nodiscard]] nlohmann::json status_json(const ServerStatus& status);
// For people, from the JSON that the server sent; members that are missing show as empty.
[[nodiscard]] std::string status_text(const nlohmann::json& status);

}  // namespace strata::roof
