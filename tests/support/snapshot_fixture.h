// A catalogue in a temporary folder with a snapshot service over objects in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "blockdev/chunks/memory_place.h"
#include "blockdev/snapshot/service.h"
#include "common/io/posix_file_system.h"
#include "tests/support/block_io.h"
#include "tests/support/temp_folder.h"

namespace strata::testing {

// Thread rule: used on one thread.
class SnapshotFixture {
 public:
  SnapshotFixture() { open(); }
  ~SnapshotFixture() { close(); }
  SnapshotFixture(const SnapshotFixture&) = delete;
  SnapshotFixture& operator=(const SnapshotFixture&) = delete;

  void open() {
    auto catalog = volume::Catalog::open(files_, folder_ / "volumes", clock_, random_);
    CHECK(catalog.ok());
    catalog_ = std::move(catalog).value();
    service_ = std::make_unique<snapshot::SnapshotService>(snapshot::SnapshotService::Ground{
        .files = files_,
        .catalog = *catalog_,
        .clock = clock_,
        .server_id = "aa",
        .make_place = [this](const std::string&) -> Result<std::unique_ptr<chunks::ObjectPlace>> {
          return std::unique_ptr<chunks::ObjectPlace>(std::make_unique<Borrowed>(place_));
        }});
    catalog_->set_hooks(service_.get());
    CHECK(service_->start().ok());
  }
  void close() {
    if (service_) service_->stop();
    service_.reset();
    catalog_.reset();
  }

  [[nodiscard]] chunks::MemoryPlace& place() noexcept { return place_; }
  [[nodiscard]] volume::Catalog& catalog() noexcept { return *catalog_; }
  [[nodiscard]] snapshot::SnapshotService& service() noexcept { return *service_; }

  // Waits for the job's end: its message, or its error.
  Result<std::string> finish(const Result<uint64_t>& job) {
    if (!job.ok()) return job.error();
    for (;;) {
      const auto status = service_->jobs().show(*job);
      if (!status.ok()) return status.error();
      if (!status->ended) {
        std::this_thread::yield();
        continue;
      }
      if (status->failed) return Error(status->code, status->message);
      return status->message;
    }
  }
  Result<std::string> snapshot(const std::string& volume, const std::string& name) {
    return finish(service_->create(volume, name, "own", 0));
  }
  Result<std::string> collect() { return finish(service_->collect("own")); }
  // One step of the hydration; false: nothing is left to do.
  Result<bool> hydrate_once() {
    TRY_ASSIGN(const worker::Step step, service_->workers().front().worker->step());
    return step.more;
  }
  // All bytes of an export.
  static ByteVector read_all(device::BlockDevice& device) {
    const uint64_t size = device.geometry().size_bytes;
    AlignedBuffer buffer(size);
    BlockIo io(device);
    EXPECT_EQ(io.read(0, buffer.bytes()), 0);
    return {buffer.bytes().begin(), buffer.bytes().end()};
  }
  ByteVector volume_bytes(const std::string& name) {
    const auto lease = catalog_->lease(name).value();
    return read_all(lease->device());
  }
  ByteVector snapshot_bytes(const std::string& name) {
    const auto lease = service_->lease(name).value();
    return read_all(lease->device());
  }

 private:
  // The place outlives the services that are opened and closed over it.
  class Borrowed final : public chunks::ObjectPlace {
   public:
    explicit Borrowed(chunks::MemoryPlace& place) : place_(place) {}
    Status put(const std::string& key, Bytes bytes, bool if_absent) override {
      return place_.put(key, bytes, if_absent);
    }
    Result<ByteVector> get(const std::string& key, uint64_t bytes_max) override {
      return place_.get(key, bytes_max);
    }
    Result<bool> exists(const std::string& key) override { return place_.exists(key); }
    Result<std::vector<chunks::PlacedObject>> list(const std::string& prefix,
                                                   const std::string& after) override {
      return place_.list(prefix, after);
    }
    Status remove(const std::string& key) override { return place_.remove(key); }
    std::string name() const override { return place_.name(); }

   private:
    chunks::MemoryPlace& place_;
  };

  TempFolder folder_;
  io::PosixFileSystem files_;
  io::SystemClock clock_;
  SystemRandom random_;
  chunks::MemoryPlace place_{clock_};
  std::unique_ptr<volume::Catalog> catalog_;
  std::unique_ptr<snapshot::SnapshotService> service_;
};

}  // namespace strata::testing
