#include "strata/control_scrub.h"

#include <nlohmann/json.hpp>

#include "strata/control_workers.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

ControlAnswer show_scrub(const worker::Crew& crew, const replica::Scrub& scrub) {
  const Result<worker::WorkerStatus> status = crew.show(scrub.name());
  if (!status.ok()) return control_error(status.error());
  const replica::ScrubCounts& counts = scrub.counts();
  nlohmann::json body = {
      {"worker", worker_json(*status)},
      {"period_ms", std::chrono::duration_cast<std::chrono::milliseconds>(scrub.period()).count()},
      {"verified",
       {{"records", counts.records.load()},
        {"small_blobs", counts.small_blobs.load()},
        {"blob_files", counts.blob_files.load()}}},
      {"repaired", counts.repaired.load()},
      {"failed", counts.failed.load()}};
  nlohmann::json& findings = body["findings"] = nlohmann::json::object();
  for (const auto& kind : counts.by_kind()) findings[std::string(kind.name)] = kind.count;
  return {200, dump_json(body)};
}

}  // namespace

ControlRoute scrub_route(worker::Crew& crew, const replica::Scrub& scrub) {
  return [&crew, &scrub](const std::string& method, const std::string&, const std::string&) {
    if (method == "POST") {
      const Status begun = crew.begin(scrub.name());
      if (!begun.ok()) return control_error(begun.error());
    } else if (method != "GET") {
      return control_error(Error(Code::kUnsupported, "the scrub takes GET and POST"));
    }
    return show_scrub(crew, scrub);
  };
}

void add_worker_gauges(metrics::Registry& registry, const worker::Crew& crew,
                       const replica::Scrub& scrub) {
  for (const worker::WorkerStatus& status : crew.list()) {
    const metrics::Labels labels = {{"worker", status.name}};
    const auto ask = [&crew, name = status.name] {
      const Result<worker::WorkerStatus> now = crew.show(name);
      return now.ok() ? *now : worker::WorkerStatus{};
    };
    registry.gauge("strata_worker_bytes", "Read and written by the worker since the start.", labels,
                   [ask] { return static_cast<double>(ask().bytes); });
    registry.gauge("strata_worker_failures", "Steps of the worker that failed, in a row.", labels,
                   [ask] { return static_cast<double>(ask().failures); });
    registry.gauge("strata_worker_paused", "1 while the worker is paused.", labels,
                   [ask] { return ask().state == worker::State::kPaused ? 1.0 : 0.0; });
    registry.gauge("strata_worker_pass_finished_seconds",
                   "When its last whole pass ended, in seconds since 1970; 0: never.", labels,
                   [ask] { return static_cast<double>(ask().progress.pass_finished_ms) / 1000; });
  }
  const replica::ScrubCounts& counts = scrub.counts();
  const auto verified = [&](const char* kind, const std::atomic<uint64_t>& count) {
    registry.gauge("strata_scrub_verified", "Copies that the scrub has read since the start.",
                   {{"kind", kind}}, [&count] { return static_cast<double>(count.load()); });
  };
  verified("record", counts.records);
  verified("small_blob", counts.small_blobs);
  verified("blob_file", counts.blob_files);
  for (size_t i = 0; i < counts.by_kind().size(); ++i) {
    registry.gauge("strata_scrub_findings", "What the scrub has found since the start.",
                   {{"kind", std::string(counts.by_kind().at(i).name)}},
                   [&counts, i] { return static_cast<double>(counts.by_kind().at(i).count); });
  }
}

}  // namespace strata::roof
