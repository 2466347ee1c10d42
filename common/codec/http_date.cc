#include "common/codec/http_date.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace strata::codec {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;

constexpr size_t kTextBytesMax = 40;  // the longest form, "Wednesday, 06-Nov-94 08:49:37 GMT": 33

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr Time kFirst{};
constexpr Time kLast =
    Time(sys_days(std::chrono::year{9999} / 12 / 31)) + days(1) - milliseconds(1);

// A point in time taken apart.
struct Civil {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, milli = 0;
  unsigned weekday = 0;  // 0: Sunday
};

Civil to_civil(Time time) {
  time = std::clamp(time, kFirst, kLast);
  const sys_days date = std::chrono::floor<days>(time);
  const std::chrono::year_month_day ymd(date);
  const std::chrono::hh_mm_ss clock(time - date);
  return {.year = static_cast<unsigned>(static_cast<int>(ymd.year())),
          .month = static_cast<unsigned>(ymd.month()),
          .day = static_cast<unsigned>(ymd.day()),
          .hour = static_cast<unsigned>(clock.hours().count()),
          .minute = static_cast<unsigned>(clock.minutes().count()),
          .second = static_cast<unsigned>(clock.seconds().count()),
          .milli = static_cast<unsigned>(clock.subseconds().count()),
          .weekday = std::chrono::weekday(date).c_encoding()};
}

std::optional<Time> from_civil(const Civil& civil) {
  const std::chrono::year_month_day ymd(std::chrono::year(static_cast<int>(civil.year)),
                                        std::chrono::month(civil.month),
                                        std::chrono::day(civil.day));
  if (civil.year < 1970 || !ymd.ok()) return std::nullopt;
  if (civil.hour > 23 || civil.minute > 59 || civil.second > 59) return std::nullopt;
  return Time(sys_days(ymd)) + std::chrono::hours(civil.hour) + std::chrono::minutes(civil.minute) +
         std::chrono::seconds(civil.second) + milliseconds(civil.milli);
}

void append_number(std::string& out, unsigned value, size_t digits) {
  std::array<char, 4> text{};
  for (size_t i = digits; i > 0; --i, value /= 10)
    text[i - 1] = static_cast<char>('0' + value % 10);
  out.append(text.data(), digits);
}

// Reads a text front to back; after the first mismatch everything fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text), good_(text.size() <= kTextBytesMax) {}

  Reader& literal(std::string_view expected) {
    if (good_ && left_.starts_with(expected)) {
      left_.remove_prefix(expected.size());
    } else {
      good_ = false;
    }
    return *this;
  }
  Reader& number(unsigned& value, size_t digits) {
    value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!good_ || left_.empty() || left_.front() < '0' || left_.front() > '9') {
        good_ = false;
        return *this;
      }
      value = value * 10 + static_cast<unsigned>(left_.front() - '0');
      left_.remove_prefix(1);
    }
    return *this;
  }
  // The index of the name that stands here.
  template <size_t kCount>
  Reader& name(unsigned& index, const std::array<std::string_view, kCount>& names) {
    for (unsigned i = 0; good_ && i < kCount; ++i) {
      if (left_.starts_with(names[i])) {
        index = i;
        left_.remove_prefix(names[i].size());
        return *this;
      }
    }
    good_ = false;
    return *this;
  }
  Reader& clock(Civil& civil) {
    return number(civil.hour, 2)
        .literal(":")
        .number(civil.minute, 2)
        .literal(":")
        .number(civil.second, 2);
  }
  // ".5", ".123456789": milliseconds, the rest cut off; nothing is 0.
  Reader& fraction(unsigned& milli) {
    constexpr size_t kDigitsMax = 9;
    milli = 0;
    if (!good_ || !left_.starts_with('.')) return *this;
    left_.remove_prefix(1);
    unsigned weight = 100;
    size_t digits = 0;
    for (; !left_.empty() && left_.front() >= '0' && left_.front() <= '9'; ++digits) {
      milli += weight * static_cast<unsigned>(left_.front() - '0');
      weight /= 10;
      left_.remove_prefix(1);
    }
    if (digits == 0 || digits > kDigitsMax) good_ = false;
    return *this;
  }
  [[nodiscard]] bool starts_with(char c) const { return good_ && left_.starts_with(c); }
  [[nodiscard]] bool complete() const { return good_ && left_.empty(); }

 private:
  std::string_view left_;
  bool good_;
};

// from_civil, if the name of the day fits the date.
std::optional<Time> with_weekday(const Civil& civil) {
  const std::optional<Time> time = from_civil(civil);
  if (!time || to_civil(*time).weekday != civil.weekday) return std::nullopt;
  return time;
}

std::optional<Time> parse_imf_fixdate(std::string_view text) {
  Civil civil;
  Reader reader(text);
  reader.name(civil.weekday, kDays).literal(", ").number(civil.day, 2).literal(" ");
  reader.name(civil.month, kMonths).literal(" ").number(civil.year, 4).literal(" ").clock(civil);
  ++civil.month;
  if (!reader.literal(" GMT").complete()) return std::nullopt;
  return with_weekday(civil);
}

std::optional<Time> parse_rfc850(std::string_view text) {
  Civil civil;
  Reader reader(text);
  reader.name(civil.weekday, kLongDays).literal(", ").number(civil.day, 2).literal("-");
  reader.name(civil.month, kMonths).literal("-").number(civil.year, 2).literal(" ").clock(civil);
  ++civil.month;
  civil.year += civil.year >= 70 ? 1900 : 2000;
  if (!reader.literal(" GMT").complete()) return std::nullopt;
  return from_civil(civil);
}

std::optional<Time> parse_asctime(std::string_view text) {
  Civil civil;
  Reader reader(text);
  reader.name(civil.weekday, kDays).literal(" ").name(civil.month, kMonths).literal(" ");
  if (reader.starts_with(' ')) {
    reader.literal(" ").number(civil.day, 1);
  } else {
    reader.number(civil.day, 2);
  }
  ++civil.month;
  if (!reader.literal(" ").clock(civil).literal(" ").number(civil.year, 4).complete()) {
    return std::nullopt;
  }
  return with_weekday(civil);
}

}  // namespace

std::string format_http_date(Time time) {
  const Civil civil = to_civil(time);
  std::string out(kDays[civil.weekday]);
  out += ", ";
  append_number(out, civil.day, 2);
  out += ' ';
  out += kMonths[civil.month - 1];
  out += ' ';
  append_number(out, civil.year, 4);
  out += ' ';
  append_number(out, civil.hour, 2);
  out += ':';
  append_number(out, civil.minute, 2);
  out += ':';
  append_number(out, civil.second, 2);
  out += " GMT";
  return out;
}

std::optional<Time> parse_http_date(std::string_view text) {
  if (const auto time = parse_imf_fixdate(text)) return time;
  if (const auto time = parse_rfc850(text)) return time;
  return parse_asctime(text);
}

std::string format_iso8601(Time time) {
  const Civil civil = to_civil(time);
  std::string out;
  out.reserve(sizeof("YYYY-MM-DDTHH:MM:SS.mmmZ"));
  append_number(out, civil.year, 4);
  out += '-';
  append_number(out, civil.month, 2);
  out += '-';
  append_number(out, civil.day, 2);
  out += 'T';
  append_number(out, civil.hour, 2);
  out += ':';
  append_number(out, civil.minute, 2);
  out += ':';
  append_number(out, civil.second, 2);
  out += '.';
  append_number(out, civil.milli, 3);
  out += 'Z';
  return out;
}

std::optional<Time> parse_iso8601(std::string_view text) {
  Civil civil;
  Reader reader(text);
  reader.number(civil.year, 4).literal("-").number(civil.month, 2).literal("-");
  reader.number(civil.day, 2).literal("T").clock(civil).fraction(civil.milli);
  if (!reader.literal("Z").complete()) return std::nullopt;
  return from_civil(civil);
}

std::string format_iso8601_basic(Time time) {
  const Civil civil = to_civil(time);
  std::string out;
  append_number(out, civil.year, 4);
  append_number(out, civil.month, 2);
  append_number(out, civil.day, 2);
  out += 'T';
  append_number(out, civil.hour, 2);
  append_number(out, civil.minute, 2);
  append_number(out, civil.second, 2);
  out += 'Z';
  return out;
}

std::optional<Time> parse_iso8601_basic(std::string_view text) {
  Civil civil;
  Reader reader(text);
  reader.number(civil.year, 4).number(civil.month, 2).number(civil.day, 2).literal("T");
  reader.number(civil.hour, 2).number(civil.minute, 2).number(civil.second, 2);
  if (!reader.literal("Z").complete()) return std::nullopt;
  return from_civil(civil);
}

}  // namespace strata::codec
