#include "common/sigv4/authorization.h"

#include <gtest/gtest.h>

#include "common/codec/http_date.h"

namespace strata::sigv4 {
namespace {

const std::string kSignature(64, 'a');
const std::string kGoodCredential = "AKIA/20130524/us-east-1/s3/aws4_request";
const std::string kGood = "AWS4-HMAC-SHA256 Credential=" + kGoodCredential +
                          ", SignedHeaders=host;x-amz-date, Signature=" + kSignature;

std::string_view reason_of(std::string_view header) {
  const auto result = parse_authorization(header);
  return result.ok() ? std::string_view("ok") : result.error().reason;
}

TEST(ParseAuthorization, reads_the_three_fields_in_any_order_and_spacing) {
  const std::string credential = "Credential=" + kGoodCredential;
  const std::string headers = "SignedHeaders=host;x-amz-date";
  const std::string signature = "Signature=" + kSignature;
  for (const std::string& text :
       {kGood, "AWS4-HMAC-SHA256 " + credential + "," + headers + "," + signature,
        "AWS4-HMAC-SHA256  " + signature + " ,\t" + headers + ", " + credential + " "}) {
    const auto result = parse_authorization(text);
    ASSERT_TRUE(result.ok()) << text << result.error().to_string();
    EXPECT_EQ(result->credential.access_key, "AKIA");
    EXPECT_EQ(result->credential.scope.to_string(), "20130524/us-east-1/s3/aws4_request");
    EXPECT_EQ(result->signed_headers, (std::vector<std::string>{"host", "x-amz-date"}));
    EXPECT_EQ(result->signature, kSignature);
  }
}

TEST(ParseAuthorization, another_algorithm_is_unsupported) {
  for (const char* text :
       {"AWS4-ECDSA-P256-SHA256 Credential=x", "AWS4-HMAC-SHA512 Credential=x"}) {
    EXPECT_EQ(reason_of(text), kReasonUnsupportedAlgorithm) << text;
  }
}

TEST(ParseAuthorization, another_scheme_is_an_unsupported_type) {
  for (const char* text :
       {"", "AWS AKIA:sig", "Basic abc", "Bearer x", "aws4-hmac-sha256 Credential=x"}) {
    EXPECT_EQ(reason_of(text), kReasonUnsupportedScheme) << text;
  }
}

TEST(ParseAuthorization, what_is_malformed_is_refused) {
  const auto with = [](std::string from, const std::string& to) {
    std::string text = kGood;
    return text.replace(text.find(from), from.size(), to);
  };
  const std::string bad[] = {
      "AWS4-HMAC-SHA256",
      "AWS4-HMAC-SHA256 ",
      "AWS4-HMAC-SHA256 Credential=" + kGoodCredential,
      kGood + ", Signature=" + kSignature,
      kGood + ", Extra=1",
      kGood + ",,",
      with("Signature=", "Signature"),
      with("AKIA/", "/"),
      with("AKIA/", "AK/IA/"),
      with("AKIA/", "AK IA/"),
      with("AKIA", std::string(kAccessKeyBytesMax + 1, 'A')),
      with("20130524", "2013052"),
      with("20130524", "2013052x"),
      with("us-east-1", ""),
      with("us-east-1", std::string(kRegionBytesMax + 1, 'r')),
      with("us-east-1", "us\neast"),
      with("/s3/", "//"),
      with("aws4_request", "aws5_request"),
      with("aws4_request", "aws4_request/x"),
      with("host;x-amz-date", ""),
      with("host;x-amz-date", "host;"),
      with("host;x-amz-date", "Host;x-amz-date"),
      with("host;x-amz-date", "x-amz-date;host"),
      with("host;x-amz-date", "host;host"),
      with("host;x-amz-date", "ho st"),
      with(kSignature, std::string(63, 'a')),
      with(kSignature, std::string(65, 'a')),
      with(kSignature, std::string(64, 'A')),
      with(kSignature, std::string(64, 'g')),
      kGood + std::string(kAuthorizationBytesMax, ' '),
  };
  for (const std::string& text : bad) EXPECT_EQ(reason_of(text), kReasonHeaderMalformed) << text;
}

TEST(ParseAuthorization, the_number_of_signed_headers_is_bounded) {
  const auto header_with = [](size_t count) {
    std::string names;
    for (size_t i = 0; i < count; ++i) {
      names += (i > 0 ? ";x" : "x") + std::to_string(1000 + i);
    }
    return "AWS4-HMAC-SHA256 Credential=" + kGoodCredential + ",SignedHeaders=" + names +
           ",Signature=" + kSignature;
  };
  EXPECT_EQ(reason_of(header_with(kSignedHeadersMax)), "ok");
  EXPECT_EQ(reason_of(header_with(kSignedHeadersMax + 1)), kReasonHeaderMalformed);
}

const std::string kQuery =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20130524%2Fus-east-1%2Fs3%2F"
    "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
    "X-Amz-Signature=" +
    kSignature;

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(ParsePresigned, reads_every_parameter) {
  const auto result =
      parse_presigned("a=%zz&" + kQuery + "&X-Amz-Security-Token=t%2Bk&versionId=1");
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_EQ(result->authorization.credential.access_key, "AKIA");
  EXPECT_EQ(result->expires, std::chrono::seconds(86400));
  EXPECT_EQ(result->amz_date, "20130524T000000Z");
  EXPECT_EQ(result->signed_at, codec::parse_iso8601_basic("20130524T000000Z"));
  EXPECT_EQ(result->security_token, "t+k");
}

TEST(ParsePresigned, what_is_malformed_is_refused) {
  const std::string bad[] = {
      "",
      "X-Amz-Algorithm=AWS4-HMAC-SHA256",
      kQuery + "&X-Amz-Date=20130524T000000Z",
      kQuery + "&X-Amz-Security-Token=%",
      kQuery + "&X-Amz-Security-Token=" + std::string(kSecurityTokenBytesMax + 1, 't'),
      with(kQuery, "86400", "0"),
      with(kQuery, "86400", "604801"),
      with(kQuery, "86400", "-1"),
      with(kQuery, "86400", "1e3"),
      with(kQuery, "86400", ""),
      with(kQuery, "86400", "18446744073709551617"),
      with(kQuery, "20130524T", "20130525T"),
      with(kQuery, "20130524T000000Z", "20130524"),
      with(kQuery, "SignedHeaders=host", "SignedHeaders="),
      with(kQuery, "us-east-1", "us/east"),
      with(kQuery, kSignature, ""),
  };
  for (const std::string& text : bad) {
    const auto result = parse_presigned(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().reason, kReasonQueryMalformed) << text;
  }
  EXPECT_EQ(parse_presigned(with(kQuery, "HMAC", "ECDSA")).error().reason,
            kReasonUnsupportedAlgorithm);
}

TEST(ParsePresigned, a_query_is_presigned_when_it_names_the_signature) {
  EXPECT_TRUE(is_presigned("list-type=2&X-Amz-Signature=1"));
  EXPECT_TRUE(is_presigned("X-Amz-Credential"));
  EXPECT_FALSE(is_presigned(""));
  EXPECT_FALSE(is_presigned("prefix=X-Amz-Signature&x-id=GetObject"));
}

TEST(PresignedTime, holds_from_its_date_to_its_end) {
  const Presigned presigned = *parse_presigned(kQuery);
  const Time start = presigned.signed_at;
  EXPECT_TRUE(check_presigned_time(presigned, start).ok());
  EXPECT_TRUE(check_presigned_time(presigned, start + std::chrono::seconds(86400)).ok());
  EXPECT_EQ(
      check_presigned_time(presigned, start + std::chrono::milliseconds(86'400'001)).error().reason,
      kReasonExpired);
  EXPECT_TRUE(check_presigned_time(presigned, start - kClockSkewMax).ok());
  EXPECT_EQ(check_presigned_time(presigned, start - kClockSkewMax - std::chrono::milliseconds(1))
                .error()
                .reason,
            kReasonNotYetValid);
}

TEST(ClockSkew, may_be_fifteen_minutes_either_way) {
  const Time now(std::chrono::hours(1'000));
  for (const int sign : {-1, 1}) {
    EXPECT_TRUE(check_clock_skew(now + sign * kClockSkewMax, now).ok());
    const Time far = now + sign * (kClockSkewMax + std::chrono::milliseconds(1));
    EXPECT_EQ(check_clock_skew(far, now).error().reason, kReasonTimeSkewed);
  }
}

TEST(ContentSha256, reads_every_form) {
  EXPECT_EQ(parse_content_sha256(kUnsignedPayload)->kind, PayloadKind::kUnsigned);
  EXPECT_EQ(parse_content_sha256(kStreamingSigned)->kind, PayloadKind::kStreamingSigned);
  EXPECT_EQ(parse_content_sha256(kStreamingSignedTrailer)->kind,
            PayloadKind::kStreamingSignedTrailer);
  EXPECT_EQ(parse_content_sha256(kStreamingUnsignedTrailer)->kind,
            PayloadKind::kStreamingUnsignedTrailer);
  const auto hash = parse_content_sha256(kEmptySha256Hex);
  EXPECT_EQ(hash->kind, PayloadKind::kSha256);
  EXPECT_EQ(hash->sha256.size(), 32u);
  EXPECT_FALSE(hash->is_aws_chunked());
  EXPECT_EQ(parse_content_sha256("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER").error().code,
            Code::kUnsupported);
  for (const std::string& bad : {std::string(), std::string("unsigned-payload"),
                                 std::string(63, 'a'), std::string(64, 'g')}) {
    EXPECT_EQ(parse_content_sha256(bad).error().reason, kReasonBadContentSha256) << bad;
  }
}

}  // namespace
}  // namespace strata::sigv4
