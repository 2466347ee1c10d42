#include "common/sigv4/canonical.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <set>

#include "common/base/random.h"
#include "common/sigv4/authorization.h"

namespace strata::sigv4 {
namespace {

using CanonicalHeaders = std::vector<std::pair<std::string, std::string>>;

TEST(CanonicalPath, every_spelling_becomes_one_and_nothing_is_normalised) {
  EXPECT_EQ(*canonical_path(""), "/");
  EXPECT_EQ(*canonical_path("/a%2fb/%7Ec"), "/a/b/~c");
  EXPECT_EQ(*canonical_path("/a b+c*d"), "/a%20b%2Bc%2Ad");
  EXPECT_EQ(*canonical_path("//a/./../b//"), "//a/./../b//");
  EXPECT_EQ(*canonical_path("/%2541"), "/%2541");
  EXPECT_EQ(*canonical_path("/\xc3\xbc"), "/%C3%BC");
  EXPECT_EQ(canonical_path("/%4").error().reason, kReasonBadRequestTarget);
  EXPECT_EQ(canonical_path(std::string(kPathBytesMax + 1, 'a')).error().reason,
            kReasonBadRequestTarget);
}

TEST(CanonicalQuery, parameters_are_sorted_by_encoded_name_and_value) {
  EXPECT_EQ(*canonical_query("b=2&a=2&a=1&a"), "a=&a=1&a=2&b=2");
  EXPECT_EQ(*canonical_query("a-b=1&a=1"), "a=1&a-b=1");
  EXPECT_EQ(*canonical_query("prefix=a+b%2Bc/d"), "prefix=a%20b%2Bc%2Fd");
  EXPECT_EQ(*canonical_query("&&a=b=c&"), "a=b%3Dc");
  EXPECT_EQ(*canonical_query("X-Amz-Signature=1&X-Amz-Date=2&%58-Amz-Signature=3"), "X-Amz-Date=2");
  EXPECT_EQ(canonical_query("a=%").error().reason, kReasonBadRequestTarget);
  std::string many;
  for (size_t i = 0; i <= kQueryParametersMax; ++i) many += "a&";
  EXPECT_EQ(canonical_query(many).error().reason, kReasonBadRequestTarget);
}

TEST(CanonicalHeaderValue, white_space_is_trimmed_and_collapsed) {
  EXPECT_EQ(canonical_header_value("  a  b \t c "), "a b c");
  EXPECT_EQ(canonical_header_value("   "), "");
  EXPECT_EQ(canonical_header_value("\"a  b\""), "\"a b\"");
}

TEST(CanonicalRequest, repeated_headers_are_joined_and_missing_ones_refused) {
  const CanonicalHeaders headers = {{"x-amz-a", " 1"}, {"host", "h"}, {"x-amz-a", "2 "}};
  const RequestView request{.method = "GET", .path = "/", .query = "", .headers = headers};
  EXPECT_EQ(*canonical_request(request, std::vector<std::string>{"host", "x-amz-a"}, "P"),
            "GET\n/\n\nhost:h\nx-amz-a:1,2\n\nhost;x-amz-a\nP");
  EXPECT_EQ(
      canonical_request(request, std::vector<std::string>{"host", "range"}, "P").error().reason,
      kReasonSignedHeaderMissing);
}

TEST(HeadersSigned, host_and_every_amz_header_must_be) {
  const CanonicalHeaders headers = {{"host", "h"}, {"x-amz-acl", "private"}, {"accept", "*"}};
  const auto check = [&](std::vector<std::string> names) {
    const Status status = check_headers_signed(headers, names);
    return status.ok() ? std::string_view("ok") : status.error().reason;
  };
  EXPECT_EQ(check({"host", "x-amz-acl"}), "ok");
  EXPECT_EQ(check({"host"}), kReasonHeadersNotSigned);
  EXPECT_EQ(check({"x-amz-acl"}), kReasonHeadersNotSigned);
}

// A second canonicaliser, written for clarity alone: a byte at a time, through maps.
std::string slow_encode(const std::string& raw, bool keep_slash) {
  std::string out;
  for (const char c : raw) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' ||
                       c == '_' || c == '~' || (c == '/' && keep_slash);
    char text[4];
    std::snprintf(text, sizeof text, "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += plain ? std::string(1, c) : std::string(text);
  }
  return out;
}

struct PlainRequest {
  std::string method, path;
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
};

std::string slow_canonical(const PlainRequest& request, const std::set<std::string>& signed_names) {
  std::multiset<std::pair<std::string, std::string>> query;
  for (const auto& [name, value] : request.query) {
    query.emplace(slow_encode(name, false), slow_encode(value, false));
  }
  std::string out = request.method + "\n" + slow_encode(request.path, true) + "\n";
  bool first = true;
  for (const auto& [name, value] : query) {
    out += (first ? "" : "&") + name + "=" + value;
    first = false;
  }
  out += "\n";
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) {
    std::string collapsed;
    for (const char c : value) {
      const bool space = c == ' ';
      if (space && (collapsed.empty() || collapsed.back() == ' ')) continue;
      collapsed += c;
    }
    if (!collapsed.empty() && collapsed.back() == ' ') collapsed.pop_back();
    const auto [at, added] = headers.emplace(name, collapsed);
    if (!added) at->second += "," + collapsed;
  }
  std::string names;
  for (const std::string& name : signed_names) {
    out += name + ":" + headers.at(name) + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  return out + "\n" + names + "\nUNSIGNED-PAYLOAD";
}

class RandomRequests {
 public:
  explicit RandomRequests(uint64_t seed) : random_(seed) {}

  std::string text(size_t length_max, std::string_view alphabet) {
    std::string out;
    for (uint64_t left = random_.below(length_max + 1); left > 0; --left) {
      out += alphabet.empty() ? static_cast<char>(random_.below(256))
                              : alphabet[random_.below(alphabet.size())];
    }
    return out;
  }

  // One of the many ways to write a text in a request line.
  std::string spell(const std::string& raw, std::string_view must_escape, bool in_query) {
    std::string out;
    for (const char c : raw) {
      const auto byte = static_cast<unsigned char>(c);
      char escape[4];
      std::snprintf(escape, sizeof escape, random_.below(2) ? "%%%02x" : "%%%02X",
                    static_cast<unsigned>(byte));
      if (in_query && c == ' ' && random_.below(2)) {
        out += '+';
      } else if (byte <= ' ' || byte >= 0x7f || must_escape.find(c) != must_escape.npos ||
                 random_.below(4) == 0) {
        out += escape;
      } else {
        out += c;
      }
    }
    return out;
  }

  uint64_t below(uint64_t bound) { return random_.below(bound); }

 private:
  SeededRandom random_;
};

TEST(CanonicalRequest, agrees_with_a_second_canonicaliser_on_random_requests) {
  constexpr uint64_t kSeed = 20260104;
  SCOPED_TRACE(kSeed);
  RandomRequests random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    PlainRequest plain;
    plain.method = random.below(2) ? "GET" : "PUT";
    plain.path = "/" + random.text(30, random.below(2) ? "" : "ab/.+ %~*");
    std::string query;
    for (uint64_t left = random.below(6); left > 0; --left) {
      std::string name = "p" + random.text(3, "ab-A %&=+~");
      std::string value = random.text(12, random.below(2) ? "" : "ab/+ =&~");
      query += query.empty() ? "" : "&";
      query += random.spell(name, "%&=+", true);
      if (!value.empty() || random.below(2)) query += "=" + random.spell(value, "%&+", true);
      plain.query.emplace_back(std::move(name), std::move(value));
    }
    std::set<std::string> names;
    for (uint64_t left = random.below(8) + 1; left > 0; --left) {
      const std::string name = "x-" + random.text(2, "abc");
      plain.headers.emplace_back(name, random.text(12, "ab  ,\""));
      if (random.below(3) > 0) names.insert(name);
    }
    const std::string path = random.spell(plain.path, "%?#", false);
    const RequestView view{
        .method = plain.method, .path = path, .query = query, .headers = plain.headers};
    const std::vector<std::string> signed_headers(names.begin(), names.end());
    const auto canonical = canonical_request(view, signed_headers, kUnsignedPayload);
    ASSERT_TRUE(canonical.ok()) << canonical.error().to_string();
    ASSERT_EQ(*canonical, slow_canonical(plain, names)) << path << "?" << query;
  }
}

}  // namespace
}  // namespace strata::sigv4
