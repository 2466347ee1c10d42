// The door for what a front end says: bytes become a message whose form is right, or are refused.
//
// Nothing is judged here that needs the state of the session. Decoding allocates nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "blockdev/vhost_user/protocol.h"
#include "common/base/bytes.h"

namespace strata::vhost_user {

// A whole message. What its kind does not have is zero.
struct Request {
  Message kind = Message::kGetFeatures;
  bool need_reply = false;
  uint64_t number = 0;  // features, or a ring's number with the kNoFd bit
  uint32_t ring = 0;    // below kQueuesMax
  VringState state;
  VringAddress address;
  std::span<const std::byte> regions;  // count of RegionWire, by region()
  uint32_t region_count = 0;
  ConfigWire config;   // of a GET_CONFIG: of no bytes if the range does not exist
  Bytes config_bytes;  // of a SET_CONFIG
  InflightWire inflight;
  uint32_t payload_bytes = 0;

  [[nodiscard]] RegionWire region(uint32_t index) const noexcept;
};

// Empty text, or what is wrong with the header alone: the stream cannot be followed any further.
[[nodiscard]] std::string_view check_header(const MessageHeader& header) noexcept;

// payload: header.size bytes, which `out` goes on pointing into. fds: how many came with it. Empty
// text, or why the message is refused.
[[nodiscard]] std::string_view decode(const MessageHeader& header, Bytes payload, size_t fds,
                                      Request& out) noexcept;

// Its name, for the log.
[[nodiscard]] std::string_view name_of(uint32_t request) noexcept;

}  // namespace strata::vhost_user
