#include "blockdev/vhost_user/block_request.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace strata::vhost_user {
namespace {

// Copies from the front of the segments without changing them; `bytes` are there.
void copy_front(const std::vector<Segment>& segments, size_t first, std::byte* to, size_t bytes) {
  for (size_t i = first; bytes > 0; ++i) {
    const size_t part = std::min<size_t>(bytes, segments[i].bytes);
    std::memcpy(to, segments[i].data, part);
    to += part;
    bytes -= part;
  }
}

bool inside(uint64_t sector, uint64_t bytes, uint64_t device_bytes) noexcept {
  const uint64_t sectors = device_bytes / kSectorBytes;
  return sector <= sectors && bytes <= (sectors - sector) * kSectorBytes;
}

}  // namespace

std::string_view take_apart(Chain& chain, BlockRequest& out) noexcept {
  if (chain.readable_bytes < sizeof(BlockHeader)) return "a request is shorter than its header";
  if (chain.writable_bytes == 0) return "a request has no room for its status";
  copy_front(chain.segments, 0, reinterpret_cast<std::byte*>(&out.header), sizeof out.header);
  Segment& last = chain.segments.back();
  out.status = last.data + last.bytes - 1;
  out.writable_bytes = chain.writable_bytes;
  if (--last.bytes == 0) chain.segments.pop_back();
  const auto type = static_cast<BlockType>(out.header.type);
  auto begin = chain.segments.begin();
  auto end = chain.segments.end();
  if (type == BlockType::kIn || type == BlockType::kGetId) {
    begin += static_cast<ptrdiff_t>(chain.readable);
    out.data_bytes = chain.writable_bytes - 1;
  } else {
    end = begin + static_cast<ptrdiff_t>(chain.readable);
    out.data_bytes = chain.readable_bytes - sizeof(BlockHeader);
    uint64_t header = sizeof(BlockHeader);
    while (header > 0) {
      const uint64_t part = std::min(header, begin->bytes);
      begin->data += part;
      begin->bytes -= part;
      header -= part;
      if (begin->bytes == 0) ++begin;
    }
  }
  chain.segments.erase(end, chain.segments.end());
  chain.segments.erase(chain.segments.begin(), begin);
  return {};
}

BlockVerdict judge(const BlockRequest& request, uint64_t device_bytes,
                   const device::Capabilities& capabilities) noexcept {
  BlockVerdict out;
  bool changes = true;
  bool offered = true;
  bool has_place = false;
  switch (static_cast<BlockType>(request.header.type)) {
    case BlockType::kIn:
      out.op = device::Op::kRead;
      has_place = true;
      changes = false;
      break;
    case BlockType::kOut:
      out.op = device::Op::kWrite;
      has_place = true;
      break;
    case BlockType::kFlush:
      out.op = device::Op::kFlush;
      changes = false;
      break;
    case BlockType::kGetId:
      out.answer_id = true;
      changes = false;
      break;
    case BlockType::kDiscard:
      out.op = device::Op::kTrim;
      offered = capabilities.trim;
      break;
    case BlockType::kWriteZeroes:
      out.op = device::Op::kWriteZeroes;
      offered = capabilities.write_zeroes;
      break;
    default:
      offered = false;
      changes = false;
      break;
  }
  if (!offered) {
    out.status = kStatusUnsupported;
  } else if (changes && capabilities.read_only) {
    out.status = kStatusError;
  } else if (has_place) {
    const uint64_t bytes = request.data_bytes;
    if (bytes == 0 || bytes % kSectorBytes != 0 || bytes > kRequestBytesMax) {
      out.status = kStatusError;
    } else if (!inside(request.header.sector, bytes, device_bytes)) {
      out.status = kStatusError;
      out.past_end = true;
    } else {
      out.offset = request.header.sector * kSectorBytes;
    }
  }
  return out;
}

uint8_t judge_ranges(const Chain& data, uint64_t data_bytes, device::Op op, uint64_t device_bytes,
                     BlockRanges& out, bool& past_end) noexcept {
  past_end = false;
  if (data_bytes == 0 || data_bytes % sizeof(BlockRange) != 0 ||
      data_bytes > kRangesMax * sizeof(BlockRange)) {
    return kStatusError;
  }
  out.count = static_cast<uint32_t>(data_bytes / sizeof(BlockRange));
  copy_front(data.segments, 0, reinterpret_cast<std::byte*>(out.ranges.data()), data_bytes);
  const bool zeroes = op == device::Op::kWriteZeroes;
  const uint32_t sectors_max = zeroes ? kWriteZeroesSectorsMax : kDiscardSectorsMax;
  for (uint32_t i = 0; i < out.count; ++i) {
    const BlockRange& range = out.ranges.at(i);
    // VIRTIO 1.2, 5.2.6.2: unknown flags, and unmap for a discard, are not supported.
    if ((range.flags & ~(zeroes ? kRangeUnmap : 0U)) != 0) return kStatusUnsupported;
    if (range.sectors == 0 || range.sectors > sectors_max) return kStatusError;
    if (!inside(range.sector, uint64_t{range.sectors} * kSectorBytes, device_bytes)) {
      past_end = true;
      return kStatusError;
    }
  }
  return kStatusOk;
}

uint8_t status_of(int32_t device_error) noexcept {
  if (device_error == 0) return kStatusOk;
  return device_error == -EOPNOTSUPP ? kStatusUnsupported : kStatusError;
}

}  // namespace strata::vhost_user
