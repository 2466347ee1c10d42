// The numbers of the NBD protocol and the layout of its messages.
// Source: NetworkBlockDevice/nbd, doc/proto.md, and its branch extension-ext-header for the
// extended headers. All integers are big-endian on the wire.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/bytes.h"

namespace strata::nbd {

// Handshake.
inline constexpr uint64_t kServerMagic = 0x4e42444d41474943;  // "NBDMAGIC"
inline constexpr uint64_t kOptionMagic = 0x49484156454f5054;  // "IHAVEOPT"
inline constexpr uint64_t kOptionReplyMagic = 0x0003e889045565a9;
inline constexpr uint16_t kHandshakeFixedNewstyle = 1 << 0;
inline constexpr uint16_t kHandshakeNoZeroes = 1 << 1;

enum class Option : uint32_t {
  kExportName = 1,
  kAbort = 2,
  kList = 3,
  kStartTls = 5,
  kInfo = 6,
  kGo = 7,
  kStructuredReply = 8,
  kListMetaContext = 9,
  kSetMetaContext = 10,
  kExtendedHeaders = 11,
};

enum class OptionReply : uint32_t {
  kAck = 1,
  kServer = 2,
  kInfo = 3,
  kMetaContext = 4,
  kErrorUnsupported = 0x80000001,
  kErrorPolicy = 0x80000002,
  kErrorInvalid = 0x80000003,
  kErrorTlsRequired = 0x80000005,
  kErrorUnknown = 0x80000006,
  kErrorShutdown = 0x80000007,
  kErrorTooBig = 0x80000009,
  kErrorExtendedHeadersRequired = 0x8000000a,
};

enum class Info : uint16_t { kExport = 0, kName = 1, kDescription = 2, kBlockSize = 3 };

// Transmission flags.
inline constexpr uint16_t kHasFlags = 1 << 0;
inline constexpr uint16_t kReadOnly = 1 << 1;
inline constexpr uint16_t kSendFlush = 1 << 2;
inline constexpr uint16_t kSendFua = 1 << 3;
inline constexpr uint16_t kSendTrim = 1 << 5;
inline constexpr uint16_t kSendWriteZeroes = 1 << 6;
inline constexpr uint16_t kSendDontFragment = 1 << 7;
inline constexpr uint16_t kCanMultiConn = 1 << 8;
inline constexpr uint16_t kSendCache = 1 << 10;
inline constexpr uint16_t kSendFastZero = 1 << 11;
inline constexpr uint16_t kBlockStatusPayload = 1 << 12;

// Transmission.
inline constexpr uint32_t kRequestMagic = 0x25609513;
inline constexpr uint32_t kExtendedRequestMagic = 0x21e41c71;
inline constexpr uint32_t kSimpleReplyMagic = 0x67446698;
inline constexpr uint32_t kStructuredReplyMagic = 0x668e33ef;
inline constexpr uint32_t kExtendedReplyMagic = 0x6e8a278c;

enum class Command : uint16_t {
  kRead = 0,
  kWrite = 1,
  kDisconnect = 2,
  kFlush = 3,
  kTrim = 4,
  kCache = 5,
  kWriteZeroes = 6,
  kBlockStatus = 7,
};

inline constexpr uint16_t kFlagFua = 1 << 0;
inline constexpr uint16_t kFlagNoHole = 1 << 1;
inline constexpr uint16_t kFlagDontFragment = 1 << 2;
inline constexpr uint16_t kFlagOne = 1 << 3;  // block status: one descriptor
inline constexpr uint16_t kFlagFastZero = 1 << 4;
inline constexpr uint16_t kFlagPayload = 1 << 5;  // the length is that of a payload which follows

// Chunks of structured and extended replies.
enum class Chunk : uint16_t {
  kNone = 0,
  kOffsetData = 1,
  kOffsetHole = 2,
  kBlockStatus = 5,
  kBlockStatusExtended = 6,
  kError = 0x8001,
  kErrorOffset = 0x8002,
};
inline constexpr uint16_t kChunkDone = 1 << 0;

// The metadata context that is served, its number on the wire, and its states.
inline constexpr std::string_view kAllocationContext = "base:allocation";
inline constexpr uint32_t kAllocationContextId = 0;
inline constexpr uint32_t kStateHole = 1 << 0;
inline constexpr uint32_t kStateZero = 1 << 1;

// Error values of replies; the same numbers on every system.
inline constexpr uint32_t kErrorPermission = 1;
inline constexpr uint32_t kErrorIo = 5;
inline constexpr uint32_t kErrorNoMemory = 12;
inline constexpr uint32_t kErrorInvalid = 22;
inline constexpr uint32_t kErrorNoSpace = 28;
inline constexpr uint32_t kErrorOverflow = 75;
inline constexpr uint32_t kErrorNotSupported = 95;
inline constexpr uint32_t kErrorShutdown = 108;

inline constexpr size_t kRequestBytes = 28;
inline constexpr size_t kExtendedRequestBytes = 32;
inline constexpr size_t kSimpleReplyBytes = 16;
inline constexpr size_t kStructuredReplyBytes = 20;
inline constexpr size_t kExtendedReplyBytes = 32;
// What a client may take for granted that a server takes in one request.
inline constexpr uint32_t kPayloadBytesMax = 32 * 1024 * 1024;

// What the handshake agreed on about the form of requests and replies.
struct Session {
  bool structured = false;  // replies in chunks; also true with extended headers
  bool extended = false;    // requests and chunks with 64 bits of length
  bool allocation = false;  // base:allocation may be asked for
};

struct RequestHeader {
  uint16_t flags = 0;
  uint16_t command = 0;  // any value: a client may send commands that do not exist
  uint64_t cookie = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
};

// Nothing if the magic is wrong: the stream has lost its frame and must be closed.
[[nodiscard]] inline std::optional<RequestHeader> decode_request(
    std::span<const std::byte, kRequestBytes> from) noexcept {
  if (load_big<uint32_t>(from.data()) != kRequestMagic) return std::nullopt;
  return RequestHeader{.flags = load_big<uint16_t>(from.data() + 4),
                       .command = load_big<uint16_t>(from.data() + 6),
                       .cookie = load_big<uint64_t>(from.data() + 8),
                       .offset = load_big<uint64_t>(from.data() + 16),
                       .length = load_big<uint32_t>(from.data() + 24)};
}

// The same for a session with extended headers.
[[nodiscard]] inline std::optional<RequestHeader> decode_extended_request(
    std::span<const std::byte, kExtendedRequestBytes> from) noexcept {
  if (load_big<uint32_t>(from.data()) != kExtendedRequestMagic) return std::nullopt;
  return RequestHeader{.flags = load_big<uint16_t>(from.data() + 4),
                       .command = load_big<uint16_t>(from.data() + 6),
                       .cookie = load_big<uint64_t>(from.data() + 8),
                       .offset = load_big<uint64_t>(from.data() + 16),
                       .length = load_big<uint64_t>(from.data() + 24)};
}

inline void encode_simple_reply(std::span<std::byte, kSimpleReplyBytes> to, uint32_t error,
                                uint64_t cookie) noexcept {
  store_big(to.data(), kSimpleReplyMagic);
  store_big(to.data() + 4, error);
  store_big(to.data() + 8, cookie);
}

// The header of a chunk with `length` bytes of payload; returns the header's bytes. `offset` is the
// request's; only extended headers carry it.
inline size_t encode_chunk(std::byte* to, bool extended, uint16_t flags, Chunk type,
                           uint64_t cookie, uint64_t offset, uint64_t length) noexcept {
  store_big(to, extended ? kExtendedReplyMagic : kStructuredReplyMagic);
  store_big(to + 4, flags);
  store_big(to + 6, static_cast<uint16_t>(type));
  store_big(to + 8, cookie);
  if (!extended) {
    store_big(to + 16, static_cast<uint32_t>(length));
    return kStructuredReplyBytes;
  }
  store_big(to + 16, offset);
  store_big(to + 24, length);
  return kExtendedReplyBytes;
}

}  // namespace strata::nbd
