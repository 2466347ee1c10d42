// What the ublk devices count, all together. Recording is a few relaxed atomics; any thread.
#pragma once

#include "blockdev/device/wire_instruments.h"
#include "common/metrics/metrics.h"

namespace strata::ublk {

struct Instruments : device::WireInstruments {
  explicit Instruments(metrics::Registry& registry)
      : WireInstruments(registry, "strata_ublk"),
        recovered(registry.counter("strata_ublk_recovered_devices_total",
                                   "Devices of an earlier server that went on.", {})),
        fua_requests(registry.counter("strata_ublk_fua_requests_total",
                                      "Writes that asked to be on stable media.", {})),
        zero_copy_requests(registry.counter(
            "strata_ublk_zero_copy_requests_total",
            "Reads and writes whose data went between the kernel's pages and the disk.", {})) {}

  metrics::Counter& recovered;
  metrics::Counter& fua_requests;
  metrics::Counter& zero_copy_requests;
};

}  // namespace strata::ublk
