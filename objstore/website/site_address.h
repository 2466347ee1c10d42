// Which bucket a request to the website port means.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace strata::website {

struct SiteAddress {
  std::string bucket;
  // What precedes the key in the path: "/" where the host names the bucket, "/BUCKET/" where the
  // path does.
  std::string base;
  std::string key;  // decoded
};

// host: as sent, with or without port; path: encoded, beginning with '/'. The bucket comes from
//   BUCKET.s3-website-REGION.DOMAIN, BUCKET.s3-website.REGION.DOMAIN, BUCKET.s3-website.DOMAIN and
//   BUCKET.DOMAIN, for each domain;
//   /BUCKET/KEY, where the host is an address or one of the domains itself;
//   any other host name, which is the bucket's own name.
// nullopt for a path that does not decode, or names no bucket.
[[nodiscard]] std::optional<SiteAddress> site_address(std::string_view host, std::string_view path,
                                                      std::span<const std::string> domains,
                                                      std::string_view region);

}  // namespace strata::website
