// The volumes that are /dev/ublkbN: served by this process, and remembered in the data folder
// (ublk_list.h), so that a server that starts again takes its devices up where the last one left
// them.
//
// Thread rule: opened, started and stopped by one thread; all else from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/ublk/device.h"
#include "common/base/random.h"
#include "common/io/file_system.h"
#include "common/metrics/metrics.h"
#include "strata/ublk_list.h"

namespace strata::roof {

struct UblkWish {
  std::string volume = {};
  std::string token = {};  // of its attachment; empty: none
  bool read_only = false;
  uint32_t queues = 0;  // 0: as many as the host has processors, at most 4
  bool copy = false;    // data is copied, though the kernel and the volume could do without
};

struct UblkStatus {
  UblkRecord record;
  uint32_t queues = 0;
  bool recoverable = false;  // it outlives this server
  bool zero_copy = false;    // data goes between the kernel's pages and the disk
  std::string problem = {};  // why it is not served
};

class UblkDevices {
 public:
  // What is handed in outlives this.
  struct Ground {
    io::FileSystem& files;
    device::ExportTable& exports;
    metrics::Registry& registry;
    RandomSource& random;
    std::function<Result<std::unique_ptr<ublk::Driver>>()> open_driver = ublk::open_kernel_driver;
  };
  // Reads the list. kCorrupt names the file and what to do.
  [[nodiscard]] static Result<std::unique_ptr<UblkDevices>> open(const Ground& ground,
                                                                 const std::string& data);
  ~UblkDevices();
  UblkDevices(const UblkDevices&) = delete;
  UblkDevices& operator=(const UblkDevices&) = delete;

  // Takes up the devices of the list. One that is gone, as after a restart of the host, is
  // forgotten; one that cannot be served stays on the list with the reason, and waits.
  void start();
  // Answers what is under way and leaves the devices to the next server. A device that cannot be
  // recovered ends.
  void stop();

  // kConflict if the volume is a device already.
  [[nodiscard]] Result<UblkStatus> add(const UblkWish& wanted);
  // The device of the volume is gone. kNotFound if there is none; kConflict while it is in use, but
  // with `force`, and for one that is not served: what waits on that fails.
  [[nodiscard]] Status remove(const std::string& volume, bool force);
  [[nodiscard]] std::vector<UblkStatus> list() const;
  // Its device; empty: none.
  [[nodiscard]] std::string path_of(const std::string& volume) const;
  // The volume has another size.
  void refresh(const std::string& volume);

 private:
  struct Entry {
    UblkRecord record;
    std::unique_ptr<ublk::Device> device;
    std::string problem = {};
  };
  UblkDevices(const Ground& ground, const std::string& data);
  [[nodiscard]] Status save();
  void save_or_log();
  [[nodiscard]] Status ensure_driver();
  // False: the device is gone.
  [[nodiscard]] Result<bool> take_up(Entry& entry, Deadline deadline);
  [[nodiscard]] Status make(Entry& entry, const UblkWish& wanted);
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease(const UblkRecord& record) const;
  [[nodiscard]] static UblkStatus status_of(const Entry& entry);

  const Ground ground_;
  const std::string path_;
  ublk::Instruments instruments_;
  mutable std::mutex mutex_;
  std::unique_ptr<ublk::Driver> driver_;         // under mutex_; opened when first needed
  std::vector<std::unique_ptr<Entry>> entries_;  // under mutex_
  bool stopped_ = false;                         // under mutex_
  std::atomic<size_t> count_{0};
};

}  // namespace strata::roof
