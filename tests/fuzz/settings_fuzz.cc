// fuzz-deps: objstore_settings common_codec common_base
// The documents of bucket settings: what parses is within its limits, and what is written back
// parses to the same document.
#include <cstddef>
#include <cstdint>

#include "objstore/settings/cors.h"
#include "objstore/settings/default_encryption.h"
#include "objstore/settings/lifecycle.h"
#include "objstore/settings/website.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto cors = settings::parse_cors(text); cors.ok()) {
    CHECK(!cors->rules.empty() && cors->rules.size() <= settings::kCorsRulesMax);
    const std::string written = settings::render_cors(*cors);
    CHECK(settings::render_cors(settings::parse_cors(written).value()) == written);
  }
  if (const auto lifecycle = settings::parse_lifecycle(text, 1); lifecycle.ok()) {
    CHECK(lifecycle->rules.size() <= settings::kLifecycleRulesMax);
    const std::string written = settings::render_lifecycle(*lifecycle);
    CHECK(settings::render_lifecycle(settings::parse_lifecycle(written, 1).value()) == written);
  }
  if (const auto website = settings::parse_website(text); website.ok()) {
    CHECK(website->routing_rules.size() <= settings::kRoutingRulesMax);
    const std::string written = settings::render_website(*website);
    CHECK(settings::render_website(settings::parse_website(written).value()) == written);
  }
  if (const auto encryption = settings::parse_default_encryption(text); encryption.ok()) {
    const std::string written = settings::render_default_encryption(*encryption);
    CHECK(settings::render_default_encryption(
              settings::parse_default_encryption(written).value()) == written);
  }
  return 0;
}
