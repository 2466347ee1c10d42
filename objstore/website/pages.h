// The HTML that website answers carry when no document of the bucket does.
#pragma once

#include <string>
#include <string_view>

namespace strata::website {

// What went wrong, in S3's words.
struct Failure {
  int status = 500;
  std::string code;           // "NoSuchKey"
  std::string message;        // a sentence
  std::string detail_name{};  // "Key", "BucketName"; empty: none
  std::string detail{};
};

// As S3 renders it. error_document: why the bucket's own error page could not be had, or null.
[[nodiscard]] std::string error_page(const Failure& failure, const Failure* error_document,
                                     std::string_view request_id, std::string_view host_id);
[[nodiscard]] std::string redirect_page(int status, std::string_view location);

}  // namespace strata::website
