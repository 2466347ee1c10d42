// fuzz-deps: blockdev_layers blockdev_device common_metrics common_ring common_io common_base
// Whatever the text, parsing it ends; what it accepts is written as a text that means the same.
#include <cstddef>
#include <cstdint>

#include "blockdev/layers/layer_spec.h"
#include "common/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto spec = layers::parse_layer(text);
  if (spec.ok()) {
    const std::string written = layers::format_layer(*spec);
    CHECK(written.size() <= layers::kLayerTextBytesMax);
    const auto again = layers::parse_layer(written);
    CHECK(again.ok() && *again == *spec, written);
  }
  const auto latency = layers::parse_latency(text);
  if (latency.ok()) CHECK(layers::parse_latency(layers::format_latency(*latency)).ok());
  return 0;
}
