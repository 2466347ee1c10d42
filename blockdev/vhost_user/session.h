// Session: one front end, from its connection to its last request.
//
//   open -> draining -> closed
//
//   draining   the server stops: takes no more requests, those under way are answered
//   closed     nothing is written to the front end's memory any more; what the disk and the kernel
//              still hold of it is awaited
//
// A message that changes what requests stand on (memory, addresses of rings, features) is carried
// out when no request is under way; until then none is fetched and no further message is read. So
// nothing needs to count who uses which memory.
//
// Refused messages: with REPLY_ACK the front end is told; otherwise the connection ends, for it
// would go on as if it had been done.
//
// Thread rule: its server's thread.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/vhost_user/channel.h"
#include "blockdev/vhost_user/message.h"
#include "blockdev/vhost_user/queue.h"
#include "blockdev/vhost_user/server.h"
#include "blockdev/vhost_user/shared.h"
#include "common/base/result.h"

namespace strata::vhost_user {

class Session {
 public:
  // What it has of the server, which outlives it.
  struct Ground {
    ring::Ring& ring;
    Instruments& instruments;
    const ServerOptions& options;
    const SteadyTime& now;
  };
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(
      const Ground& ground, UniqueFd socket, std::unique_ptr<device::ExportLease> lease);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Everything that can be done now. True: call again without waiting.
  bool pump();
  void drain();
  void close(std::string_view why);
  // Tells the front end if the disk has another size than it knows.
  void refresh();
  [[nodiscard]] bool finished() const noexcept;
  // Whether the front end has hung up, though that was not noticed yet.
  [[nodiscard]] bool hung_up() const noexcept;

 private:
  enum class State : uint8_t { kOpen, kDraining, kClosed };
  Session(const Ground& ground, UniqueFd socket, std::unique_ptr<device::ExportLease> lease);

  // session.cc
  void read_messages();
  void dispatch();
  [[nodiscard]] uint64_t offered_features() const noexcept;
  void answer(Bytes payload, int fd = -1);
  void answer_number(uint64_t number);

  // messages.cc
  [[nodiscard]] Status carry_out(const Request& request, std::vector<UniqueFd>& fds);
  [[nodiscard]] Status carry_out_device(const Request& request, std::vector<UniqueFd>& fds);
  [[nodiscard]] Status carry_out_ring(const Request& request, std::vector<UniqueFd>& fds);
  [[nodiscard]] Status carry_out_memory(const Request& request, std::vector<UniqueFd>& fds);
  [[nodiscard]] Status set_features(uint64_t features);
  [[nodiscard]] Status set_config(const Request& request);
  void get_config(const Request& request);
  [[nodiscard]] Status get_inflight(const Request& request);
  [[nodiscard]] Status set_inflight(const Request& request, int fd);
  void reset_device();

  const ServerOptions& options_;
  const UniqueFd socket_;
  // The lease goes last: the queue must be gone before the device may be.
  std::unique_ptr<device::ExportLease> lease_;
  Shared shared_;
  std::vector<std::unique_ptr<Queue>> queues_;
  State state_ = State::kOpen;
  Channel channel_;
  std::unique_ptr<Watch> watch_;
  Incoming incoming_;
  Request request_;
  bool pending_ = false;  // request_ waits until no request is under way
  uint64_t protocol_features_ = 0;
  UniqueFd backend_channel_;
  SharedMapping inflight_;
  MutableBytes cache_note_;  // in it
  bool has_run_ = false;     // a ring did, so that what is new is not the driver
  uint64_t told_bytes_ = 0;  // the size that the front end knows
};

}  // namespace strata::vhost_user
