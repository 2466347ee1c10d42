#include "common/base/parse.h"

#include <gtest/gtest.h>

#include "common/base/bytes.h"

namespace strata {
namespace {

TEST(ParseSize, reads_powers_of_1024) {
  EXPECT_EQ(parse_size("4096").value(), 4096u);
  EXPECT_EQ(parse_size("64K").value(), 64 * kKiB);
  EXPECT_EQ(parse_size("10G").value(), 10 * kGiB);
  EXPECT_EQ(parse_size("1.5T").value(), kTiB + kTiB / 2);
  EXPECT_EQ(parse_size("512MiB").value(), 512 * kMiB);
  EXPECT_EQ(parse_size("8b").value(), 8u);
}

TEST(ParseSize, refuses_what_is_not_a_size) {
  for (const char* text :
       {"", "G", "-1", "1X", "1.5", "99999999999T", "1e9", "0x10", "1 G", "1..5G"}) {
    EXPECT_FALSE(parse_size(text).ok()) << text;
  }
}

TEST(ParseDuration, reads_numbers_with_a_unit) {
  EXPECT_EQ(parse_duration_ms("250ms").value(), 250u);
  EXPECT_EQ(parse_duration_ms("90s").value(), 90'000u);
  EXPECT_EQ(parse_duration_ms("1.5h").value(), 5'400'000u);
  EXPECT_EQ(parse_duration_ms("7d").value(), 604'800'000u);
  for (const char* text : {"", "7", "h", "-1s", "1 h", "1w", "1e3s", "99999999d", "1..5h"}) {
    EXPECT_FALSE(parse_duration_ms(text).ok()) << text;
  }
}

TEST(ParseFraction, reads_percent_and_plain_numbers) {
  EXPECT_DOUBLE_EQ(parse_fraction("1.5%").value(), 0.015);
  EXPECT_DOUBLE_EQ(parse_fraction("0.25").value(), 0.25);
  EXPECT_DOUBLE_EQ(parse_number("1e-15").value(), 1e-15);
  for (const char* text : {"", "%", "-1%", "1%%", "x", "nan", "inf", "1 %"}) {
    EXPECT_FALSE(parse_fraction(text).ok()) << text;
  }
}

TEST(FormatDuration, takes_the_greatest_unit) {
  EXPECT_EQ(format_duration(5400), "1.5 h");
  EXPECT_EQ(format_duration(604'800), "7 d");
  EXPECT_EQ(format_duration(0.5), "500 ms");
}

TEST(ParseHostPort, reads_names_and_both_address_families) {
  EXPECT_EQ(parse_host_port("127.0.0.1:9000").value().port, 9000);
  EXPECT_EQ(parse_host_port("[::1]:80").value().host, "::1");
  EXPECT_EQ(parse_host_port("[::1]:80").value().to_string(), "[::1]:80");
  EXPECT_EQ(parse_host_port(":9000").value().host, "0.0.0.0");
  for (const char* text : {"", "host", "host:", "host:70000", "::1:80", "host:8x"}) {
    EXPECT_FALSE(parse_host_port(text).ok()) << text;
  }
}

TEST(ParseHostPort, knows_loopback) {
  EXPECT_TRUE(parse_host_port("localhost:1").value().is_loopback());
  EXPECT_TRUE(parse_host_port("127.9.9.9:1").value().is_loopback());
  EXPECT_FALSE(parse_host_port("0.0.0.0:1").value().is_loopback());
  EXPECT_FALSE(parse_host_port("127.example.com:1").value().is_loopback());
}

TEST(ParseU64, takes_digits_only) {
  EXPECT_EQ(parse_u64("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "+1", "-1", " 1", "1 ", "18446744073709551616", "0x1"}) {
    EXPECT_FALSE(parse_u64(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace strata
