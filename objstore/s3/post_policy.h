// The policy document of a PostObject: what the one who signed it lets a form upload.
//
// Thread rule: plain data.
// Source: Amazon S3 API reference, "POST Policy".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/io/clock.h"
#include "objstore/s3/post_form.h"

namespace strata::s3 {

class PostPolicy {
 public:
  // The `policy` field as sent: base64 of a JSON document. InvalidPolicyDocument says what is
  // wrong.
  [[nodiscard]] static Result<PostPolicy> parse(std::string_view base64);

  // Whether the policy allows these fields now; `bucket` and `key` are the ones that will be
  // written. AccessDenied with "Invalid according to Policy: ...".
  [[nodiscard]] Status check(const PostFields& fields, std::string_view bucket,
                             std::string_view key, io::WallTime now) const;

  // Bounds of the file's size, both included, if a content-length-range is there.
  struct SizeRange {
    uint64_t bytes_min = 0;
    uint64_t bytes_max = 0;
  };
  [[nodiscard]] const std::optional<SizeRange>& size_range() const noexcept { return range_; }

 private:
  friend class PostPolicyReader;
  enum class Match { kEquals, kStartsWith };
  struct Condition {
    Match match = Match::kEquals;
    std::string field;  // lower case, without '$'
    std::string value;
    std::string text;  // as the document has it, for the message
  };
  [[nodiscard]] static bool holds(const Condition& condition, std::string_view value);
  [[nodiscard]] bool mentions(std::string_view field) const;

  io::WallTime expires_{};
  std::vector<Condition> conditions_;
  std::optional<SizeRange> range_;
};

}  // namespace strata::s3
