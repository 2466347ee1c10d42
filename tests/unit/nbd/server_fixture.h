// A server over a memory disk on a Unix socket, in this process.
#pragma once

#include <gtest/gtest.h>

#include "blockdev/device/memory_device.h"
#include "blockdev/nbd/server.h"
#include "tests/support/block_exports.h"
#include "tests/support/nbd_client.h"
#include "tests/support/temp_folder.h"

namespace strata::nbd {

class ServerTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kSize = 64 * kMiB;

  void SetUp() override {
    disk_ = device::MemoryDevice::create(kSize).value();
    exports_.add("disk", *disk_);
  }
  // Before what a derived fixture holds goes: connections that are still open use its disks.
  void TearDown() override { server_.reset(); }
  void start(ServerOptions options = {}) {
    std::vector<Listener> listeners;
    listeners.push_back({testing::listen_unix(socket_path()), tls_});
    auto server = Server::start(std::move(listeners), exports_, registry_, options);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(server).value();
  }
  // Serves a disk of the test's own that lives as long as the server.
  device::BlockDevice& serve(const std::string& name, std::unique_ptr<device::BlockDevice> disk) {
    exports_.add(name, *disk);
    return *kept_.emplace_back(std::move(disk));
  }
  [[nodiscard]] std::string socket_path() const { return folder_ / "nbd.sock"; }

  // A new client is served: the server is alive and has nothing of the others left over.
  void expect_alive() {
    testing::NbdClient client(socket_path());
    ASSERT_TRUE(client.go("disk"));
    ByteVector got(512);
    EXPECT_EQ(client.read(0, got), 0U);
  }

  TlsMode tls_ = TlsMode::kOff;
  testing::TempFolder folder_;
  std::unique_ptr<device::MemoryDevice> disk_;
  std::vector<std::unique_ptr<device::BlockDevice>> kept_;
  testing::BlockExports exports_;
  metrics::Registry registry_;
  std::unique_ptr<Server> server_;
};

}  // namespace strata::nbd
