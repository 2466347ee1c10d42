#include "common/codec/http_date.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace strata::codec {
namespace {

using std::chrono::milliseconds;

constexpr Time kRfcExample{std::chrono::seconds(784111777)};  // 1994-11-06 08:49:37

TEST(HttpDate, the_three_forms_of_the_rfc_are_the_same_moment) {
  EXPECT_EQ(format_http_date(kRfcExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kRfcExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kRfcExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kRfcExample);
}

TEST(HttpDate, what_is_not_a_date_is_refused) {
  for (const char* bad : {"", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                          "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
                          "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
                          "Wed, 30 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
                          "Wed, 31 Dec 1969 23:59:59 GMT", "Sun Nov 06 08:49:37 1994 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
  EXPECT_FALSE(parse_http_date(std::string(100'000, 'S')));
}

TEST(Iso8601, is_written_and_read_with_milliseconds) {
  const Time time = kRfcExample + milliseconds(7);
  EXPECT_EQ(format_iso8601(time), "1994-11-06T08:49:37.007Z");
  EXPECT_EQ(parse_iso8601("1994-11-06T08:49:37.007Z"), time);
  EXPECT_EQ(parse_iso8601("1994-11-06T08:49:37Z"), kRfcExample);
  EXPECT_EQ(parse_iso8601("1994-11-06T08:49:37.007999999Z"), time);
  EXPECT_EQ(parse_iso8601("1994-11-06T08:49:37.5Z"), kRfcExample + milliseconds(500));
  for (const char* bad : {"1994-11-06", "1994-11-06T08:49:37", "1994-11-06T08:49:37.Z",
                          "1994-11-06T08:49:37.1234567890Z", "1994-11-06T08:49:37+00:00",
                          "1994-02-29T00:00:00Z", "1994-13-01T00:00:00Z", "1994-00-01T00:00:00Z",
                          "1994-11-00T00:00:00Z", "-994-11-06T08:49:37Z"}) {
    EXPECT_FALSE(parse_iso8601(bad)) << bad;
  }
}

TEST(Iso8601, the_basic_form_is_written_and_read) {
  EXPECT_EQ(format_iso8601_basic(kRfcExample), "19941106T084937Z");
  EXPECT_EQ(parse_iso8601_basic("19941106T084937Z"), kRfcExample);
  for (const char* bad : {"19941106T084937", "1994-11-06T08:49:37Z", "19941106 084937Z",
                          "19941306T084937Z", "19941106T084937ZZ", "+9941106T084937Z"}) {
    EXPECT_FALSE(parse_iso8601_basic(bad)) << bad;
  }
}

TEST(Dates, times_out_of_range_are_written_as_the_nearest_in_range) {
  EXPECT_EQ(format_iso8601(Time(milliseconds(-5))), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_iso8601(Time::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_http_date(Time::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Dates, every_moment_goes_there_and_back) {
  constexpr uint64_t kSeed = 20260103;
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    const Time time(milliseconds(random.below(253'402'300'800'000)));  // to the end of 9999
    const Time second = std::chrono::floor<std::chrono::seconds>(time);
    EXPECT_EQ(parse_iso8601(format_iso8601(time)), time);
    EXPECT_EQ(parse_iso8601_basic(format_iso8601_basic(time)), second);
    EXPECT_EQ(parse_http_date(format_http_date(time)), second);
  }
}

}  // namespace
}  // namespace strata::codec
