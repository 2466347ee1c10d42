// Layers as people write them: on the command line, in a volume's metadata. docs/layers.md is the
// manual.
//
//   layer    = kind [ ":" option *( "," option ) ]
//   meter | read-only
//   throttle:iops=500,throughput=20M
//   delay:2ms   delay:median=500us,p99=4ms
//   fault:on=write,effect=torn,probability=0.01,seed=7,after=100,times=3,from=0,to=1G
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "blockdev/layers/fault_layer.h"
#include "blockdev/layers/latency.h"
#include "blockdev/layers/rate_limit.h"
#include "common/base/result.h"

namespace strata::layers {

inline constexpr size_t kLayersMax = 8;  // of one volume
inline constexpr size_t kLayerTextBytesMax = 256;

struct MeterSpec {
  bool operator==(const MeterSpec&) const = default;
};
struct ReadOnlySpec {
  bool operator==(const ReadOnlySpec&) const = default;
};
using LayerSpec =
    std::variant<MeterSpec, ReadOnlySpec, RateSettings, LatencySettings, FaultSettings>;

// kInvalidArgument says which option is wrong and what would be right.
[[nodiscard]] Result<LayerSpec> parse_layer(std::string_view text);
// The one text for the layer: parse_layer gives the same again.
[[nodiscard]] std::string format_layer(const LayerSpec& spec);

// "2ms", "500us", "1.5s"; or "500us/4ms": median and 99th percentile. "0" is none.
[[nodiscard]] Result<LatencySettings> parse_latency(std::string_view text);
[[nodiscard]] std::string format_latency(const LatencySettings& settings);

// What a volume's limits and layers are: the layers outermost first, then the throttle, then the
// delay, then the disk.
struct StackSettings {
  RateSettings rate = {};
  LatencySettings latency = {};
  std::vector<LayerSpec> layers = {};
  bool operator==(const StackSettings&) const = default;
};

}  // namespace strata::layers
