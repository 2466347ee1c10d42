#include "strata/control_ublk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "strata/control_volumes.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

nlohmann::json device_json(const UblkStatus& one) {
  return {{"volume", one.record.volume},
          {"device", ublk::block_path(one.record.number)},
          {"read_only", one.record.read_only},
          {"queues", one.queues},
          {"recoverable", one.recoverable},
          {"zero_copy", one.zero_copy},
          {"problem", one.problem}};
}

Result<UblkStatus> make_device(UblkDevices& devices, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  UblkWish wanted;
  TRY_ASSIGN(wanted.volume, json_string(request, "volume"));
  TRY_ASSIGN(wanted.read_only, json_flag(request, "read_only"));
  TRY_ASSIGN(wanted.copy, json_flag(request, "copy"));
  if (request.contains("token")) {
    TRY_ASSIGN(wanted.token, json_string(request, "token"));
  }
  if (request.contains("queues")) {
    TRY_ASSIGN(const uint64_t queues, json_u64(request, "queues"));
    wanted.queues = static_cast<uint32_t>(std::min<uint64_t>(queues, UINT32_MAX));
  }
  return devices.add(wanted);
}

Status end_device(UblkDevices& devices, const std::string& volume, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  TRY_ASSIGN(const bool force, json_flag(request, "force"));
  return devices.remove(volume, force);
}

ControlAnswer answer_ublk(UblkDevices& devices, const std::string& method, std::string_view rest,
                          const std::string& text) {
  if (rest.empty() && method == "GET") {
    nlohmann::json body;
    body["devices"] = nlohmann::json::array();
    for (const UblkStatus& one : devices.list()) body["devices"].push_back(device_json(one));
    return {200, dump_json(body)};
  }
  if (rest.empty() && method == "POST") {
    const Result<UblkStatus> made = make_device(devices, text);
    if (!made.ok()) return control_error(made.error());
    return {201, dump_json(device_json(*made))};
  }
  constexpr std::string_view kEnd = "/end";
  if (rest.ends_with(kEnd) && method == "POST") {
    const std::string volume(rest.substr(1, rest.size() - kEnd.size() - 1));
    const Status ended = end_device(devices, volume, text);
    return ended.ok() ? ControlAnswer{200, "{}"} : control_error(ended.error());
  }
  return control_error(
      Error(Code::kUnsupported, "ublk devices take GET and POST, and POST at /v1/ublk/NAME/end"));
}

}  // namespace

ControlRoute ublk_route(UblkDevices& devices) {
  return [&devices](const std::string& method, const std::string& path, const std::string& body) {
    return answer_ublk(devices, method, std::string_view(path).substr(std::strlen(kUblkPath)),
                       body);
  };
}

ControlRoute with_ublk(ControlRoute volumes, UblkDevices& devices) {
  return [volumes = std::move(volumes), &devices](
             const std::string& method, const std::string& path, const std::string& body) {
    const VolumeRequest asked = volume_request(method, path);
    if (const std::string device = asked.goes ? devices.path_of(asked.name) : ""; !device.empty()) {
      return control_error(Error(Code::kConflict, fmt::format("the volume '{0}' is {1}; detach it "
                                                              "first: strata volume detach {0}",
                                                              asked.name, device)));
    }
    ControlAnswer out = volumes(method, path, body);
    constexpr int kOk = 200;
    if (asked.resizes && out.status == kOk) devices.refresh(asked.name);
    return out;
  };
}

}  // namespace strata::roof
