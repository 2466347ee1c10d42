// The comparison: the same fio jobs against a bucket, a volume and the raw file, one after another.
//
// What is held equal: one drive, the same block size, the same number of requests under way. What
// is not, and is said in the report: an object PUT is durable on every replica when answered; a
// block write is durable after its flush, so the durable row flushes after each write.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/fio.h"
#include "common/base/result.h"

namespace strata::bench {

struct CompareOptions {
  std::string fio;                // path, or empty: find it
  std::string folder;             // where the report and fio's raw JSON go; made if missing
  uint32_t runtime_seconds = 10;  // of each measurement, 1 to 600
  uint32_t runs = 3;  // measurements of each job, interleaved; medians are reported; 1 to 25
};

enum class Target { kObject, kVolume, kRawFile };
[[nodiscard]] const char* target_name(Target target) noexcept;

// One line of the table: medians over the runs.
struct Measurement {
  std::string job;    // "randread-4k"
  std::string title;  // "4 KiB random read"
  Target target{};
  FioResult fio;
  std::optional<double> server_cpu_us_per_operation;  // none for the raw file: there is no server
  double iops_min = 0;
  double iops_max = 0;
};

struct Comparison {
  std::vector<Measurement> rows;
  uint32_t runtime_seconds = 0;
  uint32_t runs = 0;
  uint32_t replicas = 0;
  std::string fio_version;
  std::string kernel;
  std::string processor;
  uint32_t cores = 0;
  double elapsed_seconds = 0;
};

// Called as work goes on, with what is being done and how much of the whole is done (0 to 1).
using Progress = std::function<void(const std::string& what, double done)>;

// Starts a server of its own on loopback with data under options.folder, measures, stops it and
// removes its data. Leaves report.md, report.json and raw/ in the folder.
[[nodiscard]] Result<Comparison> compare(const CompareOptions& options, const Progress& progress);

}  // namespace strata::bench
