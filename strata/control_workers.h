// The workers' part of the control socket.
//
//   GET  /v1/workers        {"workers": [worker ...]}
//   GET  /v1/workers/NAME   the worker
//   POST /v1/workers/NAME   {"action": "start" | "pause" | "resume"}
//                           {"action": "rate", "rate": 1048576}, bytes a second, 0: no limit;
//                           without "rate": the default again. Answers with the worker.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/worker/crew.h"
#include "strata/control_api.h"

namespace strata::roof {

inline constexpr const char* kWorkersPath = "/v1/workers";

// The crew outlives the route.
[[nodiscard]] ControlRoute workers_route(worker::Crew& crew);

// Members: name, purpose, state, rate, rate_is_default, bytes, failures, reason, next_ms (null
// while it steps or is paused) and progress: {done, total, unit, findings, pass_started_ms,
// pass_finished_ms, note}.
[[nodiscard]] nlohmann::json worker_json(const worker::WorkerStatus& status);

}  // namespace strata::roof
