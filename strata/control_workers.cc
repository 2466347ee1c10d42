#include "strata/control_workers.h"

#include <nlohmann/json.hpp>

#include "strata/json.h"

namespace strata::roof {
namespace {

ControlAnswer list_workers(const worker::Crew& crew) {
  nlohmann::json body;
  nlohmann::json& workers = body["workers"] = nlohmann::json::array();
  for (const worker::WorkerStatus& status : crew.list()) workers.push_back(worker_json(status));
  return {200, dump_json(body)};
}

ControlAnswer show_worker(const worker::Crew& crew, const std::string& name) {
  const Result<worker::WorkerStatus> status = crew.show(name);
  if (!status.ok()) return control_error(status.error());
  return {200, dump_json(worker_json(*status))};
}

Status tell_worker(worker::Crew& crew, const std::string& name, const std::string& body) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(body, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string action, json_string(request, "action"));
  if (action == "start") return crew.begin(name);
  if (action == "pause") return crew.pause(name);
  if (action == "resume") return crew.resume(name);
  if (action == "rate") {
    if (!request.contains("rate")) return crew.set_rate(name, std::nullopt);
    TRY_ASSIGN(const uint64_t rate, json_u64(request, "rate"));
    return crew.set_rate(name, rate);
  }
  return Error(Code::kInvalidArgument, "an action is start, pause, resume or rate");
}

}  // namespace

nlohmann::json worker_json(const worker::WorkerStatus& status) {
  const worker::Progress& progress = status.progress;
  nlohmann::json out = {{"name", status.name},
                        {"purpose", status.purpose},
                        {"state", std::string(worker::state_name(status.state))},
                        {"rate", status.rate},
                        {"rate_is_default", status.rate_is_default},
                        {"bytes", status.bytes},
                        {"failures", status.failures},
                        {"reason", status.reason},
                        {"next_ms", nullptr},
                        {"progress",
                         {{"done", progress.done},
                          {"total", progress.total},
                          {"unit", progress.unit},
                          {"findings", progress.findings},
                          {"pass_started_ms", progress.pass_started_ms},
                          {"pass_finished_ms", progress.pass_finished_ms},
                          {"note", progress.note}}}};
  if (status.next) out["next_ms"] = status.next->count();
  return out;
}

ControlRoute workers_route(worker::Crew& crew) {
  return [&crew](const std::string& method, const std::string& path, const std::string& body) {
    const std::string below = path.substr(std::string_view(kWorkersPath).size());
    if (below.empty() && method == "GET") return list_workers(crew);
    if (below.empty()) return control_error(Error(Code::kUnsupported, path + " takes GET"));
    const std::string name = below.substr(1);
    if (method == "POST") {
      const Status told = tell_worker(crew, name, body);
      return told.ok() ? show_worker(crew, name) : control_error(told.error());
    }
    if (method == "GET") return show_worker(crew, name);
    return control_error(Error(Code::kUnsupported, "a worker takes GET and POST"));
  };
}

}  // namespace strata::roof
