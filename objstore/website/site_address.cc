#include "objstore/website/site_address.h"

#include <algorithm>

#include "common/base/parse.h"
#include "common/codec/text.h"

namespace strata::website {
namespace {

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_address(std::string_view host) {
  if (host.starts_with('[')) return true;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// Takes ".s3-website..." off what stands before a domain.
std::string_view without_marker(std::string_view prefix, std::string_view region) {
  const std::string forms[] = {".s3-website-" + std::string(region),
                               ".s3-website." + std::string(region), ".s3-website"};
  for (const std::string& form : forms) {
    if (prefix.ends_with(form)) return prefix.substr(0, prefix.size() - form.size());
  }
  return prefix;
}

// The bucket that the host names; empty: the path does.
std::string bucket_of(std::string_view host, std::span<const std::string> domains,
                      std::string_view region) {
  if (host.empty() || is_address(host)) return {};
  for (const std::string& domain : domains) {
    if (host == domain) return {};
    if (host.size() > domain.size() + 1 && host.ends_with(domain) &&
        host[host.size() - domain.size() - 1] == '.') {
      return std::string(without_marker(host.substr(0, host.size() - domain.size() - 1), region));
    }
  }
  return std::string(host);
}

}  // namespace

std::optional<SiteAddress> site_address(std::string_view host, std::string_view path,
                                        std::span<const std::string> domains,
                                        std::string_view region) {
  if (!path.starts_with('/')) return std::nullopt;
  const std::optional<std::string> decoded = codec::uri_decode(path.substr(1));
  if (!decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
  SiteAddress site;
  site.bucket = bucket_of(ascii_lower(without_port(host)), domains, region);
  if (!site.bucket.empty()) {
    site.base = "/";
    site.key = *decoded;
    return site;
  }
  const size_t slash = decoded->find('/');
  site.bucket = decoded->substr(0, slash);
  if (site.bucket.empty()) return std::nullopt;
  site.base = "/" + site.bucket + "/";
  if (slash != std::string::npos) site.key = decoded->substr(slash + 1);
  return site;
}

}  // namespace strata::website
