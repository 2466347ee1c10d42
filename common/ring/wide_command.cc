#include "common/ring/wide_command.h"

#include <fmt/format.h>
#include <liburing.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/base/check.h"

namespace strata::ring {
namespace {

struct OwnedRing {
  io_uring uring{};
  bool ready = false;
  OwnedRing() = default;
  OwnedRing(const OwnedRing&) = delete;
  OwnedRing& operator=(const OwnedRing&) = delete;
  ~OwnedRing() {
    if (ready) io_uring_queue_exit(&uring);
  }
};

constexpr unsigned kEntries = 2;
constexpr size_t kEntryBytes = 128;

}  // namespace

Result<int32_t> wide_command(int fd, uint32_t number, Bytes bytes) noexcept {
  CHECK(bytes.size() <= kWideCommandBytesMax);
  OwnedRing owned;
  io_uring_params params{};
  params.flags = IORING_SETUP_SQE128 | IORING_SETUP_SUBMIT_ALL;
  const int error = -io_uring_queue_init_params(kEntries, &owned.uring, &params);
  if (error != 0) {
    return Error(Code::kUnsupported,
                 fmt::format("cannot set up an io_uring for commands to drivers: {}; Linux 5.19 or "
                             "newer has them",
                             std::generic_category().message(error)));
  }
  owned.ready = true;
  io_uring_sqe* const entry = io_uring_get_sqe(&owned.uring);
  CHECK(entry != nullptr);
  auto* const area = reinterpret_cast<std::byte*>(entry);
  std::memset(area, 0, kEntryBytes);
  entry->opcode = IORING_OP_URING_CMD;
  entry->fd = fd;
  entry->off = number;
  std::memcpy(area + kEntryBytes - kWideCommandBytesMax, bytes.data(), bytes.size());
  int sent = 0;
  do {
    sent = io_uring_submit(&owned.uring);
  } while (sent == -EINTR || sent == -EAGAIN || sent == -EBUSY);
  if (sent < 0) return errno_error(-sent, "sending a command to a driver");
  io_uring_cqe* answer = nullptr;
  int waited = 0;
  do {
    waited = io_uring_wait_cqe(&owned.uring, &answer);
  } while (waited == -EINTR);
  if (waited < 0) return errno_error(-waited, "waiting for a driver's answer");
  const int32_t result = answer->res;
  io_uring_cqe_seen(&owned.uring, answer);
  return result;
}

}  // namespace strata::ring
