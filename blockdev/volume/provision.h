// Provision: what a volume is allowed to do, by a named profile, by numbers, or both; and the
// layers that its owner put over it.
//
// The profiles follow the volume types of Amazon EBS (docs/volumes.md has the table). A number that
// is given counts instead of the profile's own, within the profile's bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blockdev/layers/layer_spec.h"
#include "common/base/result.h"

namespace strata::volume {

inline constexpr std::string_view kLocalProfile = "local";  // no limits but those that are given

struct Provision {
  std::string profile = std::string(kLocalProfile);
  uint64_t iops = 0;              // 0: the profile's
  uint64_t bytes_per_second = 0;  // 0: the profile's
  // Absent: the profile's; a median of 0: none.
  std::optional<layers::LatencySettings> latency = {};
  std::vector<layers::LayerSpec> layers = {};  // outermost first
  bool operator==(const Provision&) const = default;
};

// A change: what is absent stays as it is.
struct ProvisionChange {
  std::optional<std::string> profile =
      {};  // a new profile forgets the numbers that are not given too
  std::optional<uint64_t> iops = {};
  std::optional<uint64_t> bytes_per_second = {};
  std::optional<std::string> latency = {};  // "2ms", "500us/4ms", "0", or "profile"
  std::optional<std::vector<std::string>> layers = {};
};

// kInvalidArgument says what the profile allows.
[[nodiscard]] Result<Provision> apply_change(const Provision& now, const ProvisionChange& change);

// kInvalidArgument for an unknown profile, or numbers beyond its bounds.
[[nodiscard]] Status check_provision(const Provision& provision);

// The limits and layers that it means for a volume of this size.
[[nodiscard]] layers::StackSettings stack_settings(const Provision& provision, uint64_t size_bytes);

// "gp2, gp3, io2, st1, local"
[[nodiscard]] std::string profile_names();

}  // namespace strata::volume
