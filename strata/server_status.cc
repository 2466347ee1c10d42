#include "strata/server_status.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/base/parse.h"
#include "strata/control_drives.h"
#include "strata/control_volumes.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

// The member if it is there and of the wanted type, else an empty one.
nlohmann::json member(const nlohmann::json& object, const char* name, const nlohmann::json& empty) {
  const auto found = object.find(name);
  return found != object.end() && found->type() == empty.type() ? *found : empty;
}

}  // namespace

std::string_view durability_words(const replica::StoreStatus& store) noexcept {
  return store.relaxed ? "relaxed: a success is in the logs of the drives, and flushed within 1 s; "
                         "a power cut may take what is not flushed yet"
                       : "strict: a success is flushed to the drives";
}

nlohmann::json status_json(const ServerStatus& status) {
  nlohmann::json out = {
      {"version", status.version},
      {"pid", status.process_id},
      {"data", status.data},
      {"resident_bytes", status.resident_bytes},
      {"ready_ms", status.ready_ms},
      {"uptime_ms", status.uptime_ms},
      {"durability", status.durability},
      {"nbd_tls", status.nbd_tls},
      {"connections", {{"http", status.http_connections}, {"nbd", status.nbd_connections}}},
      {"store",
       {{"replicas", status.store.replicas},
        {"write_quorum", status.store.write_quorum},
        {"drives_in_service", status.store.drives_in_service()},
        {"corrupt_found", status.store.corrupt_found},
        {"corrupt_healed", status.store.corrupt_healed},
        {"hedged_reads", status.store.hedged_reads}}}};
  nlohmann::json& drives = out["store"]["drives"] = nlohmann::json::array();
  for (const replica::DriveStatus& drive : status.store.drives) drives.push_back(drive_json(drive));
  nlohmann::json& volumes = out["volumes"] = nlohmann::json::array();
  for (const volume::VolumeInfo& volume : status.volumes) volumes.push_back(volume_json(volume));
  nlohmann::json& listeners = out["listeners"] = nlohmann::json::object();
  for (const ListenerStatus& listener : status.listeners) {
    listeners[listener.wire] = listener.address;
  }
  return out;
}

std::string status_text(const nlohmann::json& status) {
  const nlohmann::json store = member(status, "store", nlohmann::json::object());
  const nlohmann::json connections = member(status, "connections", nlohmann::json::object());
  std::string out = fmt::format(
      "strata {} on {}\n"
      "  process      {}\n"
      "  memory       {} resident\n"
      "  ready after  {} ms\n"
      "  up for       {}\n"
      "  durability   {}\n"
      "  replicas     {}, of which {} must confirm a write\n"
      "  corruption   {} found, {} healed\n"
      "  connections  {} HTTP, {} NBD\n",
      status.value("version", ""), status.value("data", ""), status.value("pid", int64_t{0}),
      format_size(status.value("resident_bytes", uint64_t{0})),
      status.value("ready_ms", int64_t{0}), duration_text(status.value("uptime_ms", int64_t{0})),
      status.value("durability", ""), store.value("replicas", 0U), store.value("write_quorum", 0U),
      store.value("corrupt_found", uint64_t{0}), store.value("corrupt_healed", uint64_t{0}),
      connections.value("http", int64_t{0}), connections.value("nbd", int64_t{0}));
  out += "listeners\n";
  const nlohmann::json listeners = member(status, "listeners", nlohmann::json::object());
  for (const auto& [wire, address] : listeners.items()) {
    out += fmt::format("  {:<11}  {}\n", wire, address.get<std::string>());
  }
  out += "drives\n";
  for (const nlohmann::json& drive : member(store, "drives", nlohmann::json::array())) {
    const auto capacity = drive.value("capacity_bytes", uint64_t{0});
    out += fmt::format("  {}  {}", drive.value("path", ""), drive.value("state", ""));
    out += capacity == 0 ? "\n"
                         : fmt::format(", {} of {} free\n",
                                       format_size(drive.value("available_bytes", uint64_t{0})),
                                       format_size(capacity));
  }
  const nlohmann::json volumes = member(status, "volumes", nlohmann::json::array());
  out += volumes.empty() ? "volumes  none\n" : "volumes\n";
  for (const nlohmann::json& volume : volumes) {
    out += fmt::format("  {:<11}  {}, {} allocated, clients: {}\n", volume.value("name", ""),
                       format_size(volume.value("size_bytes", uint64_t{0})),
                       format_size(volume.value("allocated_bytes", uint64_t{0})),
                       volume.value("clients", 0U));
  }
  return out;
}

}  // namespace strata::roof
