#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "bench/comparison.h"
#include "bench/fio.h"
#include "bench/jobs.h"
#include "bench/process.h"
#include "bench/report.h"

namespace strata::bench {
namespace {

const char* const kFioOutput = R"(fio: a warning that fio prints before its JSON
{"fio version": "fio-3.33", "jobs": [{"jobname": "j", "error": 0, "job_runtime": 4000,
 "usr_cpu": 25.0, "sys_cpu": 25.0,
 "read": {"total_ios": 1000, "iops": 500.5, "bw_bytes": 2050048,
   "lat_ns": {"percentile": {"50.000000": 90000, "99.000000": 250000, "99.900000": 300000}}},
 "write": {"total_ios": 0, "iops": 0.0, "bw_bytes": 0, "lat_ns": {}}}]})";

TEST(FioJson, gives_the_numbers_of_the_direction_that_ran) {
  const FioResult result = parse_fio_json(kFioOutput).value();
  EXPECT_EQ(result.operations, 1000u);
  EXPECT_DOUBLE_EQ(result.iops, 500.5);
  EXPECT_DOUBLE_EQ(result.bytes_per_second, 2050048);
  EXPECT_DOUBLE_EQ(result.latency_us_p50, 90);
  EXPECT_DOUBLE_EQ(result.latency_us_p99, 250);
  // Half of four seconds of job time, over a thousand operations.
  EXPECT_DOUBLE_EQ(result.client_cpu_us_per_operation, 2000);
}

TEST(FioJson, an_error_of_the_job_is_an_error) {
  std::string failed = kFioOutput;
  failed.replace(failed.find("\"error\": 0"), 10, "\"error\": 5");
  EXPECT_EQ(parse_fio_json(failed).error().code, Code::kIo);
}

TEST(FioJson, what_is_not_fios_json_is_refused) {
  for (const char* text : {"", "{", "fio: no such engine", "{}", R"({"jobs": []})"}) {
    EXPECT_FALSE(parse_fio_json(text).ok()) << text;
  }
}

std::string option(const FioJob& job, const std::string& name) {
  for (const auto& [key, value] : job.options) {
    if (key == name) return value;
  }
  return "";
}

uint64_t requests_under_way(const FioJob& job) {
  const std::string depth = option(job, "iodepth");
  const std::string jobs = option(job, "numjobs");
  return (depth.empty() ? 1 : std::stoull(depth)) * (jobs.empty() ? 1 : std::stoull(jobs));
}

TEST(Jobs, hold_block_size_and_requests_under_way_equal_on_every_target) {
  const Endpoints endpoints{"127.0.0.1:1", "key", "secret", "bucket", "nbd+unix:///v", "/raw"};
  for (const JobSpec& spec : job_specs()) {
    const FioJob raw = measurement(spec, Target::kRawFile, endpoints, 5);
    for (const Target target : {Target::kObject, Target::kVolume}) {
      const FioJob job = measurement(spec, target, endpoints, 5);
      EXPECT_EQ(option(job, "bs"), option(raw, "bs")) << job.name;
      EXPECT_EQ(option(job, "rw"), option(raw, "rw")) << job.name;
      EXPECT_EQ(requests_under_way(job), requests_under_way(raw)) << job.name;
    }
    EXPECT_EQ(option(measurement(spec, Target::kVolume, endpoints, 5), "fsync"),
              option(raw, "fsync"))
        << spec.name;
  }
}

TEST(Jobs, keep_the_secret_out_of_the_job_file) {
  const Endpoints endpoints{"127.0.0.1:1", "key", "secret", "bucket", "nbd+unix:///v", "/raw"};
  const FioJob job = measurement(job_specs().front(), Target::kObject, endpoints, 5);
  for (const auto& [name, value] : job.options) EXPECT_NE(value, "secret") << name;
}

TEST(Report, shows_each_path_against_the_raw_file) {
  Comparison comparison;
  FioResult raw;
  raw.iops = 1000;
  FioResult volume;
  volume.iops = 500;
  comparison.rows.push_back({"j", "a job", Target::kVolume, volume, 12.5, 500, 500});
  comparison.rows.push_back({"j", "a job", Target::kRawFile, raw, {}, 1000, 1000});
  const std::string table = render_table(comparison);
  EXPECT_NE(table.find("0.50 x"), std::string::npos);
  EXPECT_NE(table.find("12.5"), std::string::npos);
  EXPECT_NE(render_json(comparison).find("\"server_cpu_us_per_operation\": 12.5"),
            std::string::npos);
}

TEST(Process, gives_the_exit_status_and_ends_what_it_started) {
  const std::string log = testing::TempDir() + "/strata-bench-process.log";
  Process failing = Process::start({{"false"}, {}, {}, log}).value();
  EXPECT_EQ(failing.wait(std::chrono::seconds(10)).value(), 1);
  pid_t pid = 0;
  {
    Process endless = Process::start({{"tail", "-f", "/dev/null"}, {}, {}, log}).value();
    pid = endless.pid();
    EXPECT_TRUE(endless.running());
    EXPECT_EQ(endless.wait(std::chrono::milliseconds(1)).error().code, Code::kTimeout);
  }
  EXPECT_FALSE(cpu_time_us(pid).ok());
}

TEST(Compare, refuses_runs_and_runtimes_out_of_bounds) {
  CompareOptions options;
  options.runs = 0;
  EXPECT_EQ(compare(options, {}).error().code, Code::kInvalidArgument);
  options.runs = 1;
  options.runtime_seconds = 601;
  EXPECT_EQ(compare(options, {}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::bench
