#include "blockdev/layers/layer_spec.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <functional>
#include <optional>

#include "common/base/parse.h"

namespace strata::layers {
namespace {

Error wrong(std::string message) {
  return Error(Code::kInvalidArgument, "layer", std::move(message));
}

struct Named {
  std::string_view name;
  int value;
};
constexpr auto kTargets =
    std::to_array<Named>({{"read", 0}, {"write", 1}, {"flush", 2}, {"trim", 3}, {"any", 4}});
constexpr auto kEffects =
    std::to_array<Named>({{"error", 0}, {"no-space", 1}, {"torn", 2}, {"lost", 3}});

template <typename Table>
Result<int> value_of(const Table& table, std::string_view name) {
  std::string known;
  for (const Named& one : table) {
    if (one.name == name) return one.value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", one.name);
  }
  return wrong(fmt::format("'{}' is none of {}", name, known));
}

// "500us", "2ms", "1.5s" in microseconds.
Result<uint64_t> parse_us(std::string_view text) {
  if (text == "0") return uint64_t{0};
  double scale = 0;
  std::string_view number = text;
  for (const auto& [unit, us] :
       {std::pair<std::string_view, double>{"us", 1}, {"ms", 1e3}, {"s", 1e6}}) {
    if (!text.ends_with(unit)) continue;
    scale = us;
    number.remove_suffix(unit.size());
    break;
  }
  const auto value = parse_number(number);
  if (scale == 0 || !value.ok() || *value * scale > static_cast<double>(kLatencyUsMax)) {
    return wrong(
        fmt::format("a latency is a number with its unit, as in 500us, 2ms or 1.5s, at "
                    "most 60s; '{}' is not",
                    text.substr(0, 32)));
  }
  return static_cast<uint64_t>(std::llround(*value * scale));
}

Result<uint64_t> parse_count(std::string_view text, uint64_t most) {
  const auto number = parse_u64(text);
  if (!number || *number > most) {
    return wrong(
        fmt::format("a whole number up to {} is needed, not '{}'", most, text.substr(0, 32)));
  }
  return *number;
}

// Calls use(name, value) for each "name=value"; a part without '=' has an empty name.
Status each_option(std::string_view text,
                   const std::function<Status(std::string_view, std::string_view)>& use) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      TRY(use("", part));
    } else {
      TRY(use(part.substr(0, equals), part.substr(equals + 1)));
    }
  }
  return {};
}

Error unknown_option(std::string_view layer, std::string_view name, std::string_view known) {
  return wrong(fmt::format("the layer '{}' has no option '{}'; it has {}", layer,
                           name.substr(0, 32), known));
}

Result<LayerSpec> parse_throttle(std::string_view options) {
  RateSettings out;
  TRY(each_option(options, [&](std::string_view name, std::string_view value) -> Status {
    if (name == "iops") {
      TRY_ASSIGN(out.iops.per_second, parse_count(value, kIopsMax));
    } else if (name == "iops-burst") {
      TRY_ASSIGN(out.iops.tokens, parse_count(value, kIopsMax));
    } else if (name == "throughput" || name == "throughput-burst") {
      TRY_ASSIGN(const uint64_t bytes, parse_size(value));
      if (bytes > kBytesPerSecondMax) return wrong("a throughput is at most 10^12 bytes");
      (name == "throughput" ? out.bytes.per_second : out.bytes.tokens) = bytes;
    } else {
      return unknown_option("throttle", name, "iops, iops-burst, throughput, throughput-burst");
    }
    return {};
  }));
  if (out.iops.per_second == 0 && out.bytes.per_second == 0) {
    return wrong("a throttle needs iops=N or throughput=BYTES, as in throttle:iops=500");
  }
  if ((out.iops.per_second == 0 && out.iops.tokens != 0) ||
      (out.bytes.per_second == 0 && out.bytes.tokens != 0)) {
    return wrong("a burst needs the rate that it bursts from");
  }
  return LayerSpec(out);
}

Status check_latency(const LatencySettings& settings) {
  if (settings.p99_us != 0 && (settings.median_us == 0 || settings.p99_us < settings.median_us)) {
    return wrong("the 99th percentile of a latency is not below its median");
  }
  return {};
}

Result<LayerSpec> parse_delay(std::string_view options) {
  LatencySettings out;
  TRY(each_option(options, [&](std::string_view name, std::string_view value) -> Status {
    if (name.empty()) {
      TRY_ASSIGN(out, parse_latency(value));
    } else if (name == "median") {
      TRY_ASSIGN(out.median_us, parse_us(value));
    } else if (name == "p99") {
      TRY_ASSIGN(out.p99_us, parse_us(value));
    } else {
      return unknown_option("delay", name, "median and p99, or just a time as in delay:2ms");
    }
    return {};
  }));
  TRY(check_latency(out));
  if (out.p99_us == out.median_us) out.p99_us = 0;
  if (out.median_us == 0) return wrong("a delay needs a time, as in delay:2ms");
  return LayerSpec(out);
}

Status parse_fault_option(FaultSettings& out, std::string_view name, std::string_view value) {
  if (name == "on") {
    TRY_ASSIGN(const int target, value_of(kTargets, value));
    out.on = static_cast<FaultTarget>(target);
  } else if (name == "effect") {
    TRY_ASSIGN(const int effect, value_of(kEffects, value));
    out.effect = static_cast<FaultEffect>(effect);
  } else if (name == "probability") {
    TRY_ASSIGN(const double share, parse_fraction(value));
    if (share > 1) return wrong("a probability is at most 1");
    out.per_million = static_cast<uint32_t>(std::llround(share * 1e6));
  } else if (name == "seed") {
    TRY_ASSIGN(out.seed, parse_count(value, UINT64_MAX));
  } else if (name == "after") {
    TRY_ASSIGN(out.after, parse_count(value, UINT64_MAX));
  } else if (name == "times") {
    TRY_ASSIGN(out.times, parse_count(value, UINT64_MAX));
  } else if (name == "from") {
    TRY_ASSIGN(out.from, parse_size(value));
  } else if (name == "to") {
    TRY_ASSIGN(out.to, parse_size(value));
  } else {
    return unknown_option("fault", name, "on, effect, probability, seed, after, times, from, to");
  }
  return {};
}

Result<LayerSpec> parse_fault(std::string_view options) {
  FaultSettings out;
  TRY(each_option(options, [&](std::string_view name, std::string_view value) {
    return parse_fault_option(out, name, value);
  }));
  if (out.from >= out.to) return wrong("a fault's range is empty: `from` must be below `to`");
  const bool can_tear = out.on == FaultTarget::kWrite || out.on == FaultTarget::kAny;
  if (out.effect == FaultEffect::kTorn && !can_tear) return wrong("only a write can be torn");
  if (out.effect == FaultEffect::kLost &&
      (out.on == FaultTarget::kRead || out.on == FaultTarget::kAny)) {
    return wrong("a lost read cannot be; say on=write, on=flush or on=trim");
  }
  return LayerSpec(out);
}

std::string format_us(uint64_t us) {
  if (us != 0 && us % 1'000'000 == 0) return fmt::format("{}s", us / 1'000'000);
  if (us != 0 && us % 1000 == 0) return fmt::format("{}ms", us / 1000);
  return us == 0 ? "0" : fmt::format("{}us", us);
}

struct Writer {
  std::string operator()(const MeterSpec&) const { return "meter"; }
  std::string operator()(const ReadOnlySpec&) const { return "read-only"; }
  std::string operator()(const RateSettings& rate) const {
    std::string out;
    const auto add = [&out](std::string_view name, uint64_t value) {
      if (value != 0) out += fmt::format("{}{}={}", out.empty() ? "" : ",", name, value);
    };
    add("iops", rate.iops.per_second);
    add("iops-burst", rate.iops.tokens);
    add("throughput", rate.bytes.per_second);
    add("throughput-burst", rate.bytes.tokens);
    return "throttle:" + out;
  }
  std::string operator()(const LatencySettings& latency) const {
    if (latency.p99_us == 0) return "delay:" + format_us(latency.median_us);
    return fmt::format("delay:median={},p99={}", format_us(latency.median_us),
                       format_us(latency.p99_us));
  }
  std::string operator()(const FaultSettings& fault) const {
    const FaultSettings usual;
    std::string out =
        fmt::format("fault:on={},effect={}", kTargets.at(static_cast<size_t>(fault.on)).name,
                    kEffects.at(static_cast<size_t>(fault.effect)).name);
    if (fault.per_million != usual.per_million) {
      out += fmt::format(",probability=0.{:06}", fault.per_million);
    }
    if (fault.seed != usual.seed) out += fmt::format(",seed={}", fault.seed);
    if (fault.after != usual.after) out += fmt::format(",after={}", fault.after);
    if (fault.times != usual.times) out += fmt::format(",times={}", fault.times);
    if (fault.from != usual.from) out += fmt::format(",from={}", fault.from);
    if (fault.to != usual.to) out += fmt::format(",to={}", fault.to);
    return out;
  }
};

}  // namespace

Result<LatencySettings> parse_latency(std::string_view text) {
  LatencySettings out;
  const size_t slash = text.find('/');
  TRY_ASSIGN(out.median_us, parse_us(text.substr(0, slash)));
  if (slash != std::string_view::npos) {
    TRY_ASSIGN(out.p99_us, parse_us(text.substr(slash + 1)));
  }
  TRY(check_latency(out));
  if (out.p99_us == out.median_us) out.p99_us = 0;
  return out;
}

std::string format_latency(const LatencySettings& settings) {
  std::string out = format_us(settings.median_us);
  if (settings.p99_us != 0) out += "/" + format_us(settings.p99_us);
  return out;
}

Result<LayerSpec> parse_layer(std::string_view text) {
  if (text.size() > kLayerTextBytesMax) return wrong("a layer's text is at most 256 bytes long");
  const size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const bool has_options = colon != std::string_view::npos;
  const std::string_view options = has_options ? text.substr(colon + 1) : std::string_view();
  if (kind == "throttle") return parse_throttle(options);
  if (kind == "delay") return parse_delay(options);
  if (kind == "fault") return parse_fault(options);
  if (kind == "meter" || kind == "read-only") {
    if (has_options) return wrong(fmt::format("the layer '{}' has no options", kind));
    return kind == "meter" ? LayerSpec(MeterSpec{}) : LayerSpec(ReadOnlySpec{});
  }
  return wrong(
      fmt::format("there is no layer '{}'; there are meter, read-only, throttle, delay and "
                  "fault",
                  kind.substr(0, 32)));
}

std::string format_layer(const LayerSpec& spec) {
  return std::visit(Writer{}, spec);
}

}  // namespace strata::layers
