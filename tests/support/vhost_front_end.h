// A vhost-user front end with the driver of a guest: shared memory, rings, and requests in them.
//
// The memory and the rings outlive a connection, so that a server can be lost and another one
// connected to. Guest addresses and the front end's own differ from the mapping's, so that a
// server that mixes them up is found out.
// Thread rule: one thread.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "blockdev/vhost_user/message.h"
#include "blockdev/vhost_user/protocol.h"
#include "common/base/check.h"
#include "common/base/unique_fd.h"

namespace strata::testing {

namespace vu = vhost_user;

class VhostFrontEnd {
 public:
  struct Options {
    uint32_t queues = 1;
    uint16_t entries = 128;
    uint64_t memory_bytes = 16 * kMiB;
    uint64_t without = 0;  // features that are not taken
    bool inflight = false;
  };
  static constexpr uint64_t kGuestBase = 0x1'0000'0000;
  static constexpr uint64_t kUserBase = 0x7000'0000'0000;
  static constexpr uint64_t kRingBytes = 64 * kKiB;  // of each queue, at the memory's begin
  static constexpr int kWaitMs = 10'000;

  // A part of a request: at `at` in the memory.
  struct Part {
    uint64_t at = 0;
    uint32_t bytes = 0;
    bool written = false;  // by the device
  };
  struct Used {
    uint16_t head = 0;
    uint32_t bytes = 0;
  };

  explicit VhostFrontEnd(Options options) : options_(options) {
    memory_fd_ = UniqueFd(memfd_create("guest", MFD_CLOEXEC));
    CHECK(ftruncate(memory_fd_.get(), static_cast<off_t>(options_.memory_bytes)) == 0);
    void* const memory = mmap(nullptr, options_.memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                              memory_fd_.get(), 0);
    CHECK(memory != MAP_FAILED);
    memory_ = {static_cast<std::byte*>(memory), options_.memory_bytes};
    for (uint32_t i = 0; i < options_.queues; ++i) {
      Ring ring;
      ring.base = i * kRingBytes;
      for (uint16_t k = options_.entries; k > 0; --k) ring.free.push_back(k - 1);
      ring.kick = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      ring.call = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      ring.error = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      ring.parts_of.resize(options_.entries);
      rings_.push_back(std::move(ring));
    }
  }
  ~VhostFrontEnd() { munmap(memory_.data(), memory_.size()); }
  VhostFrontEnd(const VhostFrontEnd&) = delete;
  VhostFrontEnd& operator=(const VhostFrontEnd&) = delete;

  // The socket.

  bool connect(const std::string& path) {
    socket_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{kWaitMs / 1000, 0};
    CHECK(setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  void disconnect() { socket_.reset(); }
  bool send_raw(Bytes bytes, const std::vector<int>& fds = {}) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<std::byte> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    return sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  bool send(vu::Message kind, Bytes payload, const std::vector<int>& fds = {},
            uint32_t flags = vu::kVersion) {
    const vu::MessageHeader header{static_cast<uint32_t>(kind), flags,
                                   static_cast<uint32_t>(payload.size())};
    ByteVector all(sizeof header + payload.size());
    std::memcpy(all.data(), &header, sizeof header);
    if (!payload.empty()) std::memcpy(all.data() + sizeof header, payload.data(), payload.size());
    return send_raw(all, fds);
  }
  template <typename T>
  bool send(vu::Message kind, const T& payload, const std::vector<int>& fds = {},
            uint32_t flags = vu::kVersion) {
    return send(kind, std::as_bytes(std::span(&payload, 1)), fds, flags);
  }
  // The payload of the next reply to `kind`; nothing if the server closed or said something else.
  std::optional<ByteVector> reply(vu::Message kind, UniqueFd* fd = nullptr) {
    vu::MessageHeader header;
    iovec part{&header, sizeof header};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t size = 0;
    do {
      size = recvmsg(socket_.get(), &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size != sizeof header) return std::nullopt;
    if (const cmsghdr* const found = CMSG_FIRSTHDR(&message); found != nullptr) {
      int got = -1;
      std::memcpy(&got, CMSG_DATA(found), sizeof got);
      UniqueFd owned(got);
      if (fd != nullptr) *fd = std::move(owned);
    }
    if (header.request != static_cast<uint32_t>(kind) ||
        header.flags != (vu::kVersion | vu::kFlagReply) || header.size > vu::kPayloadBytesMax) {
      return std::nullopt;
    }
    ByteVector out(header.size);
    return receive_all(out) ? std::optional(std::move(out)) : std::nullopt;
  }
  std::optional<uint64_t> ask_number(vu::Message kind) {
    if (!send(kind, Bytes())) return std::nullopt;
    const auto got = reply(kind);
    if (!got || got->size() != sizeof(uint64_t)) return std::nullopt;
    return load_little<uint64_t>(got->data());
  }
  // Sends it and asks for an acknowledgement: 0 for done.
  template <typename T>
  std::optional<uint64_t> acknowledged(vu::Message kind, const T& payload,
                                       const std::vector<int>& fds = {}) {
    if (!send(kind, payload, fds, vu::kVersion | vu::kFlagNeedReply)) return std::nullopt;
    const auto got = reply(kind);
    if (!got || got->size() != sizeof(uint64_t)) return std::nullopt;
    return load_little<uint64_t>(got->data());
  }
  // The server has closed the connection, or does so soon.
  bool closed() {
    ByteVector one(1);
    errno = 0;
    return !receive_all(one) && errno != EAGAIN;
  }

  // The session.

  // Takes the features that are offered, but for `without`.
  bool negotiate() {
    const auto offered = ask_number(vu::Message::kGetFeatures);
    if (!offered) return false;
    features_ = *offered & ~options_.without;
    const auto protocol = ask_number(vu::Message::kGetProtocolFeatures);
    if (!protocol) return false;
    protocol_ = *protocol;
    if (!send(vu::Message::kSetProtocolFeatures, protocol_) ||
        !send(vu::Message::kSetOwner, Bytes()) || !send(vu::Message::kSetFeatures, features_)) {
      return false;
    }
    // Once: a front end that connects again has a driver that knows it.
    if (!knows_config_) knows_config_ = config().has_value();
    return knows_config_;
  }
  [[nodiscard]] vu::RegionWire region() const { return {kGuestBase, memory_.size(), kUserBase, 0}; }
  bool share_memory() {
    ByteVector table(8 + sizeof(vu::RegionWire));
    store_little(table.data(), uint32_t{1});
    const vu::RegionWire wire = region();
    std::memcpy(table.data() + 8, &wire, sizeof wire);
    return send(vu::Message::kSetMemTable, Bytes(table), {memory_fd_.get()});
  }
  [[nodiscard]] vu::VringAddress address(uint32_t queue) const {
    const uint64_t base = kUserBase + rings_[queue].base;
    return {queue, 0, base, base + kUsedAt, base + kAvailableAt, 0};
  }
  bool start_queue(uint32_t queue) {
    Ring& ring = rings_[queue];
    using vu::Message;
    return send(Message::kSetVringNum, vu::VringState{queue, options_.entries}) &&
           send(Message::kSetVringBase, vu::VringState{queue, used_index(queue)}) &&
           send(Message::kSetVringAddr, address(queue)) &&
           send(Message::kSetVringErr, uint64_t{queue}, {ring.error.get()}) &&
           send(Message::kSetVringKick, uint64_t{queue}, {ring.kick.get()}) &&
           send(Message::kSetVringCall, uint64_t{queue}, {ring.call.get()}) &&
           acknowledged(Message::kSetVringEnable, vu::VringState{queue, 1}) == 0;
  }
  bool share_inflight() {
    vu::InflightWire wire{0, 0, static_cast<uint16_t>(options_.queues), options_.entries};
    if (!inflight_fd_.valid()) {
      if (!send(vu::Message::kGetInflightFd, wire)) return false;
      const auto got = reply(vu::Message::kGetInflightFd, &inflight_fd_);
      if (!got || got->size() != sizeof wire || !inflight_fd_.valid()) return false;
      std::memcpy(&inflight_, got->data(), sizeof inflight_);
    }
    return send(vu::Message::kSetInflightFd, inflight_, {inflight_fd_.get()});
  }
  // From the connection to rings that are served.
  bool open(const std::string& path) {
    if (!connect(path) || !negotiate()) return false;
    if (options_.inflight && !share_inflight()) return false;
    if (!share_memory()) return false;
    for (uint32_t i = 0; i < options_.queues; ++i) {
      if (!start_queue(i)) return false;
    }
    return true;
  }
  std::optional<uint32_t> stop_queue(uint32_t queue) {
    if (!send(vu::Message::kGetVringBase, vu::VringState{queue, 0})) return std::nullopt;
    const auto got = reply(vu::Message::kGetVringBase);
    if (!got || got->size() != sizeof(vu::VringState)) return std::nullopt;
    return load_little<uint32_t>(got->data() + 4);
  }
  std::optional<vu::BlockConfig> config() {
    const vu::ConfigWire wire{0, sizeof(vu::BlockConfig), 0};
    ByteVector payload(sizeof wire + sizeof(vu::BlockConfig));
    std::memcpy(payload.data(), &wire, sizeof wire);
    if (!send(vu::Message::kGetConfig, Bytes(payload))) return std::nullopt;
    const auto got = reply(vu::Message::kGetConfig);
    if (!got || got->size() != payload.size()) return std::nullopt;
    vu::BlockConfig out;
    std::memcpy(reinterpret_cast<std::byte*>(&out), got->data() + sizeof wire, sizeof out);
    return out;
  }

  // The driver.

  [[nodiscard]] MutableBytes memory(uint64_t at, uint64_t bytes) {
    return memory_.subspan(at, bytes);
  }
  // The first byte that is not a ring's.
  [[nodiscard]] uint64_t data_at() const { return options_.queues * kRingBytes; }
  [[nodiscard]] int memory_fd() const { return memory_fd_.get(); }
  [[nodiscard]] int inflight_fd() const { return inflight_fd_.get(); }
  [[nodiscard]] uint64_t features() const { return features_; }
  void put_descriptor(uint32_t queue, uint16_t number, const vu::Descriptor& descriptor) {
    std::memcpy(ring_memory(queue) + number * sizeof descriptor, &descriptor, sizeof descriptor);
  }
  void make_available(uint32_t queue, uint16_t head) {
    std::byte* const available = ring_memory(queue) + kAvailableAt;
    Ring& ring = rings_[queue];
    cell(available + 4 + (ring.available & (options_.entries - 1)) * 2)
        .store(head, std::memory_order_relaxed);
    ++ring.available;
    cell(available + 2).store(ring.available, std::memory_order_seq_cst);
  }
  // Chains the parts and makes them available; the head.
  uint16_t post(uint32_t queue, const std::vector<Part>& parts) {
    Ring& ring = rings_[queue];
    CHECK(ring.free.size() >= parts.size());
    std::vector<uint16_t> numbers;
    for (size_t i = 0; i < parts.size(); ++i) {
      numbers.push_back(ring.free.back());
      ring.free.pop_back();
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      const bool last = i + 1 == parts.size();
      put_descriptor(queue, numbers[i],
                     {kGuestBase + parts[i].at, parts[i].bytes,
                      static_cast<uint16_t>((parts[i].written ? vu::kDescriptorWrite : 0) |
                                            (last ? 0 : vu::kDescriptorNext)),
                      last ? uint16_t{0} : numbers[i + 1]});
    }
    const uint16_t head = numbers.front();
    ring.parts_of[head] = std::move(numbers);
    make_available(queue, head);
    return head;
  }
  // Tells the server, if it wants to know.
  void kick(uint32_t queue, bool always = false) {
    Ring& ring = rings_[queue];
    std::byte* const used = ring_memory(queue) + kUsedAt;
    bool wanted = true;
    if ((features_ & vu::kRingEventIndex) != 0) {
      const uint16_t event = cell(used + 4 + options_.entries * 8).load(std::memory_order_seq_cst);
      wanted = static_cast<uint16_t>(ring.available - event - 1) <
               static_cast<uint16_t>(ring.available - ring.kicked);
    } else {
      wanted = (cell(used).load(std::memory_order_seq_cst) & vu::kUsedNoNotify) == 0;
    }
    ring.kicked = ring.available;
    const uint64_t one = 1;
    if (wanted || always) CHECK(write(ring.kick.get(), &one, sizeof one) == sizeof one);
  }
  // Without a look at the ring, which may be gone.
  void kick_blindly(uint32_t queue) {
    const uint64_t one = 1;
    CHECK(write(rings_[queue].kick.get(), &one, sizeof one) == sizeof one);
  }
  // The next request that is finished, if there is one.
  std::optional<Used> take_used(uint32_t queue) {
    Ring& ring = rings_[queue];
    std::byte* const used = ring_memory(queue) + kUsedAt;
    if (cell(used + 2).load(std::memory_order_acquire) == ring.used) return std::nullopt;
    vu::UsedElement element;
    std::memcpy(&element, used + 4 + (ring.used & (options_.entries - 1)) * sizeof element,
                sizeof element);
    ++ring.used;
    const auto head = static_cast<uint16_t>(element.id);
    CHECK(element.id < options_.entries);
    for (const uint16_t number : ring.parts_of[head]) ring.free.push_back(number);
    ring.parts_of[head].clear();
    return Used{head, element.length};
  }
  // Asks for an interrupt after the next one, and waits for it. False: none came in time.
  bool wait_interrupt(uint32_t queue, int wait_ms = kWaitMs) {
    Ring& ring = rings_[queue];
    std::byte* const available = ring_memory(queue) + kAvailableAt;
    cell(available + 4 + options_.entries * 2).store(ring.used, std::memory_order_seq_cst);
    if (cell(ring_memory(queue) + kUsedAt + 2).load(std::memory_order_seq_cst) != ring.used) {
      return true;
    }
    std::array<pollfd, 2> asked{{{ring.call.get(), POLLIN, 0}, {socket_.get(), POLLRDHUP, 0}}};
    if (wait(asked.data(), asked.size(), wait_ms) <= 0) return false;
    uint64_t count = 0;
    (void)!read(ring.call.get(), &count, sizeof count);
    return asked[0].revents != 0;
  }
  std::optional<Used> wait_used(uint32_t queue) {
    while (true) {
      if (const auto used = take_used(queue)) return used;
      if (!wait_interrupt(queue)) return std::nullopt;
    }
  }
  // The guest is told that its ring is broken.
  bool wait_error(uint32_t queue) {
    pollfd asked{rings_[queue].error.get(), POLLIN, 0};
    return wait(&asked, 1, kWaitMs) == 1;
  }
  // One request: header, data and status laid out at `at` (header first, data from at + 4096 on).
  // Its status, or 0xff if there was no answer.
  uint8_t run(uint32_t queue, vu::BlockType type, uint64_t sector, uint64_t at, uint32_t bytes) {
    post_simple(queue, type, sector, at, bytes);
    kick(queue);
    if (!wait_used(queue)) return 0xff;
    return status(at);
  }
  uint16_t post_simple(uint32_t queue, vu::BlockType type, uint64_t sector, uint64_t at,
                       uint32_t bytes) {
    put_header(at, type, sector);
    const bool written = type == vu::BlockType::kIn || type == vu::BlockType::kGetId;
    std::vector<Part> parts = {{at, sizeof(vu::BlockHeader), false}};
    if (bytes > 0) parts.push_back({at + kDataAt, bytes, written});
    parts.push_back({at + kStatusAt, 1, true});
    memory_[at + kStatusAt] = std::byte{0xff};
    return post(queue, parts);
  }
  void put_header(uint64_t at, vu::BlockType type, uint64_t sector) {
    const vu::BlockHeader header{static_cast<uint32_t>(type), 0, sector};
    std::memcpy(memory_.data() + at, &header, sizeof header);
  }
  [[nodiscard]] uint8_t status(uint64_t at) const {
    return static_cast<uint8_t>(memory_[at + kStatusAt]);
  }
  static constexpr uint64_t kStatusAt = 64;
  static constexpr uint64_t kDataAt = 4096;

  // The ring as a driver makes it: nothing is in it, nothing was.
  void reset_ring(uint32_t queue) {
    Ring& ring = rings_[queue];
    std::memset(ring_memory(queue), 0, kRingBytes);
    ring.available = ring.kicked = ring.used = 0;
    ring.free.clear();
    for (uint16_t k = options_.entries; k > 0; --k) ring.free.push_back(k - 1);
    for (auto& parts : ring.parts_of) parts.clear();
  }

  [[nodiscard]] uint16_t used_index(uint32_t queue) {
    return cell(ring_memory(queue) + kUsedAt + 2).load(std::memory_order_acquire);
  }

 private:
  static constexpr uint64_t kAvailableAt = 32 * kKiB;
  static constexpr uint64_t kUsedAt = 48 * kKiB;
  struct Ring {
    uint64_t base = 0;
    uint16_t available = 0;
    uint16_t kicked = 0;
    uint16_t used = 0;
    std::vector<uint16_t> free;
    std::vector<std::vector<uint16_t>> parts_of;
    UniqueFd kick;
    UniqueFd call;
    UniqueFd error;
  };
  bool receive_all(MutableBytes into) {
    while (!into.empty()) {
      const ssize_t got = recv(socket_.get(), into.data(), into.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      into = into.subspan(static_cast<size_t>(got));
    }
    return true;
  }
  // An interrupted wait begins again: the whole of it is bounded by the test's own time.
  static int wait(pollfd* asked, nfds_t count, int wait_ms) {
    int ready = 0;
    do {
      ready = poll(asked, count, wait_ms);
    } while (ready < 0 && errno == EINTR);
    return ready;
  }
  static std::atomic_ref<uint16_t> cell(std::byte* at) {
    return std::atomic_ref(*reinterpret_cast<uint16_t*>(at));
  }
  std::byte* ring_memory(uint32_t queue) { return memory_.data() + rings_[queue].base; }

  const Options options_;
  UniqueFd memory_fd_;
  MutableBytes memory_;
  std::vector<Ring> rings_;
  UniqueFd socket_;
  uint64_t features_ = 0;
  uint64_t protocol_ = 0;
  bool knows_config_ = false;
  UniqueFd inflight_fd_;
  vu::InflightWire inflight_;
};

}  // namespace strata::testing
