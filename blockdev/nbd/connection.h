// Connection: one client, from its first byte to the last reply.
//
//   handshake -> transmission -> draining -> closed
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
// buffer_bytes_max; a request waits in the receive buffer until it fits.
//
// Thread rule: its queue thread only.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/nbd/buffer_pool.h"
#include "blockdev/nbd/instruments.h"
#include "blockdev/nbd/negotiation.h"
#include "blockdev/nbd/request.h"
#include "blockdev/nbd/server.h"
#include "common/base/unique_fd.h"
#include "common/ring/ring.h"

namespace strata::nbd {

class Connection;

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
  SteadyTime& next_due;  // when the thread looks at the connections' due times next
};

class Connection {
 public:
  Connection(ConnectionContext context, UniqueFd socket, uint64_t id);
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
  struct Slot : device::IoRequest {
    Connection* connection = nullptr;
    Slot* next = nullptr;  // in the list of free slots or of replies
    std::byte* memory = nullptr;
    uint64_t memory_bytes = 0;
    uint64_t cookie = 0;
    uint64_t payload_received = 0;
    SteadyTime started;
    uint32_t reply_payload = 0;
    std::array<std::byte, kSimpleReplyBytes> reply;
  };

  // connection.cc: life and handshake
  void on_received() noexcept;
  void pump_handshake() noexcept;
  void feed_handshake() noexcept;
  void enter_transmission() noexcept;
  void receive() noexcept;
  void set_due(SteadyTime due) noexcept;

  // transmission.cc: requests in
  void parse() noexcept;
  [[nodiscard]] bool take_payload() noexcept;
  [[nodiscard]] bool take_request() noexcept;
  [[nodiscard]] bool refuse(const RequestHeader& header, const Verdict& verdict) noexcept;
  void start(Slot& slot, const RequestHeader& header, const Verdict& verdict) noexcept;
  void submit(Slot& slot) noexcept;
  [[nodiscard]] Slot* take_slot() noexcept;
  void free_slot(Slot& slot) noexcept;
  void completed(Slot& slot, int32_t error) noexcept;
  void answer(Slot& slot, uint32_t error) noexcept;

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

  std::unique_ptr<Negotiation> negotiation_;
  ByteVector handshake_out_;
  size_t handshake_sent_ = 0;
  Negotiation::State handshake_state_ = Negotiation::State::kContinue;

  // The lease goes last: the queue must be gone before the device may be.
  std::unique_ptr<device::ExportLease> lease_;
  std::unique_ptr<device::BlockQueue> queue_;
  device::Capabilities capabilities_;
  uint64_t device_bytes_ = 0;
  std::vector<Slot> slots_;
  Slot* free_ = nullptr;
  Slot* receiving_ = nullptr;  // its payload is on the way
  uint64_t drain_bytes_ = 0;   // of a refused write's payload, still to come
  uint64_t buffer_bytes_ = 0;
  uint32_t in_device_ = 0;
};

}  // namespace strata::nbd
