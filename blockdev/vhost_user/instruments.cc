#include "blockdev/vhost_user/instruments.h"

namespace strata::vhost_user {
namespace {

constexpr const char* kSessionsName = "strata_vhost_user_sessions_total";
constexpr const char* kSessionsHelp = "Front ends that connected, and those that were refused.";

}  // namespace

Instruments::Instruments(metrics::Registry& registry)
    : WireInstruments(registry, "strata_vhost_user"),
      resumed_requests(registry.counter("strata_vhost_user_resumed_requests_total",
                                        "Requests of an earlier server that were served again.",
                                        {})),
      accepted(registry.counter(kSessionsName, kSessionsHelp, {{"outcome", "accepted"}})),
      refused_sessions(registry.counter(kSessionsName, kSessionsHelp, {{"outcome", "refused"}})),
      broken_rings(registry.counter("strata_vhost_user_broken_rings_total",
                                    "Rings stopped because a guest put nonsense into them.", {})) {}

}  // namespace strata::vhost_user
