// What the vhost-user servers count, all together. Recording is a few relaxed atomics; any thread.
#pragma once

#include "blockdev/device/wire_instruments.h"

namespace strata::vhost_user {

struct Instruments : device::WireInstruments {
  explicit Instruments(metrics::Registry& registry);

  metrics::Counter& resumed_requests;
  metrics::Counter& accepted;
  metrics::Counter& refused_sessions;
  metrics::Counter& broken_rings;
};

}  // namespace strata::vhost_user
