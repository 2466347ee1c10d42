// From a request head to bucket, key, query and operation. Names are decoded here, once, and
// nowhere else: what access decides on is what storage is asked for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/http/message.h"
#include "objstore/s3/operation.h"
#include "objstore/s3/query.h"

namespace strata::s3 {

// A request as it was understood, not yet believed. The head outlives it.
class ParsedRequest {
 public:
  // domains: for virtual-host addressing, "bucket.DOMAIN"; lower case, without port.
  // kInvalidArgument for a target that cannot be decoded.
  [[nodiscard]] static Result<ParsedRequest> parse(const http::RequestHead& head,
                                                   std::span<const std::string> domains);

  [[nodiscard]] const http::RequestHead& head() const noexcept { return *head_; }
  [[nodiscard]] const Query& query() const noexcept { return query_; }
  // Empty at the level of the service, and key empty at the level of a bucket.
  [[nodiscard]] const std::string& bucket() const noexcept { return bucket_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] Level level() const noexcept;
  // Where it came from: address and port, or "unix"; "" if nobody said. Lives as long as the
  // connection.
  [[nodiscard]] std::string_view peer() const noexcept { return peer_; }
  void set_peer(std::string_view peer) noexcept { peer_ = peer; }
  // Whether the bucket is named by the host, so that the path holds the key alone.
  [[nodiscard]] bool virtual_host() const noexcept { return virtual_host_; }

  // A POST to a bucket as the request on an object that its form stands for.
  [[nodiscard]] static ParsedRequest of_form(const ParsedRequest& post, std::string key,
                                             http::Fields fields);

  // The header fields, with the x-amz-* query parameters that presigning clients write in place of
  // headers among them.
  [[nodiscard]] const http::Fields& fields() const noexcept {
    return merged_ ? *merged_ : head_->fields;
  }

 private:
  [[nodiscard]] Status parse_path(std::string_view host_bucket);
  [[nodiscard]] Status hoist_query();

  const http::RequestHead* head_ = nullptr;
  std::string bucket_;
  std::string key_;
  Query query_;
  std::optional<http::Fields> merged_;
  std::string_view peer_;
  bool virtual_host_ = false;
};

// The row of the operation table that the request means. kUnsupported/NotImplemented for a
// subresource that is not S3's, MethodNotAllowed where no operation fits, InvalidArgument for two
// subresources at once. Never null.
[[nodiscard]] Result<const OperationInfo*> route(const ParsedRequest& request);

// The bucket that a Host header names below one of the domains; empty if none.
[[nodiscard]] std::string bucket_of_host(std::string_view host,
                                         std::span<const std::string> domains);

}  // namespace strata::s3
