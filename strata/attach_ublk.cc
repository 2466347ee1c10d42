#include "strata/attach_ublk.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "blockdev/ublk/device.h"
#include "strata/control_client.h"
#include "strata/json.h"
#include "strata/ublk_list.h"

namespace strata::roof {
namespace {

namespace fs = std::filesystem;

Result<nlohmann::json> served(const std::string& data) {
  return ask_server(data, "GET", "/v1/ublk", "");
}

Result<std::optional<UblkRecord>> listed(io::FileSystem& files, const std::string& data,
                                         const std::string& volume) {
  TRY_ASSIGN(const auto records, load_ublk_list(files, ublk_list_path(data)));
  const auto found =
      std::ranges::find_if(records, [&](const UblkRecord& one) { return one.volume == volume; });
  if (found == records.end()) return std::optional<UblkRecord>();
  return std::optional<UblkRecord>(*found);
}

}  // namespace

std::string ublk_lacks() {
  if (fs::exists(ublk::kControlPath)) return {};
  return "this kernel has no ublk (try: modprobe ublk_drv; Linux 6.0 or newer, Debian 12: "
         "linux-image-6.12-amd64)";
}

Result<std::string> connect_ublk(const std::string& data, const Attachment& attachment,
                                 const UblkOptions& options, std::string& why) {
  TRY_ASSIGN(const nlohmann::json made, ask_server(data, "POST", "/v1/ublk",
                                                   dump_json({{"volume", attachment.volume},
                                                              {"token", attachment.token},
                                                              {"read_only", attachment.read_only},
                                                              {"queues", options.queues},
                                                              {"copy", options.copy}})));
  why += made.value("zero_copy", false) ? "; zero copy" : "; data is copied";
  if (!made.value("recoverable", false)) why += "; the device ends with the server";
  return json_string(made, "device");
}

Result<std::string> find_ublk(io::FileSystem& files, const std::string& data,
                              const std::string& volume) {
  const Result<nlohmann::json> answer = served(data);
  if (answer.ok()) {
    for (const nlohmann::json& one : answer->value("devices", nlohmann::json::array())) {
      if (one.value("volume", "") == volume) return json_string(one, "device");
    }
    return std::string();
  }
  if (answer.error().code != Code::kClosed) return answer.error();
  TRY_ASSIGN(const auto record, listed(files, data, volume));
  if (!record) return std::string();
  TRY_ASSIGN(const auto driver, ublk::open_kernel_driver());
  TRY_ASSIGN(const bool there, ublk::Device::exists(*driver, record->number, record->identity));
  return there ? ublk::block_path(record->number) : std::string();
}

Status release_ublk(io::FileSystem& files, const std::string& data, const std::string& volume,
                    bool force) {
  const Result<nlohmann::json> ended = ask_server(
      data, "POST", fmt::format("/v1/ublk/{}/end", volume), dump_json({{"force", force}}));
  if (ended.ok() || ended.error().code == Code::kNotFound) return {};
  if (ended.error().code != Code::kClosed) return ended.error();
  TRY_ASSIGN(const auto record, listed(files, data, volume));
  if (!record) return {};
  TRY_ASSIGN(const auto driver, ublk::open_kernel_driver());
  // The list keeps it: the next server sees that it is gone.
  return ublk::Device::discard(*driver, record->number, record->identity);
}

}  // namespace strata::roof
