#include "bench/scratch_server.h"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/jobs.h"
#include "common/base/random.h"
#include "common/codec/text.h"
#include "common/http/server.h"

namespace strata::bench {
namespace {

constexpr const char* kBucket = "compare";
constexpr const char* kVolume = "compare";

std::string random_text() {
  SystemRandom random;
  std::array<std::byte, 16> raw{};
  random.fill(raw);
  return codec::to_hex(Bytes(raw));
}

}  // namespace

ScratchServer::ScratchServer(ScratchServer&& other) noexcept
    : folder_(std::exchange(other.folder_, {})),
      process_(std::move(other.process_)),
      endpoints_(std::move(other.endpoints_)),
      replicas_(other.replicas_) {}

ScratchServer::~ScratchServer() {
  process_.stop();
  if (folder_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<ScratchServer> ScratchServer::start(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return errno_error(error.value(), "create " + folder);
  Endpoints endpoints;
  endpoints.access_key = "compare";
  endpoints.secret_key = random_text();
  endpoints.bucket = kBucket;
  endpoints.raw_path = folder + "/raw.img";
  const std::string data = folder + "/data";
  const std::string log_path = folder + "/server.log";
  const Command command{
      {"/proc/self/exe", "serve", "--data", data, "--s3", "127.0.0.1:0", "--admin", "127.0.0.1:0",
       "--nbd", "127.0.0.1:0", "--log-level", "warning"},
      {{"STRATA_ROOT_USER", endpoints.access_key},
       {"STRATA_ROOT_PASSWORD", endpoints.secret_key},
       {"STRATA_BUCKETS", kBucket},
       {"STRATA_VOLUMES", fmt::format("{}:{}M", kVolume, kBlockSpanBytes / kMiB)}},
      {"STRATA_", "MINIO_", "AWS_"},
      log_path};
  TRY_ASSIGN(Process process, Process::start(command));
  ScratchServer server(folder, std::move(process));
  server.endpoints_ = std::move(endpoints);
  TRY(server.wait_until_ready(log_path));
  return server;
}

Status ScratchServer::wait_until_ready(const std::string& log_path) {
  const std::string socket = folder_ + "/data/control.sock";
  const Deadline deadline = Deadline::after(kReadyWait);
  while (!deadline.passed(std::chrono::steady_clock::now())) {
    const Result<http::ClientResponse> answer =
        http::request_over_unix(socket, "GET", "/v1/status", "", std::chrono::seconds(5));
    if (answer.ok() && answer->status == 200) {
      try {
        const auto status = nlohmann::json::parse(answer->body);
        endpoints_.s3_host_port = status.at("listeners").at("s3").get<std::string>();
        endpoints_.nbd_uri =
            fmt::format("nbd+unix:///{}?socket={}", kVolume,
                        status.at("listeners").at("nbd_socket").get<std::string>());
        replicas_ = status.at("store").at("replicas").get<uint32_t>();
        return {};
      } catch (const nlohmann::json::exception& error) {
        return Error(Code::kInternal, fmt::format("the server's status: {}", error.what()));
      }
    }
    if (!process_.running() || interrupted()) break;
    poll(nullptr, 0, 20);
  }
  std::ifstream log(log_path);
  std::stringstream text;
  text << log.rdbuf();
  return Error(Code::kInternal, "the server for the comparison did not start: " + text.str());
}

}  // namespace strata::bench
