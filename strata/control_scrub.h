// The scrub's part of the control socket, and of the metrics.
//
//   GET  /v1/scrub   {"worker": worker, "period_ms": 604800000, "verified": {"records": ...,
//                    "small_blobs": ..., "blob_files": ...}, "findings": {"bad": ..., ...},
//                    "repaired": ..., "failed": ...}; counts since the server's start
//   POST /v1/scrub   begins a pass now, or hurries the one under way; the same answer
#pragma once

#include "common/metrics/metrics.h"
#include "common/worker/crew.h"
#include "objstore/replica/scrub.h"
#include "strata/control_api.h"

namespace strata::roof {

inline constexpr const char* kScrubPath = "/v1/scrub";

// Both outlive the route.
[[nodiscard]] ControlRoute scrub_route(worker::Crew& crew, const replica::Scrub& scrub);

// What /metrics says of the workers. Both outlive the registry's last scrape.
void add_worker_gauges(metrics::Registry& registry, const worker::Crew& crew,
                       const replica::Scrub& scrub);

}  // namespace strata::roof
