// fuzz-deps: objstore_access common_codec common_base
// Policy documents, stored lists and grant headers: whatever comes is refused or understood, and
// what is understood can be asked.
#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "objstore/access/authorize.h"
#include "objstore/access/bucket_policy.h"

namespace {

class OneContext final : public strata::access::Context {
 public:
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override {
    if (key.size() % 2 == 0) return std::nullopt;
    return std::vector<std::string>{"10.0.0.1", "true"};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::access;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const OneContext context;
  for (const PolicyKind kind : {PolicyKind::kIdentity, PolicyKind::kBucket, PolicyKind::kTrust}) {
    auto policy = parse_policy(text, kind);
    if (!policy.ok()) {
      CHECK(policy.error().reason == kMalformedPolicy);
      continue;
    }
    CHECK(!policy->statements.empty() && policy->statements.size() <= kStatementsMax);
    (void)is_public(*policy);
    const NamedPolicy named{"fuzzed", std::make_shared<const Policy>(std::move(*policy))};
    Trace trace;
    (void)ask_policy(named, *Caller::root(kRootAccount).principal,
                     {"s3:GetObject", "arn:aws:s3:::b/k", &context}, &trace);
    CHECK(trace.size() <= named.policy->statements.size());
  }
  (void)parse_bucket_policy(text, "b").ok();
  const auto acl = decode_acl(text);
  if (acl.ok()) CHECK(*decode_acl(encode_acl(*acl)) == *acl);
  const auto grantees = parse_grant_header(text);
  if (grantees.ok()) CHECK(grantees->size() <= kGrantsMax);
  return 0;
}
