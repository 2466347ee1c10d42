// What people have asked of the workers, as a small text file that survives a restart:
//
//   strata workers 1
//   scrub rate=8388608
//   uploads paused
//
// One line a worker: its name, "paused" if it is, "rate=" and bytes a second (0: no limit) if
// somebody set one. A worker without a line has its defaults.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::worker {

struct Settings {
  bool paused = false;
  std::optional<uint64_t> rate;  // bytes a second; 0: no limit; absent: the worker's default
  friend bool operator==(const Settings&, const Settings&) = default;
};
using SettingsByName = std::map<std::string, Settings, std::less<>>;

inline constexpr size_t kWorkerNameBytesMax = 32;
inline constexpr size_t kSettingsBytesMax = 16 * kKiB;
inline constexpr size_t kSettingsLinesMax = 64;

// Lower case letters, digits and '-', 1 to kWorkerNameBytesMax of them.
[[nodiscard]] bool is_worker_name(std::string_view name) noexcept;

[[nodiscard]] std::string render_settings(const SettingsByName& settings);
// kUnsupported for a newer version, kCorrupt for what render_settings would not write.
[[nodiscard]] Result<SettingsByName> parse_settings(std::string_view text);

}  // namespace strata::worker
