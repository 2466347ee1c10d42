#include "common/worker/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/parse.h"

namespace strata::worker {
namespace {

constexpr std::string_view kFirstLine = "strata workers 1";
constexpr std::string_view kFirstLineOfAny = "strata workers ";
constexpr std::string_view kRate = "rate=";

Error bad_line(std::string_view line) {
  return Error(Code::kCorrupt, fmt::format("not a line of workers' settings: '{}'",
                                           line.substr(0, kWorkerNameBytesMax * 2)));
}

// The text up to the separator, which is taken off the front with it.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

Result<Settings> parse_words(std::string_view line, std::string_view words) {
  Settings settings;
  while (!words.empty()) {
    const std::string_view word = take_until(words, ' ');
    if (word == "paused" && !settings.paused) {
      settings.paused = true;
    } else if (word.starts_with(kRate) && !settings.rate) {
      settings.rate = parse_u64(word.substr(kRate.size()));
      if (!settings.rate) return bad_line(line);
    } else {
      return bad_line(line);
    }
  }
  return settings;
}

}  // namespace

bool is_worker_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kWorkerNameBytesMax &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string render_settings(const SettingsByName& settings) {
  std::string out = std::string(kFirstLine) + "\n";
  for (const auto& [name, one] : settings) {
    if (one == Settings{}) continue;
    out += name;
    if (one.paused) out += " paused";
    if (one.rate) out += fmt::format(" {}{}", kRate, *one.rate);
    out += '\n';
  }
  return out;
}

Result<SettingsByName> parse_settings(std::string_view text) {
  if (text.size() > kSettingsBytesMax) return Error(Code::kCorrupt, "too long");
  const std::string_view first = take_until(text, '\n');
  if (first != kFirstLine) {
    if (!first.starts_with(kFirstLineOfAny)) return bad_line(first);
    return Error(Code::kUnsupported, "workers' settings of a newer version of strata");
  }
  SettingsByName settings;
  while (!text.empty()) {
    if (settings.size() == kSettingsLinesMax) return Error(Code::kCorrupt, "too many lines");
    const std::string_view line = take_until(text, '\n');
    std::string_view words = line;
    const std::string_view name = take_until(words, ' ');
    if (!is_worker_name(name)) return bad_line(line);
    TRY_ASSIGN(Settings one, parse_words(line, words));
    if (!settings.emplace(std::string(name), one).second) return bad_line(line);
  }
  return settings;
}

}  // namespace strata::worker
