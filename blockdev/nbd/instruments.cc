#include "blockdev/nbd/instruments.h"

namespace strata::nbd {
namespace {

constexpr std::array<const char*, device::kOps> kOpNames = {
    "read", "write", "flush", "trim", "write_zeroes", "cache", "block_status"};
constexpr const char* kBytesName = "strata_nbd_bytes_total";
constexpr const char* kBytesHelp = "Bytes of payload that NBD clients read and wrote.";
constexpr const char* kConnectionsName = "strata_nbd_connections_total";
constexpr const char* kConnectionsHelp = "NBD connections accepted, and refused at the limit.";

}  // namespace

Instruments::Instruments(metrics::Registry& registry)
    : refused_requests(registry.counter("strata_nbd_refused_requests_total",
                                        "NBD requests refused before they reached a volume.", {})),
      read_bytes(registry.counter(kBytesName, kBytesHelp, {{"direction", "read"}})),
      written_bytes(registry.counter(kBytesName, kBytesHelp, {{"direction", "write"}})),
      accepted(registry.counter(kConnectionsName, kConnectionsHelp, {{"outcome", "accepted"}})),
      refused_connections(
          registry.counter(kConnectionsName, kConnectionsHelp, {{"outcome", "refused"}})),
      tls_failed(registry.counter("strata_nbd_tls_failures_total",
                                  "TLS handshakes of NBD clients that failed.", {})) {
  for (size_t i = 0; i < device::kOps; ++i) {
    const metrics::Labels labels = {{"op", kOpNames[i]}};
    ops[i].requests =
        &registry.counter("strata_nbd_requests_total", "NBD requests served, by kind.", labels);
    ops[i].errors = &registry.counter("strata_nbd_request_errors_total",
                                      "NBD requests that a volume answered with an error.", labels);
    ops[i].seconds = &registry.latency("strata_nbd_request_seconds",
                                       "From a request's last byte to its reply, by kind.", labels);
  }
}

}  // namespace strata::nbd
