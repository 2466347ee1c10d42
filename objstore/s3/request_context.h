// RequestContext: what conditions of policies can ask about a request.
//
// Looked up only when a policy names a key, so a request without policies costs nothing. Every
// value comes from what was signed or from the connection itself: X-Forwarded-For is believed from
// nobody. Source: Amazon S3 user guide, "Condition keys"; IAM user guide, "Global condition context
// keys".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/clock.h"
#include "objstore/access/pattern.h"
#include "objstore/object/types.h"
#include "objstore/s3/authenticator.h"

namespace strata::s3 {

class RequestContext final : public access::Context {
 public:
  // All outlive this. region: the server's.
  // tags: of the object that is there; null: there is none, or nobody asks.
  RequestContext(const VerifiedRequest& request, io::WallTime now, std::string_view region,
                 const object::Tags* tags)
      : request_(request), now_(now), region_(region), tags_(tags) {}

  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override;

 private:
  using Values = std::optional<std::vector<std::string>>;
  [[nodiscard]] Values of_caller(std::string_view key) const;
  [[nodiscard]] Values of_connection(std::string_view key) const;
  [[nodiscard]] Values of_signature(std::string_view key) const;
  [[nodiscard]] Values of_request_tags(std::string_view key) const;
  [[nodiscard]] Values of_object_tags(std::string_view key) const;

  const VerifiedRequest& request_;
  io::WallTime now_;
  std::string_view region_;
  const object::Tags* tags_;
};

// Without the port: "127.0.0.1" of "127.0.0.1:5000", "::1" of "[::1]:5000".
[[nodiscard]] std::string_view address_of_peer(std::string_view peer) noexcept;

}  // namespace strata::s3
