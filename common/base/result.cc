#include "common/base/result.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace strata {

std::string_view code_name(Code code) noexcept {
  switch (code) {
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kNotFound:
      return "not_found";
    case Code::kAlreadyExists:
      return "already_exists";
    case Code::kPreconditionFailed:
      return "precondition_failed";
    case Code::kNotModified:
      return "not_modified";
    case Code::kConflict:
      return "conflict";
    case Code::kOutOfRange:
      return "out_of_range";
    case Code::kTooLarge:
      return "too_large";
    case Code::kUnauthenticated:
      return "unauthenticated";
    case Code::kPermissionDenied:
      return "permission_denied";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kNoSpace:
      return "no_space";
    case Code::kBusy:
      return "busy";
    case Code::kTimeout:
      return "timeout";
    case Code::kClosed:
      return "closed";
    case Code::kIo:
      return "io";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kInternal:
      return "internal";
  }
  return "unknown";
}

Error Error::with_context(std::string_view context) const {
  return Error(code, reason, fmt::format("{}: {}", context, message));
}

std::string Error::to_string() const {
  if (reason.empty()) return fmt::format("{}: {}", code_name(code), message);
  return fmt::format("{} ({}): {}", code_name(code), reason, message);
}

Error errno_error(int error_number, std::string_view what) {
  Code code = Code::kIo;
  switch (error_number) {
    case ENOENT:
      code = Code::kNotFound;
      break;
    case EEXIST:
      code = Code::kAlreadyExists;
      break;
    case ENOSPC:
    case EDQUOT:
      code = Code::kNoSpace;
      break;
    case EINVAL:
      code = Code::kInvalidArgument;
      break;
    case EACCES:
    case EPERM:
      code = Code::kPermissionDenied;
      break;
    case EOPNOTSUPP:
      code = Code::kUnsupported;
      break;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = Code::kBusy;
      break;
    case ETIMEDOUT:
      code = Code::kTimeout;
      break;
    case ECANCELED:
    case ECONNRESET:
    case EPIPE:
      code = Code::kClosed;
      break;
    default:
      break;
  }
  return Error(code, fmt::format("{}: {}", what, std::generic_category().message(error_number)));
}

}  // namespace strata
