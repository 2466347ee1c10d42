#include "objstore/website/visitor.h"

#include <chrono>
#include <utility>

#include "common/codec/http_date.h"
#include "objstore/access/acl.h"
#include "objstore/access/authorize.h"
#include "objstore/access/caller.h"

namespace strata::website {
namespace {

using Values = std::optional<std::vector<std::string>>;

Values one(std::string value) {
  std::vector<std::string> values;
  values.push_back(std::move(value));
  return values;
}

// "127.0.0.1" of "127.0.0.1:5000", "::1" of "[::1]:5000".
std::string_view address_of(std::string_view peer) noexcept {
  peer = peer.substr(0, peer.rfind(':'));
  if (peer.size() >= 2 && peer.front() == '[' && peer.back() == ']') {
    peer = peer.substr(1, peer.size() - 2);
  }
  return peer;
}

}  // namespace

bool Visitor::may(std::string_view action, std::string_view key,
                  const object::ObjectInfo* info) const {
  access::ObjectSide object;
  if (info != nullptr) {
    object.owner = info->extras.owner;
    if (!info->extras.acl.empty()) {
      Result<access::Acl> acl = access::decode_acl(info->extras.acl);
      if (!acl.ok()) return false;
      object.acl = std::move(*acl);
    }
  }
  const access::BucketSide side{rules_.owner, *rules_.access, info != nullptr ? &object : nullptr};
  return access::authorize(access::Caller::anonymous(), action, {bucket_->name, key}, *this, side)
      .allowed;
}

Values Visitor::find(std::string_view key) const {
  const http::RequestHead& head = exchange_->request();
  if (key == "aws:sourceip") return one(std::string(address_of(exchange_->peer())));
  if (key == "aws:securetransport") return one(head.secure ? "true" : "false");
  if (key == "aws:principaltype") return one("Anonymous");
  if (key == "aws:currenttime") return one(codec::format_iso8601(now_));
  if (key == "aws:epochtime") {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch());
    return one(std::to_string(seconds.count()));
  }
  for (const auto& [name, field] :
       {std::pair("aws:referer", "referer"), std::pair("aws:useragent", "user-agent")}) {
    const std::string* const value = key == name ? head.fields.find(field) : nullptr;
    if (value != nullptr) return one(*value);
  }
  return std::nullopt;
}

}  // namespace strata::website
