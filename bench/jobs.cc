#include "bench/jobs.h"

#include <fmt/format.h>

namespace strata::bench {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

uint64_t object_span(uint64_t block_bytes) {
  return block_bytes >= kMiB ? kLargeObjectsSpanBytes : kSmallObjectsSpanBytes;
}

void add_reporting(Options& options) {
  options.emplace_back("group_reporting", "1");
  options.emplace_back("lat_percentiles", "1");
  options.emplace_back("clat_percentiles", "0");
  options.emplace_back("percentile_list", "50:99:99.9");
}

// The http engine is synchronous: its concurrency is the number of jobs. One block is one object.
void aim_at_objects(FioJob& job, uint64_t block_bytes, uint32_t jobs, bool random,
                    const Endpoints& endpoints) {
  const uint64_t span = object_span(block_bytes);
  job.options.emplace_back("ioengine", "http");
  job.options.emplace_back("http_mode", "s3");
  job.options.emplace_back("https", "off");
  job.options.emplace_back("http_host", endpoints.s3_host_port);
  job.options.emplace_back("http_s3_region", "us-east-1");
  job.options.emplace_back("http_s3_keyid", endpoints.access_key);
  job.secret_options.emplace_back("http_s3_key", endpoints.secret_key);
  job.options.emplace_back(
      "filename", fmt::format("/{}/{}", endpoints.bucket, block_bytes >= kMiB ? "1m" : "4k"));
  job.options.emplace_back("numjobs", std::to_string(jobs));
  if (random) {
    job.options.emplace_back("size", std::to_string(span));
  } else {
    // Each job walks its own part, so that no two write one key at a time.
    job.options.emplace_back("size", std::to_string(span / jobs));
    job.options.emplace_back("offset_increment", std::to_string(span / jobs));
  }
}

void aim_at_blocks(FioJob& job, Target target, uint32_t depth, const Endpoints& endpoints) {
  if (target == Target::kVolume) {
    job.options.emplace_back("ioengine", "nbd");
    job.options.emplace_back("uri", endpoints.nbd_uri);
  } else {
    job.options.emplace_back("ioengine", "io_uring");
    job.options.emplace_back("filename", endpoints.raw_path);
    job.options.emplace_back("direct", "1");
  }
  job.options.emplace_back("iodepth", std::to_string(depth));
  job.options.emplace_back("size", std::to_string(kBlockSpanBytes));
}

}  // namespace

const char* target_name(Target target) noexcept {
  switch (target) {
    case Target::kObject:
      return "object";
    case Target::kVolume:
      return "volume";
    case Target::kRawFile:
      return "raw file";
  }
  return "";
}

const std::vector<JobSpec>& job_specs() {
  static const std::vector<JobSpec> specs = {
      {"randread-4k", "4 KiB random read", "randread", 4 * kKiB, 16, false, true},
      {"randwrite-4k", "4 KiB random write", "randwrite", 4 * kKiB, 16, false, false},
      {"randwrite-4k-durable", "4 KiB random write, durable", "randwrite", 4 * kKiB, 16, true,
       true},
      {"seqread-1m", "1 MiB sequential read", "read", kMiB, 4, false, true},
      {"seqwrite-1m", "1 MiB sequential write, durable", "write", kMiB, 4, true, true},
  };
  return specs;
}

FioJob measurement(const JobSpec& spec, Target target, const Endpoints& endpoints,
                   uint32_t runtime_seconds) {
  FioJob job;
  job.name =
      fmt::format("{}-{}", spec.name, target == Target::kRawFile ? "raw" : target_name(target));
  job.options.emplace_back("rw", spec.rw);
  job.options.emplace_back("bs", std::to_string(spec.block_bytes));
  job.options.emplace_back("time_based", "1");
  job.options.emplace_back("runtime", std::to_string(runtime_seconds));
  add_reporting(job.options);
  const bool random = spec.rw.starts_with("rand");
  if (random) job.options.emplace_back("norandommap", "1");
  if (target == Target::kObject) {
    aim_at_objects(job, spec.block_bytes, spec.concurrency, random, endpoints);
  } else if (!spec.flush_each) {
    aim_at_blocks(job, target, spec.concurrency, endpoints);
  } else {
    // fio flushes a job's writes in turn, so that the concurrency of durable writes is jobs too.
    aim_at_blocks(job, target, 1, endpoints);
    job.options.emplace_back("numjobs", std::to_string(spec.concurrency));
    job.options.emplace_back("fsync", "1");
    if (!random) {
      job.options.emplace_back("offset_increment",
                               std::to_string(kBlockSpanBytes / spec.concurrency));
    }
  }
  return job;
}

std::vector<FioJob> preparation(const Endpoints& endpoints) {
  std::vector<FioJob> jobs;
  for (const uint64_t block : {4 * kKiB, kMiB}) {
    FioJob job;
    job.name = fmt::format("prepare-object-{}", block >= kMiB ? "1m" : "4k");
    job.options = {{"rw", "write"}, {"bs", std::to_string(block)}};
    add_reporting(job.options);
    aim_at_objects(job, block, 16, false, endpoints);
    jobs.push_back(std::move(job));
  }
  for (const Target target : {Target::kVolume, Target::kRawFile}) {
    FioJob job;
    job.name = fmt::format("prepare-{}", target == Target::kRawFile ? "raw" : "volume");
    job.options = {{"rw", "write"}, {"bs", "1m"}, {"end_fsync", "1"}};
    add_reporting(job.options);
    aim_at_blocks(job, target, 4, endpoints);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace strata::bench
