#include "blockdev/nbd/request.h"

#include <cerrno>

namespace strata::nbd {
namespace {

// FUA is accepted on every command, as the protocol asks; the others where they mean something.
uint16_t flags_allowed(Command command, const device::Capabilities& capabilities) noexcept {
  uint16_t allowed = capabilities.fua ? kFlagFua : 0;
  if (command == Command::kWriteZeroes) {
    allowed |= kFlagNoHole;
    if (capabilities.fast_zero) allowed |= kFlagFastZero;
  }
  return allowed;
}

uint32_t judge_range(const RequestHeader& header, uint64_t size_bytes, uint32_t past_end) noexcept {
  if (header.length == 0) return kErrorInvalid;
  if (header.length > size_bytes || header.offset > size_bytes - header.length) return past_end;
  return 0;
}

uint32_t judge_change(const RequestHeader& header, uint64_t size_bytes, bool read_only,
                      bool advertised, uint32_t past_end) noexcept {
  if (!advertised) return kErrorInvalid;
  if (read_only) return kErrorPermission;
  return judge_range(header, size_bytes, past_end);
}

}  // namespace

uint16_t transmission_flags(const device::Capabilities& capabilities) noexcept {
  uint32_t flags = kHasFlags;
  if (capabilities.read_only) flags |= kReadOnly;
  if (capabilities.flush) flags |= kSendFlush;
  if (capabilities.fua) flags |= kSendFua;
  if (capabilities.trim) flags |= kSendTrim;
  if (capabilities.write_zeroes) flags |= kSendWriteZeroes;
  if (capabilities.write_zeroes && capabilities.fast_zero) flags |= kSendFastZero;
  if (capabilities.multi_queue) flags |= kCanMultiConn;
  return static_cast<uint16_t>(flags);
}

Verdict judge(const RequestHeader& header, uint64_t size_bytes,
              const device::Capabilities& capabilities) noexcept {
  const auto command = static_cast<Command>(header.command);
  const bool read_only = capabilities.read_only;
  Verdict verdict;
  switch (command) {
    case Command::kRead:
      verdict.op = device::Op::kRead;
      verdict.error = header.length > kPayloadBytesMax
                          ? kErrorInvalid
                          : judge_range(header, size_bytes, kErrorInvalid);
      break;
    case Command::kWrite:
      verdict.op = device::Op::kWrite;
      verdict.payload_bytes = header.length;
      verdict.error = header.length > kPayloadBytesMax
                          ? kErrorInvalid
                          : judge_change(header, size_bytes, read_only, true, kErrorNoSpace);
      break;
    case Command::kDisconnect:
      verdict.disconnect = true;
      return verdict;
    case Command::kFlush:
      verdict.op = device::Op::kFlush;
      if (!capabilities.flush || header.offset != 0 || header.length != 0) {
        verdict.error = kErrorInvalid;
      }
      break;
    case Command::kTrim:
      verdict.op = device::Op::kTrim;
      verdict.error = judge_change(header, size_bytes, read_only, capabilities.trim, kErrorInvalid);
      break;
    case Command::kWriteZeroes:
      verdict.op = device::Op::kWriteZeroes;
      verdict.error =
          judge_change(header, size_bytes, read_only, capabilities.write_zeroes, kErrorNoSpace);
      break;
    default:
      verdict.error = kErrorInvalid;
      return verdict;
  }
  if ((header.flags & ~flags_allowed(command, capabilities)) != 0) verdict.error = kErrorInvalid;
  return verdict;
}

uint32_t wire_error(int32_t device_error) noexcept {
  switch (-device_error) {
    case 0:
      return 0;
    case EPERM:
    case EACCES:
    case EROFS:
      return kErrorPermission;
    case ENOMEM:
      return kErrorNoMemory;
    case EINVAL:
      return kErrorInvalid;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return kErrorNoSpace;
    case EOPNOTSUPP:
      return kErrorNotSupported;
    default:
      return kErrorIo;
  }
}

}  // namespace strata::nbd
