#include "strata/control_exports.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "strata/control_volumes.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

nlohmann::json export_json(const VhostExport& one) {
  return {{"volume", one.volume},       {"socket", one.socket},       {"queues", one.queues},
          {"read_only", one.read_only}, {"connected", one.connected}, {"problem", one.problem}};
}

Result<VhostExport> add_export(VhostExports& exports, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  VhostExport wanted;
  TRY_ASSIGN(wanted.volume, json_string(request, "volume"));
  TRY_ASSIGN(wanted.socket, json_string(request, "socket"));
  TRY_ASSIGN(wanted.read_only, json_flag(request, "read_only"));
  if (request.contains("queues")) {
    TRY_ASSIGN(const uint64_t queues, json_u64(request, "queues"));
    wanted.queues = static_cast<uint32_t>(std::min<uint64_t>(queues, UINT32_MAX));
  }
  return exports.add(std::move(wanted));
}

Status end_export(VhostExports& exports, const std::string& volume, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string socket, json_string(request, "socket"));
  TRY_ASSIGN(const bool in_use, json_flag(request, "in_use"));
  return exports.remove(volume, socket, in_use);
}

ControlAnswer answer_exports(VhostExports& exports, const std::string& method,
                             std::string_view rest, const std::string& text) {
  if (rest.empty() && method == "GET") {
    nlohmann::json body;
    body["exports"] = nlohmann::json::array();
    for (const VhostExport& one : exports.list()) body["exports"].push_back(export_json(one));
    return {200, dump_json(body)};
  }
  if (rest.empty() && method == "POST") {
    const Result<VhostExport> made = add_export(exports, text);
    if (!made.ok()) return control_error(made.error());
    return {201, dump_json(export_json(*made))};
  }
  constexpr std::string_view kEnd = "/end";
  if (rest.ends_with(kEnd) && method == "POST") {
    const std::string volume(rest.substr(1, rest.size() - kEnd.size() - 1));
    const Status ended = end_export(exports, volume, text);
    return ended.ok() ? ControlAnswer{200, "{}"} : control_error(ended.error());
  }
  return control_error(
      Error(Code::kUnsupported, "exports take GET and POST, and POST at /v1/exports/NAME/end"));
}

}  // namespace

ControlRoute exports_route(VhostExports& exports) {
  return [&exports](const std::string& method, const std::string& path, const std::string& body) {
    return answer_exports(exports, method, std::string_view(path).substr(std::strlen(kExportsPath)),
                          body);
  };
}

ControlRoute with_exports(ControlRoute volumes, VhostExports& exports) {
  return [volumes = std::move(volumes), &exports](
             const std::string& method, const std::string& path, const std::string& body) {
    const VolumeRequest asked = volume_request(method, path);
    if (asked.goes && exports.has(asked.name)) {
      return control_error(Error(
          Code::kConflict, fmt::format("the volume '{0}' is a virtual machine's disk; end that "
                                       "first: strata volume unexport {0}",
                                       asked.name)));
    }
    ControlAnswer out = volumes(method, path, body);
    constexpr int kOk = 200;
    if (asked.resizes && out.status == kOk) exports.refresh(asked.name);
    return out;
  };
}

}  // namespace strata::roof
