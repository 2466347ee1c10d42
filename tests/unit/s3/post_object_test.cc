// PostObject through the handler: forms as browsers send them, and as attackers
// do.
#include "common/sigv4/version2.h"
#include "objstore/s3/claimed_checksum.h"
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kBoundary = "----form";

class PostObject : public S3Fixture {
 protected:
  struct Form {
    Fields fields{};
    std::string file = "bytes";
    std::string file_name = "photo.jpg";
    std::string after{};  // fields behind the file, as they go over the wire
    std::string content_type = std::string("multipart/form-data; boundary=") + kBoundary;
    Headers headers{};
    size_t piece_bytes = 777;
  };

  static std::string part(const std::string& name, const std::string& value,
                          const std::string& more = "") {
    return std::string("--") + kBoundary + "\r\nContent-Disposition: form-data; name=\"" + name +
           "\"" + more + "\r\n\r\n" + value + "\r\n";
  }

  Reply post(const Form& form) {
    std::string wire;
    for (const auto& [name, value] : form.fields) wire += part(name, value);
    wire += part("file", form.file, "; filename=\"" + form.file_name + "\"");
    wire += form.after + "--" + kBoundary + "--\r\n";
    return post_wire(form, std::move(wire));
  }

  Reply post_wire(const Form& form, std::string wire) {
    http::RequestHead head;
    head.method = "POST";
    head.target = head.path = "/bucket";
    head.fields.add("host", "localhost:9000");
    head.fields.add("content-type", form.content_type);
    for (const auto& [name, value] : form.headers) head.fields.add(name, value);
    head.content_length = wire.size();
    return send_raw(std::move(head), std::move(wire), form.piece_bytes);
  }

  [[nodiscard]] std::string at(std::chrono::seconds from_now) const {
    return codec::format_iso8601(clock_.now + from_now);
  }

  // The fields that sign the conditions, which are the usual ones and these.
  Fields signed_fields(const std::string& conditions, const std::string& secret = kSecret,
                       std::chrono::seconds valid = std::chrono::seconds(60)) {
    const std::string date = codec::format_iso8601_basic(clock_.now);
    const sigv4::Scope scope{date.substr(0, 8), "us-east-1", "s3"};
    const std::string credential = sigv4::Credential{kKey, scope}.to_string();
    const std::string document =
        "{\"expiration\": \"" + at(valid) +
        "\", \"conditions\": [{\"bucket\": \"bucket\"}, "
        "{\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"}, {\"x-amz-credential\": "
        "\"" +
        credential + "\"}, {\"x-amz-date\": \"" + date + "\"}" + (conditions.empty() ? "" : ", ") +
        conditions + "]}";
    const std::string policy = codec::to_base64(document);
    return {{"policy", policy},
            {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
            {"X-Amz-Credential", credential},
            {"X-Amz-Date", date},
            {"X-Amz-Signature", sigv4::sign(sigv4::derive_signing_key(secret, scope), policy)}};
  }

  Form form(const std::string& conditions, Fields more = {}) {
    Form out;
    out.fields = {{"key", "up/photo.jpg"}};
    for (auto& field : signed_fields(conditions)) out.fields.push_back(std::move(field));
    for (auto& field : more) out.fields.push_back(std::move(field));
    return out;
  }

  static constexpr const char* kAnyKey = R"(["starts-with", "$key", "up/"])";
};

TEST_F(PostObject, stores_what_the_policy_allows) {
  const Reply reply = post(form(std::string(kAnyKey) +
                                    R"(, ["starts-with", "$Content-Type", "image/"],
                                       {"x-amz-meta-from": "form"}, ["content-length-range", 1, 10])",
                                {{"Content-Type", "image/jpeg"}, {"x-amz-meta-from", "form"}}));
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.fields.get("location"), "http://localhost:9000/bucket/up/photo.jpg");
  const Reply got = get("/bucket/up/photo.jpg");
  EXPECT_EQ(got.body, "bytes");
  EXPECT_EQ(got.fields.get("etag"), reply.fields.get("etag"));
  EXPECT_EQ(got.fields.get("content-type"), "image/jpeg");
  EXPECT_EQ(got.fields.get("x-amz-meta-from"), "form");
}

TEST_F(PostObject, is_the_same_however_the_body_is_cut) {
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{64}, size_t{100'000}}) {
    Form one = form(kAnyKey);
    one.piece_bytes = piece;
    one.file = "a\r\n--\r\n----for\r\n" + std::string(3000, 'x') + "\r\n------for";
    ASSERT_EQ(post(one).status, 204) << piece;
    ASSERT_EQ(get("/bucket/up/photo.jpg").body, one.file) << piece;
  }
}

TEST_F(PostObject, the_file_name_may_be_part_of_the_key) {
  Form one = form(kAnyKey);
  one.fields[0].second = "up/${filename}";
  one.file_name = R"(C:\\pictures\\a b.jpg)";
  EXPECT_EQ(post(one).status, 204);
  EXPECT_EQ(get("/bucket/up/a%20b.jpg").body, "bytes");
  // The policy judges the key that comes of it.
  one.fields[0].second = "${filename}";
  one.file_name = "elsewhere";
  EXPECT_EQ(post(one).code(), "AccessDenied");
}

TEST_F(PostObject, answers_as_the_form_wants) {
  const std::string any = std::string(kAnyKey) +
                          R"(, ["starts-with", "$success_action_status", ""])"
                          R"(, ["starts-with", "$success_action_redirect", ""])";
  EXPECT_EQ(post(form(any, {{"success_action_status", "200"}})).status, 200);
  EXPECT_EQ(post(form(any, {{"success_action_status", "404"}})).status, 204);
  const Reply created = post(form(any, {{"success_action_status", "201"}}));
  EXPECT_EQ(created.status, 201);
  const auto xml = codec::parse_xml(created.body);
  ASSERT_TRUE(xml.ok());
  EXPECT_EQ(xml->name, "PostResponse");
  EXPECT_EQ(xml->child_text("Key"), "up/photo.jpg");
  EXPECT_EQ(xml->child_text("Bucket"), "bucket");
  EXPECT_EQ(xml->child_text("ETag"), created.fields.get("etag"));
  const Reply redirected =
      post(form(any, {{"success_action_redirect", "https://example.com/done?a=b"}}));
  EXPECT_EQ(redirected.status, 303);
  EXPECT_EQ(redirected.fields.get("location"),
            "https://example.com/done?a=b&bucket=bucket&key=up%2Fphoto.jpg&etag=%22" +
                std::string(redirected.fields.get("etag").substr(1, 32)) + "%22");
  // A target that would break out of its header is none.
  EXPECT_EQ(
      post(form(any, {{"success_action_redirect", "https://e.com/\r\nSet-Cookie: x"}})).status,
      204);
  EXPECT_EQ(post(form(any, {{"success_action_redirect", "javascript:alert(1)"}})).status, 204);
}

TEST_F(PostObject, what_the_policy_does_not_allow_is_denied) {
  const auto denied = [this](const Form& one, std::string_view why) {
    const Reply reply = post(one);
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.code(), "AccessDenied");
    EXPECT_NE(reply.body.find(why), std::string::npos) << reply.body;
  };
  denied(form(""), "Extra input fields: key");
  denied(form(R"(["starts-with", "$key", "other/"])"), "Policy Condition failed");
  denied(form(R"({"key": "up/other.jpg"})"), "Policy Condition failed");
  denied(form(kAnyKey, {{"x-amz-meta-a", "1"}}), "Extra input fields: x-amz-meta-a");
  denied(form(std::string(kAnyKey) + R"(, {"x-amz-meta-a": "1"})"), "Policy Condition failed");
  denied(form(std::string(kAnyKey) + R"(, ["starts-with", "$Content-Type", "image/"])",
              {{"Content-Type", "image/png,text/html"}}),
         "Policy Condition failed");
  Form late = form(kAnyKey);
  late.fields = {{"key", "up/photo.jpg"}};
  for (auto& field : signed_fields(kAnyKey, kSecret, std::chrono::seconds(-1))) {
    late.fields.push_back(field);
  }
  denied(late, "Policy expired");
  EXPECT_EQ(get("/bucket/up/photo.jpg").code(), "NoSuchKey");
}

TEST_F(PostObject, fields_that_begin_with_x_ignore_need_no_condition) {
  EXPECT_EQ(post(form(kAnyKey, {{"x-ignore-tracking", "1"}})).status, 204);
}

TEST_F(PostObject, names_and_operators_are_read_without_regard_to_case) {
  Form one =
      form(R"(["StArTs-WiTh", "$KeY", "up/"], {"X-Amz-Meta-A": "1"})", {{"x-AMZ-meta-a", "1"}});
  one.fields[0].first = "kEy";
  EXPECT_EQ(post(one).status, 204);
}

TEST_F(PostObject, the_size_of_the_file_is_held_to_its_range) {
  const std::string range = std::string(kAnyKey) + R"(, ["content-length-range", 3, 8])";
  Form one = form(range);
  for (const auto& [bytes, code] :
       {std::pair(2, "EntityTooSmall"), std::pair(3, ""), std::pair(8, ""),
        std::pair(9, "EntityTooLarge"), std::pair(100'000, "EntityTooLarge")}) {
    one.file = std::string(static_cast<size_t>(bytes), 'x');
    const Reply reply = post(one);
    EXPECT_EQ(reply.code(), code) << bytes;
    EXPECT_EQ(reply.status, *code == '\0' ? 204 : 400);
  }
  EXPECT_EQ(get("/bucket/up/photo.jpg").body.size(), 8u);
}

TEST_F(PostObject, a_policy_that_makes_no_sense_is_invalid) {
  const auto code_of_policy = [this](const std::string& document) {
    Form one = form(kAnyKey);
    const std::string date = codec::format_iso8601_basic(clock_.now);
    const sigv4::Scope scope{date.substr(0, 8), "us-east-1", "s3"};
    const std::string policy = codec::to_base64(document);
    one.fields[1].second = policy;
    one.fields[5].second = sigv4::sign(sigv4::derive_signing_key(kSecret, scope), policy);
    return post(one).code();
  };
  const std::string until = "\"expiration\": \"" + at(std::chrono::seconds(60)) + "\"";
  for (const std::string& document :
       {std::string("nonsense"), std::string("[]"), std::string("{}"), "{" + until + "}",
        "{" + until + ", \"conditions\": {}}", "{" + until + ", \"conditions\": [{}]}",
        "{" + until + ", \"CONDITIONS\": []}",
        std::string("{\"expiration\": \"soon\", \"conditions\": []}"),
        "{" + until + R"(, "conditions": [["eq", "key", "x"]]})",
        "{" + until + R"(, "conditions": [["like", "$key", "x"]]})",
        "{" + until + R"(, "conditions": [["eq", "$key"]]})",
        "{" + until + R"(, "conditions": [["content-length-range", 0]]})",
        "{" + until + R"(, "conditions": [["content-length-range", -1, 5]]})",
        "{" + until + R"(, "conditions": [["content-length-range", 6, 5]]})",
        "{" + until + R"(, "conditions": [{"key": 5}]})", std::string(100, '[')}) {
    EXPECT_EQ(code_of_policy(document), "InvalidPolicyDocument") << document;
  }
  Form one = form(kAnyKey);
  one.fields[1].second = "not base64!";
  EXPECT_EQ(post(one).code(), "SignatureDoesNotMatch") << "the signature is judged first";
}

TEST_F(PostObject, a_dollar_sign_may_be_escaped) {
  Form one = form(R"(["starts-with", "$key", "\$up"])");
  one.fields[0].second = "$up/x";
  EXPECT_EQ(post(one).status, 204);
  one = form(R"(["starts-with", "$key", "\\$up"])");
  one.fields[0].second = "\\$up/x";
  EXPECT_EQ(post(one).status, 204);
}

TEST_F(PostObject, a_wrong_signature_key_scope_or_age_is_refused) {
  const auto with = [this](size_t field, const std::string& value) {
    Form one = form(kAnyKey);
    one.fields[field].second = value;
    return post(one).code();
  };
  EXPECT_EQ(with(5, std::string(64, '0')), "SignatureDoesNotMatch");
  EXPECT_EQ(with(5, ""), "SignatureDoesNotMatch");
  EXPECT_EQ(with(2, "AWS4-HMAC-SHA512"), "InvalidArgument");
  EXPECT_EQ(with(3, "nonsense"), "InvalidArgument");
  EXPECT_EQ(with(4, "yesterday"), "InvalidArgument");
  const std::string day = codec::format_iso8601_basic(clock_.now).substr(0, 8);
  EXPECT_EQ(with(3, "NOBODY/" + day + "/us-east-1/s3/aws4_request"), "InvalidAccessKeyId");
  EXPECT_EQ(with(3, std::string(kKey) + "/" + day + "/eu-west-1/s3/aws4_request"),
            "InvalidArgument");
  Form wrong = form(kAnyKey);
  wrong.fields = {{"key", "up/x"}};
  for (auto& field : signed_fields(kAnyKey, "another secret")) wrong.fields.push_back(field);
  EXPECT_EQ(post(wrong).code(), "SignatureDoesNotMatch");
  for (size_t missing = 2; missing <= 5; ++missing) {
    Form one = form(kAnyKey);
    one.fields.erase(one.fields.begin() + static_cast<ptrdiff_t>(missing));
    EXPECT_EQ(post(one).code(), "InvalidArgument") << missing;
  }
  Form unsigned_policy = form(kAnyKey);
  unsigned_policy.fields.erase(unsigned_policy.fields.begin() + 1);
  EXPECT_EQ(post(unsigned_policy).code(), "InvalidArgument");
  Form token = form(kAnyKey + std::string(R"(, ["starts-with", "$x-amz-security-token", ""])"),
                    {{"x-amz-security-token", "x"}});
  EXPECT_EQ(post(token).code(), "InvalidToken");
  EXPECT_EQ(get("/bucket/up/photo.jpg").code(), "NoSuchKey");
}

TEST_F(PostObject, version_2_is_believed_only_when_switched_on) {
  const std::string policy = codec::to_base64("{\"expiration\": \"" + at(std::chrono::seconds(60)) +
                                              "\", \"conditions\": [{\"bucket\": \"bucket\"}, "
                                              "[\"starts-with\", \"$key\", \"\"]]}");
  Form one;
  one.fields = {{"key", "old"},
                {"AWSAccessKeyId", kKey},
                {"policy", policy},
                {"signature", sigv4::v2_sign(kSecret, policy)}};
  EXPECT_EQ(post(one).code(), "InvalidRequest");
  Config config;
  config.signature_version2 = true;
  make_handler(std::move(config));
  EXPECT_EQ(post(one).status, 204);
  EXPECT_EQ(get("/bucket/old").body, "bytes");
  one.fields[3].second = sigv4::v2_sign("another secret", policy);
  EXPECT_EQ(post(one).code(), "SignatureDoesNotMatch");
  one.fields[1].second = "NOBODY";
  EXPECT_EQ(post(one).code(), "InvalidAccessKeyId");
}

TEST_F(PostObject, without_a_policy_the_sender_is_anonymous) {
  Form one;
  one.fields = {{"key", "up/x"}};
  EXPECT_EQ(post(one).code(), "AccessDenied");
  one = form(kAnyKey);
  one.headers = {{"authorization", "AWS4-HMAC-SHA256 Credential=x"}};
  EXPECT_EQ(post(one).code(), "InvalidArgument") << "one signature, not two";
}

TEST_F(PostObject, checksums_in_the_form_are_verified) {
  const std::string sum =
      codec::to_base64(digest::checksum(digest::ChecksumAlgorithm::kSha256, as_bytes("bytes")));
  const std::string conditions =
      std::string(kAnyKey) + R"(, ["starts-with", "$x-amz-checksum-sha256", ""])";
  EXPECT_EQ(
      post(form(conditions, {{"x-amz-checksum-sha256", sum}})).fields.get("x-amz-checksum-sha256"),
      sum);
  Form wrong = form(conditions, {{"x-amz-checksum-sha256", sum}});
  wrong.file = "bytez";
  EXPECT_EQ(post(wrong).code(), "BadDigest");
  EXPECT_EQ(get("/bucket/up/photo.jpg").body, "bytes");
}

TEST_F(PostObject, a_body_that_is_no_whole_form_is_refused) {
  Form one = form(kAnyKey);
  one.content_type = "application/x-www-form-urlencoded";
  EXPECT_EQ(post(one).status, 412);
  one = form(kAnyKey);
  one.fields.erase(one.fields.begin());
  EXPECT_EQ(post(one).code(), "InvalidArgument");
  one = form(kAnyKey);
  EXPECT_EQ(post_wire(one, "").code(), "MalformedPOSTRequest");
  EXPECT_EQ(post_wire(one, "nonsense").code(), "MalformedPOSTRequest");
  EXPECT_EQ(post_wire(one, part("key", "x") + "--" + kBoundary + "--\r\n").code(),
            "InvalidArgument");
  std::string wire;
  for (const auto& [name, value] : one.fields) wire += part(name, value);
  wire += part("file", "bytes", "; filename=\"x\"");
  EXPECT_EQ(post_wire(one, wire).code(), "MalformedPOSTRequest") << "its end is missing";
  EXPECT_EQ(post_wire(one, wire.substr(0, wire.size() - 4)).code(), "MalformedPOSTRequest");
  EXPECT_EQ(post_wire(one, part("key", std::string(21'000, 'x')) + wire).code(),
            "MaxPostPreDataLengthExceeded");
  one.fields.insert(one.fields.begin(), {"key", "up/another"});
  EXPECT_EQ(post(one).code(), "InvalidArgument") << "two keys";
  EXPECT_EQ(get("/bucket/up/photo.jpg").code(), "NoSuchKey");
}

TEST_F(PostObject, fields_behind_the_file_are_ignored) {
  Form one = form(kAnyKey);
  one.after = part("key", "other") + part("acl", "public-read");
  EXPECT_EQ(post(one).status, 204);
  EXPECT_EQ(get("/bucket/other").code(), "NoSuchKey");
}

TEST_F(PostObject, a_field_cannot_break_out_of_its_header) {
  const std::string conditions = std::string(kAnyKey) + R"(, ["starts-with", "$Content-Type", ""])";
  EXPECT_EQ(post(form(conditions, {{"Content-Type", "a/b\r\nx-amz-acl: public-read"}})).code(),
            "InvalidArgument");
}

}  // namespace
}  // namespace strata::s3
