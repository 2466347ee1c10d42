// Connection: one client, from its first byte to the last reply.
//
//   handshake [-> TLS -> handshake] -> transmission -> draining -> closed
//
//   draining   takes no more requests; those under way finish and are answered, within a deadline.
//              Reached by DISC, by the client's end of stream, and by the server's stop.
//   closed     the socket is shut down; only the kernel's completions are awaited.
//
// Completions only record what happened and put the connection on its thread's list; pump() then
// makes every decision, once per turn of the loop: parse what came, collect the replies that are
// ready into one send, receive again. So a connection is destroyed only by its thread, between
// turns, when finished() says that the kernel holds nothing of it.
//
// Bounds: requests_in_flight_max slots, made once; a slot is free again when its reply has been
// sent, so a client that does not read its replies is not read from either. Payload buffers up to
// buffer_bytes_max, and all of a thread's together up to its part of memory_bytes_max; a request
// waits in the receive buffer until it fits. A client that stops in the middle of a payload, or of
// reading a reply, is closed after stall_time.
//
// Thread rule: its queue thread only.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/nbd/buffer_pool.h"
#include "blockdev/nbd/instruments.h"
#include "blockdev/nbd/negotiation.h"
#include "blockdev/nbd/request.h"
#include "blockdev/nbd/secure_channel.h"
#include "blockdev/nbd/server.h"
#include "common/base/unique_fd.h"
#include "common/ring/ring.h"

namespace strata::nbd {

class Connection;

// Bytes of buffers that the connections of one thread hold, by export; an export that holds none
// may be left in it.
using ExportBytes = std::map<std::string, uint64_t, std::less<>>;

// The connections that have something to do in this turn of the loop.
class PumpList {
 public:
  void add(Connection& connection) noexcept;
  [[nodiscard]] Connection* pop() noexcept;

 private:
  Connection* head_ = nullptr;
};

// What a connection uses of its thread and its server. All of it outlives the connection.
struct ConnectionContext {
  ring::Ring& ring;
  BufferPool& buffers;
  PumpList& pumps;
  device::ExportTable& exports;
  Instruments& instruments;
  const ServerOptions& options;
  SteadyTime& next_due;   // when the thread looks at the connections' due times next
  const SteadyTime& now;  // taken once a turn
  bool& starved;          // a connection waits for buffers that others of the thread hold
  ExportUses& uses;
  ExportBytes& export_bytes;
};

class Connection {
 public:
  Connection(ConnectionContext context, Listener arrival, uint64_t id);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Everything that can be done now.
  void pump() noexcept;
  // Takes no more requests, answers those under way until the deadline.
  void drain(SteadyTime until) noexcept;
  // Shuts the socket down now; unsent replies are lost.
  void close(std::string_view why) noexcept;
  // The kernel and the device hold nothing of it: it may be destroyed.
  [[nodiscard]] bool finished() const noexcept;
  // When it must be closed, whatever it is doing: the end of the handshake's or the drain's time.
  [[nodiscard]] SteadyTime due() const noexcept { return due_; }
  [[nodiscard]] uint64_t id() const noexcept { return id_; }

 private:
  friend class PumpList;
  friend class QueueThread;
  // How long a client that said goodbye may take to read its last replies.
  static constexpr Duration kDrainTime = std::chrono::seconds(10);
  enum class State : uint8_t { kHandshake, kTransmission, kDraining, kClosed };
  struct SocketOperation : ring::Operation {
    Connection* connection = nullptr;
    int32_t result = 0;
    bool started = false;
    bool arrived = false;
  };
  // Of an error's text on the wire.
  static constexpr size_t kProblemBytesMax = 72;
  // The header of a reply in one chunk, or a whole error.
  static constexpr size_t kReplyBytesMax = 128;
  static_assert(kExtendedReplyBytes + 6 + kProblemBytesMax + 8 <= kReplyBytesMax);
  // Holds the parts and headers of a read that is answered in several chunks.
  static constexpr uint64_t kChunkMemoryBytes = 8192;
  struct Slot : device::IoRequest {
    Connection* connection = nullptr;
    Slot* next = nullptr;         // in the list of free slots or of replies
    std::byte* memory = nullptr;  // its payload, or its extents
    uint64_t memory_bytes = 0;
    std::byte* chunks = nullptr;  // kChunkMemoryBytes: iovecs, then what they point at
    uint64_t cookie = 0;
    uint64_t payload_received = 0;
    SteadyTime started;
    uint16_t flags = 0;
    // The reply: `part_count` iovecs of `chunks`; or, if that is 0, reply_bytes of `reply` and then
    // body_bytes of the buffer.
    uint32_t part_count = 0;
    uint32_t reply_bytes = 0;
    uint64_t body_bytes = 0;
    std::array<std::byte, kReplyBytesMax> reply;
  };

  // connection.cc: life and handshake
  void on_received() noexcept;
  void pump_handshake() noexcept;
  void feed_handshake() noexcept;
  void enter_transmission() noexcept;
  void watch_progress() noexcept;
  void receive() noexcept;
  void send_handshake() noexcept;
  [[nodiscard]] MutableBytes receive_space() noexcept;
  // Requests wait for a slot or a buffer.
  [[nodiscard]] bool is_blocked() const noexcept {
    return receiving_ == nullptr && available() >= request_bytes_;
  }
  void set_due(SteadyTime due) noexcept;

  // secure.cc: with TLS between the connection and its socket
  void start_tls() noexcept;
  [[nodiscard]] bool pump_tls_handshake() noexcept;
  void receive_secure() noexcept;
  void take_secure() noexcept;
  void parse_secure() noexcept;
  void send_secure() noexcept;
  [[nodiscard]] bool send_output() noexcept;
  [[nodiscard]] bool sent_secure(size_t bytes) noexcept;

  // transmission.cc: requests in
  void parse() noexcept;
  [[nodiscard]] bool take_payload() noexcept;
  [[nodiscard]] std::optional<RequestHeader> decode() const noexcept;
  [[nodiscard]] bool has_grown() noexcept;
  [[nodiscard]] bool take_request() noexcept;
  [[nodiscard]] bool refuse(const RequestHeader& header, const Verdict& verdict) noexcept;
  void start(Slot& slot, const RequestHeader& header, const Verdict& verdict) noexcept;
  void start_status(Slot& slot) noexcept;
  void submit(Slot& slot) noexcept;
  [[nodiscard]] bool may_take(uint64_t bytes) noexcept;
  [[nodiscard]] bool give_memory(Slot& slot, uint64_t bytes) noexcept;
  [[nodiscard]] Slot* take_slot() noexcept;
  void free_slot(Slot& slot) noexcept;
  void completed(Slot& slot, int32_t error) noexcept;

  // answers.cc: what is answered
  void answer_done(Slot& slot) noexcept;
  void answer_error(Slot& slot, uint32_t error, std::string_view problem) noexcept;
  void answer_device_error(Slot& slot, int32_t device_error) noexcept;
  void answer_read(Slot& slot) noexcept;
  void answer_status(Slot& slot) noexcept;
  void encode_error(Slot& slot, uint32_t error, std::string_view problem,
                    const uint64_t* place) noexcept;
  [[nodiscard]] uint32_t encode_read_chunk(std::byte* to, const Slot& slot, uint16_t flags,
                                           size_t from, size_t bytes, bool hole) const noexcept;
  [[nodiscard]] bool split_read(Slot& slot) noexcept;

  // replies.cc: replies out
  void push_reply(Slot& slot) noexcept;
  void on_sent() noexcept;
  void send_replies() noexcept;
  void send_rest() noexcept;

  [[nodiscard]] size_t available() const noexcept { return receive_end_ - receive_begin_; }

  const ConnectionContext context_;
  const UniqueFd socket_;
  const uint64_t id_;
  State state_ = State::kHandshake;
  SteadyTime due_ = SteadyTime::max();
  SteadyTime progress_{};  // when the client last took or gave bytes that it owed
  bool owes_ = false;
  bool in_pump_list_ = false;
  Connection* next_pump_ = nullptr;
  size_t index_ = 0;  // in the thread's list

  SocketOperation receive_op_;
  std::unique_ptr<std::byte[]> receive_buffer_;
  size_t receive_begin_ = 0;
  size_t receive_end_ = 0;
  std::array<iovec, 2> receive_parts_{};

  SocketOperation send_op_;
  msghdr message_{};
  std::vector<iovec> parts_;
  Slot* sending_ = nullptr;
  Slot* ready_first_ = nullptr;
  Slot* ready_last_ = nullptr;

  std::unique_ptr<SecureChannel> secure_;  // none: the bytes are plain
  bool tls_failed_ = false;                // and is closed once the alert has left
  bool secure_waits_ = false;              // there is more inside than there was room for
  bool ended_ = false;                     // the client said that it sends no more
  Bytes sending_secure_;                   // encrypted, on its way
  std::unique_ptr<Negotiation> negotiation_;
  ByteVector handshake_out_;
  size_t handshake_sent_ = 0;
  Negotiation::State handshake_state_ = Negotiation::State::kContinue;

  std::unique_ptr<ExportUses::Use> use_;
  uint64_t* export_bytes_ = nullptr;  // of its export on this thread
  // The lease goes last: the queue must be gone before the device may be.
  std::unique_ptr<device::ExportLease> lease_;
  std::unique_ptr<device::BlockQueue> queue_;
  device::Capabilities capabilities_;
  Session session_;
  size_t request_bytes_ = kRequestBytes;
  uint64_t device_bytes_ = 0;
  std::vector<Slot> slots_;
  Slot* free_ = nullptr;
  Slot* receiving_ = nullptr;  // its payload is on the way
  uint64_t drain_bytes_ = 0;   // of a refused write's payload, still to come
  uint64_t buffer_bytes_ = 0;
  uint32_t in_device_ = 0;
};

}  // namespace strata::nbd
