// fuzz-deps: objstore_iam objstore_access common_digest common_codec common_base
// Forms of the query APIs and rows of the directory: bounded and refused, or understood.
#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "objstore/iam/query_api.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::iam;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto form = parse_form(text);
  if (form.ok()) CHECK(form->size() <= kFormParametersMax);
  State state;
  for (const char kind : {'a', 'u', 'g', 'r', 'p', 's', 'x'}) {
    (void)state.load(std::string(1, kind) + "/x", text).ok();
  }
  (void)index_credentials(state).size();
  return 0;
}
