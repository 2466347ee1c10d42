#include "objstore/access/policy.h"

#include <gtest/gtest.h>

#include "objstore/access/bucket_policy.h"
#include "tests/unit/access/map_context.h"

namespace strata::access {
namespace {

std::string refusal(std::string_view text, PolicyKind kind = PolicyKind::kIdentity) {
  const auto policy = parse_policy(text, kind);
  if (policy.ok()) return "";
  EXPECT_EQ(policy.error().reason, kMalformedPolicy);
  return policy.error().message;
}

std::string bucket_refusal(const std::string& statement) {
  const auto policy =
      parse_bucket_policy(R"({"Version":"2012-10-17","Statement":[)" + statement + "]}", "shelf");
  return policy.ok() ? "" : policy.error().message;
}

bool opens(const std::string& statement) {
  const auto policy =
      parse_bucket_policy(R"({"Version":"2012-10-17","Statement":[)" + statement + "]}", "shelf");
  EXPECT_TRUE(policy.ok()) << policy.error().message;
  return policy.ok() && is_public(*policy);
}

TEST(Policy, one_statement_needs_no_list_and_one_value_needs_none_either) {
  const auto policy =
      parse_policy(R"({"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}})",
                   PolicyKind::kIdentity);
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->statements.size(), 1U);
}

TEST(Policy, what_is_no_json_is_told_apart_from_what_is_no_policy) {
  EXPECT_EQ(refusal(""), "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(refusal("[]"), "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(refusal("{"), "This policy contains invalid Json");
  EXPECT_EQ(refusal("{}"), "Missing required field Statement");
  EXPECT_EQ(refusal(R"({"Statement":[]})"), "Missing required field Statement");
}

TEST(Policy, a_name_that_comes_twice_is_refused) {
  EXPECT_NE(refusal(R"({"Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*",)"
                    R"("Resource":"*"}]})"),
            "");
}

TEST(Policy, deep_nesting_is_refused_before_it_is_parsed) {
  std::string text = R"({"Statement":)";
  for (int i = 0; i < 5000; ++i) text += '[';
  EXPECT_NE(refusal(text), "");
}

TEST(Policy, an_unknown_element_is_refused_because_it_may_have_meant_a_restriction) {
  EXPECT_EQ(refusal(R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*",)"
                    R"("Conditions":{}}]})"),
            "Unknown field Conditions");
  EXPECT_EQ(refusal(R"({"Statment":[]})"), "Unknown field Statment");
}

TEST(Policy, an_unknown_operator_key_or_value_of_a_condition_is_refused) {
  const auto with = [](const std::string& condition) {
    return refusal(R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":)" +
                   condition + "}]}");
  };
  EXPECT_EQ(with(R"({"StringEqual":{"aws:username":"a"}})"),
            "Invalid Condition type : StringEqual");
  EXPECT_EQ(with(R"({"StringEquals":{"aws:usrname":"a"}})"), "Policy has an invalid condition key");
  EXPECT_NE(with(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}})"), "");
  EXPECT_NE(with(R"({"NumericEquals":{"s3:max-keys":"ten"}})"), "");
  EXPECT_NE(with(R"({"NullIfExists":{"aws:username":"true"}})"), "");
  EXPECT_EQ(with(R"({"NumericLessThanEquals":{"s3:max-keys":10}})"), "");
  EXPECT_EQ(with(R"({"Bool":{"aws:SecureTransport":false}})"), "");
}

TEST(Policy, each_use_of_a_document_has_elements_it_needs_and_elements_it_refuses) {
  const char* const statement =
      R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]})";
  EXPECT_EQ(refusal(statement), "Policy document should not specify a principal.");
  EXPECT_EQ(refusal(R"({"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})",
                    PolicyKind::kBucket),
            "Missing required field Principal");
  EXPECT_EQ(refusal(statement, PolicyKind::kTrust), "Has prohibited field Resource");
  EXPECT_EQ(refusal(R"({"Statement":[{"Effect":"Allow","Action":"GetObject","Resource":"*"}]})"),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  EXPECT_EQ(refusal(R"({"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"shelf"}]})"),
            "Resource shelf must be in ARN format or \"*\".");
}

TEST(Policy, principals_are_accounts_arns_and_canonical_ids) {
  const auto with = [](const std::string& principal) {
    return bucket_refusal(R"({"Effect":"Allow","Action":"s3:GetObject","Resource":)"
                          R"("arn:aws:s3:::shelf/*","Principal":)" +
                          principal + "}");
  };
  EXPECT_EQ(with(R"("*")"), "");
  EXPECT_EQ(with(R"({"AWS":"*"})"), "");
  EXPECT_EQ(with(R"({"AWS":["123456789012","arn:aws:iam::123456789012:root"]})"), "");
  EXPECT_EQ(with(R"({"AWS":"arn:aws:iam::123456789012:user/team/alice"})"), "");
  EXPECT_EQ(with(R"({"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"})"), "");
  EXPECT_EQ(with(R"({"CanonicalUser":")" + std::string(64, 'a') + R"("})"), "");
  for (const char* wrong :
       {R"("alice")", R"({"AWS":"1234"})", R"({"AWS":"arn:aws:iam::123456789012:user/*"})",
        R"({"AWS":"arn:aws:iam::123456789012:group/g"})", R"({"CanonicalUser":"x"})", "{}",
        R"({"Who":"*"})", "17"}) {
    EXPECT_EQ(with(wrong), "Invalid principal in policy") << wrong;
  }
}

TEST(BucketPolicy, speaks_of_its_own_bucket_and_of_s3_only) {
  const auto with = [](const std::string& action, const std::string& resource) {
    return bucket_refusal(R"({"Effect":"Allow","Principal":"*","Action":")" + action +
                          R"(","Resource":")" + resource + R"("})");
  };
  EXPECT_EQ(with("s3:GetObject", "arn:aws:s3:::shelf/*"), "");
  EXPECT_EQ(with("s3:ListBucket", "arn:aws:s3:::shelf"), "");
  EXPECT_EQ(with("s3:*", "arn:aws:s3:::shelf*"), "");
  EXPECT_EQ(with("s3:GetObject", "arn:aws:s3:::other/*"), "Policy has invalid resource");
  EXPECT_EQ(with("s3:GetObject", "arn:aws:s3:::shelf2/*"), "Policy has invalid resource");
  EXPECT_EQ(with("s3:GetObject", "*"), "Policy has invalid resource");
  EXPECT_EQ(with("s3:GetObjekt", "arn:aws:s3:::shelf/*"), "Policy has invalid action");
  EXPECT_EQ(with("iam:CreateUser", "arn:aws:s3:::shelf/*"), "Policy has invalid action");
  EXPECT_EQ(with("s3:GetObject", "arn:aws:s3:::shelf"),
            "Action does not apply to any resource(s) in statement");
  EXPECT_EQ(with("s3:ListBucket", "arn:aws:s3:::shelf/*"),
            "Action does not apply to any resource(s) in statement");
}

TEST(BucketPolicy, has_at_most_twenty_kilobytes) {
  std::string text = R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",)"
                     R"("Resource":"arn:aws:s3:::shelf/*"}]})";
  ASSERT_TRUE(parse_bucket_policy(text, "shelf").ok());
  text.append(kBucketPolicyBytesMax + 1 - text.size(), ' ');
  EXPECT_FALSE(parse_bucket_policy(text, "shelf").ok());
}

TEST(BucketPolicy, is_public_unless_fixed_values_pin_everyone_down) {
  const auto with = [](const std::string& principal, const std::string& condition) {
    return opens(R"({"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shelf/*",)"
                 R"("Principal":)" +
                 principal + (condition.empty() ? "" : R"(,"Condition":)" + condition) + "}");
  };
  const std::string all = R"("*")";
  EXPECT_TRUE(with(all, ""));
  EXPECT_TRUE(with(R"({"AWS":"*"})", ""));
  EXPECT_FALSE(with(R"({"AWS":"123456789012"})", ""));
  EXPECT_FALSE(with(all, R"({"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}})"));
  EXPECT_TRUE(with(all, R"({"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}})"));
  EXPECT_TRUE(with(all, R"({"IpAddress":{"aws:SourceIp":["10.1.0.0/16","0.0.0.0/0"]}})"));
  EXPECT_TRUE(with(all, R"({"NotIpAddress":{"aws:SourceIp":"10.1.0.0/16"}})"));
  EXPECT_FALSE(with(all, R"({"StringEquals":{"aws:SourceVpc":"vpc-91237329"}})"));
  EXPECT_TRUE(with(all, R"({"StringLike":{"aws:SourceVpc":"vpc-*"}})"));
  EXPECT_TRUE(with(all, R"({"StringEquals":{"s3:prefix":"public/"}})"));
  EXPECT_FALSE(opens(R"({"Effect":"Deny","Principal":"*","Action":"s3:*",)"
                     R"("Resource":"arn:aws:s3:::shelf/*"})"));
}

TEST(Pattern, wildcards_and_variables_fill_in) {
  const MapContext context(
      MapContext::Values{{"aws:username", {"alice"}}, {"aws:userid", {"a*b"}}});
  const auto matches = [&](std::string_view pattern, std::string_view value) {
    return Pattern::parse(pattern, {}).matches(value, &context);
  };
  EXPECT_TRUE(matches("a*c?e", "abbbcde"));
  EXPECT_FALSE(matches("a*c?e", "abbbce"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("home/${aws:username}/*", "home/alice/x"));
  EXPECT_FALSE(matches("home/${aws:username}/*", "home/bob/x"));
  EXPECT_TRUE(matches("${aws:PrincipalTag/team, 'none'}", "none"));
  EXPECT_FALSE(matches("x${aws:PrincipalTag/team}", "x"));
  EXPECT_TRUE(matches("a${*}b", "a*b"));
  EXPECT_FALSE(matches("a${*}b", "axb"));
  // A star in a value is a star, not a wildcard.
  EXPECT_TRUE(matches("${aws:userid}", "a*b"));
  EXPECT_FALSE(matches("${aws:userid}", "axxb"));
  EXPECT_TRUE(matches("?", "\xc3\xa4"));
}

TEST(Pattern, variables_are_plain_text_in_the_older_version) {
  const auto policy =
      parse_policy(R"({"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",)"
                   R"("Resource":"arn:aws:s3:::b/${aws:username}"}]})",
                   PolicyKind::kIdentity);
  ASSERT_TRUE(policy.ok());
  const MapContext context(MapContext::Values{{"aws:username", {"alice"}}});
  const Pattern& resource = policy->statements[0].resources[0];
  EXPECT_FALSE(resource.matches("arn:aws:s3:::b/alice", &context));
  EXPECT_TRUE(resource.matches("arn:aws:s3:::b/${aws:username}", &context));
}

}  // namespace
}  // namespace strata::access
