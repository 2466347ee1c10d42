// What a durability question is made of, and the rates that follow from it.
//
// Time is in years of 365.25 days, unless a name says seconds. The chances that come out are for
// one year. docs/durability.md has the assumptions and where the numbers come from.
#pragma once

#include <cstdint>

#include "common/base/result.h"

namespace strata::durability {

inline constexpr uint32_t kModelDrivesMax = 64;
inline constexpr uint32_t kModelReplicasMax = 8;
inline constexpr double kRateMin = 1e-6;        // a year, for a drive or a machine
inline constexpr double kRateMax = 10.0;        // a year
inline constexpr double kLatentRateMax = 1e-6;  // a bit and year
inline constexpr double kCapacityBytesMax = 1e18;
inline constexpr double kCapacityBytesMin = 1e6;
inline constexpr double kObjectsMax = 1e15;
inline constexpr double kYearSeconds = 365.25 * 86'400;

// Who takes over the content of a drive that failed.
enum class Repair {
  kReplace,  // one new drive in its place: as fast as that drive is written
  kSpread,   // all drives that are left, each a share: half of their speed reads, half writes
};

struct Model {
  uint32_t drives = 3;
  uint32_t replicas = 3;
  double afr = 0.015;                // failures a drive and year of service
  double capacity_bytes = 4e12;      // of a drive; the drives are taken to be full
  double rebuild_bytes_per_s = 1e8;  // of one drive
  double detection_s = 3600;         // from the failure to the begin of the repair
  double scrub_s = 7 * 86'400.0;     // every block is read once in this time
  double latent_per_bit = 1e-15;     // bits that become unreadable, a bit stored and year; may be 0
  double objects = 1e7;              // of equal size, together as large as the drives allow
  Repair repair = Repair::kReplace;
  double machine_afr = 0;  // events a year that take all drives at once; 0: not modelled

  // kInvalidArgument says which number is out of which bounds. The rest needs a model that passed.
  [[nodiscard]] Status check() const;

  [[nodiscard]] double object_bytes() const noexcept;
  // From a failure until the copies are back, in years and in seconds.
  [[nodiscard]] double repair_years() const noexcept;
  [[nodiscard]] double repair_seconds() const noexcept;
  // Rate at which one object's copy on one drive goes bad unnoticed, a year.
  [[nodiscard]] double latent_rate() const noexcept;
  // Mean time until a scrub finds it, in years: half of a period.
  [[nodiscard]] double scrub_years() const noexcept;
};

}  // namespace strata::durability
