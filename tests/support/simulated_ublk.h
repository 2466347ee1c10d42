// A ublk driver without a kernel: it gives a device's queues the requests of a test, and keeps what
// the kernel would: devices, their state, and requests that a server did not answer.
//
// Thread rule: any thread; the channels on their queues' threads.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "blockdev/ublk/driver.h"
#include "common/base/check.h"
#include "common/base/unique_fd.h"

namespace strata::testing {

class SimulatedUblk final : public ublk::Driver {
 public:
  struct Request {
    ublk::IoDescriptor asked;
    ByteVector data;  // a write's; filled by a read
    std::optional<int32_t> result;
  };
  using SharedRequest = std::shared_ptr<Request>;

  // How this kernel is.
  uint64_t offers = ublk::kUserRecovery | ublk::kRecoveryReissue | ublk::kUnprivileged |
                    ublk::kIoctlEncode | ublk::kUserCopy | ublk::kUpdateSize;
  uint64_t always = 0;  // what its devices have without being asked for
  bool privileged = true;
  uint16_t processors = 4;
  uint32_t request_bytes_max = ublk::kRequestBytesMax;
  int busy_times = 0;                   // how often a recovery is not possible yet
  int32_t fetch_error = 0;              // what an offer is refused with
  std::atomic<int32_t> copy_error = 0;  // what a copy fails with
  bool in_use = false;                  // the device is mounted
  bool start_fails = false;
  // As the kernel does: it takes an answer, and a read's data, when the ring sends it.
  bool in_next_turn = false;
  // Kernels before 6.4: the data of a write may be there long before the request has come.
  std::atomic<bool> withheld = false;
  std::atomic<bool> no_buffer = false;  // nothing can be put into a ring's table of buffers
  std::atomic<uint32_t> copies = 0;     // that the server asked for
  // Answers do not arrive, as those of a server that is killed.
  std::atomic<bool> answers_lost = false;

  struct Queue {
    std::mutex mutex;
    std::condition_variable answered;
    std::deque<SharedRequest> waiting;  // for a tag
    std::vector<SharedRequest> held;    // by tag
    std::vector<bool> offered;
    std::vector<const std::byte*> memory;  // the server's, by tag
    UniqueFd wake{eventfd(0, EFD_CLOEXEC)};
    bool taking_back = false;
    bool open = false;
    bool live = false;  // requests come only when the device has been started with this server
  };
  struct Made {
    ublk::DeviceInfo info;
    ublk::Params params;
    std::vector<std::shared_ptr<Queue>> queues;
    bool in_recovery = false;
  };
  // The only device, or the one of that number.
  [[nodiscard]] Made& device(uint32_t number = 0) { return devices_.at(number); }
  [[nodiscard]] size_t devices() const { return devices_.size(); }

  [[nodiscard]] SharedRequest post(uint16_t queue, ublk::IoOp op, uint64_t sector, uint32_t sectors,
                                   ByteVector data = {}, uint32_t flags = 0) {
    auto request = std::make_shared<Request>();
    request->asked = {static_cast<uint32_t>(op) | flags, sectors, sector, 0};
    request->data = std::move(data);
    if (op == ublk::IoOp::kRead) request->data.resize(uint64_t{sectors} * ublk::kSectorBytes);
    Queue& to = *device().queues.at(queue);
    {
      const std::lock_guard lock(to.mutex);
      to.waiting.push_back(request);
    }
    wake(to);
    return request;
  }
  int32_t wait(uint16_t queue, const SharedRequest& request) {
    Queue& of = *device().queues.at(queue);
    std::unique_lock lock(of.mutex);
    const bool done = of.answered.wait_for(lock, std::chrono::seconds(20),
                                           [&] { return request->result.has_value(); });
    CHECK(done, "a request was not answered");
    return *request->result;
  }
  int32_t run(uint16_t queue, ublk::IoOp op, uint64_t sector, uint32_t sectors,
              ByteVector data = {}, uint32_t flags = 0) {
    return wait(queue, post(queue, op, sector, sectors, std::move(data), flags));
  }

  // What was withheld comes.
  void let_come(uint16_t queue) {
    withheld = false;
    wake(*device().queues.at(queue));
  }
  // What the server's buffers hold, of all tags of the queue.
  [[nodiscard]] bool all_zeroes(uint16_t queue) {
    Queue& of = *device().queues.at(queue);
    const std::lock_guard lock(of.mutex);
    return std::all_of(of.memory.begin(), of.memory.end(), [](const std::byte* memory) {
      return memory == nullptr ||
             std::all_of(memory, memory + 4096, [](std::byte one) { return one == std::byte{0}; });
    });
  }
  // What stands in the ring's table of buffers.
  [[nodiscard]] MutableBytes buffer(const ring::Ring& ring, uint32_t index) {
    const std::lock_guard lock(buffers_mutex_);
    return buffers_.at({&ring, index})->data;
  }
  [[nodiscard]] size_t buffers() {
    const std::lock_guard lock(buffers_mutex_);
    return buffers_.size();
  }

  uint64_t features() const noexcept override { return offers; }
  Result<ublk::DeviceInfo> add(const ublk::DeviceInfo& wanted) override {
    const bool users = (wanted.flags & ublk::kUnprivileged) != 0;
    if (!privileged && !users) return Error(Code::kPermissionDenied, "only for root");
    Made made;
    made.info = wanted;
    made.info.device = next_++;
    made.info.queues = std::min(wanted.queues, processors);
    made.info.request_bytes_max = std::min(wanted.request_bytes_max, request_bytes_max);
    if (offers != 0) made.info.flags &= offers;
    made.info.flags |= always;
    if (users) made.info.flags &= ~(ublk::kUserRecovery | ublk::kRecoveryReissue);
    for (uint16_t i = 0; i < made.info.queues; ++i) {
      made.queues.push_back(std::make_shared<Queue>());
      made.queues.back()->held.resize(made.info.depth);
      made.queues.back()->offered.resize(made.info.depth);
      made.queues.back()->memory.resize(made.info.depth);
    }
    const ublk::DeviceInfo out = made.info;
    devices_.emplace(out.device, std::move(made));
    return out;
  }
  Result<ublk::DeviceInfo> info(uint32_t number) override {
    const auto found = devices_.find(number);
    if (found == devices_.end()) return Error(Code::kNotFound, "no such device");
    Made& made = found->second;
    const bool served = std::any_of(made.queues.begin(), made.queues.end(), [](const auto& queue) {
      const std::lock_guard lock(queue->mutex);
      return queue->open;
    });
    if (!served && made.info.state == ublk::kStateLive) {
      const bool waits = (made.info.flags & ublk::kUserRecovery) != 0;
      made.info.state = waits ? ublk::kStateQuiesced : ublk::kStateDead;
    }
    return made.info;
  }
  Status set_params(uint32_t number, const ublk::Params& params) override {
    device(number).params = params;
    return {};
  }
  Status start(uint32_t number) override {
    if (start_fails) return Error(Code::kIo, "it does not start");
    return go(number);
  }
  Status stop(uint32_t number, bool force) override {
    if (in_use && !force) return Error(Code::kBusy, "it is mounted");
    Made& made = device(number);
    for (const auto& queue : made.queues) {
      std::unique_lock lock(queue->mutex);
      queue->answered.wait(lock, [&] {
        return !queue->open ||
               std::none_of(queue->held.begin(), queue->held.end(),
                            [](const SharedRequest& one) { return one != nullptr; });
      });
      queue->taking_back = true;
      lock.unlock();
      wake(*queue);
    }
    made.info.state = ublk::kStateDead;
    return {};
  }
  Status remove(uint32_t number) override {
    for (const auto& queue : device(number).queues) {
      const std::lock_guard lock(queue->mutex);
      CHECK(!queue->open, "the kernel would wait for ever");
    }
    devices_.erase(number);
    return {};
  }
  Status start_recovery(uint32_t number) override {
    TRY_ASSIGN(const ublk::DeviceInfo now, info(number));
    if (busy_times > 0) {
      --busy_times;
      return Error(Code::kBusy, "the last server is still there");
    }
    Made& made = device(number);
    if (made.in_recovery) return Error(Code::kInvalidArgument, "it was begun before");
    if (now.state != ublk::kStateQuiesced) return Error(Code::kBusy, "it is served");
    made.in_recovery = true;
    return {};
  }
  Status end_recovery(uint32_t number) override {
    device(number).in_recovery = false;
    return go(number);
  }
  Status update_size(uint32_t number, uint64_t sectors) override {
    device(number).params.sectors = sectors;
    return {};
  }
  Result<std::unique_ptr<ublk::QueueChannel>> open_queue(const ublk::DeviceInfo& info,
                                                         uint16_t queue) override {
    return std::unique_ptr<ublk::QueueChannel>(
        std::make_unique<Channel>(*this, device(info.device).queues.at(queue), info.flags));
  }

 private:
  class Channel final : public ublk::QueueChannel {
   public:
    Channel(SimulatedUblk& kernel, std::shared_ptr<Queue> queue, uint64_t flags)
        : kernel_(kernel),
          queue_(std::move(queue)),
          user_copy_((flags & ublk::kUserCopy) != 0),
          auto_buffers_((flags & ublk::kAutoBuffers) != 0) {
      woken_.channel = this;
      woken_.complete = [](ring::Operation& op, int32_t) noexcept {
        static_cast<Woken&>(op).channel->dispatch();
      };
      const std::lock_guard lock(queue_->mutex);
      CHECK(!queue_->open, "a queue is open once");
      queue_->open = true;
      arrived_.resize(queue_->offered.size());
      data_.resize(queue_->offered.size());
    }
    ~Channel() override {
      const std::lock_guard lock(queue_->mutex);
      queue_->open = false;
      queue_->live = false;
      std::fill(queue_->memory.begin(), queue_->memory.end(), nullptr);
      // What was not answered is asked again, in its order.
      for (size_t tag = queue_->held.size(); tag-- > 0;) {
        queue_->offered[tag] = false;
        if (queue_->held[tag] == nullptr) continue;
        kernel_.forget_buffer(*queue_->held[tag]);
        queue_->waiting.push_front(std::move(queue_->held[tag]));
        queue_->held[tag] = nullptr;
      }
      queue_->answered.notify_all();
    }
    void fetch(ring::Ring& ring, ring::Operation& arrived, uint16_t tag,
               const ublk::TagData& data) noexcept override {
      if (kernel_.fetch_error != 0) return arrived.complete(arrived, kernel_.fetch_error);
      if (ring_ == nullptr) {
        ring_ = &ring;
        ring.poll(woken_, queue_->wake.get(), POLLIN);
      }
      offer(arrived, tag, data);
    }
    void commit_and_fetch(ring::Ring& /*ring*/, ring::Operation& arrived, uint16_t tag,
                          int32_t result, const ublk::TagData& data) noexcept override {
      if (kernel_.answers_lost) return;
      const Command command{&arrived, tag, result, data};
      if (!kernel_.in_next_turn) return carry_out(command);
      sent_.push_back(command);
      wake(*queue_);
    }
    ublk::IoDescriptor descriptor(uint16_t tag) const noexcept override {
      const std::lock_guard lock(queue_->mutex);
      return queue_->held[tag]->asked;
    }
    int32_t copy_in(uint16_t tag, MutableBytes into) noexcept override {
      if (kernel_.copy_error != 0) return kernel_.copy_error;
      ++kernel_.copies;
      const std::lock_guard lock(queue_->mutex);
      const ByteVector& data = queue_->held[tag]->data;
      CHECK(into.size() == data.size());
      std::copy(data.begin(), data.end(), into.begin());
      return 0;
    }
    int32_t copy_out(uint16_t tag, Bytes from) noexcept override {
      if (kernel_.copy_error != 0) return kernel_.copy_error;
      ++kernel_.copies;
      const std::lock_guard lock(queue_->mutex);
      ByteVector& data = queue_->held[tag]->data;
      CHECK(from.size() == data.size());
      std::copy(from.begin(), from.end(), data.begin());
      return 0;
    }

   private:
    struct Woken : ring::Operation {
      Channel* channel = nullptr;
    };
    struct Command {
      ring::Operation* arrived;
      uint16_t tag;
      int32_t result;
      ublk::TagData data;
    };
    void carry_out(const Command& command) noexcept {
      {
        const std::lock_guard lock(queue_->mutex);
        Request& request = *queue_->held[command.tag];
        const bool read = (request.asked.op_flags & ublk::kOpMask) == 0;
        if (read && !user_copy_ && command.result > 0) {
          CHECK(static_cast<size_t>(command.result) <= request.data.size());
          std::memcpy(request.data.data(), command.data.memory,
                      static_cast<size_t>(command.result));
        }
        kernel_.forget_buffer(request);
        request.result = command.result;
        queue_->held[command.tag] = nullptr;
      }
      offer(*command.arrived, command.tag, command.data);
      queue_->answered.notify_all();
    }
    void offer(ring::Operation& arrived, uint16_t tag, const ublk::TagData& data) noexcept {
      {
        const std::lock_guard lock(queue_->mutex);
        arrived_[tag] = &arrived;
        data_[tag] = data;
        queue_->memory[tag] = data.memory;
        queue_->offered[tag] = true;
      }
      wake(*queue_);  // somebody may wait for a tag
    }
    // On the queue's thread.
    void dispatch() noexcept {
      uint64_t count = 0;
      CHECK(read(queue_->wake.get(), &count, sizeof count) == sizeof count);
      for (const Command& command : std::exchange(sent_, {})) carry_out(command);
      std::vector<std::pair<size_t, int32_t>> given;
      if (!kernel_.withheld) given = std::exchange(withheld_, {});
      {
        const std::lock_guard lock(queue_->mutex);
        for (size_t tag = 0; tag < queue_->offered.size(); ++tag) {
          if (!queue_->offered[tag]) continue;
          if (queue_->taking_back) {
            queue_->offered[tag] = false;
            given.emplace_back(tag, -ENODEV);
          } else if (queue_->live && !queue_->waiting.empty()) {
            queue_->offered[tag] = false;
            queue_->held[tag] = std::move(queue_->waiting.front());
            queue_->waiting.pop_front();
            Request& request = *queue_->held[tag];
            if (auto_buffers_) kernel_.put_buffer(*ring_, data_[tag].buffer, request);
            const bool write = (request.asked.op_flags & ublk::kOpMask) == 1;
            if (write && !user_copy_ && request.data.size() <= ublk::kRequestBytesMax) {
              std::memcpy(data_[tag].memory, request.data.data(), request.data.size());
            }
            given.emplace_back(tag, 0);
          }
        }
      }
      ring_->poll(woken_, queue_->wake.get(), POLLIN);
      if (kernel_.withheld) {
        withheld_.insert(withheld_.end(), given.begin(), given.end());
        return;
      }
      for (const auto& [tag, result] : given) arrived_[tag]->complete(*arrived_[tag], result);
    }

    SimulatedUblk& kernel_;
    const std::shared_ptr<Queue> queue_;
    const bool user_copy_;
    const bool auto_buffers_;
    ring::Ring* ring_ = nullptr;
    Woken woken_;
    std::vector<Command> sent_;                         // on the queue's thread
    std::vector<std::pair<size_t, int32_t>> withheld_;  // on the queue's thread
    std::vector<ring::Operation*> arrived_;
    std::vector<ublk::TagData> data_;
  };

  void put_buffer(const ring::Ring& ring, uint32_t index, Request& request) {
    const uint32_t op = request.asked.op_flags & ublk::kOpMask;
    request.asked.op_flags &= ~ublk::kFlagNoBuffer;
    if (op > 1) return;
    if (no_buffer) {
      request.asked.op_flags |= ublk::kFlagNoBuffer;
      return;
    }
    const std::lock_guard lock(buffers_mutex_);
    const bool free = buffers_.emplace(std::pair(&ring, index), &request).second;
    CHECK(free, "two requests in one place of a ring's table");
  }
  void forget_buffer(const Request& request) {
    const std::lock_guard lock(buffers_mutex_);
    std::erase_if(buffers_, [&](const auto& one) { return one.second == &request; });
  }
  static void wake(Queue& queue) {
    const uint64_t one = 1;
    CHECK(write(queue.wake.get(), &one, sizeof one) == sizeof one);
  }
  Status go(uint32_t number) {
    Made& made = device(number);
    for (const auto& queue : made.queues) {
      const std::lock_guard lock(queue->mutex);
      CHECK(std::all_of(queue->offered.begin(), queue->offered.end(), [](bool one) { return one; }),
            "the kernel would wait for ever");
      queue->live = true;
    }
    made.info.state = ublk::kStateLive;
    for (const auto& queue : made.queues) wake(*queue);
    return {};
  }

  std::map<uint32_t, Made> devices_;
  uint32_t next_ = 0;
  std::mutex buffers_mutex_;
  std::map<std::pair<const ring::Ring*, uint32_t>, Request*> buffers_;  // under buffers_mutex_
};

}  // namespace strata::testing
