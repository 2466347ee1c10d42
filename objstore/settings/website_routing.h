// Where a request to a website goes: pure decisions. Thread rule: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "objstore/settings/website.h"

namespace strata::settings {

// What the request came with, for redirects that do not name it.
struct WebsiteRequest {
  std::string_view protocol;  // http or https
  std::string_view host;      // as the Host header has it
  std::string_view key;       // decoded, without the leading slash; empty for the root
};

struct Redirect {
  int status = 301;
  std::string location;
};

// The redirect of a site that only redirects: host and protocol change, the key stays.
[[nodiscard]] Redirect redirect_everything(const RedirectAll& all, const WebsiteRequest& request);

// The first rule that fits before an object is looked for (no error code in its condition), or,
// with `error_status`, the first that is about that error. nullopt: none.
[[nodiscard]] std::optional<Redirect> route_website(const WebsiteConfiguration& website,
                                                    const WebsiteRequest& request,
                                                    std::optional<int> error_status);

// The key that is looked for: folders (and the root) have the index document inside.
[[nodiscard]] std::string website_key(const WebsiteConfiguration& website, std::string_view key);

}  // namespace strata::settings
