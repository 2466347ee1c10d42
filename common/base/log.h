// One line per event: a name and fields, for people or as JSON. Secrets never go into a field.
//
// Thread rule: every function may be called from any thread once log_start has returned.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace strata::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };
enum class Format { kHuman, kJson };

// Where and how lines are written from now on: standard error. The default is human, warnings on.
void start(Level level, Format format);

using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;
struct Field {
  std::string_view name;
  Value value;
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, bool v) : name(n), value(v) {}
  Field(std::string_view n, double v) : name(n), value(v) {}
  Field(std::string_view n, int v) : name(n), value(static_cast<int64_t>(v)) {}
  Field(std::string_view n, int64_t v) : name(n), value(v) {}
  Field(std::string_view n, uint64_t v) : name(n), value(v) {}
  Field(std::string_view n, uint32_t v) : name(n), value(static_cast<uint64_t>(v)) {}
};
using Fields = std::initializer_list<Field>;

// Whether a line of this level would be written: ask before computing costly fields.
[[nodiscard]] bool enabled(Level level) noexcept;

// event: a dotted name that people can search for, as in "drive.out".
void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) {
  write(Level::kDebug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
  write(Level::kInfo, event, fields);
}
inline void warning(std::string_view event, Fields fields = {}) {
  write(Level::kWarning, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::kError, event, fields);
}

// One line as it would be written, without the time: for tests.
[[nodiscard]] std::string render(Format format, Level level, std::string_view event, Fields fields);

}  // namespace strata::log
