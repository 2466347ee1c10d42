// fuzz-deps: objstore_website common_base
// Which bucket and key a request to the website port means. First line: the host; the rest: the
// path.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "objstore/website/site_address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  const std::string_view host = text.substr(0, end);
  const std::string_view path =
      end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  const std::vector<std::string> domains = {"localhost", "s3.example.com"};
  const auto site = website::site_address(host, path, domains, "us-east-1");
  if (!site) return 0;
  CHECK(!site->bucket.empty());
  CHECK(site->base == "/" || site->base == "/" + site->bucket + "/");
  CHECK(site->key.find('\0') == std::string::npos);
  return 0;
}
