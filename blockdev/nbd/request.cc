#include "blockdev/nbd/request.h"

#include <cerrno>

namespace strata::nbd {
namespace {

constexpr std::string_view kPastEnd = "the range ends past the end of the export";
constexpr std::string_view kReadOnlyExport = "this export is read-only";

Verdict refused(uint32_t error, std::string_view problem) noexcept {
  return {.error = error, .problem = problem};
}

// FUA is accepted on every command, as the protocol asks; the others where they mean something.
uint16_t flags_allowed(Command command, const device::Capabilities& capabilities,
                       const Session& session) noexcept {
  uint16_t allowed = capabilities.fua ? kFlagFua : 0;
  switch (command) {
    case Command::kRead:
      if (session.structured) allowed |= kFlagDontFragment;
      break;
    case Command::kWrite:
      if (session.extended) allowed |= kFlagPayload;
      break;
    case Command::kWriteZeroes:
      allowed |= kFlagNoHole;
      if (capabilities.fast_zero) allowed |= kFlagFastZero;
      break;
    case Command::kBlockStatus:
      allowed |= kFlagOne;
      if (session.extended) allowed |= kFlagPayload;
      break;
    default:
      break;
  }
  return allowed;
}

Verdict judge_range(const RequestHeader& header, uint64_t size_bytes, uint32_t past_end) noexcept {
  if (header.length == 0) return refused(kErrorInvalid, "the length is zero");
  if (header.length > size_bytes || header.offset > size_bytes - header.length) {
    return {.error = past_end, .problem = kPastEnd, .past_end = true};
  }
  return {};
}

Verdict judge_payload_range(const RequestHeader& header, uint64_t size_bytes,
                            uint32_t past_end) noexcept {
  if (header.length > kPayloadBytesMax) {
    return refused(kErrorInvalid, "the length is above 32 MiB, the longest payload");
  }
  return judge_range(header, size_bytes, past_end);
}

Verdict judge_command(const RequestHeader& header, uint64_t size_bytes,
                      const device::Capabilities& capabilities, const Session& session) noexcept {
  const auto not_offered = [] { return refused(kErrorInvalid, "this command is not offered"); };
  const auto read_only = [] { return refused(kErrorPermission, kReadOnlyExport); };
  switch (static_cast<Command>(header.command)) {
    case Command::kRead:
      return judge_payload_range(header, size_bytes, kErrorInvalid);
    case Command::kWrite:
      if (capabilities.read_only) return read_only();
      return judge_payload_range(header, size_bytes, kErrorNoSpace);
    case Command::kFlush:
      if (!capabilities.flush) return not_offered();
      if (header.offset != 0 || header.length != 0) {
        return refused(kErrorInvalid, "a flush has neither offset nor length");
      }
      return {};
    case Command::kTrim:
      if (!capabilities.trim) return not_offered();
      if (capabilities.read_only) return read_only();
      return judge_range(header, size_bytes, kErrorInvalid);
    case Command::kWriteZeroes:
      if (!capabilities.write_zeroes) return not_offered();
      if (capabilities.read_only) return read_only();
      return judge_range(header, size_bytes, kErrorNoSpace);
    case Command::kCache:
      if (!capabilities.cache) return not_offered();
      return judge_range(header, size_bytes, kErrorInvalid);
    case Command::kBlockStatus:
      if (!session.allocation) return refused(kErrorInvalid, "no metadata context was agreed on");
      if ((header.flags & kFlagPayload) == 0) return judge_range(header, size_bytes, kErrorInvalid);
      if (header.length > kStatusPayloadMax) {
        return refused(kErrorInvalid, "the payload names more contexts than were agreed on");
      }
      return {.status_payload = true};
    default:
      return refused(kErrorInvalid, "there is no such command");
  }
}

device::Op operation(Command command) noexcept {
  switch (command) {
    case Command::kWrite:
      return device::Op::kWrite;
    case Command::kFlush:
      return device::Op::kFlush;
    case Command::kTrim:
      return device::Op::kTrim;
    case Command::kWriteZeroes:
      return device::Op::kWriteZeroes;
    case Command::kCache:
      return device::Op::kCache;
    case Command::kBlockStatus:
      return device::Op::kBlockStatus;
    default:
      return device::Op::kRead;
  }
}

}  // namespace

uint16_t transmission_flags(const device::Capabilities& capabilities,
                            const Session& session) noexcept {
  uint32_t flags = kHasFlags;
  if (capabilities.read_only) flags |= kReadOnly;
  if (capabilities.flush) flags |= kSendFlush;
  if (capabilities.fua) flags |= kSendFua;
  if (capabilities.trim) flags |= kSendTrim;
  if (capabilities.write_zeroes) flags |= kSendWriteZeroes;
  if (capabilities.write_zeroes && capabilities.fast_zero) flags |= kSendFastZero;
  if (capabilities.multi_queue) flags |= kCanMultiConn;
  if (capabilities.cache) flags |= kSendCache;
  if (session.structured) flags |= kSendDontFragment;
  if (session.extended) flags |= kBlockStatusPayload;
  return static_cast<uint16_t>(flags);
}

Verdict judge(const RequestHeader& header, uint64_t size_bytes,
              const device::Capabilities& capabilities, const Session& session) noexcept {
  const auto command = static_cast<Command>(header.command);
  if (command == Command::kDisconnect) return {.disconnect = true};
  Verdict verdict = judge_command(header, size_bytes, capabilities, session);
  verdict.op = operation(command);
  // With extended headers any command may say that a payload follows; it is taken off the stream
  // even where it means nothing. A write has one, said or not.
  const bool says_payload = session.extended && (header.flags & kFlagPayload) != 0;
  if (command == Command::kWrite || says_payload) verdict.payload_bytes = header.length;
  if ((header.flags & ~flags_allowed(command, capabilities, session)) != 0) {
    verdict.error = kErrorInvalid;
    verdict.problem = "a flag that was not offered for this command";
    verdict.past_end = false;
  }
  return verdict;
}

Verdict judge_status_payload(RequestHeader& header, Bytes payload, uint64_t size_bytes) noexcept {
  // The length of the effect (64), then numbers of contexts (32 each). There is one to name.
  if (payload.size() != kStatusPayloadMax ||
      load_big<uint32_t>(payload.data() + sizeof(uint64_t)) != kAllocationContextId) {
    return refused(kErrorInvalid, "the payload must name a context that was agreed on");
  }
  header.length = load_big<uint64_t>(payload.data());
  Verdict verdict = judge_range(header, size_bytes, kErrorInvalid);
  verdict.op = device::Op::kBlockStatus;
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
    case EOVERFLOW:
      return kErrorOverflow;
    case EOPNOTSUPP:
      return kErrorNotSupported;
    case ESHUTDOWN:
      return kErrorShutdown;
    default:
      return kErrorIo;
  }
}

}  // namespace strata::nbd
