// An ExportTable over devices that a test made, and listening sockets for a server.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "blockdev/device/export_table.h"
#include "common/base/check.h"
#include "common/base/unique_fd.h"

namespace strata::testing {

// Thread rule: any.
class BlockExports final : public device::ExportTable {
 public:
  void add(const std::string& name, device::BlockDevice& device) {
    const std::lock_guard lock(mutex_);
    devices_[name] = &device;
  }

  [[nodiscard]] std::vector<device::ExportInfo> exports() const override {
    const std::lock_guard lock(mutex_);
    std::vector<device::ExportInfo> all;
    for (const auto& [name, device] : devices_) all.push_back({name, "the " + name + " export"});
    return all;
  }
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    auto found = devices_.find(std::string(name));
    if (name.empty() && devices_.size() == 1) found = devices_.begin();
    if (found == devices_.end()) return Error(Code::kNotFound, "no such export");
    return std::unique_ptr<device::ExportLease>(std::make_unique<Lease>(*found->second, leases_));
  }
  [[nodiscard]] int leases() const noexcept { return leases_.load(); }

 private:
  struct Lease final : device::ExportLease {
    Lease(device::BlockDevice& leased, std::atomic<int>& number) : held(leased), count(number) {
      count.fetch_add(1);
    }
    ~Lease() override { count.fetch_sub(1); }
    device::BlockDevice& device() noexcept override { return held; }
    device::BlockDevice& held;
    std::atomic<int>& count;
  };
  mutable std::mutex mutex_;
  std::map<std::string, device::BlockDevice*> devices_;  // under mutex_
  std::atomic<int> leases_{0};
};

[[nodiscard]] inline UniqueFd listen_unix(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CHECK(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  CHECK(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(listen(fd.get(), 128) == 0);
  return fd;
}

// On 127.0.0.1; sets `port` to the one that the kernel chose.
[[nodiscard]] inline UniqueFd listen_tcp(uint16_t& port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(listen(fd.get(), 128) == 0);
  CHECK(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace strata::testing
