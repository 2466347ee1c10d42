#include "blockdev/nbd/negotiation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "blockdev/nbd/meta_context.h"
#include "blockdev/nbd/request.h"
#include "common/base/log.h"

namespace strata::nbd {
namespace {

constexpr size_t kOptionHeaderBytes = 16;
constexpr size_t kExportNameZeroes = 124;

template <typename T>
void append(ByteVector& out, T value) {
  std::array<std::byte, sizeof(T)> bytes;
  store_big(bytes.data(), value);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append(ByteVector& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

void Negotiation::greeting(ByteVector& out) {
  append(out, kServerMagic);
  append(out, kOptionMagic);
  append(out, static_cast<uint16_t>(kHandshakeFixedNewstyle | kHandshakeNoZeroes));
}

Negotiation::Step Negotiation::consume(Bytes input, ByteVector& out) {
  Step step;
  const size_t before = out.size();
  while (step.state == State::kContinue && out.size() == before) {
    const size_t wanted = expected_bytes_;
    const size_t have = expect_ == Expect::kOversizedData ? 0 : pending_.size();
    const size_t take = std::min(wanted - have, input.size() - step.consumed);
    const Bytes taken = input.subspan(step.consumed, take);
    step.consumed += take;
    if (expect_ == Expect::kOversizedData) {
      expected_bytes_ -= take;
      if (expected_bytes_ > 0) break;
      expect_ = Expect::kOptionHeader;
      expected_bytes_ = kOptionHeaderBytes;
      continue;
    }
    append(pending_, taken);
    if (pending_.size() < expected_bytes_) break;
    switch (expect_) {
      case Expect::kClientFlags:
        step.state = on_client_flags();
        break;
      case Expect::kOptionHeader:
        step.state = on_option_header(out);
        break;
      default:
        step.state = on_option(out);
        break;
    }
  }
  return step;
}

Negotiation::State Negotiation::close(std::string_view problem) noexcept {
  problem_ = problem;
  return State::kClosed;
}

Negotiation::State Negotiation::on_client_flags() {
  const auto flags = load_big<uint32_t>(pending_.data());
  if ((flags & ~uint32_t{kHandshakeFixedNewstyle | kHandshakeNoZeroes}) != 0) {
    return close("unknown client flags");
  }
  fixed_newstyle_ = (flags & kHandshakeFixedNewstyle) != 0;
  no_zeroes_ = (flags & kHandshakeNoZeroes) != 0;
  pending_.clear();
  expect_ = Expect::kOptionHeader;
  expected_bytes_ = kOptionHeaderBytes;
  return State::kContinue;
}

Negotiation::State Negotiation::on_option_header(ByteVector& out) {
  const auto magic = load_big<uint64_t>(pending_.data());
  option_ = load_big<uint32_t>(pending_.data() + 8);
  const auto bytes = load_big<uint32_t>(pending_.data() + 12);
  pending_.clear();
  if (magic != kOptionMagic) return close("bad option magic");
  if (++options_ > kOptionsMax) return close("too many options");
  const bool is_export_name = option_ == static_cast<uint32_t>(Option::kExportName);
  if (!fixed_newstyle_ && !is_export_name) {
    return close("an option that needs the fixed newstyle handshake");
  }
  if (bytes > kOptionBytesMax) {
    // EXPORT_NAME has no error reply, and nobody means gigabytes.
    if (is_export_name) return close("option too long");
    reply_error(out, OptionReply::kErrorTooBig, "option data is longer than 64 KiB");
    if (bytes > kOversizedBytesMax) return close("option too long");
    expect_ = Expect::kOversizedData;
    expected_bytes_ = bytes;
    return State::kContinue;
  }
  expect_ = Expect::kOptionData;
  expected_bytes_ = bytes;
  return bytes == 0 ? on_option(out) : State::kContinue;
}

Negotiation::State Negotiation::on_option(ByteVector& out) {
  State state = State::kContinue;
  const auto option = static_cast<Option>(option_);
  if (option == Option::kAbort) {
    reply(out, OptionReply::kAck);
    return close("");
  }
  if (option == Option::kExportName) return on_export_name(out);
  if (option == Option::kStartTls) {
    state = on_start_tls(out);
  } else if (needs_tls()) {
    reply_error(out, OptionReply::kErrorTlsRequired, "STARTTLS comes first here");
  } else {
    state = on_protected_option(option, out);
  }
  pending_.clear();
  expect_ = Expect::kOptionHeader;
  expected_bytes_ = kOptionHeaderBytes;
  return state;
}

// The options that need TLS where TLS is required.
Negotiation::State Negotiation::on_protected_option(Option option, ByteVector& out) {
  switch (option) {
    case Option::kList:
      on_list(out);
      break;
    case Option::kInfo:
    case Option::kGo:
      return on_info(out);
    case Option::kStructuredReply:
      on_structured_reply(out);
      break;
    case Option::kExtendedHeaders:
      on_extended_headers(out);
      break;
    case Option::kListMetaContext:
    case Option::kSetMetaContext:
      on_meta_context(out);
      break;
    default:
      reply_error(out, OptionReply::kErrorUnsupported, "this option is not supported");
      break;
  }
  return State::kContinue;
}

Negotiation::State Negotiation::on_start_tls(ByteVector& out) {
  if (!pending_.empty()) {
    reply_error(out, OptionReply::kErrorInvalid, "STARTTLS takes no data");
    return State::kContinue;
  }
  if (protected_) {
    reply_error(out, OptionReply::kErrorInvalid, "TLS is on already");
    return State::kContinue;
  }
  if (tls_ == TlsMode::kOff) {
    reply_error(out, OptionReply::kErrorUnsupported, "this server has no certificate or key");
    return State::kContinue;
  }
  reply(out, OptionReply::kAck);
  session_ = {};
  context_export_.clear();
  return State::kStartTls;
}

void Negotiation::on_structured_reply(ByteVector& out) {
  if (!pending_.empty()) {
    return reply_error(out, OptionReply::kErrorInvalid, "STRUCTURED_REPLY takes no data");
  }
  if (session_.extended) {
    return reply_error(out, OptionReply::kErrorExtendedHeadersRequired,
                       "extended headers were agreed on already");
  }
  if (session_.structured) {
    return reply_error(out, OptionReply::kErrorInvalid,
                       "structured replies were agreed on already");
  }
  session_.structured = true;
  reply(out, OptionReply::kAck);
}

void Negotiation::on_extended_headers(ByteVector& out) {
  if (!pending_.empty()) {
    return reply_error(out, OptionReply::kErrorInvalid, "EXTENDED_HEADERS takes no data");
  }
  if (session_.extended) {
    return reply_error(out, OptionReply::kErrorInvalid, "extended headers were agreed on already");
  }
  session_.structured = true;
  session_.extended = true;
  reply(out, OptionReply::kAck);
}

// LIST tells what there is, SET selects; a SET that fails has selected nothing.
void Negotiation::on_meta_context(ByteVector& out) {
  const bool is_set = option_ == static_cast<uint32_t>(Option::kSetMetaContext);
  if (is_set) {
    session_.allocation = false;
    context_export_.clear();
  }
  if (!session_.structured) {
    return reply_error(out, OptionReply::kErrorInvalid, "STRUCTURED_REPLY comes first");
  }
  const MetaContextParse parse = parse_meta_context(pending_);
  if (!parse.query) return reply_error(out, parse.error, parse.problem);
  const MetaContextQuery& query = *parse.query;
  auto lease = exports_.lease_for(query.export_name, client_);
  if (!lease.ok()) return reply_lease_error(out, lease.error());
  const bool wanted = is_set ? query.allocation : query.allocation || query.base || !query.any;
  if (wanted) {
    ByteVector context;
    append(context, kAllocationContextId);
    append(context, as_bytes(kAllocationContext));
    reply(out, OptionReply::kMetaContext, context);
  }
  if (is_set && wanted) {
    session_.allocation = true;
    context_export_ = query.export_name;
  }
  reply(out, OptionReply::kAck);
}

Negotiation::State Negotiation::on_export_name(ByteVector& out) {
  // This option has no error reply.
  if (needs_tls()) return close("an export was asked for without TLS");
  if (pending_.size() > kExportNameBytesMax) return close("export name too long");
  auto lease = exports_.lease_for(as_text(pending_), client_);
  if (!lease.ok()) return close("no such export");
  if (!choose(as_text(pending_), std::move(lease).value())) {
    return close("the export has as many connections as it may");
  }
  device::BlockDevice& device = lease_->device();
  append(out, device.geometry().size_bytes);
  append(out, transmission_flags(device.capabilities(), session_));
  if (!no_zeroes_) out.resize(out.size() + kExportNameZeroes);
  return State::kTransmission;
}

bool Negotiation::choose(std::string_view name, std::unique_ptr<device::ExportLease> lease) {
  if (uses_ != nullptr) {
    use_ = uses_->join(lease->name().empty() ? name : lease->name());
    if (use_ == nullptr) {
      log::warning("nbd.export_full",
                   {{"export", name}, {"connections_max", uses_->connections_max()}});
      return false;
    }
  }
  lease_ = std::move(lease);
  export_name_ = name;
  // Metadata was agreed on for one export, by its name.
  if (context_export_ != export_name_) session_.allocation = false;
  return true;
}

void Negotiation::on_list(ByteVector& out) {
  if (!pending_.empty()) {
    return reply_error(out, OptionReply::kErrorInvalid, "LIST takes no data");
  }
  ByteVector entry;
  for (const device::ExportInfo& info : exports_.exports()) {
    entry.clear();
    append(entry, static_cast<uint32_t>(info.name.size()));
    append(entry, as_bytes(info.name));
    append(entry, as_bytes(info.description));
    reply(out, OptionReply::kServer, entry);
  }
  reply(out, OptionReply::kAck);
}

// Data: name length (32), name, count (16), that many information types (16 each).
Negotiation::State Negotiation::on_info(ByteVector& out) {
  const Bytes data = pending_;
  constexpr size_t kLengthBytes = 4;
  constexpr size_t kCountBytes = 2;
  const size_t name_bytes = data.size() < kLengthBytes ? 0 : load_big<uint32_t>(data.data());
  if (data.size() < kLengthBytes + kCountBytes ||
      name_bytes > data.size() - kLengthBytes - kCountBytes) {
    reply_error(out, OptionReply::kErrorInvalid, "the name is longer than the option");
    return State::kContinue;
  }
  const std::string_view name = as_text(data.subspan(kLengthBytes, name_bytes));
  const Bytes rest = data.subspan(kLengthBytes + name_bytes);
  const Bytes wanted = rest.subspan(kCountBytes);
  if (wanted.size() != size_t{load_big<uint16_t>(rest.data())} * 2) {
    reply_error(out, OptionReply::kErrorInvalid, "the number of requests is not what follows");
    return State::kContinue;
  }
  if (name_bytes > kExportNameBytesMax) {
    reply_error(out, OptionReply::kErrorTooBig, "the export name is longer than 4096 bytes");
    return State::kContinue;
  }
  auto lease = exports_.lease_for(name, client_);
  if (!lease.ok()) {
    reply_lease_error(out, lease.error());
    return State::kContinue;
  }
  if (option_ != static_cast<uint32_t>(Option::kGo)) {
    reply_infos(out, name, wanted, (*lease)->device());
    reply(out, OptionReply::kAck);
    return State::kContinue;
  }
  if (!choose(name, std::move(lease).value())) {
    reply_error(out, OptionReply::kErrorPolicy,
                fmt::format("this export has its limit of {} connections; disconnect one of them, "
                            "or have --nbd-export-connections raised",
                            uses_->connections_max()));
    return State::kContinue;
  }
  reply_infos(out, name, wanted, lease_->device());
  reply(out, OptionReply::kAck);
  return State::kTransmission;
}

void Negotiation::reply_infos(ByteVector& out, std::string_view name, Bytes wanted,
                              device::BlockDevice& device) const {
  const device::Geometry geometry = device.geometry();
  ByteVector info;
  append(info, static_cast<uint16_t>(Info::kExport));
  append(info, geometry.size_bytes);
  append(info, transmission_flags(device.capabilities(), session_));
  reply(out, OptionReply::kInfo, info);
  // A type asked for twice is answered once.
  uint32_t asked = 0;
  for (size_t at = 0; at < wanted.size(); at += 2) {
    const auto type = load_big<uint16_t>(wanted.data() + at);
    if (type < 32) asked |= uint32_t{1} << type;
  }
  const auto is_asked = [asked](Info type) {
    return (asked >> static_cast<uint16_t>(type) & 1) != 0;
  };
  const auto reply_text = [&](Info type, std::string_view text) {
    info.clear();
    append(info, static_cast<uint16_t>(type));
    append(info, as_bytes(text));
    reply(out, OptionReply::kInfo, info);
  };
  if (is_asked(Info::kName) || is_asked(Info::kDescription)) {
    const std::vector<device::ExportInfo> exports = exports_.exports();
    for (const device::ExportInfo& entry : exports) {
      // The empty name stands for the only export.
      if (entry.name != name && !(name.empty() && exports.size() == 1)) continue;
      if (is_asked(Info::kName)) reply_text(Info::kName, entry.name);
      if (is_asked(Info::kDescription)) reply_text(Info::kDescription, entry.description);
      break;
    }
  }
  if (is_asked(Info::kBlockSize)) {
    info.clear();
    append(info, static_cast<uint16_t>(Info::kBlockSize));
    append(info, geometry.block_bytes_min);
    append(info, geometry.block_bytes_preferred);
    append(info, std::min(geometry.request_bytes_max, kPayloadBytesMax));
    reply(out, OptionReply::kInfo, info);
  }
}

void Negotiation::reply(ByteVector& out, OptionReply type, Bytes data) const {
  append(out, kOptionReplyMagic);
  append(out, option_);
  append(out, static_cast<uint32_t>(type));
  append(out, static_cast<uint32_t>(data.size()));
  append(out, data);
}

void Negotiation::reply_error(ByteVector& out, OptionReply type, std::string_view message) const {
  reply(out, type, as_bytes(message));
}

void Negotiation::reply_lease_error(ByteVector& out, const Error& error) const {
  if (error.code == Code::kNotFound || error.code == Code::kInvalidArgument) {
    return reply_error(out, OptionReply::kErrorUnknown, "no such export; LIST tells the names");
  }
  // What is wrong with the volume is the operator's to know; the client learns that it is refused.
  log::warning("nbd.export_refused", {{"error", error.to_string()}});
  reply_error(out, OptionReply::kErrorPolicy, "this export cannot be served now; see the log");
}

}  // namespace strata::nbd
