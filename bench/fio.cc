#include "bench/fio.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/process.h"

namespace strata::bench {
namespace {

using Json = nlohmann::json;

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// fio writes warnings before the JSON document, on the same stream.
std::string json_part(const std::string& text) {
  const size_t start = text.find('{');
  return start == std::string::npos ? std::string() : text.substr(start);
}

std::string last_lines(const std::string& text) {
  const size_t keep = std::min<size_t>(text.size(), 600);
  return text.substr(text.size() - keep);
}

void take_direction(const Json& job, const char* direction, FioResult& out) {
  const Json& part = job.at(direction);
  const auto count = part.at("total_ios").get<uint64_t>();
  if (count == 0) return;
  out.operations += count;
  out.iops += part.at("iops").get<double>();
  out.bytes_per_second += part.at("bw_bytes").get<double>();
  const Json& percentile = part.at("lat_ns").at("percentile");
  out.latency_us_p50 = percentile.at("50.000000").get<double>() / 1000;
  out.latency_us_p99 = percentile.at("99.000000").get<double>() / 1000;
}

}  // namespace

Result<FioResult> parse_fio_json(const std::string& text) {
  try {
    const Json document = Json::parse(json_part(text));
    const Json& job = document.at("jobs").at(0);
    if (const int error = job.at("error").get<int>(); error != 0) {
      return errno_error(error, fmt::format("fio job {}", job.at("jobname").get<std::string>()));
    }
    FioResult out;
    take_direction(job, "read", out);
    take_direction(job, "write", out);
    if (out.operations == 0) return Error(Code::kInternal, "fio completed no operation");
    // job_runtime is the sum over the processes that the group report covers, in milliseconds.
    const double cpu_percent = job.at("usr_cpu").get<double>() + job.at("sys_cpu").get<double>();
    const double busy_us = cpu_percent / 100 * job.at("job_runtime").get<double>() * 1000;
    out.client_cpu_us_per_operation = busy_us / static_cast<double>(out.operations);
    return out;
  } catch (const Json::exception& error) {
    return Error(Code::kInvalidArgument, fmt::format("not fio's JSON: {}", error.what()));
  }
}

Result<FioResult> run_fio(const std::string& fio, const FioJob& job, const std::string& folder,
                          std::chrono::seconds limit) {
  const std::string json_path = fmt::format("{}/{}.json", folder, job.name);
  const std::string job_path = fmt::format("{}/{}.fio", folder, job.name);
  const std::string log_path = fmt::format("{}/{}.log", folder, job.name);
  {
    std::ofstream file(job_path);
    file << "[" << job.name << "]\n";
    for (const auto& [name, value] : job.options) file << name << "=" << value << "\n";
    // fio reads ${NAME} from its environment, so that the job file kept beside the data can be
    // shown.
    for (const auto& [name, value] : job.secret_options) file << name << "=${" << name << "}\n";
  }
  Command command{{fio, "--output-format=json", "--output=" + json_path, job_path},
                  job.secret_options,
                  {},
                  log_path};
  TRY_ASSIGN(Process process, Process::start(command));
  TRY_ASSIGN(const int status, process.wait(std::chrono::milliseconds(limit)));
  Result<FioResult> parsed = parse_fio_json(read_text(json_path));
  if (status != 0) {
    return Error(Code::kInternal,
                 fmt::format("fio job {} ended with status {}: {}{}", job.name, status,
                             parsed.ok() ? "" : parsed.error().message + " ",
                             last_lines(read_text(log_path))));
  }
  return parsed;
}

Result<std::string> find_fio(const std::string& asked, const std::string& scratch) {
  std::vector<std::string> candidates;
  if (!asked.empty()) {
    candidates.push_back(asked);
  } else {
    std::array<char, 4096> self{};
    const ssize_t length = readlink("/proc/self/exe", self.data(), self.size() - 1);
    if (length > 0) {
      const std::string path(self.data(), static_cast<size_t>(length));
      candidates.push_back(path.substr(0, path.rfind('/')) + "/../fio/fio");
    }
    candidates.emplace_back("fio");
  }
  std::string missing;
  for (const std::string& candidate : candidates) {
    const std::string log = scratch + "/fio-engines.log";
    ::unlink(log.c_str());
    TRY_ASSIGN(Process process, Process::start({{candidate, "--enghelp"}, {}, {}, log}));
    TRY_ASSIGN(const int status, process.wait(std::chrono::seconds(10)));
    const std::string engines = read_text(log);
    if (status != 0) continue;
    missing.clear();
    for (const char* engine : {"http", "nbd", "io_uring"}) {
      if (engines.find(fmt::format("\t{}\n", engine)) == std::string::npos) {
        missing = engine;
      }
    }
    if (missing.empty()) return candidate;
  }
  return Error(Code::kNotFound,
               fmt::format("{}; './dev compare' builds a fio with the engines http, nbd and "
                           "io_uring, or give one with --fio PATH",
                           missing.empty() ? std::string("no fio was found")
                                           : fmt::format("fio lacks the engine {}", missing)));
}

}  // namespace strata::bench
