#include "blockdev/nbd/instruments.h"

namespace strata::nbd {
namespace {

constexpr const char* kConnectionsName = "strata_nbd_connections_total";
constexpr const char* kConnectionsHelp = "NBD connections accepted, and refused at the limit.";

}  // namespace

Instruments::Instruments(metrics::Registry& registry)
    : WireInstruments(registry, "strata_nbd"),
      accepted(registry.counter(kConnectionsName, kConnectionsHelp, {{"outcome", "accepted"}})),
      refused_connections(
          registry.counter(kConnectionsName, kConnectionsHelp, {{"outcome", "refused"}})),
      tls_failed(registry.counter("strata_nbd_tls_failures_total",
                                  "TLS handshakes of NBD clients that failed.", {})) {}

}  // namespace strata::nbd
