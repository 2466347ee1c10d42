// One fio run and what its JSON says.
//
// Source: fio(1), the JSON output format; engines http (one block is one object), nbd and io_uring.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace strata::bench {

struct FioJob {
  std::string name;                                          // also the name of the JSON file
  std::vector<std::pair<std::string, std::string>> options;  // fio's own names and values
  std::vector<std::pair<std::string, std::string>> secret_options;  // kept out of the raw data
};

struct FioResult {
  double iops = 0;
  double bytes_per_second = 0;
  double latency_us_p50 = 0;
  double latency_us_p99 = 0;
  uint64_t operations = 0;
  double client_cpu_us_per_operation = 0;
};

// Runs the job, keeps FOLDER/NAME.json, and reads it. An error names fio's own message.
[[nodiscard]] Result<FioResult> run_fio(const std::string& fio, const FioJob& job,
                                        const std::string& folder, std::chrono::seconds limit);

// Reads the numbers of fio's JSON output; kInvalidArgument if it is not that.
[[nodiscard]] Result<FioResult> parse_fio_json(const std::string& text);

// The fio to use: `asked` if not empty, else build/fio/fio beside our own program, else the PATH's.
// An error says which engine is missing and how to get it.
[[nodiscard]] Result<std::string> find_fio(const std::string& asked, const std::string& scratch);

}  // namespace strata::bench
