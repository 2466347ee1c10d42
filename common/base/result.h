// Result<T>: a value, or an Error that says what went wrong.
//
// Expected failures travel as values; exceptions of foreign libraries end at the wall of the room
// that uses the library. `Status` is a Result without a value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/base/check.h"

namespace strata {

// The closed set of failure classes. Wires map them: one file per wire.
enum class Code {
  kInvalidArgument,     // the caller's input is wrong, and will be wrong again
  kNotFound,            // the named thing does not exist
  kAlreadyExists,       // the name is taken
  kPreconditionFailed,  // a condition of the caller does not hold
  kNotModified,         // a conditional read found nothing newer
  kConflict,            // collides with another operation or with the present state; may be retried
  kOutOfRange,          // an offset or range outside the thing
  kTooLarge,            // a named limit is exceeded
  kUnauthenticated,     // who the caller is could not be established
  kPermissionDenied,    // the caller is known and may not
  kUnsupported,         // well-formed, but not something this program does
  kNoSpace,             // the storage is full
  kBusy,                // overload: a bounded queue or pool is full; retry later
  kTimeout,             // a deadline passed
  kClosed,              // the peer or the component is gone or shutting down
  kIo,                  // the operating system refused an I/O
  kCorrupt,             // stored bytes do not match their checksum or identity
  kInternal,            // a foreign library failed in a way that fits nothing above
};

// The code's name in snake_case, for logs and JSON.
[[nodiscard]] std::string_view code_name(Code code) noexcept;

// What went wrong. `reason` refines the code within one room ("no_such_bucket"); it always points
// at static storage. `message` is for people and says what to do.
struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string_view reason{};
  std::string message{};

  Error(Code error_code, std::string text) : code(error_code), message(std::move(text)) {}
  Error(Code error_code, std::string_view static_reason, std::string text)
      : code(error_code), reason(static_reason), message(std::move(text)) {}

  // The same error with "context: " before its message.
  [[nodiscard]] Error with_context(std::string_view context) const;
  // "code (reason): message", for logs.
  [[nodiscard]] std::string to_string() const;
};

// An Error made from an errno value: kNoSpace, kNotFound, ... or kIo; the message names `what`.
[[nodiscard]] Error errno_error(int error_number, std::string_view what);

template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() & {
    CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  [[nodiscard]] const T& value() const& {
    CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  [[nodiscard]] T&& value() && {
    CHECK(ok(), error_text());
    return std::get<0>(std::move(state_));
  }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const& {
    CHECK(!ok());
    return std::get<1>(state_);
  }
  [[nodiscard]] Error&& error() && {
    CHECK(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  [[nodiscard]] std::string error_text() const {
    return ok() ? std::string() : std::get<1>(state_).to_string();
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  void value() const { CHECK(ok(), ok() ? std::string() : error_->to_string()); }
  [[nodiscard]] const Error& error() const& {
    CHECK(!ok());
    return *error_;
  }
  [[nodiscard]] Error&& error() && {
    CHECK(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace strata

#define STRATA_CONCAT_INNER(a, b) a##b
#define STRATA_CONCAT(a, b) STRATA_CONCAT_INNER(a, b)

// TRY(expr): returns expr's error from this function, or goes on.
#define TRY(...)                                                \
  do {                                                          \
    auto try_result = (__VA_ARGS__);                            \
    if (!try_result.ok()) return std::move(try_result).error(); \
  } while (false)

// TRY_ASSIGN(auto x, expr): like TRY, and moves the value into x.
#define TRY_ASSIGN(target, ...) \
  TRY_ASSIGN_NAMED(STRATA_CONCAT(try_result_, __LINE__), target, __VA_ARGS__)
#define TRY_ASSIGN_NAMED(name, target, ...)       \
  auto name = (__VA_ARGS__);                      \
  if (!name.ok()) return std::move(name).error(); \
  target = std::move(name).value()

// The same inside a coroutine. They are statements, never expressions (GCC 12).
#define CO_TRY(...)                                                \
  do {                                                             \
    auto try_result = (__VA_ARGS__);                               \
    if (!try_result.ok()) co_return std::move(try_result).error(); \
  } while (false)
#define CO_TRY_ASSIGN(target, ...) \
  CO_TRY_ASSIGN_NAMED(STRATA_CONCAT(try_result_, __LINE__), target, __VA_ARGS__)
#define CO_TRY_ASSIGN_NAMED(name, target, ...)       \
  auto name = (__VA_ARGS__);                         \
  if (!name.ok()) co_return std::move(name).error(); \
  target = std::move(name).value()
