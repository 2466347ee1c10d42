#include "bench/comparison.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "bench/jobs.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/scratch_server.h"

namespace strata::bench {
namespace {

// Beyond the measured time: start-up of fio and its jobs, and the last operations.
constexpr std::chrono::seconds kFioGrace{60};

struct Sample {
  FioResult fio;
  std::optional<double> server_cpu_us_per_operation;
};

struct Slot {
  const JobSpec* spec;
  Target target;
  std::vector<Sample> samples;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

template <typename Get>
double median_of(const std::vector<Sample>& samples, Get get) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& sample : samples) values.push_back(get(sample));
  return median(std::move(values));
}

Measurement summarise(const Slot& slot) {
  Measurement row{slot.spec->name, slot.spec->title, slot.target, {}, {}, 0, 0};
  const auto& samples = slot.samples;
  row.fio.iops = median_of(samples, [](const Sample& s) { return s.fio.iops; });
  row.fio.bytes_per_second =
      median_of(samples, [](const Sample& s) { return s.fio.bytes_per_second; });
  row.fio.latency_us_p50 = median_of(samples, [](const Sample& s) { return s.fio.latency_us_p50; });
  row.fio.latency_us_p99 = median_of(samples, [](const Sample& s) { return s.fio.latency_us_p99; });
  row.fio.client_cpu_us_per_operation =
      median_of(samples, [](const Sample& s) { return s.fio.client_cpu_us_per_operation; });
  const auto by_iops = [](const Sample& a, const Sample& b) { return a.fio.iops < b.fio.iops; };
  row.iops_min = std::min_element(samples.begin(), samples.end(), by_iops)->fio.iops;
  row.iops_max = std::max_element(samples.begin(), samples.end(), by_iops)->fio.iops;
  for (const Sample& sample : samples) row.fio.operations += sample.fio.operations;
  if (samples.front().server_cpu_us_per_operation) {
    row.server_cpu_us_per_operation =
        median_of(samples, [](const Sample& s) { return *s.server_cpu_us_per_operation; });
  }
  return row;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      const size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown processor";
}

std::string fio_version(const std::string& fio, const std::string& scratch) {
  const std::string log = scratch + "/fio-version.log";
  Result<Process> process = Process::start({{fio, "--version"}, {}, {}, log});
  if (!process.ok() || !process->wait(std::chrono::seconds(10)).ok()) return "fio";
  std::ifstream file(log);
  std::string line;
  std::getline(file, line);
  return line;
}

void describe_machine(Comparison& out) {
  utsname names{};
  uname(&names);
  out.kernel = names.release;
  out.processor = processor_name();
  out.cores = static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
}

Result<Sample> measure(const Slot& slot, const std::string& fio, const std::string& raw_folder,
                       const ScratchServer& server, uint32_t runtime_seconds, uint32_t run) {
  FioJob job = measurement(*slot.spec, slot.target, server.endpoints(), runtime_seconds);
  job.name += fmt::format("-run{}", run + 1);
  TRY_ASSIGN(const uint64_t before, cpu_time_us(server.pid()));
  Sample sample;
  TRY_ASSIGN(sample.fio,
             run_fio(fio, job, raw_folder, std::chrono::seconds(runtime_seconds) + kFioGrace));
  TRY_ASSIGN(const uint64_t after, cpu_time_us(server.pid()));
  if (slot.target != Target::kRawFile) {
    sample.server_cpu_us_per_operation =
        static_cast<double>(after - before) / static_cast<double>(sample.fio.operations);
  }
  return sample;
}

std::vector<Slot> make_slots() {
  std::vector<Slot> slots;
  for (const JobSpec& spec : job_specs()) {
    for (const Target target : {Target::kObject, Target::kVolume, Target::kRawFile}) {
      if (target == Target::kObject && !spec.object_too) continue;
      slots.push_back({&spec, target, {}});
    }
  }
  return slots;
}

Status write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return file ? Status() : Status(Error(Code::kIo, "cannot write " + path));
}

Status check_options(const CompareOptions& options) {
  if (options.runtime_seconds < 1 || options.runtime_seconds > 600) {
    return Error(Code::kInvalidArgument, "the runtime is 1 to 600 seconds");
  }
  if (options.runs < 1 || options.runs > 25) {
    return Error(Code::kInvalidArgument, "the number of runs is 1 to 25");
  }
  return {};
}

}  // namespace

Result<Comparison> compare(const CompareOptions& options, const Progress& progress) {
  TRY(check_options(options));
  catch_interrupts();
  const auto started = std::chrono::steady_clock::now();
  const std::string folder = std::filesystem::absolute(options.folder).string();
  const std::string raw_folder = folder + "/raw";
  std::error_code error;
  std::filesystem::create_directories(raw_folder, error);
  if (error) return errno_error(error.value(), "create " + raw_folder);
  TRY_ASSIGN(const std::string fio, find_fio(options.fio, raw_folder));

  progress("starting a server of our own", 0);
  TRY_ASSIGN(const ScratchServer server,
             ScratchServer::start(fmt::format("{}/scratch-{}", folder, getpid())));
  for (const FioJob& job : preparation(server.endpoints())) {
    progress(job.name, 0);
    TRY_ASSIGN([[maybe_unused]] const FioResult written,
               run_fio(fio, job, raw_folder, std::chrono::seconds(300)));
  }
  std::vector<Slot> slots = make_slots();
  const double total = static_cast<double>(slots.size() * options.runs);
  double done = 0;
  for (uint32_t run = 0; run < options.runs; ++run) {
    for (Slot& slot : slots) {
      progress(fmt::format("{} on {}", slot.spec->title, target_name(slot.target)), done / total);
      TRY_ASSIGN(Sample sample,
                 measure(slot, fio, raw_folder, server, options.runtime_seconds, run));
      slot.samples.push_back(sample);
      done += 1;
    }
  }
  Comparison out;
  for (const Slot& slot : slots) out.rows.push_back(summarise(slot));
  out.runtime_seconds = options.runtime_seconds;
  out.runs = options.runs;
  out.replicas = server.replicas();
  out.fio_version = fio_version(fio, raw_folder);
  describe_machine(out);
  out.elapsed_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  TRY(write_text(folder + "/report.md", render_markdown(out)));
  TRY(write_text(folder + "/report.json", render_json(out)));
  return out;
}

}  // namespace strata::bench
