#include "bench/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace strata::bench {
namespace {

const Measurement* raw_of(const Comparison& comparison, const Measurement& row) {
  for (const Measurement& other : comparison.rows) {
    if (other.job == row.job && other.target == Target::kRawFile) return &other;
  }
  return nullptr;
}

std::string number(double value) {
  if (value >= 100) return fmt::format("{:.0f}", value);
  if (value >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::string server_cpu(const Measurement& row) {
  return row.server_cpu_us_per_operation ? number(*row.server_cpu_us_per_operation) : "-";
}

std::string against_raw(const Comparison& comparison, const Measurement& row) {
  const Measurement* raw = raw_of(comparison, row);
  if (raw == nullptr || raw->fio.iops <= 0) return "-";
  return fmt::format("{:.2f} x", row.fio.iops / raw->fio.iops);
}

std::string conditions(const Comparison& comparison) {
  return fmt::format(
      "{} run(s) of {} s each, interleaved; medians. Machine: {}, {} cores, Linux {}; {}.\n"
      "Equal on all three: the drive, the block size, the requests under way (16 of 4 KiB, 4 of 1 "
      "MiB).\n"
      "An object is one block: a PUT is answered when it is flushed on {} drives (folders of one "
      "disk here).\n"
      "Durable block writes are each followed by a flush; the plain random write is not, and "
      "objects have no\n"
      "such mode. Volume and raw file use direct I/O; small objects are read from the server's "
      "cache.\n"
      "CPU is processor time per operation in microseconds; client and server share the cores.\n",
      comparison.runs, comparison.runtime_seconds, comparison.processor, comparison.cores,
      comparison.kernel, comparison.fio_version, comparison.replicas);
}

}  // namespace

std::string render_table(const Comparison& comparison) {
  std::string out =
      fmt::format("{:<33}{:<10}{:>9}{:>10}{:>10}{:>10}{:>12}{:>12}{:>9}\n", "job", "path", "MB/s",
                  "IOPS", "p50 us", "p99 us", "server CPU", "client CPU", "vs raw");
  std::string last;
  for (const Measurement& row : comparison.rows) {
    if (!last.empty() && last != row.job) out += "\n";
    out += fmt::format(
        "{:<33}{:<10}{:>9}{:>10}{:>10}{:>10}{:>12}{:>12}{:>9}\n", last == row.job ? "" : row.title,
        target_name(row.target), number(row.fio.bytes_per_second / 1e6), number(row.fio.iops),
        number(row.fio.latency_us_p50), number(row.fio.latency_us_p99), server_cpu(row),
        number(row.fio.client_cpu_us_per_operation), against_raw(comparison, row));
    last = row.job;
  }
  return out + "\n" + conditions(comparison);
}

std::string render_markdown(const Comparison& comparison) {
  std::string out =
      "# Objects and blocks, side by side\n\n"
      "| job | path | MB/s | IOPS (min to max) | p50 us | p99 us | server CPU us | client CPU us | "
      "vs raw |\n"
      "|---|---|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const Measurement& row : comparison.rows) {
    out +=
        fmt::format("| {} | {} | {} | {} ({} to {}) | {} | {} | {} | {} | {} |\n", row.title,
                    target_name(row.target), number(row.fio.bytes_per_second / 1e6),
                    number(row.fio.iops), number(row.iops_min), number(row.iops_max),
                    number(row.fio.latency_us_p50), number(row.fio.latency_us_p99), server_cpu(row),
                    number(row.fio.client_cpu_us_per_operation), against_raw(comparison, row));
  }
  return out + "\n" + conditions(comparison) + "\nfio's own output of every run is in `raw/`.\n";
}

std::string render_json(const Comparison& comparison) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Measurement& row : comparison.rows) {
    nlohmann::json item = {{"job", row.job},
                           {"title", row.title},
                           {"path", target_name(row.target)},
                           {"iops", row.fio.iops},
                           {"iops_min", row.iops_min},
                           {"iops_max", row.iops_max},
                           {"bytes_per_second", row.fio.bytes_per_second},
                           {"latency_us_p50", row.fio.latency_us_p50},
                           {"latency_us_p99", row.fio.latency_us_p99},
                           {"operations", row.fio.operations},
                           {"client_cpu_us_per_operation", row.fio.client_cpu_us_per_operation}};
    if (row.server_cpu_us_per_operation) {
      item["server_cpu_us_per_operation"] = *row.server_cpu_us_per_operation;
    }
    rows.push_back(std::move(item));
  }
  const nlohmann::json document = {{"schema", "strata-compare-1"},
                                   {"runtime_seconds", comparison.runtime_seconds},
                                   {"runs", comparison.runs},
                                   {"replicas", comparison.replicas},
                                   {"fio_version", comparison.fio_version},
                                   {"kernel", comparison.kernel},
                                   {"processor", comparison.processor},
                                   {"cores", comparison.cores},
                                   {"elapsed_seconds", comparison.elapsed_seconds},
                                   {"rows", std::move(rows)}};
  return document.dump(2) + "\n";
}

}  // namespace strata::bench
