#include "common/codec/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/base/random.h"

namespace strata::codec {
namespace {

constexpr uint64_t kSeed = 20260102;

TEST(Hex, goes_there_and_back) {
  EXPECT_EQ(to_hex(std::string_view("\x00\x7f\xff", 3)), "007fff");
  EXPECT_EQ(from_hex("007FfF"), std::string("\x00\x7f\xff", 3));
  for (const char* bad : {"0", "0g", "zz", "0x", " 00"}) EXPECT_FALSE(from_hex(bad)) << bad;
}

// RFC 4648, section 10.
TEST(Base64, gives_the_published_values) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [raw, text] : vectors) {
    EXPECT_EQ(to_base64(raw), text);
    EXPECT_EQ(from_base64(text), raw);
  }
}

TEST(Base64, is_strict) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "=", "====", "Z===", "Zg==Zg==", "Zm 9v",
                          "Zm9v\n", "Zm-_", "Zg=a", "=m9v"}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
}

TEST(Base64, every_text_goes_there_and_back) {
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  for (size_t length = 0; length < 200; ++length) {
    std::string raw(length, '\0');
    random.fill(std::as_writable_bytes(std::span(raw)));
    EXPECT_EQ(from_base64(to_base64(raw)), raw);
    EXPECT_EQ(from_hex(to_hex(raw)), raw);
    EXPECT_EQ(uri_decode(uri_encode(raw, true)), raw);
    EXPECT_EQ(uri_decode(uri_encode(raw, false), true), raw);
  }
}

TEST(Uri, only_unreserved_bytes_stay_as_they_are) {
  EXPECT_EQ(uri_encode("AZaz09-._~", true), "AZaz09-._~");
  EXPECT_EQ(uri_encode("a/b c+d*e", true), "a%2Fb%20c%2Bd%2Ae");
  EXPECT_EQ(uri_encode("a/b", false), "a/b");
  EXPECT_EQ(uri_encode("\xc3\xbc", false), "%C3%BC");
}

RC_GTEST_PROP(Text, a_uri_text_is_in_its_one_spelling_if_encoding_again_leaves_it, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ09-._~%/+ 2fFeE4\xc3")));
  const bool slash = *rc::gen::arbitrary<bool>();
  const auto decoded = uri_decode(text);
  const bool same = decoded && uri_encode(*decoded, slash) == text;
  RC_ASSERT(is_uri_encoded(text, slash) == same);
}

RC_GTEST_PROP(Text, decoding_to_a_view_is_decoding, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab%+41 F")));
  const bool plus = *rc::gen::arbitrary<bool>();
  std::string room;
  const auto view = uri_decode_view(text, room, plus);
  const auto copy = uri_decode(text, plus);
  RC_ASSERT(view.has_value() == copy.has_value());
  if (view) RC_ASSERT(*view == *copy);
}

TEST(Uri, a_bad_escape_is_refused) {
  for (const char* bad : {"%", "%4", "a%", "%g0", "%0g", "%%41"}) EXPECT_FALSE(uri_decode(bad));
  EXPECT_EQ(uri_decode("%2f%2F%00"), std::string("//\0", 3));
  EXPECT_EQ(uri_decode("%2541"), "%41");
}

TEST(Uri, a_plus_is_a_space_only_when_asked) {
  EXPECT_EQ(uri_decode("a+b%2B"), "a+b+");
  EXPECT_EQ(uri_decode("a+b%2B", true), "a b+");
}

TEST(Utf8, accepts_the_well_formed_and_nothing_else) {
  for (const char* good : {"", "abc", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3",
                          "\xe2\x82", "\xff", "a\xc3", "\xc3(", "\xf0\x9f\x98"}) {
    EXPECT_FALSE(is_utf8(bad)) << to_hex(std::string_view(bad));
  }
}

}  // namespace
}  // namespace strata::codec
