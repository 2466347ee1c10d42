#include "blockdev/device/wire_instruments.h"

namespace strata::device {
namespace {

constexpr std::array<const char*, kOps> kOpNames = {"read",         "write", "flush",       "trim",
                                                    "write_zeroes", "cache", "block_status"};
constexpr const char* kBytesHelp = "Bytes that clients read and wrote.";

}  // namespace

WireInstruments::WireInstruments(metrics::Registry& registry, const std::string& prefix)
    : refused_requests(registry.counter(prefix + "_refused_requests_total",
                                        "Requests refused before they reached a volume.", {})),
      read_bytes(registry.counter(prefix + "_bytes_total", kBytesHelp, {{"direction", "read"}})),
      written_bytes(
          registry.counter(prefix + "_bytes_total", kBytesHelp, {{"direction", "write"}})) {
  for (size_t i = 0; i < kOps; ++i) {
    const metrics::Labels labels = {{"op", kOpNames[i]}};
    ops[i].requests =
        &registry.counter(prefix + "_requests_total", "Requests served, by kind.", labels);
    ops[i].errors = &registry.counter(prefix + "_request_errors_total",
                                      "Requests that a volume answered with an error.", labels);
    ops[i].seconds = &registry.latency(
        prefix + "_request_seconds", "From a request's last byte to its answer, by kind.", labels);
  }
}

}  // namespace strata::device
