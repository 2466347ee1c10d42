#include "strata/control_snapshots.h"

#include <nlohmann/json.hpp>

#include "common/base/log.h"
#include "strata/control_volumes.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

using nlohmann::json;

// Ranges that one answer lists.
constexpr size_t kRangesMax = 10'000;

struct SnapshotRooms {
  snapshot::SnapshotService& snapshots;
  worker::Crew& crew;

  // A worker that is paused is so because somebody wants it.
  void hurry(const char* worker) const {
    const Status begun = crew.begin(worker);
    if (!begun.ok() && begun.error().code != Code::kConflict) {
      log::warning("snapshot.worker", {{"worker", worker}, {"error", begun.error().message}});
    }
  }
};

Result<std::string> string_or(const json& request, const char* name, std::string otherwise) {
  if (!request.contains(name)) return otherwise;
  return json_string(request, name);
}

Result<std::string> place_of(const json& request) {
  return string_or(request, "place", std::string(snapshot::kOwnPlace));
}

json snapshot_json(const snapshot::SnapshotInfo& info) {
  return {{"name", info.name},
          {"id", info.id},
          {"volume", info.volume_name},
          {"volume_id", info.volume_id},
          {"parent_id", info.parent_id},
          {"size_bytes", info.size_bytes},
          {"created_ms", info.created_ms},
          {"data_bytes", info.data_bytes},
          {"new_bytes", info.new_bytes}};
}

using Answer = Result<ControlAnswer>;

Answer job_begun(const Result<uint64_t>& job) {
  if (!job.ok()) return job.error();
  return ControlAnswer{202, dump_json({{"job", *job}})};
}

Answer answer_create(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string volume, json_string(request, "volume"));
  TRY_ASSIGN(const std::string name, string_or(request, "name", ""));
  TRY_ASSIGN(const std::string place, place_of(request));
  uint64_t rate = 0;
  if (request.contains("rate")) {
    TRY_ASSIGN(rate, json_u64(request, "rate"));
  }
  return job_begun(rooms.snapshots.create(volume, name, place, rate));
}

Answer answer_list(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string place, place_of(request));
  TRY_ASSIGN(const auto all, rooms.snapshots.list(place));
  json body;
  body["snapshots"] = json::array();
  for (const snapshot::SnapshotInfo& one : all) body["snapshots"].push_back(snapshot_json(one));
  return ControlAnswer{200, dump_json(body)};
}

Answer show(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string name, json_string(request, "name"));
  TRY_ASSIGN(const std::string place, place_of(request));
  TRY_ASSIGN(const auto info, rooms.snapshots.show(name, place));
  return ControlAnswer{200, dump_json(snapshot_json(info))};
}

Answer remove(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string name, json_string(request, "name"));
  TRY_ASSIGN(const std::string place, place_of(request));
  TRY(rooms.snapshots.remove(name, place));
  if (place == snapshot::kOwnPlace) rooms.hurry("snapshot-gc");
  return ControlAnswer{200, "{}"};
}

Answer diff(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string from, json_string(request, "from"));
  TRY_ASSIGN(const std::string to, json_string(request, "to"));
  TRY_ASSIGN(const std::string place, place_of(request));
  TRY_ASSIGN(const auto ranges, rooms.snapshots.diff(from, to, place));
  json body;
  uint64_t bytes = 0;
  body["ranges"] = json::array();
  for (const chunks::ChangedRange& range : ranges) {
    bytes += range.length;
    if (body["ranges"].size() == kRangesMax) continue;
    body["ranges"].push_back({{"offset", range.offset}, {"length", range.length}});
  }
  body["changed_bytes"] = bytes;
  body["complete"] = ranges.size() <= kRangesMax;
  return ControlAnswer{200, dump_json(body)};
}

Answer restore(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string name, json_string(request, "name"));
  TRY_ASSIGN(const std::string volume, json_string(request, "volume"));
  TRY_ASSIGN(const std::string place, place_of(request));
  TRY_ASSIGN(const auto made, rooms.snapshots.restore(name, place, volume));
  rooms.hurry("hydration");
  return ControlAnswer{201, dump_json(volume_json(made))};
}

Answer answer_verify(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string name, json_string(request, "name"));
  TRY_ASSIGN(const std::string place, place_of(request));
  return job_begun(rooms.snapshots.verify(name, place));
}

Answer collect(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const std::string place, place_of(request));
  return job_begun(rooms.snapshots.collect(place));
}

Answer hydration(const SnapshotRooms& rooms, const json& /*request*/) {
  json body;
  body["volumes"] = json::array();
  for (const snapshot::HydrationInfo& one : rooms.snapshots.hydrating()) {
    body["volumes"].push_back({{"volume", one.volume},
                               {"snapshot", one.snapshot},
                               {"place", one.place},
                               {"absent_bytes", one.absent_bytes},
                               {"total_bytes", one.total_bytes}});
  }
  return ControlAnswer{200, dump_json(body)};
}

Answer job(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const uint64_t id, json_u64(request, "job"));
  TRY_ASSIGN(const snapshot::JobStatus status, rooms.snapshots.jobs().show(id));
  const json body = {{"job", status.id},
                     {"what", status.what},
                     {"ended", status.ended},
                     {"failed", status.failed},
                     {"message", status.message},
                     {"code", status.failed ? std::string(code_name(status.code)) : ""},
                     {"done_bytes", status.done_bytes},
                     {"total_bytes", status.total_bytes}};
  return ControlAnswer{200, dump_json(body)};
}

Answer cancel(const SnapshotRooms& rooms, const json& request) {
  TRY_ASSIGN(const uint64_t id, json_u64(request, "job"));
  TRY(rooms.snapshots.jobs().cancel(id));
  return ControlAnswer{200, "{}"};
}

struct Action {
  std::string_view name;
  Answer (*answer)(const SnapshotRooms& rooms, const json& request);
};
constexpr Action kActions[] = {{"create", answer_create},
                               {"list", answer_list},
                               {"show", show},
                               {"delete", remove},
                               {"diff", diff},
                               {"restore", restore},
                               {"verify", answer_verify},
                               {"collect", collect},
                               {"hydration", hydration},
                               {"job", job},
                               {"cancel", cancel}};

Answer answer_snapshots(const SnapshotRooms& rooms, const std::string& body) {
  TRY_ASSIGN(const json request, parse_json(body, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string wanted, json_string(request, "action"));
  for (const Action& action : kActions) {
    if (action.name == wanted) return action.answer(rooms, request);
  }
  return Error(Code::kInvalidArgument, "there is no such action on snapshots");
}

}  // namespace

ControlRoute snapshots_route(snapshot::SnapshotService& snapshots, worker::Crew& crew) {
  return [rooms = SnapshotRooms{snapshots, crew}](
             const std::string& method, const std::string& path, const std::string& body) {
    if (path != kSnapshotsPath) {
      return control_error(Error(Code::kNotFound, "the control socket has no " + path));
    }
    if (method != "POST") return control_error(Error(Code::kUnsupported, path + " takes POST"));
    const Answer out = answer_snapshots(rooms, body);
    return out.ok() ? *out : control_error(out.error());
  };
}

}  // namespace strata::roof
