// Negotiation: the handshake of one connection as a state machine over bytes, without a socket.
//
//   greeting -> client flags -> option* -> transmission | closed
//                                 \-> TLS handshake -> option*
//
// The server speaks first: greeting(). Then each consume() takes bytes of the client and answers at
// most one option, so that what waits to be sent is bounded; the caller sends it before it consumes
// more. Bytes that follow the option that enters transmission are left alone: they are requests.
//
// Limits: an option's data is at most kOptionBytesMax; up to kOversizedBytesMax are read and
// dropped after a refusal; beyond that, and after kOptionsMax options, the connection is closed.
//
// TLS: after the answer to STARTTLS the state is kStartTls. What the client had sent beyond that
// option came unprotected and must be dropped; what was agreed on before is forgotten. The caller
// sends the answer, does the TLS handshake, says so with tls_started(), and goes on with what is
// inside.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "blockdev/device/export_table.h"
#include "blockdev/nbd/export_uses.h"
#include "blockdev/nbd/protocol.h"
#include "common/base/bytes.h"

namespace strata::nbd {

inline constexpr uint32_t kOptionBytesMax = 64 * 1024;
inline constexpr uint32_t kOversizedBytesMax = 1024 * 1024;
inline constexpr uint32_t kOptionsMax = 4096;
inline constexpr size_t kExportNameBytesMax = 4096;  // the protocol's limit for any string

// What a listener does about TLS.
enum class TlsMode : uint8_t {
  kOff,       // STARTTLS is unsupported
  kOptional,  // for who asks
  kRequired,  // before anything else: FORCEDTLS in the protocol's words
};

class Negotiation {
 public:
  // client: who is asking, as ExportTable::lease_for() takes it. uses: counts and bounds the
  // connections of each export, and outlives this and what take_use() gives; null: nobody does.
  explicit Negotiation(device::ExportTable& exports, TlsMode tls = TlsMode::kOff,
                       std::string client = std::string(device::kThisMachine),
                       ExportUses* uses = nullptr) noexcept
      : exports_(exports), uses_(uses), client_(std::move(client)), tls_(tls) {}

  // The server's first bytes.
  static void greeting(ByteVector& out);

  enum class State { kContinue, kStartTls, kTransmission, kClosed };
  struct Step {
    size_t consumed = 0;  // of the input; call again with the rest if the state is kContinue
    State state = State::kContinue;
  };
  // Appends what must be sent to `out`. After kClosed: send it, then close.
  [[nodiscard]] Step consume(Bytes input, ByteVector& out);

  // The connection is protected from here on. Once, after kStartTls.
  void tls_started() noexcept { protected_ = true; }

  // Why the handshake ended; empty after a polite end. Points at static storage.
  [[nodiscard]] std::string_view problem() const noexcept { return problem_; }
  // The name that the chosen export was asked for by; empty for the only one.
  [[nodiscard]] std::string_view export_name() const noexcept { return export_name_; }
  // What was agreed on. After kTransmission.
  [[nodiscard]] const Session& session() const noexcept { return session_; }
  // The export that was chosen. Once, after kTransmission.
  [[nodiscard]] std::unique_ptr<device::ExportLease> take_lease() noexcept {
    return std::move(lease_);
  }
  // Its place among the connections of that export; null if they are not counted.
  [[nodiscard]] std::unique_ptr<ExportUses::Use> take_use() noexcept { return std::move(use_); }

 private:
  enum class Expect { kClientFlags, kOptionHeader, kOptionData, kOversizedData };

  [[nodiscard]] State on_client_flags();
  [[nodiscard]] State on_option_header(ByteVector& out);
  [[nodiscard]] State on_option(ByteVector& out);
  [[nodiscard]] State on_protected_option(Option option, ByteVector& out);
  [[nodiscard]] State on_export_name(ByteVector& out);
  void on_list(ByteVector& out);
  [[nodiscard]] State on_start_tls(ByteVector& out);
  void on_structured_reply(ByteVector& out);
  void on_extended_headers(ByteVector& out);
  void on_meta_context(ByteVector& out);
  [[nodiscard]] State on_info(ByteVector& out);
  // False if the export has as many connections as it may.
  [[nodiscard]] bool choose(std::string_view name, std::unique_ptr<device::ExportLease> lease);
  void reply(ByteVector& out, OptionReply type, Bytes data = {}) const;
  void reply_error(ByteVector& out, OptionReply type, std::string_view message) const;
  void reply_lease_error(ByteVector& out, const Error& error) const;
  void reply_infos(ByteVector& out, std::string_view name, Bytes wanted,
                   device::BlockDevice& device) const;
  [[nodiscard]] State close(std::string_view problem) noexcept;
  [[nodiscard]] bool needs_tls() const noexcept {
    return tls_ == TlsMode::kRequired && !protected_;
  }

  device::ExportTable& exports_;
  ExportUses* const uses_;
  std::unique_ptr<ExportUses::Use> use_;
  const std::string client_;
  Expect expect_ = Expect::kClientFlags;
  ByteVector pending_;  // what has come of the message that is expected
  size_t expected_bytes_ = 4;
  uint32_t option_ = 0;
  uint32_t options_ = 0;
  bool fixed_newstyle_ = false;
  bool no_zeroes_ = false;
  const TlsMode tls_;
  bool protected_ = false;
  Session session_;
  std::string context_export_;  // the export that session_.allocation is about
  std::string_view problem_;
  std::string export_name_;
  std::unique_ptr<device::ExportLease> lease_;
};

}  // namespace strata::nbd
