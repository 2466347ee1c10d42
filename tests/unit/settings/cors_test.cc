#include "objstore/settings/cors.h"

#include <gtest/gtest.h>

namespace strata::settings {
namespace {

std::string cors_rule(std::string_view inside) {
  return "<CORSConfiguration><CORSRule>" + std::string(inside) + "</CORSRule></CORSConfiguration>";
}

std::string_view reason_of(const std::string& xml) {
  const Result<CorsConfiguration> parsed = parse_cors(xml);
  return parsed.ok() ? "OK" : parsed.error().reason;
}

constexpr std::string_view kGetFromAnywhere =
    "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>";

TEST(CorsXml, reads_every_element_and_writes_it_back) {
  const std::string xml = cors_rule(
      "<ID>one</ID><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>"
      "<AllowedOrigin>http://*.example.com</AllowedOrigin><AllowedHeader>x-*</AllowedHeader>"
      "<MaxAgeSeconds>3000</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader>");
  const auto parsed = parse_cors(xml);
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed->rules.size(), 1U);
  const CorsRule& first = parsed->rules[0];
  EXPECT_EQ(first.id, "one");
  EXPECT_EQ(first.methods, (std::vector<std::string>{"GET", "PUT"}));
  EXPECT_EQ(first.origins, (std::vector<std::string>{"http://*.example.com"}));
  EXPECT_EQ(first.headers, (std::vector<std::string>{"x-*"}));
  EXPECT_EQ(first.expose_headers, (std::vector<std::string>{"ETag"}));
  EXPECT_EQ(first.max_age_seconds, 3000);
  const std::string written = render_cors(*parsed);
  EXPECT_EQ(render_cors(*parse_cors(written)), written);
}

TEST(CorsXml, refuses_what_s3_refuses) {
  EXPECT_EQ(reason_of(cors_rule(kGetFromAnywhere)), "OK");
  EXPECT_EQ(reason_of(""), reason::kMalformedXml);
  EXPECT_EQ(reason_of("<CORSConfiguration/>"), reason::kMalformedXml);
  EXPECT_EQ(reason_of(cors_rule("<AllowedMethod>GET</AllowedMethod>")), reason::kMalformedXml);
  EXPECT_EQ(reason_of(cors_rule("<AllowedOrigin>*</AllowedOrigin>")), reason::kMalformedXml);
  const std::string base(kGetFromAnywhere);
  EXPECT_EQ(reason_of(cors_rule(base + "<AllowedMethod>PATCH</AllowedMethod>")),
            reason::kInvalidRequest);
  EXPECT_EQ(reason_of(cors_rule(base + "<AllowedOrigin>*.*</AllowedOrigin>")),
            reason::kInvalidRequest);
  EXPECT_EQ(reason_of(cors_rule(base + "<AllowedHeader>*-*</AllowedHeader>")),
            reason::kInvalidRequest);
  EXPECT_EQ(reason_of(cors_rule(base + "<ExposeHeader>x-*</ExposeHeader>")),
            reason::kInvalidRequest);
  EXPECT_EQ(reason_of(cors_rule(base + "<MaxAgeSeconds>soon</MaxAgeSeconds>")),
            reason::kMalformedXml);
  EXPECT_EQ(reason_of(cors_rule(base + "<MaxAgeSeconds>-1</MaxAgeSeconds>")),
            reason::kMalformedXml);
  EXPECT_EQ(reason_of(cors_rule(base + "<Colour>red</Colour>")), reason::kMalformedXml);
  EXPECT_EQ(reason_of(cors_rule(base + "<ID>" + std::string(255, 'x') + "</ID>")), "OK");
  EXPECT_EQ(reason_of(cors_rule(base + "<ID>" + std::string(256, 'x') + "</ID>")),
            reason::kInvalidArgument);
}

TEST(CorsXml, holds_a_hundred_rules_and_64_KiB) {
  const auto of = [](size_t count) {
    std::string xml = "<CORSConfiguration>";
    for (size_t i = 0; i < count; ++i) {
      xml += "<CORSRule>" + std::string(kGetFromAnywhere) + "</CORSRule>";
    }
    return xml + "</CORSConfiguration>";
  };
  EXPECT_EQ(reason_of(of(kCorsRulesMax)), "OK");
  EXPECT_EQ(reason_of(of(kCorsRulesMax + 1)), reason::kInvalidRequest);
  EXPECT_EQ(reason_of(cors_rule(std::string(kGetFromAnywhere) + "<AllowedHeader>" +
                                std::string(kCorsXmlBytesMax, 'x') + "</AllowedHeader>")),
            reason::kMalformedXml);
}

CorsConfiguration configuration_of(const std::vector<std::string>& rules) {
  std::string xml = "<CORSConfiguration>";
  for (const std::string& one : rules) xml += "<CORSRule>" + one + "</CORSRule>";
  return parse_cors(xml + "</CORSConfiguration>").value();
}

TEST(CorsMatching, an_origin_has_one_star_that_stands_for_anything) {
  const auto cors = configuration_of({
      "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*suffix</AllowedOrigin>",
      "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>start*end</AllowedOrigin>",
      "<AllowedMethod>PUT</AllowedMethod><AllowedOrigin>*.put</AllowedOrigin>",
  });
  const auto allowed = [&cors](std::string_view origin, std::string_view method) {
    return find_cors_rule(cors, {origin, method, {}}) != nullptr;
  };
  EXPECT_TRUE(allowed("foo.suffix", "GET"));
  EXPECT_TRUE(allowed("suffix", "GET"));
  EXPECT_FALSE(allowed("foo.suffix.get", "GET"));
  EXPECT_TRUE(allowed("startend", "GET"));
  EXPECT_TRUE(allowed("start1end", "GET"));
  EXPECT_FALSE(allowed("0start12end", "GET"));
  EXPECT_FALSE(allowed("stard", "GET")) << "the parts around the star do not overlap";
  EXPECT_TRUE(allowed("foo.put", "PUT"));
  EXPECT_FALSE(allowed("foo.put", "GET"));
}

TEST(CorsMatching, every_requested_header_must_be_allowed_whatever_its_case) {
  const auto cors = configuration_of({std::string(kGetFromAnywhere) +
                                      "<AllowedHeader>X-Amz-*</AllowedHeader>"
                                      "<AllowedHeader>authorization</AllowedHeader>"});
  const auto allowed = [&cors](std::string_view headers) {
    return find_cors_rule(cors, {"http://a", "GET", split_header_names(headers)}) != nullptr;
  };
  EXPECT_TRUE(allowed(""));
  EXPECT_TRUE(allowed("x-amz-date, Authorization"));
  EXPECT_TRUE(allowed("X-AMZ-META-A,,AUTHORIZATION"));
  EXPECT_FALSE(allowed("x-amz-date, content-type"));
  EXPECT_FALSE(allowed("x-amz"));
}

TEST(CorsMatching, too_many_requested_headers_are_no_request) {
  const auto cors =
      configuration_of({std::string(kGetFromAnywhere) + "<AllowedHeader>*</AllowedHeader>"});
  std::string field;
  for (size_t i = 0; i < 500; ++i) field += "h" + std::to_string(i) + ",";
  EXPECT_EQ(find_cors_rule(cors, {"http://a", "GET", split_header_names(field)}), nullptr);
}

TEST(CorsMatching, the_first_rule_that_fits_counts_and_a_bare_star_is_answered_as_it_is) {
  const auto cors = configuration_of({
      "<ID>a</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>http://a</AllowedOrigin>",
      "<ID>b</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>",
  });
  const CorsRule* a = find_cors_rule(cors, {"http://a", "GET", {}});
  const CorsRule* b = find_cors_rule(cors, {"http://b", "GET", {}});
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(a->id, "a");
  EXPECT_EQ(b->id, "b");
  EXPECT_EQ(allowed_origin(*a, "http://a"), "http://a");
  EXPECT_EQ(allowed_origin(*b, "http://b"), "*");
}

}  // namespace
}  // namespace strata::settings
