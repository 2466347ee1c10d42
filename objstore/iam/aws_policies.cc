#include "objstore/iam/aws_policies.h"

#include "objstore/iam/entity_codec.h"

namespace strata::iam {

namespace {

struct Source {
  const char* name;
  const char* id;
  const char* description;
  const char* document;
};

constexpr Source kSources[] = {
    {"AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK",
     "Provides full access to AWS services and resources.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})"},
    {"AmazonS3FullAccess", "ANPAIFIR6V6BVTRAHWINE",
     "Provides full access to all buckets via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*",)"
     R"("s3-object-lambda:*"],"Resource":"*"}]})"},
    {"AmazonS3ReadOnlyAccess", "ANPAIZTJ4DXE7G6AGAE6M",
     "Provides read only access to all buckets via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*",)"
     R"("s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]})"},
    {"IAMFullAccess", "ANPAI7XKCFMBPM3QQRRVQ", "Provides full access to IAM.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*",)"
     R"("Resource":"*"}]})"},
    {"IAMReadOnlyAccess", "ANPAJKSO7NDY4T57MWDSQ", "Provides read only access to IAM.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","iam:List*"],)"
     R"("Resource":"*"}]})"},
};

std::vector<ManagedPolicy> make_policies() {
  constexpr int64_t kFeb2015Ms = 1'423'247'977'000;
  std::vector<ManagedPolicy> out;
  for (const Source& source : kSources) {
    ManagedPolicy policy;
    policy.account = "aws";
    policy.name = source.name;
    policy.id = source.id;
    policy.description = source.description;
    policy.created_ms = kFeb2015Ms;
    policy.updated_ms = kFeb2015Ms;
    Result<Document> document = read_document(source.document, access::PolicyKind::kIdentity);
    CHECK(document.ok(), "the built-in policies are well-formed");
    policy.versions.push_back({1, std::move(*document), kFeb2015Ms});
    out.push_back(std::move(policy));
  }
  return out;
}

}  // namespace

const std::vector<ManagedPolicy>& aws_policies() {
  static const std::vector<ManagedPolicy> kPolicies = make_policies();
  return kPolicies;
}

const ManagedPolicy* aws_policy(std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:iam::aws:policy/";
  if (!arn.starts_with(kPrefix)) return nullptr;
  for (const ManagedPolicy& policy : aws_policies()) {
    if (policy.name == arn.substr(kPrefix.size())) return &policy;
  }
  return nullptr;
}

}  // namespace strata::iam
