// The server's ublk devices over a simulated driver: made, remembered, taken up and ended.
#include "strata/ublk_devices.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "blockdev/device/memory_device.h"
#include "common/io/memory_file_system.h"
#include "strata/control_ublk.h"
#include "strata/json.h"
#include "tests/support/block_exports.h"
#include "tests/support/simulated_ublk.h"

namespace strata::roof {
namespace {

// The driver is opened anew by each server, and the kernel behind it stays.
class Shared final : public ublk::Driver {
 public:
  explicit Shared(testing::SimulatedUblk& kernel) : kernel_(kernel) {}
  uint64_t features() const noexcept override { return kernel_.features(); }
  Result<ublk::DeviceInfo> add(const ublk::DeviceInfo& wanted) override {
    return kernel_.add(wanted);
  }
  Result<ublk::DeviceInfo> info(uint32_t device) override { return kernel_.info(device); }
  Status set_params(uint32_t device, const ublk::Params& params) override {
    return kernel_.set_params(device, params);
  }
  Status start(uint32_t device) override { return kernel_.start(device); }
  Status stop(uint32_t device, bool force) override { return kernel_.stop(device, force); }
  Status remove(uint32_t device) override { return kernel_.remove(device); }
  Status start_recovery(uint32_t device) override { return kernel_.start_recovery(device); }
  Status end_recovery(uint32_t device) override { return kernel_.end_recovery(device); }
  Status update_size(uint32_t device, uint64_t sectors) override {
    return kernel_.update_size(device, sectors);
  }
  Result<std::unique_ptr<ublk::QueueChannel>> open_queue(const ublk::DeviceInfo& device,
                                                         uint16_t queue) override {
    return kernel_.open_queue(device, queue);
  }

 private:
  testing::SimulatedUblk& kernel_;
};

class RoofUblk : public ::testing::Test {
 protected:
  RoofUblk() {
    CHECK(files_.create_directory("/data").ok());
    exports_.add("db", *disk_);
    exports_.add(kAttached, *disk_);
    start();
  }
  void start() { start(exports_); }
  void start(device::ExportTable& exports) {
    registry_ = std::make_unique<metrics::Registry>();
    auto opened = UblkDevices::open(
        {.files = files_,
         .exports = exports,
         .registry = *registry_,
         .random = random_,
         .open_driver = [this]() -> Result<std::unique_ptr<ublk::Driver>> {
           if (!kernel_has_ublk_) return Error(Code::kUnsupported, "this kernel has no ublk");
           return std::unique_ptr<ublk::Driver>(std::make_unique<Shared>(kernel_));
         }},
        "/data");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    devices_ = std::move(opened).value();
    devices_->start();
  }
  void stop() {
    devices_->stop();
    devices_.reset();
  }
  [[nodiscard]] nlohmann::json list() {
    const auto bytes = io::read_file(files_, "/data/ublk.json", kMiB).value();
    return parse_json(as_text(bytes), kMiB).value()["devices"];
  }

  static constexpr const char* kToken = "0123456789abcdef0123456789abcdef";
  const std::string kAttached = std::string("db:attach-") + kToken;
  io::MemoryFileSystem files_;
  std::unique_ptr<device::MemoryDevice> disk_ = device::MemoryDevice::create(kMiB).value();
  testing::BlockExports exports_;
  SeededRandom random_{7};
  testing::SimulatedUblk kernel_;
  bool kernel_has_ublk_ = true;
  std::unique_ptr<metrics::Registry> registry_;
  std::unique_ptr<UblkDevices> devices_;
};

TEST_F(RoofUblk, a_device_is_on_the_list_before_it_appears_and_until_it_is_gone) {
  const auto made = devices_->add({.volume = "db", .token = kToken, .queues = 2});
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->queues, 2U);
  EXPECT_TRUE(made->recoverable);
  ASSERT_EQ(list().size(), 1U);
  EXPECT_EQ(list()[0]["token"], kToken);
  EXPECT_EQ(devices_->path_of("db"), "/dev/ublkb0");
  EXPECT_EQ(devices_->add({.volume = "db"}).error().code, Code::kConflict);
  EXPECT_TRUE(devices_->remove("db", false).ok());
  EXPECT_EQ(list().size(), 0U);
  EXPECT_EQ(devices_->remove("db", false).error().code, Code::kNotFound);
  EXPECT_EQ(kernel_.devices(), 0U);
}

TEST_F(RoofUblk, the_next_server_takes_the_devices_up) {
  ASSERT_TRUE(devices_->add({.volume = "db", .token = kToken}).ok());
  stop();
  EXPECT_EQ(exports_.leases(), 0);
  start();
  ASSERT_EQ(devices_->list().size(), 1U);
  EXPECT_EQ(devices_->list()[0].problem, "");
  EXPECT_EQ(kernel_.run(0, ublk::IoOp::kRead, 0, 8), 4096);
  EXPECT_TRUE(devices_->remove("db", false).ok());
}

TEST_F(RoofUblk, a_device_that_is_gone_is_forgotten) {
  ASSERT_TRUE(devices_->add({.volume = "db", .token = kToken}).ok());
  stop();
  ASSERT_TRUE(kernel_.stop(0, true).ok() && kernel_.remove(0).ok());  // the host starts again
  start();
  EXPECT_TRUE(devices_->list().empty());
  EXPECT_EQ(list().size(), 0U);
}

TEST_F(RoofUblk, a_device_whose_volume_is_lost_waits_until_it_is_ended) {
  ASSERT_TRUE(devices_->add({.volume = "db", .token = kToken}).ok());
  stop();
  testing::BlockExports none;
  start(none);
  ASSERT_EQ(devices_->list().size(), 1U);
  EXPECT_NE(devices_->list()[0].problem, "");
  EXPECT_EQ(kernel_.devices(), 1U) << "what waits may be the last copy";
  EXPECT_EQ(devices_->path_of("db"), "/dev/ublkb0");
  EXPECT_TRUE(devices_->remove("db", false).ok());
  EXPECT_EQ(kernel_.devices(), 0U);
  stop();
}

TEST_F(RoofUblk, a_device_that_cannot_be_recovered_ends_with_its_server) {
  kernel_.privileged = false;
  const auto made = devices_->add({.volume = "db", .token = kToken});
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(made->recoverable);
  stop();
  EXPECT_EQ(kernel_.devices(), 0U);
  EXPECT_EQ(list().size(), 0U);
}

TEST_F(RoofUblk, without_ublk_nothing_is_made_and_what_was_made_is_kept_in_mind) {
  ASSERT_TRUE(devices_->add({.volume = "db", .token = kToken}).ok());
  stop();
  kernel_has_ublk_ = false;
  start();
  EXPECT_EQ(devices_->list().size(), 1U);
  EXPECT_EQ(devices_->add({.volume = "other"}).error().code, Code::kUnsupported);
  EXPECT_EQ(list().size(), 1U);
}

TEST_F(RoofUblk, a_list_that_is_damaged_or_newer_is_not_touched) {
  stop();
  for (const std::string text :
       {"{", R"({"version": 2, "devices": []})", R"({"version": 1})",
        R"({"version": 1, "devices": [{"volume": "db", "token": "", "read_only": false,
            "number": 0, "identity": "0000000000000000"}]})",
        R"({"version": 1, "devices": [{"volume": "../db", "token": "", "read_only": false,
            "number": 0, "identity": "0000000000000001"}]})"}) {
    ASSERT_TRUE(io::write_file_atomic(files_, "/data/ublk.json", as_bytes(text)).ok());
    const auto loaded = load_ublk_list(files_, "/data/ublk.json");
    ASSERT_FALSE(loaded.ok()) << text;
    EXPECT_EQ(loaded.error().code, Code::kCorrupt);
    EXPECT_NE(loaded.error().message.find("/data/ublk.json"), std::string::npos);
  }
}

TEST_F(RoofUblk, the_control_socket_makes_lists_and_ends_devices) {
  const ControlRoute route = ublk_route(*devices_);
  const auto made =
      route("POST", "/v1/ublk",
            R"({"volume": "db", "token": ")" + std::string(kToken) + R"(", "queues": 1})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_NE(made.body.find("/dev/ublkb0"), std::string::npos);
  EXPECT_EQ(route("POST", "/v1/ublk", R"({"volume": "db"})").status,
            control_status(Code::kConflict));
  EXPECT_EQ(route("POST", "/v1/ublk", "{").status, control_status(Code::kInvalidArgument));
  EXPECT_NE(route("GET", "/v1/ublk", "").body.find("\"db\""), std::string::npos);
  kernel_.in_use = true;
  EXPECT_EQ(route("POST", "/v1/ublk/db/end", "{}").status, control_status(Code::kConflict));
  EXPECT_EQ(route("POST", "/v1/ublk/db/end", R"({"force": true})").status, 200);
  EXPECT_EQ(route("POST", "/v1/ublk/db/end", "{}").status, control_status(Code::kNotFound));
  EXPECT_EQ(route("DELETE", "/v1/ublk", "").status, control_status(Code::kUnsupported));
}

TEST_F(RoofUblk, a_volume_that_is_a_device_is_not_deleted_and_its_growth_is_told) {
  ASSERT_TRUE(devices_->add({.volume = "db", .token = kToken}).ok());
  const ControlRoute route = with_ublk([](const std::string&, const std::string&,
                                          const std::string&) { return ControlAnswer{200, "{}"}; },
                                       *devices_);
  EXPECT_EQ(route("DELETE", "/v1/volumes/db", "").status, control_status(Code::kConflict));
  EXPECT_EQ(route("POST", "/v1/volumes/db/rename", "{}").status, control_status(Code::kConflict));
  EXPECT_EQ(route("DELETE", "/v1/volumes/other", "").status, 200);
  EXPECT_EQ(route("POST", "/v1/volumes/db/resize", "{}").status, 200);
  ASSERT_TRUE(devices_->remove("db", false).ok());
  EXPECT_EQ(route("DELETE", "/v1/volumes/db", "").status, 200);
}

}  // namespace
}  // namespace strata::roof
