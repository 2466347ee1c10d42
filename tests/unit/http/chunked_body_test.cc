#include "common/http/chunked_body.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::http {
namespace {

struct Decoded {
  Code code = Code::kInternal;
  bool failed = false;
  bool done = false;
  std::string body;
  size_t consumed = 0;
};
Decoded decode(std::string_view input, size_t piece) {
  Decoded out;
  ChunkedDecoder decoder;
  while (out.consumed < input.size() && !decoder.done()) {
    Result<ChunkedDecoder::Step> step = decoder.step(as_bytes(input.substr(out.consumed, piece)));
    if (!step.ok()) {
      out.failed = true;
      out.code = step.error().code;
      return out;
    }
    out.body += as_text(step->data);
    out.consumed += step->consumed;
  }
  out.done = decoder.done();
  return out;
}

TEST(ChunkedBody, is_decoded_whatever_way_it_arrives) {
  const std::string input =
      "5\r\nhello\r\n"
      "A;name=value;other=\"quoted\"\r\n, 12345678\r\n"
      "000\r\nX-Checksum: abc\r\nX-Other:\r\n\r\n";
  for (size_t piece = 1; piece <= input.size(); ++piece) {
    const Decoded out = decode(input + "GET /", piece);
    ASSERT_TRUE(out.done) << piece;
    EXPECT_EQ(out.body, "hello, 12345678");
    EXPECT_EQ(out.consumed, input.size());
  }
}

TEST(ChunkedBody, an_unfinished_one_is_not_done) {
  const std::string input = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (size_t length = 0; length < input.size(); ++length) {
    const Decoded out = decode(input.substr(0, length), 3);
    EXPECT_FALSE(out.done) << length;
    EXPECT_FALSE(out.failed) << length;
  }
}

struct Attack {
  const char* name;
  std::string bytes;
  Code code = Code::kInvalidArgument;
};
std::ostream& operator<<(std::ostream& out, const Attack& attack) {
  return out << attack.name;
}
std::string repeated(const std::string& text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

class RefusedChunks : public testing::TestWithParam<Attack> {};
TEST_P(RefusedChunks, whole_and_byte_by_byte) {
  for (const size_t piece : {size_t{1}, GetParam().bytes.size()}) {
    const Decoded out = decode(GetParam().bytes, piece);
    EXPECT_TRUE(out.failed);
    EXPECT_EQ(out.code, GetParam().code);
  }
}

const Attack kAttacks[] = {
    {"no_size", "\r\nhello"},
    {"size_of_extension_only", ";a\r\n"},
    {"size_minus", "-5\r\nhello\r\n"},
    {"size_plus", "+5\r\nhello\r\n"},
    {"size_0x", "0x5\r\nhello\r\n"},
    {"size_space_before", " 5\r\nhello\r\n"},
    {"size_space_after", "5 \r\nhello\r\n"},
    {"size_tab_before_extension", "5\t;a\r\nhello\r\n"},
    {"size_bare_lf", "5\nhello\r\n"},
    {"size_cr_without_lf", "5\rhello"},
    {"size_too_many_digits", "00000000000000005\r\nhello\r\n"},
    {"size_overflow", "FFFFFFFFFFFFFFFF\r\n"},
    {"size_above_signed", "8000000000000000\r\n"},
    {"extension_bare_lf", "5;a\nhello\r\n"},
    {"extension_nul", std::string("5;a\0b\r\n", 7)},
    {"extension_bomb", "5;" + std::string(20'000, 'a') + "\r\n", Code::kTooLarge},
    {"extension_bomb_in_small_chunks", repeated("1;" + std::string(200, 'a') + "\r\nx\r\n", 100),
     Code::kTooLarge},
    {"data_too_long", "5\r\nhello!\r\n"},
    {"data_bare_lf", "5\r\nhello\n0\r\n\r\n"},
    {"data_cr_cr", "5\r\nhello\r\r\n"},
    {"trailer_bare_lf", "0\r\nA: b\n\r\n"},
    {"trailer_fold", "0\r\nA: b\r\n c\r\n\r\n"},
    {"trailer_no_colon", "0\r\nAb\r\n\r\n"},
    {"trailer_space_before_colon", "0\r\nA : b\r\n\r\n"},
    {"trailer_control", "0\r\nA: \x01\r\n\r\n"},
    {"trailer_bomb", "0\r\nA: " + std::string(10'000, 'b') + "\r\n\r\n", Code::kTooLarge},
    {"trailer_fields_bomb", "0\r\n" + repeated("A: b\r\n", 40) + "\r\n", Code::kTooLarge},
    {"trailer_content_length", "0\r\nContent-Length: 5\r\n\r\n"},
    {"trailer_transfer_encoding", "0\r\ntransfer-encoding: chunked\r\n\r\n"},
    {"trailer_host", "0\r\nHOST: other\r\n\r\n"},
    {"trailer_authorization", "0\r\nAuthorization: other\r\n\r\n"},
    {"trailer_connection", "0\r\nConnection: close\r\n\r\n"},
    {"trailer_content_type", "0\r\nContent-Type: a/b\r\n\r\n"},
    {"trailer_trailer", "0\r\nTrailer: a\r\n\r\n"},
};
INSTANTIATE_TEST_SUITE_P(ChunkedBody, RefusedChunks, testing::ValuesIn(kAttacks),
                         [](const auto& attack) { return std::string(attack.param.name); });

}  // namespace
}  // namespace strata::http
