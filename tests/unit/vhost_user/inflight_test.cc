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
  // The ring that is started then has no more entries than it.
  const uint64_t of_64 = InflightLog::region_bytes(64);
  ASSERT_EQ(set({of_64, 0, 1, 64}, front.inflight_fd()), 0U);
  ASSERT_TRUE(front.share_memory());
  ASSERT_EQ(front.acknowledged(Message::kSetVringNum, VringState{0, 128}), 0U);
  ASSERT_EQ(front.acknowledged(Message::kSetVringAddr, front.address(0)), 0U);
  const UniqueFd kick(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const auto start_ring = [&] {
    return front.acknowledged(Message::kSetVringKick, uint64_t{0}, {kick.get()});
  };
  EXPECT_EQ(start_ring(), 1U);
  ASSERT_EQ(front.acknowledged(Message::kSetVringNum, VringState{0, 64}), 0U);
  EXPECT_EQ(start_ring(), 0U);
}

TEST_F(VhostUser, a_ring_that_nonsense_broke_is_whole_after_the_guests_reset) {
  start();
  FrontEnd front({.inflight = true});
  ASSERT_TRUE(front.open(path()));
  ASSERT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
  front.post(0, {{front.data_at(), 15, false}});
  front.kick(0, true);
  ASSERT_TRUE(front.wait_error(0));
  // As the guest's driver begins again: the front end stops the ring, and keeps the log.
  ASSERT_TRUE(front.stop_queue(0));
  front.reset_ring(0);
  ASSERT_TRUE(front.share_inflight());
  ASSERT_TRUE(front.start_queue(0));
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
}

TEST_F(VhostUser, a_request_whose_memory_was_taken_away_stays_in_the_log) {
  start();
  FrontEnd front({.inflight = true});
  ASSERT_TRUE(front.open(path()));
  ASSERT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
  // The rings stay, the requests do not.
  ASSERT_EQ(ftruncate(front.memory_fd(), static_cast<off_t>(front.data_at())), 0);
  const uint16_t head = front.post(
      0, {{front.data_at(), sizeof(BlockHeader), false}, {front.data_at() + 64, 1, true}});
  front.kick(0, true);
  ASSERT_TRUE(front.closed());
  ByteVector noted(InflightLog::region_bytes(128));
  ASSERT_EQ(pread(front.inflight_fd(), noted.data(), noted.size(), 0),
            static_cast<ssize_t>(noted.size()));
  std::vector<uint16_t> resume;
  EXPECT_TRUE(InflightLog(noted, 128).recover(front.used_index(0), resume));
  EXPECT_EQ(resume, std::vector<uint16_t>{head});
}

// Whether a write is stable when it is answered, as the guest's driver chose, is not forgotten with
// the connection: the front end does not say it again.
class ChosenCache : public VhostUser {
 protected:
  void SetUp() override {
    VhostUser::SetUp();
    disk_below_ = &keep(std::make_unique<FuaSeen>());
    start(*disk_below_);
  }
  // Remembers whether the last write had to be stable.
  class FuaSeen final : public device::BlockDevice {
   public:
    device::Geometry geometry() const noexcept override { return disk_->geometry(); }
    device::Capabilities capabilities() const noexcept override { return disk_->capabilities(); }
    Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override {
      auto out = std::make_unique<Queue>();
      TRY_ASSIGN(out->next, disk_->open_queue(ring));
      out->owner = this;
      return std::unique_ptr<device::BlockQueue>(std::move(out));
    }
    std::atomic<bool> stable{false};

   private:
    struct Queue final : device::BlockQueue {
      void submit(device::IoRequest& request) noexcept override {
        if (request.op == device::Op::kWrite) owner->stable.store(request.fua);
        next->submit(request);
      }
      FuaSeen* owner = nullptr;
      std::unique_ptr<device::BlockQueue> next;
    };
    std::unique_ptr<device::MemoryDevice> disk_ = device::MemoryDevice::create(kSize).value();
  };
  bool writes_stably(FrontEnd& front) {
    EXPECT_EQ(front.run(0, BlockType::kOut, 0, front.data_at(), 512), kStatusOk);
    return disk_below_->stable.load();
  }
  static bool choose(FrontEnd& front, uint8_t writeback) {
    ByteVector payload(sizeof(ConfigWire) + 1);
    const ConfigWire wire{kConfigWceOffset, 1, kConfigFromDriver};
    std::memcpy(payload.data(), &wire, sizeof wire);
    payload.back() = std::byte{writeback};
    // What comes after it is answered after it.
    return front.send(Message::kSetConfig, Bytes(payload)) &&
           front.ask_number(Message::kGetFeatures).has_value();
  }
  void connect_again(FrontEnd& front) {
    front.disconnect();
    start(*disk_below_);
    ASSERT_TRUE(front.open(path()));
  }
  FuaSeen* disk_below_ = nullptr;
};

TEST_F(ChosenCache, of_write_through_holds_with_the_next_server) {
  FrontEnd front({.inflight = true});
  ASSERT_TRUE(front.open(path()));
  EXPECT_FALSE(writes_stably(front));
  ASSERT_TRUE(choose(front, 0));
  EXPECT_TRUE(writes_stably(front));
  connect_again(front);
  EXPECT_TRUE(writes_stably(front));
  ASSERT_TRUE(choose(front, 1));
  EXPECT_FALSE(writes_stably(front));
  connect_again(front);
  EXPECT_FALSE(writes_stably(front));
}

TEST_F(ChosenCache, that_nobody_noted_counts_as_write_through) {
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  EXPECT_FALSE(writes_stably(front));
  ASSERT_TRUE(choose(front, 0));
  connect_again(front);
  EXPECT_TRUE(writes_stably(front));
  EXPECT_EQ(front.config()->writeback, 0);  // read when the disk grew: the driver does not see it
  EXPECT_TRUE(writes_stably(front));
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
