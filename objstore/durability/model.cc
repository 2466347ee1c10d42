#include "objstore/durability/model.h"

#include <fmt/format.h>

#include <string_view>

namespace strata::durability {
namespace {

Status between(std::string_view what, double value, double low, double high) {
  if (value >= low && value <= high) return {};  // false for a NaN
  return Error(Code::kInvalidArgument,
               fmt::format("{} is {:g}; give something from {:g} to {:g}", what, value, low, high));
}

}  // namespace

Status Model::check() const {
  TRY(between("the number of drives", drives, 1, kModelDrivesMax));
  TRY(between("the number of replicas", replicas, 1, kModelReplicasMax));
  if (replicas > drives) {
    return Error(Code::kInvalidArgument, fmt::format("{} replicas need {} drives, but there are {}",
                                                     replicas, replicas, drives));
  }
  TRY(between("the failure rate of a drive, a year,", afr, kRateMin, kRateMax));
  TRY(between("the capacity in bytes", capacity_bytes, kCapacityBytesMin, kCapacityBytesMax));
  TRY(between("the rebuild rate in bytes a second", rebuild_bytes_per_s, 1, kCapacityBytesMax));
  TRY(between("the detection time in seconds", detection_s, 0, kYearSeconds));
  TRY(between("the scrub period in seconds", scrub_s, 1, kYearSeconds));
  TRY(between("the latent error rate, a bit and year,", latent_per_bit, 0, kLatentRateMax));
  TRY(between("the number of objects", objects, 1, kObjectsMax));
  if (machine_afr != 0) {
    TRY(between("the failure rate of the machine, a year,", machine_afr, kRateMin, kRateMax));
  }
  if (repair == Repair::kSpread && drives == replicas) {
    return Error(Code::kInvalidArgument,
                 "with as many replicas as drives nothing can be spread over the drives that are "
                 "left; give more drives, or repair by replacement");
  }
  return between("the time to repair a drive in seconds", repair_seconds(), 0.001, kYearSeconds);
}

double Model::object_bytes() const noexcept {
  return drives * capacity_bytes / (replicas * objects);
}

double Model::repair_seconds() const noexcept {
  const double writers = repair == Repair::kReplace ? 1.0 : (drives - 1) / 2.0;
  return detection_s + capacity_bytes / (rebuild_bytes_per_s * writers);
}

double Model::repair_years() const noexcept {
  return repair_seconds() / kYearSeconds;
}

double Model::latent_rate() const noexcept {
  return latent_per_bit * object_bytes() * 8;
}

double Model::scrub_years() const noexcept {
  return scrub_s / 2 / kYearSeconds;
}

}  // namespace strata::durability
