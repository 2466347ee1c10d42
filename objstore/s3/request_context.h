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

// What the document of a request says, where policies may ask about it as about headers.
struct Stated {
  const object::Tags* tags = nullptr;
  std::optional<object::Retention> retention{};
  std::optional<bool> legal_hold{};
};

// Where a request concerns whose bucket.
struct Surroundings {
  io::WallTime now{};
  std::string_view region{};  // the server's
  std::string_view owner{};   // the bucket's account; empty: no bucket is concerned
};

class RequestContext final : public access::Context {
 public:
  // All outlive this. tags: of the object that is there; null: there is none, or nobody asks.
  RequestContext(const VerifiedRequest& request, const Surroundings& surroundings,
                 const object::Tags* tags, const Stated& stated)
      : request_(request),
        now_(surroundings.now),
        region_(surroundings.region),
        owner_(surroundings.owner),
        tags_(tags),
        stated_(stated) {}

  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override;

 private:
  using Values = std::optional<std::vector<std::string>>;
  [[nodiscard]] Values of_caller(std::string_view key) const;
  [[nodiscard]] Values of_connection(std::string_view key) const;
  [[nodiscard]] Values of_signature(std::string_view key) const;
  [[nodiscard]] Values of_request_tags(std::string_view key) const;
  [[nodiscard]] Values of_object_tags(std::string_view key) const;
  [[nodiscard]] Values of_object_lock(std::string_view key) const;
  // Whether an object comes of the request, or only a part of one or the beginning of an upload.
  [[nodiscard]] Values of_creation() const;

  const VerifiedRequest& request_;
  io::WallTime now_;
  std::string_view region_;
  std::string_view owner_;
  const object::Tags* tags_;
  const Stated& stated_;
};

// Without the port: "127.0.0.1" of "127.0.0.1:5000", "::1" of "[::1]:5000".
[[nodiscard]] std::string_view address_of_peer(std::string_view peer) noexcept;

}  // namespace strata::s3
