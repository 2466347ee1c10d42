#include "blockdev/vhost_user/message.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace strata::vhost_user {
namespace {

enum class Form : uint8_t {
  kNothing,
  kNumber,   // u64
  kState,    // VringState; `index` is a ring
  kAddress,  // VringAddress
  kRingFd,   // u64: a ring, or the bit that says that there is no descriptor
  kTable,    // regions, each with a descriptor
  kAddRegion,
  kRemoveRegion,
  kConfig,
  kInflight,
  kInflightFd,
  kChannel,  // a descriptor and nothing else
};

struct Kind {
  Message message;
  std::string_view name;
  Form form;
};

constexpr std::array kKinds = {
    Kind{Message::kGetFeatures, "GET_FEATURES", Form::kNothing},
    Kind{Message::kSetFeatures, "SET_FEATURES", Form::kNumber},
    Kind{Message::kSetOwner, "SET_OWNER", Form::kNothing},
    Kind{Message::kResetOwner, "RESET_OWNER", Form::kNothing},
    Kind{Message::kSetMemTable, "SET_MEM_TABLE", Form::kTable},
    Kind{Message::kSetVringNum, "SET_VRING_NUM", Form::kState},
    Kind{Message::kSetVringAddr, "SET_VRING_ADDR", Form::kAddress},
    Kind{Message::kSetVringBase, "SET_VRING_BASE", Form::kState},
    Kind{Message::kGetVringBase, "GET_VRING_BASE", Form::kState},
    Kind{Message::kSetVringKick, "SET_VRING_KICK", Form::kRingFd},
    Kind{Message::kSetVringCall, "SET_VRING_CALL", Form::kRingFd},
    Kind{Message::kSetVringErr, "SET_VRING_ERR", Form::kRingFd},
    Kind{Message::kGetProtocolFeatures, "GET_PROTOCOL_FEATURES", Form::kNothing},
    Kind{Message::kSetProtocolFeatures, "SET_PROTOCOL_FEATURES", Form::kNumber},
    Kind{Message::kGetQueueNum, "GET_QUEUE_NUM", Form::kNothing},
    Kind{Message::kSetVringEnable, "SET_VRING_ENABLE", Form::kState},
    Kind{Message::kSetBackendRequestFd, "SET_BACKEND_REQ_FD", Form::kChannel},
    Kind{Message::kGetConfig, "GET_CONFIG", Form::kConfig},
    Kind{Message::kSetConfig, "SET_CONFIG", Form::kConfig},
    Kind{Message::kGetInflightFd, "GET_INFLIGHT_FD", Form::kInflight},
    Kind{Message::kSetInflightFd, "SET_INFLIGHT_FD", Form::kInflightFd},
    Kind{Message::kResetDevice, "RESET_DEVICE", Form::kNothing},
    Kind{Message::kGetMaxMemSlots, "GET_MAX_MEM_SLOTS", Form::kNothing},
    Kind{Message::kAddMemRegion, "ADD_MEM_REG", Form::kAddRegion},
    Kind{Message::kRemoveMemRegion, "REM_MEM_REG", Form::kRemoveRegion},
};

constexpr size_t kTableHeaderBytes = 8;  // their number and padding, before the regions

const Kind* find(uint32_t request) noexcept {
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(), [request](const Kind& kind) {
    return static_cast<uint32_t>(kind.message) == request;
  });
  return found == kKinds.end() ? nullptr : found;
}

template <typename T>
bool take(Bytes payload, T& out) noexcept {
  if (payload.size() != sizeof out) return false;
  std::memcpy(&out, payload.data(), sizeof out);
  return true;
}

constexpr std::string_view kLength = "its payload has a wrong length";
constexpr std::string_view kDescriptors = "it comes with a wrong number of file descriptors";
constexpr std::string_view kRing = "there is no ring of that number";

std::string_view decode_ring_fd(Bytes payload, size_t fds, Request& out) noexcept {
  if (!take(payload, out.number)) return kLength;
  out.ring = static_cast<uint32_t>(out.number & kVringIndexMask);
  if (out.ring >= kQueuesMax) return kRing;
  return fds == ((out.number & kVringNoFd) != 0 ? 0 : 1) ? std::string_view() : kDescriptors;
}

std::string_view decode_regions(Form form, Bytes payload, size_t fds, Request& out) noexcept {
  if (payload.size() < kTableHeaderBytes) return kLength;
  uint32_t count = 1;  // ADD_MEM_REG and REM_MEM_REG begin with padding
  if (form == Form::kTable) count = load_little<uint32_t>(payload.data());
  if (count == 0 || count > kTableRegionsMax) return "it has an impossible number of regions";
  // Some front ends send the descriptor of a region that goes, too.
  const bool good_fds = fds == count || (form == Form::kRemoveRegion && fds == 0);
  if (!good_fds) return kDescriptors;
  // SET_MEM_TABLE may come as the whole table with only the first ones meant.
  const size_t bytes = count * sizeof(RegionWire);
  if (payload.size() < kTableHeaderBytes + bytes) return kLength;
  if (form != Form::kTable && payload.size() != kTableHeaderBytes + bytes) return kLength;
  out.regions = payload.subspan(kTableHeaderBytes, bytes);
  out.region_count = count;
  return {};
}

std::string_view decode_config(Bytes payload, size_t fds, Request& out) noexcept {
  if (fds != 0) return kDescriptors;
  if (payload.size() < sizeof out.config) return kLength;
  std::memcpy(&out.config, payload.data(), sizeof out.config);
  const Bytes rest = payload.subspan(sizeof out.config);
  ConfigWire& config = out.config;
  if (rest.size() != config.size) return kLength;
  if (config.size == 0 || config.size > kConfigBytesMax || config.offset > kConfigBytesMax ||
      config.offset + config.size > kConfigBytesMax) {
    if (out.kind != Message::kGetConfig) return "the range is outside the configuration space";
    config.size = 0;  // answered with nothing, as vhost-user.rst says
    return {};
  }
  out.config_bytes = rest;
  return {};
}

std::string_view decode_inflight(Form form, Bytes payload, size_t fds, Request& out) noexcept {
  if (fds != (form == Form::kInflightFd ? 1 : 0)) return kDescriptors;
  if (payload.size() < kInflightWireBytes || payload.size() > sizeof out.inflight) return kLength;
  std::memcpy(reinterpret_cast<std::byte*>(&out.inflight), payload.data(), kInflightWireBytes);
  if (out.inflight.queues == 0 || out.inflight.queues > kQueuesMax) return kRing;
  if (out.inflight.entries == 0 || out.inflight.entries > kRingEntriesMax) {
    return "it asks for an impossible number of ring entries";
  }
  return {};
}

std::string_view decode_form(Form form, Bytes payload, size_t fds, Request& out) noexcept {
  switch (form) {
    case Form::kNothing:
      // Some front ends send the payload of the reply along, empty.
      return fds == 0 ? std::string_view() : kDescriptors;
    case Form::kNumber:
      if (!take(payload, out.number)) return kLength;
      return fds == 0 ? std::string_view() : kDescriptors;
    case Form::kState:
      if (!take(payload, out.state)) return kLength;
      if (out.state.index >= kQueuesMax) return kRing;
      out.ring = out.state.index;
      return fds == 0 ? std::string_view() : kDescriptors;
    case Form::kAddress:
      if (!take(payload, out.address)) return kLength;
      if (out.address.index >= kQueuesMax) return kRing;
      out.ring = out.address.index;
      return fds == 0 ? std::string_view() : kDescriptors;
    case Form::kRingFd:
      return decode_ring_fd(payload, fds, out);
    case Form::kTable:
    case Form::kAddRegion:
    case Form::kRemoveRegion:
      return decode_regions(form, payload, fds, out);
    case Form::kConfig:
      return decode_config(payload, fds, out);
    case Form::kInflight:
    case Form::kInflightFd:
      return decode_inflight(form, payload, fds, out);
    case Form::kChannel:
      return fds == 1 ? std::string_view() : kDescriptors;
  }
  return kLength;
}

}  // namespace

RegionWire Request::region(uint32_t index) const noexcept {
  RegionWire out;
  std::memcpy(&out, regions.data() + index * sizeof out, sizeof out);
  return out;
}

std::string_view check_header(const MessageHeader& header) noexcept {
  if ((header.flags & kVersionMask) != kVersion) return "it is of another version of the protocol";
  if ((header.flags & kFlagReply) != 0) return "it is a reply, and nothing was asked";
  if (header.size > kPayloadBytesMax) return "its payload is too long";
  return {};
}

std::string_view decode(const MessageHeader& header, Bytes payload, size_t fds,
                        Request& out) noexcept {
  out = {};
  out.need_reply = (header.flags & kFlagNeedReply) != 0;
  out.payload_bytes = header.size;
  const Kind* const kind = find(header.request);
  if (kind == nullptr) return "this server does not know it and has not offered it";
  out.kind = kind->message;
  return decode_form(kind->form, payload, fds, out);
}

std::string_view name_of(uint32_t request) noexcept {
  const Kind* const kind = find(request);
  return kind == nullptr ? "unknown" : kind->name;
}

}  // namespace strata::vhost_user
