// wire_load: one disk over NBD and vhost-user, and the load of a guest on the latter. README.md.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <random>

#include "blockdev/device/file_device.h"
#include "blockdev/device/memory_device.h"
#include "blockdev/nbd/server.h"
#include "blockdev/vhost_user/server.h"
#include "common/base/parse.h"
#include "common/io/posix_file_system.h"
#include "tests/support/block_exports.h"
#include "tests/support/vhost_front_end.h"

namespace strata {
namespace {

using testing::VhostFrontEnd;
using vhost_user::BlockType;

Result<std::unique_ptr<device::BlockDevice>> open_disk(std::string_view kind,
                                                       const std::string& what) {
  if (kind == "memory") {
    TRY_ASSIGN(auto memory, device::MemoryDevice::create(parse_u64(what).value_or(0)));
    return std::unique_ptr<device::BlockDevice>(std::move(memory));
  }
  io::PosixFileSystem files;
  TRY_ASSIGN(auto file, files.open(what, {.write = true, .direct = true}));
  TRY_ASSIGN(auto image, device::FileDevice::open(std::move(file), what));
  return std::unique_ptr<device::BlockDevice>(std::move(image));
}

[[noreturn]] void serve(const std::string& folder, std::string_view kind, const std::string& what) {
  auto disk = open_disk(kind, what);
  CHECK(disk.ok(), disk.ok() ? "" : disk.error().message);
  testing::BlockExports exports;
  exports.add("disk", **disk);
  metrics::Registry registry;
  std::vector<nbd::Listener> listeners;
  listeners.push_back({testing::listen_unix(folder + "/nbd.sock"), nbd::TlsMode::kOff});
  auto nbd = nbd::Server::start(std::move(listeners), exports, registry, {});
  auto vhost = vhost_user::Server::start(testing::listen_unix(folder + "/vhost.sock"), exports,
                                         registry, {.export_name = "disk"});
  CHECK(nbd.ok() && vhost.ok());
  std::cout << "ready" << std::endl;
  while (true) pause();
}

// Requests that go round: each is posted again as soon as it is answered.
class Load {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr uint16_t kEntries = 256;

  Load(VhostFrontEnd& front, BlockType type, uint32_t block, uint16_t depth, uint64_t bytes)
      : front_(front), type_(type), depth_(depth), blocks_(bytes / block), block_(block) {
    started_.resize(depth);
    const bool reads = type == BlockType::kIn;
    for (uint16_t i = 0; i < depth; ++i) {
      const uint64_t at = place(i);
      const auto first = static_cast<uint16_t>(3 * i);
      const auto link = [&](int step, uint64_t address, uint32_t length, bool written) {
        const auto number = static_cast<uint16_t>(first + step);
        front_.put_descriptor(0, number,
                              {VhostFrontEnd::kGuestBase + address, length,
                               static_cast<uint16_t>((written ? vhost_user::kDescriptorWrite : 0) |
                                                     (step < 2 ? vhost_user::kDescriptorNext : 0)),
                               static_cast<uint16_t>(number + 1)});
      };
      link(0, at, sizeof(vhost_user::BlockHeader), false);
      link(1, at + VhostFrontEnd::kDataAt, block, reads);
      link(2, at + VhostFrontEnd::kStatusAt, 1, true);
    }
  }
  void run(std::chrono::seconds time) {
    for (uint16_t i = 0; i < depth_; ++i) post(i);
    front_.kick(0);
    const auto end = Clock::now() + time;
    uint16_t under_way = depth_;
    bool over = false;
    while (under_way > 0) {
      const auto used = front_.take_used(0);
      if (!used) {
        front_.kick(0);
        CHECK(front_.wait_interrupt(0), "the server does not answer");
        over = over || Clock::now() >= end;
        continue;
      }
      const auto slot = static_cast<uint16_t>(used->head / 3);
      CHECK(front_.status(place(slot)) == vhost_user::kStatusOk, "a request failed");
      const Clock::time_point now = Clock::now();
      latencies_ns_.push_back(
          static_cast<uint32_t>(std::min<int64_t>((now - started_[slot]).count(), UINT32_MAX)));
      over = over || now >= end;
      if (over) {
        --under_way;
      } else {
        post(slot);
      }
    }
  }
  [[nodiscard]] uint64_t requests() const { return latencies_ns_.size(); }
  [[nodiscard]] double percentile_us(double share) {
    const auto at = latencies_ns_.begin() +
                    static_cast<ptrdiff_t>(share * static_cast<double>(latencies_ns_.size() - 1));
    std::nth_element(latencies_ns_.begin(), at, latencies_ns_.end());
    return *at / 1000.0;
  }

 private:
  [[nodiscard]] uint64_t place(uint16_t slot) const {
    return front_.data_at() + uint64_t{slot} * round_up(VhostFrontEnd::kDataAt + block_, 4096);
  }
  void post(uint16_t slot) {
    front_.put_header(place(slot), type_, random_() % blocks_ * (block_ / 512));
    started_[slot] = Clock::now();
    front_.make_available(0, static_cast<uint16_t>(3 * slot));
  }

  VhostFrontEnd& front_;
  const BlockType type_;
  const uint16_t depth_;
  const uint64_t blocks_;
  const uint32_t block_;
  std::mt19937_64 random_{1};
  std::vector<Clock::time_point> started_;
  std::vector<uint32_t> latencies_ns_;
};

int run(const std::string& socket, std::string_view rw, const std::vector<uint64_t>& numbers) {
  const auto block = static_cast<uint32_t>(numbers[0]);
  const auto depth = static_cast<uint16_t>(numbers[1]);
  CHECK(block % 512 == 0 && block > 0 && depth > 0 && depth * 3 <= Load::kEntries);
  VhostFrontEnd front(
      {.entries = Load::kEntries, .memory_bytes = 2 * kMiB + depth * round_up(block + 8192, 4096)});
  CHECK(front.open(socket), "no vhost-user server there");
  const BlockType type = rw == "randread" ? BlockType::kIn : BlockType::kOut;
  Load load(front, type, block, depth, numbers[2]);
  const auto begin = Load::Clock::now();
  load.run(std::chrono::seconds(numbers[3]));
  const std::chrono::duration<double> time = Load::Clock::now() - begin;
  std::cout << fmt::format(
      R"({{"rate": {:.1f}, "requests": {}, "latency_us_p50": {:.1f}, "latency_us_p99": {:.1f}}})"
      "\n",
      static_cast<double>(load.requests()) / time.count(), load.requests(), load.percentile_us(0.5),
      load.percentile_us(0.99));
  return 0;
}

int usage() {
  std::cerr << "wire_load serve FOLDER memory|image WHAT\n"
               "wire_load run SOCKET randread|randwrite BLOCK DEPTH BYTES SECONDS\n";
  return 2;
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && words[0] == "serve") strata::serve(words[1], words[2], words[3]);
  if (words.size() != 7 || words[0] != "run") return strata::usage();
  std::vector<uint64_t> numbers;
  for (size_t i = 3; i < words.size(); ++i) {
    const auto number = strata::parse_u64(words[i]);
    if (!number) return strata::usage();
    numbers.push_back(*number);
  }
  return strata::run(words[1], words[2], numbers);
}
