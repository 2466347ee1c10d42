// What the NBD server counts. Recording is a few relaxed atomics; any thread.
#pragma once

#include "blockdev/device/wire_instruments.h"

namespace strata::nbd {

struct Instruments : device::WireInstruments {
  explicit Instruments(metrics::Registry& registry);

  metrics::Counter& accepted;
  metrics::Counter& refused_connections;
  metrics::Counter& tls_failed;
};

}  // namespace strata::nbd
