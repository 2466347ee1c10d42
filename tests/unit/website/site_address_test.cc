#include "objstore/website/site_address.h"

#include <gtest/gtest.h>

#include "objstore/website/pages.h"

namespace strata::website {
namespace {

const std::vector<std::string> kDomains = {"localhost", "s3.example.com"};

std::string where(std::string_view host, std::string_view path) {
  const auto site = site_address(host, path, kDomains, "eu-west-1");
  return site ? site->bucket + " " + site->base + " " + site->key : "none";
}

TEST(SiteAddress, the_host_names_the_bucket_as_on_s3) {
  EXPECT_EQ(where("site.s3-website-eu-west-1.s3.example.com", "/a"), "site / a");
  EXPECT_EQ(where("site.s3-website.eu-west-1.s3.example.com:8080", "/a"), "site / a");
  EXPECT_EQ(where("site.s3-website.localhost:8080", "/a/b%20c"), "site / a/b c");
  EXPECT_EQ(where("Site.localhost", "/"), "site / ");
  EXPECT_EQ(where("my.site.localhost", "/"), "my.site / ");
}

TEST(SiteAddress, a_name_of_its_own_is_a_bucket_of_that_name) {
  EXPECT_EQ(where("www.example.org", "/x"), "www.example.org / x");
}

TEST(SiteAddress, where_the_host_is_nobodys_name_the_path_names_the_bucket) {
  EXPECT_EQ(where("127.0.0.1:9002", "/site/a/b"), "site /site/ a/b");
  EXPECT_EQ(where("localhost:9002", "/site"), "site /site/ ");
  EXPECT_EQ(where("[::1]:9002", "/site/"), "site /site/ ");
  EXPECT_EQ(where("", "/site/a"), "site /site/ a");
  EXPECT_EQ(where("localhost", "/"), "none");
}

TEST(SiteAddress, what_does_not_decode_is_nowhere) {
  EXPECT_EQ(where("localhost", "/site/%zz"), "none");
  EXPECT_EQ(where("localhost", "/site/%00"), "none");
  EXPECT_EQ(where("localhost", "site"), "none");
}

TEST(ErrorPage, nothing_of_the_request_becomes_markup) {
  const Failure failure{404, "NoSuchKey", "The specified key does not exist.", "Key",
                        "<script>alert('\"&')</script>"};
  const std::string page = error_page(failure, nullptr, "R", "H");
  EXPECT_EQ(page.find("<script>"), std::string::npos);
  EXPECT_NE(page.find("<li>Key: &lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;</li>"),
            std::string::npos);
  EXPECT_NE(page.find("<h1>404 Not Found</h1>"), std::string::npos);
  EXPECT_NE(page.find("<li>RequestId: R</li>"), std::string::npos);
}

}  // namespace
}  // namespace strata::website
