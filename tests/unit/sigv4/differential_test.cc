// The canonical form against another implementation, written for this test from the documentation
// alone and as slowly as it likes, on random requests.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "common/sigv4/authorization.h"
#include "common/sigv4/canonical.h"
#include "common/sigv4/signing_key.h"

namespace strata::sigv4 {
namespace {

using FieldList = std::vector<std::pair<std::string, std::string>>;

namespace slow {

bool is_unreserved(unsigned char c) {
  return std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
             .find(static_cast<char>(c)) != std::string::npos;
}

std::string encode(const std::string& text, bool slash_too) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(byte) || (c == '/' && !slash_too)) {
      out += c;
    } else {
      const char* const digits = "0123456789ABCDEF";
      out += '%';
      out += digits[byte / 16];
      out += digits[byte % 16];
    }
  }
  return out;
}

std::string decode_percent(const std::string& text, bool plus) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == separator) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

std::string query(const std::string& raw) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& piece : split(raw, '&')) {
    if (piece.empty()) continue;
    const size_t equals = piece.find('=');
    const std::string name = decode_percent(piece.substr(0, equals), true);
    const std::string value =
        equals == std::string::npos ? "" : decode_percent(piece.substr(equals + 1), true);
    if (name != "X-Amz-Signature") pairs.emplace_back(encode(name, true), encode(value, true));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::string trim_all(const std::string& value) {
  std::string out;
  for (const std::string& tabbed : split(value, ' ')) {
    for (const std::string& word : split(tabbed, '\t')) {
      if (!word.empty()) out += (out.empty() ? "" : " ") + word;
    }
  }
  return out;
}

std::string canonical(const std::string& method, const std::string& path, const std::string& raw,
                      const FieldList& headers, const std::vector<std::string>& names,
                      const std::string& hash) {
  std::map<std::string, std::string> joined;
  for (const auto& [name, value] : headers) {
    const bool had = joined.contains(name);
    joined[name] += (had ? "," : "") + trim_all(value);
  }
  std::string text =
      method + "\n" + encode(decode_percent(path, false), false) + "\n" + query(raw) + "\n";
  std::string list;
  for (const std::string& name : names) {
    text += name + ":" + joined.at(name) + "\n";
    list += (list.empty() ? "" : ";") + name;
  }
  return text + "\n" + list + "\n" + hash;
}

std::string hmac(const std::string& key, const std::string& text) {
  return digest::hmac_sha256(as_bytes(key), as_bytes(text));
}

std::string signature(const std::string& secret, const std::string& date, const Scope& scope,
                      const std::string& request) {
  const std::string scope_text =
      scope.date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope_text + "\n" +
                              codec::to_hex(digest::sha256(as_bytes(request)));
  const std::string key = hmac(
      hmac(hmac(hmac("AWS4" + secret, scope.date), scope.region), scope.service), "aws4_request");
  return codec::to_hex(hmac(key, to_sign));
}

}  // namespace slow

// Texts that meet every rule: reserved and unreserved bytes, escapes in either case, doubled
// slashes, dots, spaces.
class Inventor {
 public:
  explicit Inventor(uint64_t seed) : random_(seed) {}

  std::string pick(const std::vector<std::string>& pieces, size_t most) {
    std::string out;
    for (uint64_t left = random_.below(most + 1); left > 0; --left) {
      out += pieces[random_.below(pieces.size())];
    }
    return out;
  }
  std::string path() {
    return "/" + pick({"a",   "B",   "/",   "//",     "..",        ".",   "-", "_", "~",
                       "%2F", "%2f", "%20", "%C3%A9", "%e2%82%ac", "+",   "!", "'", "(",
                       ")",   "*",   "=",   "&",      "%25",       "%2B", "@", ":"},
                      12);
  }
  std::string query() {
    std::string out;
    for (uint64_t left = random_.below(7); left > 0; --left) {
      const std::string name = pick({"a", "b", "A", "%61", "X-Amz-Date", "X-Amz-Signature", "list",
                                     "+", "%20", "-", "%c3%a9", "."},
                                    3);
      out += (out.empty() ? "" : "&") + name;
      if (random_.below(4) != 0)
        out += "=" + pick({"1", "%2B", "+", "%3D", "=", "/", "%2f", "~"}, 4);
      if (random_.below(9) == 0) out += "&";
    }
    return out;
  }
  std::string value() { return pick({"v", " ", "  ", "\t", ",", "x y", "\xc3\xa9", ";", "="}, 6); }
  uint64_t below(uint64_t limit) { return random_.below(limit); }

 private:
  SeededRandom random_;
};

TEST(Differential, canonical_requests_and_signatures_agree_with_a_slow_implementation) {
  constexpr uint64_t kSeed = 20260415;
  SCOPED_TRACE(kSeed);
  Inventor invent(kSeed);
  for (int round = 0; round < 3000; ++round) {
    const std::string method = std::vector<std::string>{"GET", "PUT", "POST"}[invent.below(3)];
    const std::string path = invent.path();
    const std::string query = invent.query();
    FieldList headers = {{"host", "bucket.example.com:9000"}, {"x-amz-date", "20130524T000000Z"}};
    std::vector<std::string> names = {"host", "x-amz-date"};
    for (const char* name :
         {"content-type", "range", "x-amz-acl", "x-amz-meta-a", "x-amz-meta-b"}) {
      if (invent.below(2) == 0) continue;
      names.emplace_back(name);
      for (uint64_t times = 1 + invent.below(2); times > 0; --times) {
        headers.emplace_back(name, invent.value());
      }
    }
    std::sort(names.begin(), names.end());
    const RequestView view{method, path, query, headers};
    const auto fast = canonical_request(view, names, kUnsignedPayload);
    ASSERT_TRUE(fast.ok()) << path << " " << query;
    const std::string expected =
        slow::canonical(method, path, query, headers, names, std::string(kUnsignedPayload));
    ASSERT_EQ(*fast, expected) << round;
    const Scope scope{"20130524", "us-east-1", "s3"};
    const std::string secret = "secret" + std::to_string(round);
    ASSERT_EQ(
        sign(derive_signing_key(secret, scope), string_to_sign("20130524T000000Z", scope, *fast)),
        slow::signature(secret, "20130524T000000Z", scope, expected));
  }
}

}  // namespace
}  // namespace strata::sigv4
