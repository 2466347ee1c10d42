// What all listings share: opaque tokens, and names encoded where the client asked for it.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/s3/query.h"

namespace strata::s3 {

// A continuation token says where a page ends. It is text for a URL, opaque to clients.
[[nodiscard]] std::string encode_token(std::string_view after);
// kInvalidArgument for what encode_token did not make.
[[nodiscard]] Result<std::string> decode_token(std::string_view token);

// How names are written into the document: as they are, or percent-encoded (encoding-type=url), so
// that characters that XML cannot hold survive.
class NameEncoding {
 public:
  // kInvalidArgument for another encoding-type than "url".
  [[nodiscard]] static Result<NameEncoding> parse(const Query& query);
  [[nodiscard]] bool is_url() const noexcept { return url_; }
  [[nodiscard]] std::string operator()(std::string_view name) const;

 private:
  bool url_ = false;
};

}  // namespace strata::s3
