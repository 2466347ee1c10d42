// A vhost-user server over a disk on a Unix socket, in this process.
#pragma once

#include <gtest/gtest.h>

#include "blockdev/device/memory_device.h"
#include "blockdev/vhost_user/server.h"
#include "tests/support/block_exports.h"
#include "tests/support/temp_folder.h"
#include "tests/support/vhost_front_end.h"

namespace strata::vhost_user {

class VhostUser : public ::testing::Test {
 protected:
  using FrontEnd = testing::VhostFrontEnd;
  static constexpr uint64_t kSize = 64 * kMiB;

  void SetUp() override { disk_ = device::MemoryDevice::create(kSize).value(); }
  void start(device::BlockDevice& device, ServerOptions options = {}) {
    server_.reset();
    unlink(path().c_str());
    options.export_name = "disk";
    if (options.serial.empty()) options.serial = "serial-of-the-disk";
    exports_.add("disk", device);
    auto server = Server::start(testing::listen_unix(path()), exports_, registry_, options);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(server).value();
  }
  void start() { start(*disk_); }
  // A disk that lives as long as the server.
  template <typename T>
  T& keep(std::unique_ptr<T> disk) {
    T& out = *disk;
    kept_.push_back(std::move(disk));
    return out;
  }
  [[nodiscard]] std::string path() const { return folder_ / "vhost.sock"; }
  static void fill(MutableBytes bytes, uint8_t seed) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(seed + i * 7 + i / 251);
    }
  }
  // A new front end is served: the server is alive and has nothing of the others left over.
  void expect_alive() {
    FrontEnd front({});
    ASSERT_TRUE(front.open(path()));
    EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
  }

  testing::TempFolder folder_;
  std::unique_ptr<device::MemoryDevice> disk_;
  std::vector<std::unique_ptr<device::BlockDevice>> kept_;
  testing::BlockExports exports_;
  metrics::Registry registry_;
  std::unique_ptr<Server> server_;
};

}  // namespace strata::vhost_user
