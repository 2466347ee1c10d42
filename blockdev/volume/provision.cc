#include "blockdev/volume/provision.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/parse.h"

namespace strata::volume {
namespace {

using layers::LatencySettings;
using layers::RateSettings;

constexpr uint64_t kBurstCredits = 5'400'000;  // gp2: 3,000 I/O a second for half an hour
constexpr uint64_t kGp2BurstIops = 3000;

// What a volume type gives. Source: the EBS user guide, "Amazon EBS volume types". The latencies
// are a model of what it calls single-digit and sub-millisecond.
struct Profile {
  std::string_view name;
  uint64_t iops_min = 0;  // of a number that is given; 0: none may be given
  uint64_t iops_max = 0;
  bool iops_needed = false;
  uint64_t bytes_min = 0;
  uint64_t bytes_max = 0;
  LatencySettings latency = {};
  RateSettings (*rate)(const Provision&, uint64_t size) = nullptr;
};

uint64_t whole_gib(uint64_t size) {
  return std::max<uint64_t>(1, (size + kGiB - 1) / kGiB);
}

RateSettings local_rate(const Provision& given, uint64_t) {
  return {.iops = {given.iops, 0}, .bytes = {given.bytes_per_second, 0}};
}

RateSettings gp2_rate(const Provision&, uint64_t size) {
  const uint64_t gib = whole_gib(size);
  const uint64_t baseline = std::clamp<uint64_t>(3 * gib, 100, 16'000);
  RateSettings out;
  out.iops.per_second = std::max(baseline, kGp2BurstIops);
  if (baseline < kGp2BurstIops) out.iops_credit = {baseline, kBurstCredits};
  out.bytes.per_second = (gib <= 170 ? 128 : 250) * kMiB;
  return out;
}

RateSettings gp3_rate(const Provision& given, uint64_t) {
  return {.iops = {given.iops != 0 ? given.iops : 3000, 0},
          .bytes = {given.bytes_per_second != 0 ? given.bytes_per_second : 125 * kMiB, 0}};
}

RateSettings io2_rate(const Provision& given, uint64_t) {
  // 0.256 MiB a second for each I/O a second.
  const uint64_t bytes = std::min(given.iops * (256 * kKiB), 4000 * kMiB);
  return {.iops = {given.iops, 0}, .bytes = {bytes, 0}};
}

RateSettings st1_rate(const Provision&, uint64_t size) {
  // EBS sells no less than 125 GiB; a smaller volume gets what that gets.
  const uint64_t gib = std::max<uint64_t>(whole_gib(size), 125);
  const uint64_t baseline = std::min(40 * kMiB * gib / 1024, 500 * kMiB);
  const uint64_t burst = std::min(250 * kMiB * gib / 1024, 500 * kMiB);
  RateSettings out;
  out.bytes.per_second = std::max(baseline, burst);
  if (baseline < burst) out.bytes_credit = {baseline, gib * kGiB};
  out.unit_bytes = kMiB;
  out.random_costs_units = true;
  return out;
}

constexpr auto kProfiles = std::to_array<Profile>({
    {.name = "gp2", .latency = {1000, 4000}, .rate = gp2_rate},
    {.name = "gp3",
     .iops_min = 3000,
     .iops_max = 80'000,
     .bytes_min = 125 * kMiB,
     .bytes_max = 2000 * kMiB,
     .latency = {1000, 4000},
     .rate = gp3_rate},
    {.name = "io2",
     .iops_min = 100,
     .iops_max = 256'000,
     .iops_needed = true,
     .latency = {400, 1000},
     .rate = io2_rate},
    {.name = "st1", .latency = {5000, 20'000}, .rate = st1_rate},
    {.name = kLocalProfile,
     .iops_min = 1,
     .iops_max = layers::kIopsMax,
     .bytes_min = 4096,
     .bytes_max = layers::kBytesPerSecondMax,
     .rate = local_rate},
});

const Profile* find_profile(std::string_view name) {
  const auto* const found = std::find_if(kProfiles.begin(), kProfiles.end(),
                                         [name](const Profile& one) { return one.name == name; });
  return found == kProfiles.end() ? nullptr : found;
}

Error wrong(std::string message) {
  return Error(Code::kInvalidArgument, "volume_limits", std::move(message));
}

}  // namespace

std::string profile_names() {
  std::string out;
  for (const Profile& one : kProfiles)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", one.name);
  return out;
}

Status check_provision(const Provision& provision) {
  const Profile* const profile = find_profile(provision.profile);
  if (profile == nullptr) {
    return wrong(fmt::format("there is no profile of that name; there are {}", profile_names()));
  }
  if (provision.iops == 0 && profile->iops_needed) {
    return wrong(fmt::format("the profile {} needs --iops, from {} to {}", profile->name,
                             profile->iops_min, profile->iops_max));
  }
  if (provision.iops != 0 &&
      (provision.iops < profile->iops_min || provision.iops > profile->iops_max)) {
    return wrong(profile->iops_max == 0
                     ? fmt::format("the IOPS of {} follow from the volume's size and cannot be set",
                                   profile->name)
                     : fmt::format("the IOPS of {} are from {} to {}", profile->name,
                                   profile->iops_min, profile->iops_max));
  }
  if (provision.bytes_per_second != 0 && (provision.bytes_per_second < profile->bytes_min ||
                                          provision.bytes_per_second > profile->bytes_max)) {
    return wrong(profile->bytes_max == 0
                     ? fmt::format("the throughput of {} cannot be set", profile->name)
                     : fmt::format("the throughput of {} is from {} to {} a second", profile->name,
                                   format_size(profile->bytes_min),
                                   format_size(profile->bytes_max)));
  }
  if (provision.layers.size() > layers::kLayersMax) {
    return wrong(fmt::format("a volume has at most {} layers", layers::kLayersMax));
  }
  return {};
}

Result<Provision> apply_change(const Provision& now, const ProvisionChange& change) {
  Provision out = now;
  if (change.profile && *change.profile != now.profile) {
    out = {.profile = *change.profile, .layers = now.layers};
  }
  if (change.iops) out.iops = *change.iops;
  if (change.bytes_per_second) out.bytes_per_second = *change.bytes_per_second;
  if (change.latency && *change.latency == "profile") {
    out.latency.reset();
  } else if (change.latency) {
    TRY_ASSIGN(out.latency, layers::parse_latency(*change.latency));
  }
  if (change.layers) {
    out.layers.clear();
    for (const std::string& text : *change.layers) {
      TRY_ASSIGN(auto layer, layers::parse_layer(text));
      out.layers.push_back(layer);
    }
  }
  TRY(check_provision(out));
  return out;
}

layers::StackSettings stack_settings(const Provision& provision, uint64_t size_bytes) {
  const Profile& profile = *find_profile(provision.profile);
  return {.rate = profile.rate(provision, size_bytes),
          .latency = provision.latency.value_or(profile.latency),
          .layers = provision.layers};
}

}  // namespace strata::volume
