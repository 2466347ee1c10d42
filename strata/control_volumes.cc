#include "strata/control_volumes.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "blockdev/layers/layer_spec.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

Error wrong_method(std::string_view what, std::string_view methods) {
  return Error(Code::kUnsupported, fmt::format("{} takes {}", what, methods));
}

Result<volume::ProvisionChange> change_of(const nlohmann::json& request) {
  volume::ProvisionChange out;
  if (request.contains("profile")) {
    TRY_ASSIGN(out.profile, json_string(request, "profile"));
  }
  if (request.contains("iops")) {
    TRY_ASSIGN(out.iops, json_u64(request, "iops"));
  }
  if (request.contains("throughput")) {
    TRY_ASSIGN(out.bytes_per_second, json_u64(request, "throughput"));
  }
  if (request.contains("latency")) {
    TRY_ASSIGN(out.latency, json_string(request, "latency"));
  }
  if (request.contains("layers")) {
    const nlohmann::json& layers = request["layers"];
    if (!layers.is_array() || layers.size() > layers::kLayersMax) {
      return Error(Code::kInvalidArgument,
                   fmt::format("the member 'layers' must be a list of at most {} texts",
                               layers::kLayersMax));
    }
    out.layers.emplace();
    for (const nlohmann::json& layer : layers) {
      if (!layer.is_string()) return Error(Code::kInvalidArgument, "a layer is a text");
      out.layers->push_back(layer.get<std::string>());
    }
  }
  return out;
}

Result<volume::VolumeInfo> make(volume::Catalog& catalog, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string name, json_string(request, "name"));
  TRY_ASSIGN(const auto change, change_of(request));
  volume::CreateOptions options;
  uint64_t size = 0;
  if (request.contains("device")) {
    volume::DeviceWish device;
    TRY_ASSIGN(device.path, json_string(request, "device"));
    TRY_ASSIGN(device.adopt, json_flag(request, "adopt"));
    options.device = std::move(device);
  }
  if (!options.device || request.contains("size_bytes")) {
    TRY_ASSIGN(size, json_u64(request, "size_bytes"));
  }
  TRY_ASSIGN(options.provision, volume::apply_change({}, change));
  return catalog.create(name, size, options);
}

Result<nlohmann::json> fsck(volume::Catalog& catalog, const std::string& name,
                            const nlohmann::json& request) {
  volume::FsckOptions options;
  TRY_ASSIGN(options.repair, json_flag(request, "repair"));
  TRY_ASSIGN(options.read_image, json_flag(request, "read"));
  TRY_ASSIGN(const volume::FsckReport report, catalog.fsck(name, options));
  nlohmann::json out;
  out["clean"] = report.clean();
  out["bytes_read"] = report.bytes_read;
  out["findings"] = nlohmann::json::array();
  for (const volume::FsckFinding& one : report.findings) {
    out["findings"].push_back({{"what", one.what}, {"repaired", one.repaired}});
  }
  return out;
}

Result<nlohmann::json> act(volume::Catalog& catalog, const std::string& name,
                           const std::string& action, const std::string& text) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  if (!request.is_object()) return Error(Code::kInvalidArgument, "the request must be an object");
  if (action == "fsck") return fsck(catalog, name, request);
  volume::VolumeInfo info;
  if (action == "set") {
    TRY_ASSIGN(const auto change, change_of(request));
    TRY_ASSIGN(info, catalog.set(name, change));
  } else if (action == "resize") {
    TRY_ASSIGN(const uint64_t size, json_u64(request, "size_bytes"));
    TRY_ASSIGN(info, catalog.resize(name, size));
  } else if (action == "rename") {
    TRY_ASSIGN(const std::string to, json_string(request, "to"));
    TRY_ASSIGN(info, catalog.rename(name, to));
  } else {
    return Error(Code::kNotFound, "a volume has the actions set, resize, rename and fsck");
  }
  return volume_json(info);
}

ControlAnswer answer_of(const Result<nlohmann::json>& result) {
  if (!result.ok()) return control_error(result.error());
  return {200, dump_json(*result)};
}

ControlAnswer answer_volumes(volume::Catalog& catalog, const std::string& method,
                             const std::string& text) {
  if (method == "GET") {
    nlohmann::json body;
    body["volumes"] = nlohmann::json::array();
    for (const volume::VolumeInfo& info : catalog.list()) {
      body["volumes"].push_back(volume_json(info));
    }
    return {200, dump_json(body)};
  }
  if (method != "POST") return control_error(wrong_method(kVolumesPath, "GET and POST"));
  const Result<volume::VolumeInfo> made = make(catalog, text);
  if (!made.ok()) return control_error(made.error());
  return {201, dump_json(volume_json(*made))};
}

ControlAnswer answer_volume(volume::Catalog& catalog, const std::string& method,
                            const std::string& rest, const std::string& text) {
  // Names hold no character that a path would have to encode, so this is the name itself.
  const size_t slash = rest.find('/');
  const std::string name = rest.substr(0, slash);
  if (const Status good = volume::check_volume_name(name); !good.ok()) {
    return control_error(good.error());
  }
  if (slash != std::string::npos) {
    if (method != "POST") return control_error(wrong_method("an action of a volume", "POST"));
    return answer_of(act(catalog, name, rest.substr(slash + 1), text));
  }
  if (method == "GET") {
    const Result<volume::VolumeInfo> info = catalog.show(name);
    if (!info.ok()) return control_error(info.error());
    return {200, dump_json(volume_json(*info))};
  }
  if (method == "DELETE") {
    const Status removed = catalog.remove(name);
    return removed.ok() ? ControlAnswer{200, "{}"} : control_error(removed.error());
  }
  return control_error(wrong_method("a volume", "GET and DELETE"));
}

nlohmann::json limits_json(const volume::VolumeInfo& info) {
  const layers::RateSettings& rate = info.limits.rate;
  return {{"iops", rate.iops.per_second},
          {"iops_baseline", rate.iops_credit.per_second},
          {"throughput", rate.bytes.per_second},
          {"throughput_baseline", rate.bytes_credit.per_second},
          {"latency", layers::format_latency(info.limits.latency)}};
}

nlohmann::json meter_json(const volume::VolumeInfo& info) {
  nlohmann::json out = nlohmann::json::object();
  for (size_t kind = 0; kind < info.meter.size(); ++kind) {
    const layers::Meter::Snapshot& seen = info.meter[kind];
    if (seen.requests == 0) continue;
    out[layers::Meter::kKindNames.at(kind)] = {
        {"requests", seen.requests}, {"errors", seen.errors}, {"bytes", seen.bytes},
        {"mean_us", seen.mean_us},   {"p50_us", seen.p50_us}, {"p99_us", seen.p99_us}};
  }
  return out;
}

}  // namespace

nlohmann::json volume_json(const volume::VolumeInfo& info) {
  nlohmann::json out = {{"name", info.name},
                        {"id", info.id},
                        {"size_bytes", info.size_bytes},
                        {"allocated_bytes", info.allocated_bytes},
                        {"created_ms", info.created_ms},
                        {"clients", info.clients},
                        {"writer", info.writer},
                        {"attachments", info.attachments},
                        {"image_path", info.image_path},
                        {"profile", info.provision.profile},
                        {"limits", limits_json(info)}};
  if (info.device) {
    out["device"] = {{"path", info.device->path}, {"identity", info.device->identity}};
  }
  out["layers"] = nlohmann::json::array();
  for (const layers::LayerSpec& layer : info.provision.layers) {
    out["layers"].push_back(layers::format_layer(layer));
  }
  if (info.open) {
    out["iops_credit"] = info.iops_credit;
    out["bytes_credit"] = info.bytes_credit;
    out["faults"] = info.faults;
    out["meter"] = meter_json(info);
  }
  return out;
}

VolumeRequest volume_request(const std::string& method, const std::string& path) {
  const size_t prefix = std::strlen(kVolumesPath) + 1;
  const std::string rest = path.size() > prefix ? path.substr(prefix) : "";
  const size_t slash = rest.find('/');
  const std::string action = slash == std::string::npos ? "" : rest.substr(slash + 1);
  return {.name = rest.substr(0, slash),
          .goes = (method == "DELETE" && action.empty()) || action == "rename",
          .resizes = action == "resize"};
}

ControlRoute volumes_route(volume::Catalog& catalog) {
  return [&catalog](const std::string& method, const std::string& path, const std::string& body) {
    const std::string_view prefix = kVolumesPath;
    if (path.size() == prefix.size()) return answer_volumes(catalog, method, body);
    return answer_volume(catalog, method, path.substr(prefix.size() + 1), body);
  };
}

}  // namespace strata::roof
