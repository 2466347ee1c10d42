#include "common/http/head_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::http {
namespace {

constexpr size_t kBytesMax = 2048;
constexpr size_t kFieldsMax = 20;

// What a connection would do with the bytes: status 0 for an accepted head, -1 for "more needed".
struct Verdict {
  int status = 0;
  std::string why;
  RequestHead head;
};
Verdict judge(std::string_view bytes, size_t piece = std::string_view::npos) {
  Verdict verdict;
  HeadScanner scanner(kBytesMax);
  HeadScanner::State state = HeadScanner::State::kMore;
  size_t seen = 0;
  while (state == HeadScanner::State::kMore && seen < bytes.size()) {
    seen += std::min(piece, bytes.size() - seen);
    state = scanner.scan(bytes.substr(0, seen));
  }
  if (state == HeadScanner::State::kMore) {
    verdict.status = -1;
    return verdict;
  }
  std::optional<Refusal> refusal;
  if (state == HeadScanner::State::kRefused) {
    refusal = scanner.refusal();
  } else {
    refusal = parse_head(bytes.substr(0, scanner.head_size()), kFieldsMax, verdict.head);
  }
  if (refusal) {
    verdict.status = refusal->status;
    verdict.why = refusal->why;
  }
  return verdict;
}

struct HeadAttack {
  const char* name;
  std::string bytes;
  int status;
};
std::ostream& operator<<(std::ostream& out, const HeadAttack& attack) {
  return out << attack.name;
}
std::string with_fields(const std::string& fields) {
  return "PUT /b/k HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
std::string with_line(const std::string& line) {
  return line + "\r\nHost: h\r\n\r\n";
}
std::string many_fields(size_t count) {
  std::string fields;
  for (size_t i = 0; i < count; ++i) fields += "a: b\r\n";
  return fields;
}

class RefusedHead : public testing::TestWithParam<HeadAttack> {};

TEST_P(RefusedHead, whole_and_byte_by_byte) {
  const HeadAttack& attack = GetParam();
  const Verdict whole = judge(attack.bytes);
  EXPECT_EQ(whole.status, attack.status) << whole.why;
  EXPECT_FALSE(whole.why.empty());
  const Verdict split = judge(attack.bytes, 1);
  EXPECT_EQ(split.status, attack.status) << split.why;
}

const HeadAttack kHeadAttacks[] = {
    {"bare_lf_after_request_line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
    {"bare_lf_after_field", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400},
    {"bare_lf_as_end", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
    {"lf_first", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"cr_in_value", with_fields("A: b\rc\r\n"), 400},
    {"cr_cr_lf", with_fields("A: b\r\r\n"), 400},
    {"nul_in_value", with_fields(std::string("A: b\0c\r\n", 8)), 400},
    {"del_in_value", with_fields("A: b\x7f\r\n"), 400},
    {"escape_in_value", with_fields("A: \x1b[0m\r\n"), 400},
    {"obs_fold_space", with_fields("A: b\r\n c\r\n"), 400},
    {"obs_fold_tab", with_fields("A: b\r\n\tc\r\n"), 400},
    {"obs_fold_first_field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
    {"obs_fold_of_transfer_encoding", with_fields("Transfer-Encoding:\r\n chunked\r\n"), 400},
    {"space_before_colon", with_fields("Content-Length : 5\r\n"), 400},
    {"tab_before_colon", with_fields("Transfer-Encoding\t: chunked\r\n"), 400},
    {"empty_name", with_fields(": b\r\n"), 400},
    {"no_colon", with_fields("nonsense\r\n"), 400},
    {"space_in_name", with_fields("a b: c\r\n"), 400},
    {"high_byte_in_name", with_fields("\xc3\xa4: c\r\n"), 400},
    {"nul_in_name", with_fields(std::string("a\0b: c\r\n", 8)), 400},
    {"paren_in_name", with_fields("a(b: c\r\n"), 400},
    {"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two_hosts", with_fields("Host: h\r\n"), 400},
    {"two_hosts_http_1_0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"empty_host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"host_with_path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"host_with_user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"host_with_space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"absolute_target_of_other_host", "GET http://evil/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"absolute_target_without_host", "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"absolute_target_with_user", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"https_target", with_line("GET https://h/ HTTP/1.1"), 400},
    {"asterisk_target", with_line("OPTIONS * HTTP/1.1"), 400},
    {"connect", with_line("CONNECT h:443 HTTP/1.1"), 400},
    {"relative_target", with_line("GET index HTTP/1.1"), 400},
    {"empty_target", with_line("GET  HTTP/1.1"), 400},
    {"space_in_target", with_line("GET /a b HTTP/1.1"), 400},
    {"tab_in_target", with_line("GET /a\tb HTTP/1.1"), 400},
    {"fragment_in_target", with_line("GET /a#b HTTP/1.1"), 400},
    {"backslash_in_target", with_line("GET /a\\b HTTP/1.1"), 400},
    {"quote_in_target", with_line("GET /\"a HTTP/1.1"), 400},
    {"high_byte_in_target", with_line("GET /\xc3\xa4 HTTP/1.1"), 400},
    {"nul_in_target", with_line(std::string("GET /a\0 HTTP/1.1", 16)), 400},
    {"two_spaces_after_method", with_line("GET  / HTTP/1.1"), 400},
    {"two_spaces_before_version", with_line("GET /  HTTP/1.1"), 400},
    {"trailing_space", with_line("GET / HTTP/1.1 "), 400},
    {"leading_space", with_line(" GET / HTTP/1.1"), 400},
    {"no_method", with_line("/ HTTP/1.1"), 400},
    {"bad_method", with_line("G(T / HTTP/1.1"), 400},
    {"http_0_9", with_line("GET /"), 400},
    {"no_version_digits", with_line("GET / HTTP/x.y"), 400},
    {"lower_case_version", with_line("GET / http/1.1"), 400},
    {"long_version", with_line("GET / HTTP/1.10"), 400},
    {"http_1_2", with_line("GET / HTTP/1.2"), 505},
    {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"http_3", with_line("GET / HTTP/3.0"), 505},
    {"two_empty_lines_first", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"tls_client_hello", "\x16\x03\x01\x02", 400},
    {"binary", "\xff\xfe", 400},
    {"length_then_encoding", with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
     400},
    {"encoding_then_length", with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
     400},
    {"unknown_encoding_then_length",
     with_fields("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"), 400},
    {"equal_lengths", with_fields("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
    {"conflicting_lengths", with_fields("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {"length_list", with_fields("Content-Length: 5, 5\r\n"), 400},
    {"length_plus", with_fields("Content-Length: +5\r\n"), 400},
    {"length_minus", with_fields("Content-Length: -5\r\n"), 400},
    {"length_hex", with_fields("Content-Length: 0x5\r\n"), 400},
    {"length_empty", with_fields("Content-Length:\r\n"), 400},
    {"length_inner_space", with_fields("Content-Length: 5 5\r\n"), 400},
    {"length_fraction", with_fields("Content-Length: 5.0\r\n"), 400},
    {"length_overflow", with_fields("Content-Length: 18446744073709551621\r\n"), 400},
    {"length_above_signed", with_fields("Content-Length: 9223372036854775808\r\n"), 400},
    {"two_encodings", with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     400},
    {"split_encodings", with_fields("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
     400},
    {"encoding_gzip", with_fields("Transfer-Encoding: gzip\r\n"), 501},
    {"encoding_identity", with_fields("Transfer-Encoding: identity\r\n"), 501},
    {"encoding_gzip_chunked", with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501},
    {"encoding_chunked_gzip", with_fields("Transfer-Encoding: chunked, gzip\r\n"), 501},
    {"encoding_chunked_twice", with_fields("Transfer-Encoding: chunked, chunked\r\n"), 501},
    {"encoding_xchunked", with_fields("Transfer-Encoding: xchunked\r\n"), 501},
    {"encoding_quoted", with_fields("Transfer-Encoding: \"chunked\"\r\n"), 501},
    {"encoding_parameter", with_fields("Transfer-Encoding: chunked;q=1\r\n"), 501},
    {"encoding_empty", with_fields("Transfer-Encoding:\r\n"), 501},
    {"encoding_vertical_tab",
     with_fields("Transfer-Encoding: \x0b"
                 "chunked\r\n"),
     400},
    {"encoding_in_http_1_0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"too_many_fields", with_fields(many_fields(kFieldsMax)), 431},
    {"field_bomb", with_fields("A: " + std::string(kBytesMax, 'b') + "\r\n"), 431},
    {"name_bomb", with_fields(std::string(kBytesMax, 'b')), 431},
    {"target_bomb", "GET /" + std::string(kBytesMax, 'b'), 414},
};
INSTANTIATE_TEST_SUITE_P(HeadParser, RefusedHead, testing::ValuesIn(kHeadAttacks),
                         [](const auto& attack) { return std::string(attack.param.name); });

TEST(HeadParser, a_usual_request_is_taken_apart) {
  const Verdict verdict = judge(
      "PUT /bucket/a%20b?uploads&x=1?2 HTTP/1.1\r\nHost: h:9000\r\nX-Amz-Meta-A: \t v w \t\r\n"
      "Content-Length: 12\r\nExpect: 100-Continue\r\nEmpty:\r\n\r\n",
      1);
  ASSERT_EQ(verdict.status, 0) << verdict.why;
  const RequestHead& head = verdict.head;
  EXPECT_EQ(head.method, "PUT");
  EXPECT_EQ(head.target, "/bucket/a%20b?uploads&x=1?2");
  EXPECT_EQ(head.path, "/bucket/a%20b");
  EXPECT_EQ(head.query, "uploads&x=1?2");
  EXPECT_EQ(head.fields.get("x-amz-meta-a"), "v w");
  EXPECT_EQ(head.fields.get("empty"), "");
  EXPECT_EQ(head.fields.count("empty"), 1U);
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_TRUE(head.expect_continue);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.chunked);
}

TEST(HeadParser, an_absolute_target_is_its_path) {
  const Verdict verdict = judge("GET HTTP://H:1/a?b HTTP/1.1\r\nHost: h:1\r\n\r\n");
  ASSERT_EQ(verdict.status, 0) << verdict.why;
  EXPECT_EQ(verdict.head.target, "/a?b");
  EXPECT_EQ(verdict.head.path, "/a");
  const Verdict bare = judge("GET http://h?b HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(bare.status, 0) << bare.why;
  EXPECT_EQ(bare.head.target, "/?b");
}

TEST(HeadParser, bytes_of_other_alphabets_may_stand_in_values) {
  const Verdict verdict = judge(with_fields("x-amz-meta-a: \xc3\xa4\r\n"));
  ASSERT_EQ(verdict.status, 0) << verdict.why;
  EXPECT_EQ(verdict.head.fields.get("x-amz-meta-a"), "\xc3\xa4");
}

TEST(HeadParser, one_empty_line_before_a_request_is_passed_over) {
  EXPECT_EQ(judge("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 1).status, 0);
}

TEST(HeadParser, chunked_is_understood_in_any_case) {
  const Verdict verdict = judge(with_fields("Transfer-Encoding: Chunked\r\n"));
  ASSERT_EQ(verdict.status, 0) << verdict.why;
  EXPECT_TRUE(verdict.head.chunked);
  EXPECT_FALSE(verdict.head.content_length.has_value());
}

TEST(HeadParser, the_longest_length_is_taken) {
  const Verdict verdict = judge(with_fields("Content-Length: 9223372036854775807\r\n"));
  ASSERT_EQ(verdict.status, 0) << verdict.why;
  EXPECT_EQ(verdict.head.content_length, 9223372036854775807U);
}

TEST(HeadParser, connections_stay_open_as_version_and_field_say) {
  const auto keeps = [](const std::string& version, const std::string& fields) {
    const Verdict verdict = judge("GET / HTTP/" + version + "\r\nHost: h\r\n" + fields + "\r\n");
    EXPECT_EQ(verdict.status, 0) << verdict.why;
    return verdict.head.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: upgrade\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: upgrade , close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.0", "Connection: keep-alive, close\r\n"));
}

TEST(HeadParser, an_expectation_other_than_100_continue_is_ignored) {
  const Verdict other = judge("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 200-maybe\r\n\r\n");
  ASSERT_EQ(other.status, 0) << other.why;
  EXPECT_FALSE(other.head.expect_continue);
  const Verdict both =
      judge("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nExpect: x\r\n\r\n");
  ASSERT_EQ(both.status, 0) << both.why;
  EXPECT_TRUE(both.head.expect_continue);
}

TEST(HeadParser, an_expectation_of_http_1_0_is_ignored) {
  const Verdict verdict = judge("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_EQ(verdict.status, 0) << verdict.why;
  EXPECT_FALSE(verdict.head.expect_continue);
}

TEST(HeadParser, a_head_of_exactly_the_limit_is_taken) {
  const std::string empty = with_fields("a: \r\n");
  const std::string full = with_fields("a: " + std::string(kBytesMax - empty.size(), 'b') + "\r\n");
  ASSERT_EQ(full.size(), kBytesMax);
  EXPECT_EQ(judge(full).status, 0);
  EXPECT_EQ(
      judge(with_fields("a: " + std::string(kBytesMax - empty.size() + 1, 'b') + "\r\n")).status,
      431);
}

TEST(HeadParser, the_next_request_is_left_alone) {
  const std::string one = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  HeadScanner scanner(kBytesMax);
  ASSERT_EQ(scanner.scan(one + "garbage\n\n"), HeadScanner::State::kComplete);
  EXPECT_EQ(scanner.head_size(), one.size());
}

TEST(HeadParser, a_reused_head_keeps_nothing_of_the_request_before) {
  RequestHead head;
  ASSERT_FALSE(
      parse_head(with_fields("Content-Length: 5\r\nExpect: 100-continue\r\n"), kFieldsMax, head));
  ASSERT_FALSE(
      parse_head("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", kFieldsMax, head));
  EXPECT_FALSE(head.content_length.has_value());
  EXPECT_FALSE(head.expect_continue);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_EQ(head.fields.all().size(), 2U);
}

}  // namespace
}  // namespace strata::http
