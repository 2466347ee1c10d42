// Points in time as HTTP and S3 write them, in UTC, without a locale.
//
// Parsing is strict and bounded; nullopt for anything else, impossible dates and leap seconds
// included. Years 1970 to 9999. Safe from any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace strata::codec {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

// RFC 9110 IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". Milliseconds are cut off. Times outside
// the years above are written as the nearest that is inside, in every function here.
[[nodiscard]] std::string format_http_date(Time time);
// IMF-fixdate and the two obsolete forms: "Sunday, 06-Nov-94 08:49:37 GMT" (two-digit years: 70 to
// 99 are 19xx, 00 to 69 are 20xx) and "Sun Nov  6 08:49:37 1994". The day's name must be right in
// the first and last form.
[[nodiscard]] std::optional<Time> parse_http_date(std::string_view text);

// ISO 8601 with milliseconds: "2026-11-22T15:51:51.000Z".
[[nodiscard]] std::string format_iso8601(Time time);
// "2026-11-22T15:51:51Z", with one to nine digits of a fraction allowed (cut to milliseconds).
[[nodiscard]] std::optional<Time> parse_iso8601(std::string_view text);

// ISO 8601 basic form, as x-amz-date has it: "20261122T155151Z". Milliseconds are cut off.
[[nodiscard]] std::string format_iso8601_basic(Time time);
[[nodiscard]] std::optional<Time> parse_iso8601_basic(std::string_view text);

}  // namespace strata::codec
