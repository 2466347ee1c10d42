// ApiCall: one call of the IAM or STS query API, understood, and what its operation works with.
//
// The operations are plain functions of a state: those that change something edit a draft. They
// know no HTTP; query_api.h finds and authorises them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/codec/xml.h"
#include "common/io/clock.h"
#include "objstore/access/caller.h"
#include "objstore/iam/state.h"

namespace strata::iam {

// IAM's and STS's own error codes; each is the reason of an Error.
namespace code {
inline constexpr std::string_view kAccessDenied = "AccessDenied";
inline constexpr std::string_view kDeleteConflict = "DeleteConflict";
inline constexpr std::string_view kEntityAlreadyExists = "EntityAlreadyExists";
inline constexpr std::string_view kInvalidAction = "InvalidAction";
inline constexpr std::string_view kInvalidInput = "InvalidInput";
inline constexpr std::string_view kLimitExceeded = "LimitExceeded";
inline constexpr std::string_view kMalformedPolicyDocument = "MalformedPolicyDocument";
inline constexpr std::string_view kNoSuchEntity = "NoSuchEntity";
inline constexpr std::string_view kPackedPolicyTooLarge = "PackedPolicyTooLarge";
inline constexpr std::string_view kValidationError = "ValidationError";
}  // namespace code

// The parameters of a query call: each name once.
using Parameters = std::map<std::string, std::string, std::less<>>;

struct ApiCall {
  const Parameters& parameters;
  const access::Caller& caller;
  io::WallTime now;
  RandomSource& random;  // fit for secrets
  const State& state;    // of a changing operation: the draft itself
  State* draft;          // null for one that only reads
  codec::XmlWriter& xml;

  [[nodiscard]] const std::string& account() const noexcept { return caller.account; }
  [[nodiscard]] int64_t now_ms() const noexcept { return now.time_since_epoch().count(); }
  [[nodiscard]] const std::string* find(std::string_view name) const;
  // ValidationError when it is absent or longer than it may be.
  [[nodiscard]] Result<std::string> need(std::string_view name, size_t bytes_max) const;
  // A name of a user, role, group, policy: [A-Za-z0-9+=,.@_-]; ValidationError otherwise.
  [[nodiscard]] Result<std::string> need_name(std::string_view parameter, size_t bytes_max) const;
  // The parameter Path, "/" where it is absent.
  [[nodiscard]] Result<std::string> path(std::string_view parameter = "Path") const;
  // The strings of NAME.member.1, NAME.member.2 ...; with `field`, of NAME.member.1.FIELD.
  [[nodiscard]] std::vector<std::string> members(std::string_view name,
                                                 std::string_view field = {}) const;
};

// One page of a listing: everything after Marker, at most MaxItems.
struct Page {
  size_t begin = 0;
  size_t end = 0;
  bool truncated = false;
};
// `names`: of all items, ascending. ValidationError for a bad Marker or MaxItems.
[[nodiscard]] Result<Page> page_of(const ApiCall& call, const std::vector<std::string>& names);
// IsTruncated and Marker.
void write_page_end(const ApiCall& call, const Page& page, const std::vector<std::string>& names);

[[nodiscard]] Error error(std::string_view code, std::string text);
[[nodiscard]] Error no_such(std::string_view what, std::string_view name);

[[nodiscard]] std::string iso_time(int64_t time_ms);
// "AIDA" and 17 letters or digits that nobody can guess; `letters` after the prefix.
[[nodiscard]] std::string random_id(RandomSource& random, std::string_view prefix,
                                    size_t letters = 17);
[[nodiscard]] std::string random_secret(RandomSource& random);
// A key nobody has: "AKIA" or "ASIA" and 16 more.
[[nodiscard]] AccessKey make_key(const State& state, RandomSource& random, std::string_view prefix,
                                 int64_t now_ms);

// The entities that parameters name; NoSuchEntity.
[[nodiscard]] Result<User> need_user(const ApiCall& call);
// UserName, or, where it is absent, the user who calls.
[[nodiscard]] Result<User> need_user_or_caller(const ApiCall& call);
[[nodiscard]] Result<UserGroup> need_group(const ApiCall& call);
[[nodiscard]] Result<Role> need_role(const ApiCall& call);
[[nodiscard]] Result<ManagedPolicy> need_policy(const ApiCall& call);

inline constexpr size_t kUserNameBytesMax = 64;
inline constexpr size_t kGroupNameBytesMax = 128;
inline constexpr size_t kRoleNameBytesMax = 64;
inline constexpr size_t kPolicyNameBytesMax = 128;
inline constexpr size_t kArnBytesMax = 2048;

// A policy document of a parameter; MalformedPolicyDocument or LimitExceeded.
[[nodiscard]] Result<Document> need_document(const ApiCall& call, std::string_view parameter,
                                             access::PolicyKind kind, size_t bytes_max);

}  // namespace strata::iam
