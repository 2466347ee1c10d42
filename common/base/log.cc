#include "common/base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

namespace strata::log {
namespace {

// Longer field values are cut: a log line is bounded whatever a client sends.
constexpr size_t kFieldBytesMax = 1024;
// Room made at once: most lines fit.
constexpr size_t kUsualLineBytes = 384;

struct Sink {
  std::shared_ptr<spdlog::logger> logger;
  std::atomic<Level> level{Level::kWarning};
  std::atomic<Format> format{Format::kHuman};
};

// The process has one standard error, so this is the one place that keeps state for it.
Sink& sink() {
  static Sink instance{[] {
    auto logger = spdlog::stderr_logger_mt("strata");
    logger->set_level(spdlog::level::trace);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    return logger;
  }()};
  return instance;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
    case Level::kOff:
      break;
  }
  return "off";
}

bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '"' || c == '\\' || byte < 0x20 || byte == 0x7f;
}

// JSON string escapes; also used for human values that hold spaces or control characters.
void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  text = text.substr(0, kFieldBytesMax);
  while (!text.empty()) {
    size_t literal = 0;  // what needs no escape is copied in runs
    while (literal < text.size() && !needs_escape(text[literal])) ++literal;
    out.append(text.substr(0, literal));
    if (literal == text.size()) break;
    const char c = text[literal];
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    }
    text.remove_prefix(literal + 1);
  }
  out.push_back('"');
}

bool plain(std::string_view text) {
  if (text.empty() || text.size() > kFieldBytesMax) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == 0x7f) return false;
  }
  return true;
}

void append_value(std::string& out, const Value& value, bool json) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (!json && plain(*text)) {
      out.append(*text);
    } else {
      append_quoted(out, *text);
    }
    return;
  }
  std::visit(
      [&](const auto& v) {
        using Kind = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<Kind, int64_t> || std::is_same_v<Kind, uint64_t>) {
          const fmt::format_int digits(v);
          out.append(digits.data(), digits.size());
        } else if constexpr (!std::is_same_v<Kind, std::string_view>) {
          fmt::format_to(std::back_inserter(out), "{}", v);
        }
      },
      value);
}

}  // namespace

void start(Level level, Format format) {
  sink().level = level;
  sink().format = format;
  if (format == Format::kJson) {
    sink().logger->set_pattern("{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v",
                               spdlog::pattern_time_type::utc);
  }
}

bool enabled(Level level) noexcept {
  return level >= sink().level.load(std::memory_order_relaxed);
}

std::string render(Format format, Level level, std::string_view event, Fields fields) {
  const bool json = format == Format::kJson;
  std::string line;
  line.reserve(kUsualLineBytes);
  if (json) {
    line.append("\"level\":\"").append(level_name(level));
    line.append("\",\"event\":\"").append(event).append("\"");
  } else {
    line.append(level_name(level)).append(" ").append(event);
  }
  for (const Field& field : fields) {
    if (json) {
      line.push_back(',');
      append_quoted(line, field.name);
      line.push_back(':');
    } else {
      line.push_back(' ');
      line.append(field.name);
      line.push_back('=');
    }
    append_value(line, field.value, json);
  }
  if (json) line.push_back('}');
  return line;
}

void write(Level level, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  // As a text of its own, which spdlog does not look into for places to fill.
  const std::string line =
      render(sink().format.load(std::memory_order_relaxed), level, event, fields);
  sink().logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  sink().logger->flush();
}

}  // namespace strata::log
