#include "objstore/settings/website.h"

#include <gtest/gtest.h>

#include "objstore/settings/default_encryption.h"
#include "objstore/settings/website_routing.h"

namespace strata::settings {
namespace {

std::string site(std::string_view inside) {
  return "<WebsiteConfiguration>" + std::string(inside) + "</WebsiteConfiguration>";
}
const std::string kIndex = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";

std::string rules(std::string_view inside) {
  return site(kIndex + "<RoutingRules>" + std::string(inside) + "</RoutingRules>");
}
std::string routing(std::string_view condition, std::string_view redirect) {
  std::string xml = "<RoutingRule>";
  if (!condition.empty()) xml += "<Condition>" + std::string(condition) + "</Condition>";
  return xml + "<Redirect>" + std::string(redirect) + "</Redirect></RoutingRule>";
}

std::string_view website_reason(const std::string& xml) {
  const auto parsed = parse_website(xml);
  return parsed.ok() ? "OK" : parsed.error().reason;
}

TEST(WebsiteXml, reads_every_element_and_writes_it_back) {
  const std::string xml =
      site(kIndex + "<ErrorDocument><Key>oops.html</Key></ErrorDocument><RoutingRules>" +
           routing("<KeyPrefixEquals>docs/</KeyPrefixEquals>"
                   "<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>",
                   "<Protocol>https</Protocol><HostName>h</HostName>"
                   "<ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith>"
                   "<HttpRedirectCode>302</HttpRedirectCode>") +
           "</RoutingRules>");
  const auto parsed = parse_website(xml);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->index_suffix, "index.html");
  EXPECT_EQ(parsed->error_key, "oops.html");
  ASSERT_EQ(parsed->routing_rules.size(), 1U);
  EXPECT_EQ(parsed->routing_rules[0].redirect.code, 302);
  const std::string written = render_website(*parsed);
  EXPECT_EQ(render_website(*parse_website(written)), written);
}

TEST(WebsiteXml, redirects_everything_or_has_an_index) {
  const std::string all =
      "<RedirectAllRequestsTo><HostName>example.com</HostName><Protocol>https</Protocol>"
      "</RedirectAllRequestsTo>";
  EXPECT_EQ(website_reason(site(all)), "OK");
  EXPECT_EQ(website_reason(site(all + kIndex)), reason::kInvalidArgument);
  EXPECT_EQ(website_reason(site("")), reason::kInvalidArgument);
  EXPECT_EQ(website_reason(site("<RedirectAllRequestsTo/>")), reason::kMalformedXml);
  const auto parsed = parse_website(site(all));
  EXPECT_EQ(redirect_everything(*parsed->redirect_all, {"http", "site", "a b/c"}).location,
            "https://example.com/a%20b/c");
  const std::string written = render_website(*parsed);
  EXPECT_EQ(render_website(*parse_website(written)), written);
}

TEST(WebsiteXml, refuses_what_s3_refuses) {
  EXPECT_EQ(website_reason(site("<IndexDocument><Suffix>a/b</Suffix></IndexDocument>")),
            reason::kInvalidArgument);
  EXPECT_EQ(website_reason(site("<IndexDocument><Suffix></Suffix></IndexDocument>")),
            reason::kInvalidArgument);
  EXPECT_EQ(website_reason(site(kIndex + kIndex)), reason::kMalformedXml);
  EXPECT_EQ(website_reason(rules("")), reason::kMalformedXml);
  EXPECT_EQ(website_reason(rules(routing("", ""))), reason::kMalformedXml);
  EXPECT_EQ(website_reason(rules(routing("", "<HostName>h</HostName>"))), "OK");
  EXPECT_EQ(website_reason(rules(routing("", "<Protocol>ftp</Protocol>"))),
            reason::kInvalidRequest);
  EXPECT_EQ(website_reason(rules(routing("", "<HttpRedirectCode>300</HttpRedirectCode>"))),
            reason::kInvalidRequest);
  EXPECT_EQ(website_reason(rules(routing("",
                                         "<ReplaceKeyWith>a</ReplaceKeyWith>"
                                         "<ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith>"))),
            reason::kInvalidRequest);
  EXPECT_EQ(
      website_reason(rules("<RoutingRule><Condition/><Redirect><HostName>h</HostName></Redirect>"
                           "</RoutingRule>")),
      reason::kInvalidRequest);
  EXPECT_EQ(
      website_reason(rules(routing("<HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals>",
                                   "<HostName>h</HostName>"))),
      reason::kInvalidRequest);
  std::string many;
  for (size_t i = 0; i < kRoutingRulesMax; ++i) many += routing("", "<HostName>h</HostName>");
  EXPECT_EQ(website_reason(rules(many)), "OK");
  EXPECT_EQ(website_reason(rules(many + routing("", "<HostName>h</HostName>"))),
            reason::kInvalidRequest);
}

TEST(WebsiteXml, a_redirect_cannot_smuggle_a_header) {
  EXPECT_EQ(website_reason(rules(routing("", "<HostName>h&#13;&#10;set-cookie: a</HostName>"))),
            reason::kMalformedXml);
}

TEST(WebsiteRouting, replaces_a_prefix_or_the_whole_key) {
  const auto website = parse_website(rules(
      routing("<KeyPrefixEquals>docs/</KeyPrefixEquals>",
              "<ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith>") +
      routing("<KeyPrefixEquals>old</KeyPrefixEquals>",
              "<ReplaceKeyWith>new.html</ReplaceKeyWith><HttpRedirectCode>307</HttpRedirectCode>") +
      routing("<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>"
              "<KeyPrefixEquals>img/</KeyPrefixEquals>",
              "<HostName>other</HostName><Protocol>https</Protocol>"
              "<ReplaceKeyPrefixWith>report/</ReplaceKeyPrefixWith>")));
  ASSERT_TRUE(website.ok());
  const auto route = [&](std::string_view key, std::optional<int> error) {
    return route_website(*website, {"http", "site:80", key}, error);
  };
  EXPECT_EQ(route("docs/a.html", {})->location, "http://site:80/documents/a.html");
  EXPECT_EQ(route("docs/a.html", {})->status, 301);
  EXPECT_EQ(route("older", {})->location, "http://site:80/new.html");
  EXPECT_EQ(route("older", {})->status, 307);
  EXPECT_FALSE(route("img/a.png", {}).has_value());
  EXPECT_EQ(route("img/a.png", 404)->location, "https://other/report/a.png");
  EXPECT_FALSE(route("img/a.png", 403).has_value());
  EXPECT_FALSE(route("docs/a.html", 404).has_value());
}

TEST(WebsiteRouting, folders_have_their_index_inside) {
  const auto website = parse_website(site(kIndex));
  EXPECT_EQ(website_key(*website, ""), "index.html");
  EXPECT_EQ(website_key(*website, "a/"), "a/index.html");
  EXPECT_EQ(website_key(*website, "a"), "a");
}

std::string encryption(std::string_view inside) {
  return "<ServerSideEncryptionConfiguration><Rule>" + std::string(inside) +
         "</Rule></ServerSideEncryptionConfiguration>";
}
std::string apply(std::string_view inside) {
  return "<ApplyServerSideEncryptionByDefault>" + std::string(inside) +
         "</ApplyServerSideEncryptionByDefault>";
}
std::string_view encryption_reason(const std::string& xml) {
  const auto parsed = parse_default_encryption(xml);
  return parsed.ok() ? "OK" : parsed.error().reason;
}

TEST(DefaultEncryptionXml, knows_aes256_and_kms_keys) {
  const auto aes =
      parse_default_encryption(encryption(apply("<SSEAlgorithm>AES256</SSEAlgorithm>")));
  ASSERT_TRUE(aes.ok());
  EXPECT_FALSE(aes->kms);
  const auto kms = parse_default_encryption(encryption(
      apply("<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>mine</KMSMasterKeyID>") +
      "<BucketKeyEnabled>true</BucketKeyEnabled>"));
  ASSERT_TRUE(kms.ok());
  EXPECT_TRUE(kms->kms);
  EXPECT_TRUE(kms->bucket_key);
  EXPECT_EQ(kms->kms_key_id, "mine");
  const std::string written = render_default_encryption(*kms);
  EXPECT_EQ(render_default_encryption(*parse_default_encryption(written)), written);
}

TEST(DefaultEncryptionXml, refuses_what_s3_refuses_and_what_is_not_served) {
  EXPECT_EQ(encryption_reason(encryption("")), reason::kMalformedXml);
  EXPECT_EQ(encryption_reason(encryption(apply("<SSEAlgorithm>DES</SSEAlgorithm>"))),
            reason::kMalformedXml);
  EXPECT_EQ(encryption_reason(encryption(apply("<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>"))),
            reason::kUnsupported);
  EXPECT_EQ(encryption_reason(encryption(apply("<SSEAlgorithm>AES256</SSEAlgorithm>"
                                               "<KMSMasterKeyID>mine</KMSMasterKeyID>"))),
            reason::kInvalidArgument);
}

}  // namespace
}  // namespace strata::settings
