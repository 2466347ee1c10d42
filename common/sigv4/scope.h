// What a Signature Version 4 is bound to: who, on which day, in which region, for which service.
// Source: "AWS Signature Version 4 for API requests", credential scope.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace strata::sigv4 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// Longest texts that are read from a request.
inline constexpr size_t kAccessKeyBytesMax = 128;
inline constexpr size_t kRegionBytesMax = 64;
inline constexpr size_t kServiceBytesMax = 32;

struct Scope {
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;  // "s3"; "sts" and others are the caller's to refuse

  // "20130524/us-east-1/s3/aws4_request"
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Scope&, const Scope&) = default;
};

struct Credential {
  std::string access_key;
  Scope scope;

  // The access key, a slash, the scope.
  [[nodiscard]] std::string to_string() const;
};

// "AKIA.../20130524/us-east-1/s3/aws4_request", strictly five parts. Access keys hold no '/', '=',
// ',' or white space. kInvalidArgument with `reason` otherwise.
[[nodiscard]] Result<Credential> parse_credential(std::string_view text, std::string_view reason);

}  // namespace strata::sigv4
