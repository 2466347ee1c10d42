// The jobs of the comparison as fio options: what runs, on which target, what is held equal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/comparison.h"
#include "common/base/bytes.h"

namespace strata::bench {

// How a job reaches each target.
struct Endpoints {
  std::string s3_host_port;
  std::string access_key;
  std::string secret_key;
  std::string bucket;
  std::string nbd_uri;
  std::string raw_path;
};

struct JobSpec {
  std::string name;
  std::string title;
  std::string rw;
  uint64_t block_bytes = 0;
  uint32_t concurrency = 0;  // requests under way on every target
  bool flush_each = false;   // block targets: a flush after every write
  bool object_too = true;    // false where an object cannot do less than the durable row
};

inline constexpr uint64_t kBlockSpanBytes = 512 * kMiB;         // of the volume and the raw file
inline constexpr uint64_t kSmallObjectsSpanBytes = 16 * kMiB;   // 4,096 objects of 4 KiB
inline constexpr uint64_t kLargeObjectsSpanBytes = 128 * kMiB;  // 128 objects of 1 MiB

[[nodiscard]] const std::vector<JobSpec>& job_specs();

// A measurement of runtime_seconds.
[[nodiscard]] FioJob measurement(const JobSpec& spec, Target target, const Endpoints& endpoints,
                                 uint32_t runtime_seconds);
// Writes what the jobs will read, once each: both object sizes, the volume, the raw file.
[[nodiscard]] std::vector<FioJob> preparation(const Endpoints& endpoints);

}  // namespace strata::bench
