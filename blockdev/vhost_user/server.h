// The vhost-user server of one volume: a virtual machine's disk by shared memory.
//
// Source: QEMU, docs/interop/vhost-user.rst. A thread of its own with one io_uring carries the
// socket, the kicks of all rings and the disk. One front end at a time; when it has gone the next
// one is served.
//
// Thread rule: start and stop from one thread; refresh and sessions from any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "blockdev/device/export_table.h"
#include "common/base/deadline.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/metrics/metrics.h"

namespace strata::vhost_user {

inline constexpr uint32_t kServerQueuesMax = 16;

struct ServerOptions {
  std::string export_name = {};  // leased from the table for each front end
  std::string label = {};        // its name in the log
  std::string serial = {};       // what the guest sees as the disk's; its first 20 bytes
  uint32_t queues = 1;           // 1 to kServerQueuesMax
};

class Server {
 public:
  // listener: a bound and listening stream socket. exports and registry outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(UniqueFd listener,
                                                             device::ExportTable& exports,
                                                             metrics::Registry& registry,
                                                             ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves nobody new, answers the requests under way until the deadline, then closes. Later only
  // while the disk still holds requests, which cannot be called back.
  void stop(Deadline deadline);
  // The disk may have another size: the guest is told.
  void refresh() noexcept;
  // Front ends that are served: 0 or 1.
  [[nodiscard]] uint32_t sessions() const noexcept;

 private:
  class Loop;
  explicit Server(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace strata::vhost_user
