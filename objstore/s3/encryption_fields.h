// The header fields of server-side encryption, of requests and of answers.
//
// Source: Amazon S3 user guide, "Protecting data with server-side encryption".
#pragma once

#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "common/http/message.h"
#include "objstore/encryption/vault.h"
#include "objstore/object/types.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {

// How an object that the request writes shall be encrypted: as its fields say, else as the bucket's
// default does; nullopt: not at all. The call outlives the task.
[[nodiscard]] async::Task<Result<std::optional<encryption::Choice>>> write_encryption(
    const Call& call);

// The key of SSE-C, if one came: of the object, or of the source of a copy.
enum class KeyOf { kObject, kCopySource };
[[nodiscard]] Result<std::optional<encryption::CustomerKey>> customer_key(
    const http::Fields& fields, KeyOf which = KeyOf::kObject);

// Refuses, of a read, what only a write may say. InvalidArgument.
[[nodiscard]] Status check_read_encryption(const http::Fields& fields);

// What an answer says of how the object is encrypted. `written`: the answer to a write, which
// repeats the encryption context.
void add_encryption_fields(http::Fields& fields, const object::Extras& extras, bool written);

// Whether the field is one of those above.
[[nodiscard]] bool is_encryption_field(std::string_view name) noexcept;
// Whether the request carries a customer's key.
[[nodiscard]] bool carries_customer_key(const http::Fields& fields) noexcept;

}  // namespace strata::s3
