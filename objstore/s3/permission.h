// The questions of this wire to access: the handler asks about the request's own action, operations
// about whatever else they touch (a copy's source, each key of a DeleteObjects).
//
// Thread rule: any loop.
#pragma once

#include <string_view>

#include "common/async/task.h"
#include "common/base/result.h"
#include "objstore/s3/copy_source.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/request_context.h"

namespace strata::s3 {

// kNotFound/no_such_bucket.
[[nodiscard]] async::Task<Result<BucketRules>> find_rules(Service& service, std::string bucket);

// Whether the caller may run the operation on what the request names. AccessDenied, with why in the
// log only: the caller is not told which policy stands in the way. All outlives the task.
[[nodiscard]] async::Task<Status> admit_action(Service& service, const OperationInfo& operation,
                                               const VerifiedRequest& request,
                                               const BucketRules& rules);

// The same of what a document states, which is only known once it has been read. The operations of
// asks_when_read() ask so themselves, and the handler does not.
[[nodiscard]] async::Task<Status> admit_stated(Service& service, const OperationInfo& operation,
                                               const VerifiedRequest& request,
                                               const BucketRules& rules, const Stated& stated);
[[nodiscard]] bool asks_when_read(Handler handler) noexcept;

// Something more in the request's own bucket: AccessDenied unless the caller may do that to the
// key. `object`: what is known of the version that is there; null: it does not matter or there is
// none.
[[nodiscard]] Status require(const Call& call, std::string_view action, std::string_view bucket,
                             std::string_view key);
[[nodiscard]] bool may(const Call& call, std::string_view action, std::string_view bucket,
                       std::string_view key, const object::Extras* object = nullptr);

// The source of a copy: whether the caller may read it, and x-amz-source-expected-bucket-owner.
// The rules of its bucket. What is passed outlives the task.
[[nodiscard]] async::Task<Result<BucketRules>> require_source(const Call& call,
                                                              const CopySource& source);
// Whether a copy may take the source's tags along: read there, and given to the request's key. What
// is passed outlives the task.
[[nodiscard]] async::Task<Result<bool>> may_copy_tags(const Call& call, const CopySource& source,
                                                      const BucketRules& source_rules);
// What is told of a source that could not be read: whoever may not list a bucket does not learn
// what is missing in it.
[[nodiscard]] Error source_error(const Call& call, const BucketRules& source, Error error);

// Whether the answer says that the request's own object is not there.
[[nodiscard]] bool says_missing(const Result<Answer>& answer) noexcept;

// If-Match tells whether an ETag is right, so whoever sends one has to be allowed to read the key.
[[nodiscard]] Status require_match(const Call& call, const object::Conditions& conditions,
                                   std::string_view key);

[[nodiscard]] Error access_denied();

}  // namespace strata::s3
