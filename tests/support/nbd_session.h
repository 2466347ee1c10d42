// An NBD client for structured replies, metadata contexts and extended headers. It checks the form
// of what it gets; what a test wants to know of the answer is in Answer.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/nbd_client.h"

namespace strata::testing {

class NbdSession : public NbdClient {
 public:
  enum class Form { kSimple, kStructured, kExtended };

  using NbdClient::NbdClient;

  // Options that are answered with one reply; its type.
  uint32_t ask(nbd::Option option, Bytes data = {}) {
    return send_option(option, data) ? option_reply().first : 0;
  }
  static ByteVector meta_context_data(std::string_view name,
                                      const std::vector<std::string>& queries) {
    ByteVector data;
    const auto number = [&](uint32_t value) {
      data.resize(data.size() + 4);
      store_big(data.data() + data.size() - 4, value);
    };
    const auto text = [&](std::string_view value) {
      number(static_cast<uint32_t>(value.size()));
      const Bytes bytes = as_bytes(value);
      data.insert(data.end(), bytes.begin(), bytes.end());
    };
    text(name);
    number(static_cast<uint32_t>(queries.size()));
    for (const std::string& query : queries) text(query);
    return data;
  }
  // The contexts that the server answers with; nothing after an error.
  std::optional<std::vector<std::string>> contexts(nbd::Option option, std::string_view name,
                                                   const std::vector<std::string>& queries) {
    if (!send_option(option, meta_context_data(name, queries))) return std::nullopt;
    std::vector<std::string> names;
    while (true) {
      const auto [type, data] = option_reply();
      if (type == static_cast<uint32_t>(nbd::OptionReply::kAck)) return names;
      if (type != static_cast<uint32_t>(nbd::OptionReply::kMetaContext)) return std::nullopt;
      names.emplace_back(as_text(Bytes(data).subspan(4)));
    }
  }
  // The whole handshake, with base:allocation where the form has it.
  bool open(std::string_view name, Form form) { return greet() && agree(name, form); }
  // The same after the greeting.
  bool agree(std::string_view name, Form form) {
    form_ = form;
    const auto ack = static_cast<uint32_t>(nbd::OptionReply::kAck);
    if (form == Form::kStructured && ask(nbd::Option::kStructuredReply) != ack) return false;
    if (form == Form::kExtended && ask(nbd::Option::kExtendedHeaders) != ack) return false;
    if (form != Form::kSimple && !contexts(nbd::Option::kSetMetaContext, name, {"base:allocation"}))
      return false;
    if (!send_option(nbd::Option::kGo, info_data(name))) return false;
    while (true) {
      const uint32_t type = option_reply().first;
      if (type == ack) return true;
      if (type != static_cast<uint32_t>(nbd::OptionReply::kInfo)) return false;
    }
  }

  [[nodiscard]] ByteVector make_request(nbd::Command command, uint64_t offset, uint64_t length,
                                        uint16_t flags = 0, uint64_t cookie = 7) const {
    const auto number = static_cast<uint16_t>(command);
    if (form_ != Form::kExtended) {
      return request(number, offset, static_cast<uint32_t>(length), flags, cookie);
    }
    ByteVector out(nbd::kExtendedRequestBytes);
    store_big(out.data(), nbd::kExtendedRequestMagic);
    store_big(out.data() + 4, flags);
    store_big(out.data() + 6, number);
    store_big(out.data() + 8, cookie);
    store_big(out.data() + 16, offset);
    store_big(out.data() + 24, length);
    return out;
  }

  struct Extent {
    uint64_t length = 0;
    uint64_t state = 0;
    bool operator==(const Extent&) const = default;
  };
  struct Answer {
    bool ok = false;  // a whole reply came, in the right form
    uint32_t error = 0;
    std::string problem;
    std::optional<uint64_t> error_offset;
    uint64_t cookie = 0;
    ByteVector data;  // of a read, with its holes filled
    uint32_t chunks = 0;
    uint32_t holes = 0;
    std::vector<Extent> extents;
  };
  // The reply to a request: for a read, of `read_bytes` from `offset`.
  Answer answer(uint64_t offset = 0, size_t read_bytes = 0) {
    Answer out;
    out.data.resize(read_bytes, std::byte{0xcc});
    std::vector<bool> covered(read_bytes);
    while (take_chunk(out, offset, covered)) {
    }
    if (out.ok && out.error == 0 &&
        std::find(covered.begin(), covered.end(), false) != covered.end())
      out.ok = false;
    return out;
  }
  Answer ask_for(nbd::Command command, uint64_t offset, uint64_t length, uint16_t flags = 0) {
    if (!send_all(make_request(command, offset, length, flags))) return {};
    return answer(offset, command == nbd::Command::kRead ? length : 0);
  }
  Answer put(uint64_t offset, Bytes data, uint16_t flags = 0) {
    const uint16_t payload = form_ == Form::kExtended ? nbd::kFlagPayload : 0;
    if (!send_all(make_request(nbd::Command::kWrite, offset, data.size(), flags | payload)) ||
        !send_all(data)) {
      return {};
    }
    return answer();
  }

 private:
  // False after the last chunk, or after an error of form.
  bool take_chunk(Answer& out, uint64_t base, std::vector<bool>& covered) {
    ByteVector header(4);
    if (!receive_all(header)) return false;
    const auto magic = load_big<uint32_t>(header.data());
    if (magic == nbd::kSimpleReplyMagic && form_ != Form::kExtended) {
      ByteVector rest(12);
      if (!receive_all(rest)) return false;
      out.error = load_big<uint32_t>(rest.data());
      out.cookie = load_big<uint64_t>(rest.data() + 4);
      // A structured session never gets a simple reply to a read.
      if (!covered.empty() && form_ != Form::kSimple) return false;
      if (out.error == 0 && !receive_all(out.data)) return false;
      covered.assign(covered.size(), true);
      out.ok = true;
      return false;
    }
    const bool extended = form_ == Form::kExtended;
    if (magic != (extended ? nbd::kExtendedReplyMagic : nbd::kStructuredReplyMagic)) return false;
    ByteVector rest((extended ? nbd::kExtendedReplyBytes : nbd::kStructuredReplyBytes) - 4);
    if (!receive_all(rest)) return false;
    const auto flags = load_big<uint16_t>(rest.data());
    const auto type = static_cast<nbd::Chunk>(load_big<uint16_t>(rest.data() + 2));
    out.cookie = load_big<uint64_t>(rest.data() + 4);
    const uint64_t length =
        extended ? load_big<uint64_t>(rest.data() + 20) : load_big<uint32_t>(rest.data() + 12);
    if (length > nbd::kPayloadBytesMax + 64) return false;
    ByteVector payload(length);
    if (!receive_all(payload)) return false;
    ++out.chunks;
    if (!understand(type, payload, out, base, covered)) return false;
    if ((flags & nbd::kChunkDone) == 0) return true;
    out.ok = true;
    return false;
  }
  static bool understand(nbd::Chunk type, Bytes payload, Answer& out, uint64_t base,
                         std::vector<bool>& covered) {
    const auto cover = [&](uint64_t from, uint64_t bytes) {
      if (from < base || bytes == 0 || from - base + bytes > covered.size()) return false;
      for (uint64_t at = from - base; at < from - base + bytes; ++at) {
        if (covered[at]) return false;
        covered[at] = true;
      }
      return true;
    };
    switch (type) {
      case nbd::Chunk::kNone:
        return payload.empty();
      case nbd::Chunk::kOffsetData: {
        if (payload.size() < 9) return false;
        const auto from = load_big<uint64_t>(payload.data());
        const Bytes data = payload.subspan(8);
        if (!cover(from, data.size())) return false;
        std::memcpy(out.data.data() + (from - base), data.data(), data.size());
        return true;
      }
      case nbd::Chunk::kOffsetHole: {
        if (payload.size() != 12) return false;
        const auto from = load_big<uint64_t>(payload.data());
        const auto bytes = load_big<uint32_t>(payload.data() + 8);
        if (!cover(from, bytes)) return false;
        std::memset(out.data.data() + (from - base), 0, bytes);
        ++out.holes;
        return true;
      }
      case nbd::Chunk::kBlockStatus:
      case nbd::Chunk::kBlockStatusExtended:
        return understand_status(type, payload, out);
      case nbd::Chunk::kError:
      case nbd::Chunk::kErrorOffset: {
        if (payload.size() < 6) return false;
        out.error = load_big<uint32_t>(payload.data());
        const auto bytes = load_big<uint16_t>(payload.data() + 4);
        const size_t place = type == nbd::Chunk::kErrorOffset ? 8 : 0;
        if (out.error == 0 || payload.size() != 6U + bytes + place) return false;
        out.problem = to_string(payload.subspan(6, bytes));
        if (place > 0) out.error_offset = load_big<uint64_t>(payload.data() + 6 + bytes);
        return true;
      }
    }
    return false;
  }
  static bool understand_status(nbd::Chunk type, Bytes payload, Answer& out) {
    const bool extended = type == nbd::Chunk::kBlockStatusExtended;
    const size_t prefix = extended ? 8 : 4;
    const size_t each = extended ? 16 : 8;
    if (payload.size() <= prefix || (payload.size() - prefix) % each != 0) return false;
    if (load_big<uint32_t>(payload.data()) != nbd::kAllocationContextId) return false;
    const size_t count = (payload.size() - prefix) / each;
    if (extended && load_big<uint32_t>(payload.data() + 4) != count) return false;
    for (size_t i = 0; i < count; ++i) {
      const std::byte* at = payload.data() + prefix + i * each;
      out.extents.push_back(extended ? Extent{load_big<uint64_t>(at), load_big<uint64_t>(at + 8)}
                                     : Extent{load_big<uint32_t>(at), load_big<uint32_t>(at + 4)});
    }
    return true;
  }

  Form form_ = Form::kSimple;
};

}  // namespace strata::testing
