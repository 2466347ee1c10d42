// Servers that are lost with requests in flight: the next one loses none and repeats none.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "blockdev/device/file_device.h"
#include "blockdev/vhost_user/inflight.h"
#include "common/io/posix_file_system.h"
#include "tests/unit/vhost_user/server_fixture.h"

namespace strata::vhost_user {
namespace {

class Log : public ::testing::Test {
 protected:
  static constexpr uint32_t kEntries = 8;
  Log() : memory_(InflightLog::region_bytes(kEntries) / sizeof(uint64_t)) {
    EXPECT_FALSE(next().recover(0, resume_));
  }
  // What a next server sees.
  InflightLog next() {
    return {MutableBytes(reinterpret_cast<std::byte*>(memory_.data()), memory_.size() * 8),
            kEntries};
  }
  std::vector<uint16_t> after(uint16_t used) {
    EXPECT_TRUE(next().recover(used, resume_));
    return resume_;
  }
  using Heads = std::vector<uint16_t>;
  std::vector<uint64_t> memory_;
  std::vector<uint16_t> resume_;
};

TEST_F(Log, what_was_taken_is_served_again_in_its_order) {
  InflightLog log = next();
  ASSERT_TRUE(log.recover(0, resume_));
  for (const uint16_t head : Heads{5, 2, 7}) log.taken(head);
  EXPECT_EQ(after(0), (Heads{5, 2, 7}));
  // And once more, with what came after it.
  InflightLog second = next();
  ASSERT_TRUE(second.recover(0, resume_));
  second.taken(0);
  EXPECT_EQ(after(0), (Heads{5, 2, 7, 0}));
}

TEST_F(Log, a_server_may_be_lost_at_each_step_of_a_batch) {
  InflightLog log = next();
  ASSERT_TRUE(log.recover(0, resume_));
  for (const uint16_t head : Heads{1, 2, 3}) log.taken(head);
  log.finished(1);
  log.finished(2);
  EXPECT_EQ(after(0), (Heads{1, 2, 3}));  // not published: the guest knows of neither
  const std::vector<uint64_t> before = memory_;
  EXPECT_EQ(after(2), (Heads{3}));  // published, and lost before it was written down
  memory_ = before;
  log.published(2);
  EXPECT_EQ(after(2), (Heads{3}));
  log.finished(3);
  EXPECT_EQ(after(2), (Heads{3}));
  EXPECT_EQ(after(3), Heads{});
}

TEST_F(Log, a_log_full_of_nonsense_is_bounded) {
  std::minstd_rand random(3);
  for (int round = 0; round < 200; ++round) {
    for (uint64_t& word : memory_) word = (uint64_t{random()} << 33) ^ random();
    std::byte* const bytes = reinterpret_cast<std::byte*>(memory_.data());
    store_little(bytes + 8, uint16_t{1});
    store_little(bytes + 10, static_cast<uint16_t>(kEntries));
    for (const uint16_t head : after(static_cast<uint16_t>(random()))) EXPECT_LT(head, kEntries);
  }
}

// Takes requests and answers none before it is released.
class HoldingDevice final : public device::BlockDevice {
 public:
  HoldingDevice() : released_(eventfd(0, EFD_CLOEXEC)) {}
  device::Geometry geometry() const noexcept override { return {.size_bytes = 64 * kMiB}; }
  device::Capabilities capabilities() const noexcept override { return {}; }
  Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
    return std::unique_ptr<device::BlockQueue>(std::make_unique<Queue>(*this, ring));
  }
  void release() {
    const uint64_t one = 1;
    CHECK(write(released_.get(), &one, sizeof one) == sizeof one);
  }
  std::atomic<int> held{0};

 private:
  struct Queue final : device::BlockQueue {
    struct Signal : ring::Operation {
      Queue* queue = nullptr;
    };
    Queue(HoldingDevice& owner, ring::Ring& used_ring) : device(owner), ring(used_ring) {
      signal.queue = this;
      signal.complete = [](ring::Operation& op, int32_t) noexcept {
        Queue& self = *static_cast<Signal&>(op).queue;
        for (device::IoRequest* one : std::exchange(self.waiting, {})) one->complete(*one, 0);
      };
    }
    void submit(device::IoRequest& request) noexcept override {
      if (waiting.empty()) ring.poll(signal, device.released_.get(), POLLIN);
      waiting.push_back(&request);
      device.held.fetch_add(1);
    }
    HoldingDevice& device;
    ring::Ring& ring;
    Signal signal;
    std::vector<device::IoRequest*> waiting;
  };
  UniqueFd released_;
};

void wait_until(const std::function<bool()>& reached) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!reached()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::yield();
  }
}

TEST_F(VhostUser, requests_of_a_lost_server_are_served_by_the_next_one) {
  auto& holding = keep(std::make_unique<HoldingDevice>());
  start(holding);
  FrontEnd front({.inflight = true});
  ASSERT_TRUE(front.open(path()));
  for (uint64_t i = 0; i < 3; ++i) {
    const uint64_t at = front.data_at() + i * 64 * kKiB;
    fill(front.memory(at + FrontEnd::kDataAt, 512), static_cast<uint8_t>(i + 1));
    front.post_simple(0, BlockType::kOut, i, at, 512);
  }
  front.kick(0);
  wait_until([&] { return holding.held.load() == 3; });
  // The server loses the front end; what its disk answers now tells nobody.
  front.disconnect();
  wait_until([&] { return server_->sessions() == 1; });
  holding.release();
  wait_until([&] { return server_->sessions() == 0; });
  EXPECT_EQ(front.used_index(0), 0);
  start();
  ASSERT_TRUE(front.open(path()));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(front.wait_used(0)) << i;
  for (uint64_t i = 0; i < 3; ++i) {
    const uint64_t at = front.data_at() + i * 64 * kKiB;
    EXPECT_EQ(front.status(at), kStatusOk);
    ASSERT_EQ(front.run(0, BlockType::kIn, i, at, 512), kStatusOk);
    ByteVector expected(512);
    fill(expected, static_cast<uint8_t>(i + 1));
    EXPECT_EQ(std::memcmp(front.memory(at + FrontEnd::kDataAt, 512).data(), expected.data(), 512),
              0);
  }
  EXPECT_EQ(front.used_index(0), 6);
}

TEST_F(VhostUser, messages_wait_until_requests_are_done) {
  auto& holding = keep(std::make_unique<HoldingDevice>());
  start(holding);
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  front.post_simple(0, BlockType::kIn, 0, front.data_at(), 512);
  front.kick(0);
  wait_until([&] { return holding.held.load() == 1; });
  ASSERT_TRUE(front.send(Message::kGetVringBase, VringState{0, 0}));
  ASSERT_TRUE(front.send(Message::kGetFeatures, Bytes()));
  holding.release();
  const auto base = front.reply(Message::kGetVringBase);
  ASSERT_TRUE(base);
  EXPECT_EQ(load_little<uint32_t>(base->data() + 4), 1U);
  EXPECT_TRUE(front.take_used(0));
  EXPECT_TRUE(front.reply(Message::kGetFeatures));
}

TEST_F(VhostUser, a_log_of_requests_must_fit_its_rings) {
  start();
  FrontEnd front({.inflight = true});
  ASSERT_TRUE(front.connect(path()));
  ASSERT_TRUE(front.negotiate());
  ASSERT_TRUE(front.share_inflight());
  const UniqueFd small(memfd_create("small", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(small.get(), 100), 0);
  const uint64_t bytes = InflightLog::region_bytes(128);
  const auto set = [&](const InflightWire& wire, int fd) {
    return front.acknowledged(Message::kSetInflightFd, wire, {fd});
  };
  EXPECT_EQ(set({bytes, 0, 1, 128}, small.get()), 1U);
  EXPECT_EQ(set({bytes, 0, 2, 128}, front.inflight_fd()), 1U);
  EXPECT_EQ(set({bytes, 4, 1, 128}, front.inflight_fd()), 1U);
  EXPECT_EQ(set({~uint64_t{0}, 0, 1, 128}, front.inflight_fd()), 1U);
  EXPECT_EQ(set({bytes, 0, 1, 128}, front.inflight_fd()), 0U);
}

#if defined(__SANITIZE_THREAD__)
constexpr bool kMayFork = false;
#else
constexpr bool kMayFork = true;
#endif

class KilledServer : public VhostUser {
 protected:
  static constexpr uint64_t kImageBytes = 8 * kMiB;

  void SetUp() override {
    VhostUser::SetUp();
    image_ = folder_ / "image";
    ASSERT_TRUE(
        files_.open(image_, {.write = true, .create = true}).value()->truncate(kImageBytes).ok());
    listener_ = testing::listen_unix(path());
  }
  void TearDown() override { kill(); }
  // A process that serves the image on the listener, which this one keeps.
  void spawn() {
    child_ = fork();
    ASSERT_GE(child_, 0);
    if (child_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto file = device::FileDevice::open(
        files_.open(image_, {.write = true, .direct = true}).value(), image_);
    CHECK(file.ok());
    exports_.add("disk", **file);
    auto server =
        Server::start(UniqueFd(dup(listener_.get())), exports_, registry_, {.export_name = "disk"});
    CHECK(server.ok());
    while (true) pause();
  }
  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    int status = 0;
    waitpid(std::exchange(child_, -1), &status, 0);
  }

  io::PosixFileSystem files_;
  std::string image_;
  UniqueFd listener_;
  pid_t child_ = -1;
};

TEST_F(KilledServer, under_load_every_request_is_answered_once_and_no_write_is_lost) {
  if (!kMayFork) GTEST_SKIP() << "ThreadSanitizer cannot follow a fork that starts threads";
  constexpr uint64_t kLanes = 16;
  constexpr uint64_t kEach = 64 * kKiB;
  std::minstd_rand random(11);
  FrontEnd front({.entries = 64, .inflight = true});
  std::map<uint16_t, uint64_t> lane_of;  // by the request's head
  std::array<uint64_t, kLanes> sent{};
  std::array<uint64_t, kLanes> answered{};
  const auto post = [&](uint64_t lane) {
    const uint64_t at = front.data_at() + lane * kEach;
    const MutableBytes data = front.memory(at + FrontEnd::kDataAt, 4096);
    store_little(data.data(), ++sent[lane]);
    const uint16_t head = front.post_simple(0, BlockType::kOut, lane * 8, at, 4096);
    EXPECT_TRUE(lane_of.emplace(head, lane).second);
  };
  const auto take = [&]() -> bool {
    const auto used = front.wait_used(0);
    if (!used) return false;
    const auto found = lane_of.find(used->head);
    if (found == lane_of.end()) return false;  // answered twice
    const uint64_t lane = found->second;
    lane_of.erase(found);
    EXPECT_EQ(front.status(front.data_at() + lane * kEach), kStatusOk);
    answered[lane] = sent[lane];
    return true;
  };
  for (int life = 0; life < 5; ++life) {
    spawn();
    ASSERT_TRUE(front.open(path()));
    for (uint64_t lane = 0; lane < kLanes; ++lane) {
      if (sent[lane] == answered[lane]) post(lane);
    }
    front.kick(0, true);
    const uint64_t requests = 50 + random() % 200;
    for (uint64_t i = 0; i < requests; ++i) {
      ASSERT_TRUE(take()) << "life " << life;
      for (uint64_t lane = 0; lane < kLanes; ++lane) {
        if (sent[lane] == answered[lane]) post(lane);
      }
      front.kick(0);
    }
    kill();
  }
  spawn();
  ASSERT_TRUE(front.open(path()));
  while (!lane_of.empty()) ASSERT_TRUE(take());
  EXPECT_FALSE(front.take_used(0));
  for (uint64_t lane = 0; lane < kLanes; ++lane) {
    const uint64_t at = front.data_at() + lane * kEach;
    ASSERT_EQ(front.run(0, BlockType::kIn, lane * 8, at, 4096), kStatusOk);
    EXPECT_EQ(load_little<uint64_t>(front.memory(at + FrontEnd::kDataAt, 8).data()), sent[lane]);
  }
}

}  // namespace
}  // namespace strata::vhost_user
