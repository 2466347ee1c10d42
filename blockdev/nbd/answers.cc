// Connection: what is answered, as a simple reply or in chunks.

#include <algorithm>
#include <cstring>
#include <new>

#include "blockdev/nbd/connection.h"

namespace strata::nbd {
namespace {

// Zeroes are looked for in pieces of this size; a run of them leaves as a hole of a few bytes.
constexpr size_t kHoleBytes = 4096;
constexpr size_t kChunkHeaderBytesMax = kExtendedReplyBytes + 12;

bool is_zero(Bytes bytes) noexcept {
  // Data mostly differs from zero at once.
  std::byte first{};
  constexpr size_t kWord = 8;
  const size_t head = std::min(bytes.size(), kWord);
  for (size_t i = 0; i < head; ++i) first |= bytes[i];
  if (first != std::byte{0}) return false;
  return bytes.size() <= kWord ||
         std::memcmp(bytes.data(), bytes.data() + kWord, bytes.size() - kWord) == 0;
}

// The length of the run at the front: pieces that are all zero, or none of them.
size_t run_of(Bytes bytes, bool& zero) noexcept {
  zero = is_zero(bytes.first(std::min(bytes.size(), kHoleBytes)));
  size_t length = kHoleBytes;
  while (length < bytes.size() &&
         is_zero(bytes.subspan(length, std::min(kHoleBytes, bytes.size() - length))) == zero) {
    length += kHoleBytes;
  }
  return std::min(length, bytes.size());
}

std::string_view problem_of(uint32_t error) noexcept {
  switch (error) {
    case kErrorPermission:
      return "the disk refused: it is read-only";
    case kErrorNoMemory:
      return "the server has no memory for this request now";
    case kErrorNoSpace:
      return "no space is left on the disk";
    case kErrorNotSupported:
      return "not supported for this range";
    case kErrorShutdown:
      return "the volume is being taken out of service";
    default:
      return "the disk failed; see the server's log";
  }
}

}  // namespace

void Connection::answer_done(Slot& slot) noexcept {
  slot.reply_bytes = kSimpleReplyBytes;
  if (session_.extended) {
    slot.reply_bytes = static_cast<uint32_t>(encode_chunk(
        slot.reply.data(), true, kChunkDone, Chunk::kNone, slot.cookie, slot.offset, 0));
  } else {
    // Shorter than a chunk, and allowed for all that returns no data.
    encode_simple_reply(std::span(slot.reply).first<kSimpleReplyBytes>(), 0, slot.cookie);
  }
  slot.body_bytes = 0;
  slot.part_count = 0;
  push_reply(slot);
}

void Connection::answer_error(Slot& slot, uint32_t error, std::string_view problem) noexcept {
  encode_error(slot, error, problem, nullptr);
}

void Connection::answer_device_error(Slot& slot, int32_t device_error) noexcept {
  const uint32_t error = wire_error(device_error);
  const bool has_place = slot.op == device::Op::kRead;
  encode_error(slot, error, problem_of(error), has_place ? &slot.error_offset : nullptr);
}

// Chunk: error (32), length of the text (16), the text, and where it was (64) if that is known.
void Connection::encode_error(Slot& slot, uint32_t error, std::string_view problem,
                              const uint64_t* place) noexcept {
  slot.body_bytes = 0;
  slot.part_count = 0;
  if (!session_.structured) {
    slot.reply_bytes = kSimpleReplyBytes;
    encode_simple_reply(std::span(slot.reply).first<kSimpleReplyBytes>(), error, slot.cookie);
    return push_reply(slot);
  }
  const std::string_view text = problem.substr(0, kProblemBytesMax);
  const size_t payload = 6 + text.size() + (place != nullptr ? sizeof(uint64_t) : 0);
  const Chunk type = place != nullptr ? Chunk::kErrorOffset : Chunk::kError;
  std::byte* at = slot.reply.data();
  at += encode_chunk(at, session_.extended, kChunkDone, type, slot.cookie, slot.offset, payload);
  store_big(at, error);
  store_big(at + 4, static_cast<uint16_t>(text.size()));
  std::memcpy(at + 6, text.data(), text.size());
  at += 6 + text.size();
  if (place != nullptr) {
    store_big(at, *place);
    at += sizeof(uint64_t);
  }
  slot.reply_bytes = static_cast<uint32_t>(at - slot.reply.data());
  push_reply(slot);
}

void Connection::answer_read(Slot& slot) noexcept {
  slot.body_bytes = slot.buffer.size();
  slot.part_count = 0;
  if (!session_.structured) {
    slot.reply_bytes = kSimpleReplyBytes;
    encode_simple_reply(std::span(slot.reply).first<kSimpleReplyBytes>(), 0, slot.cookie);
    return push_reply(slot);
  }
  if ((slot.flags & kFlagDontFragment) == 0) {
    bool zero = false;
    const size_t run = run_of(slot.buffer, zero);
    if (run < slot.buffer.size() && split_read(slot)) return push_reply(slot);
    if (run == slot.buffer.size() && zero) {
      slot.reply_bytes = encode_read_chunk(slot.reply.data(), slot, kChunkDone, 0, run, true);
      slot.body_bytes = 0;
      return push_reply(slot);
    }
  }
  slot.reply_bytes =
      encode_read_chunk(slot.reply.data(), slot, kChunkDone, 0, slot.buffer.size(), false);
  push_reply(slot);
}

// The header of a chunk about [from, from + bytes) of a read, without its data.
uint32_t Connection::encode_read_chunk(std::byte* to, const Slot& slot, uint16_t flags, size_t from,
                                       size_t bytes, bool hole) const noexcept {
  const uint64_t payload = sizeof(uint64_t) + (hole ? sizeof(uint32_t) : bytes);
  std::byte* at = to + encode_chunk(to, session_.extended, flags,
                                    hole ? Chunk::kOffsetHole : Chunk::kOffsetData, slot.cookie,
                                    slot.offset, payload);
  store_big(at, slot.offset + from);
  at += sizeof(uint64_t);
  if (hole) {
    store_big(at, static_cast<uint32_t>(bytes));
    at += sizeof(uint32_t);
  }
  return static_cast<uint32_t>(at - to);
}

// A read of data and zeroes: a chunk for each run, the last one for all that is left when the room
// for headers ends. False if there is no memory for them.
bool Connection::split_read(Slot& slot) noexcept {
  constexpr size_t kChunksMax = kChunkMemoryBytes / (2 * sizeof(iovec) + kChunkHeaderBytesMax);
  std::byte* const memory = context_.buffers.take(kChunkMemoryBytes);
  if (memory == nullptr) return false;
  slot.chunks = memory;
  auto* const parts = reinterpret_cast<iovec*>(memory);
  std::byte* header = memory + 2 * kChunksMax * sizeof(iovec);
  const MutableBytes data = slot.buffer;
  size_t part = 0;
  size_t chunk = 0;
  for (size_t from = 0; from < data.size(); ++chunk) {
    bool zero = false;
    size_t run = run_of(data.subspan(from), zero);
    if (chunk + 1 == kChunksMax) {
      zero = zero && run == data.size() - from;
      run = data.size() - from;
    }
    const uint16_t flags = from + run == data.size() ? kChunkDone : 0;
    const uint32_t bytes = encode_read_chunk(header, slot, flags, from, run, zero);
    new (&parts[part++]) iovec{header, bytes};
    if (!zero) new (&parts[part++]) iovec{data.data() + from, run};
    header += bytes;
    from += run;
  }
  slot.part_count = static_cast<uint32_t>(part);
  return true;
}

// The extents become descriptors where they are: those are never longer.
void Connection::answer_status(Slot& slot) noexcept {
  const size_t count = slot.extent_count;
  CHECK(count > 0 && count <= slot.extents.size(), "a block status without extents");
  static_assert(sizeof(device::Extent) == 16);
  std::byte* to = slot.memory;
  for (size_t i = 0; i < count; ++i) {
    const device::Extent extent = slot.extents[i];
    const uint32_t state = (extent.hole ? kStateHole : 0) | (extent.zero ? kStateZero : 0);
    if (session_.extended) {
      store_big(to, extent.length);
      store_big(to + 8, uint64_t{state});
      to += 16;
    } else {
      // A request's length has 32 bits here, and so has each part of it.
      store_big(to, static_cast<uint32_t>(extent.length));
      store_big(to + 4, state);
      to += 8;
    }
  }
  const auto body = static_cast<uint64_t>(to - slot.memory);
  const uint64_t prefix = session_.extended ? 8 : 4;
  std::byte* at = slot.reply.data();
  at += encode_chunk(at, session_.extended, kChunkDone,
                     session_.extended ? Chunk::kBlockStatusExtended : Chunk::kBlockStatus,
                     slot.cookie, slot.offset, prefix + body);
  store_big(at, kAllocationContextId);
  if (session_.extended) store_big(at + 4, static_cast<uint32_t>(count));
  slot.reply_bytes = static_cast<uint32_t>(at + prefix - slot.reply.data());
  slot.buffer = MutableBytes(slot.memory, body);
  slot.body_bytes = body;
  slot.part_count = 0;
  push_reply(slot);
}

}  // namespace strata::nbd
