#include "objstore/access/authorize.h"

namespace strata::access {

std::string Resource::arn() const {
  if (bucket.empty()) return "*";
  std::string text = "arn:aws:s3:::";
  text += bucket;
  if (!key.empty()) {
    text += '/';
    text += key;
  }
  return text;
}

Decision authorize(const Caller& caller, std::string_view action,
                   const Resource& /*resource*/) noexcept {
  // An operation without an action was left out of the route table: nobody may run it.
  if (action.empty()) return {false, "the operation names no action"};
  switch (caller.kind) {
    case CallerKind::kRoot:
      return {true, "the account's root may do everything"};
    case CallerKind::kUser:
      return {false, "no policy grants this to the user"};
    case CallerKind::kAnonymous:
      return {false, "nothing is granted to anonymous callers"};
  }
  return {false, "unknown kind of caller"};
}

}  // namespace strata::access
