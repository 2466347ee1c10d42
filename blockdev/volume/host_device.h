// Block devices of the host as the disks of volumes: what is at a path now, how it is known again,
// and the claim to it.
//
// A device is known by what the kernel says of it, never by its path alone: after a restart another
// disk may be called /dev/sdb. Nothing is written to a device but what the volume's clients write.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::volume {

inline constexpr size_t kDevicePathBytesMax = 512;
inline constexpr size_t kDeviceIdentityBytesMax = 256;

// Where a volume's device is, and which one it is.
struct DeviceReference {
  std::string path;      // absolute; printable ASCII without spaces
  std::string identity;  // the same; "wwid:naa.5000c500a1b2c3d4/start:2048"
  friend bool operator==(const DeviceReference&, const DeviceReference&) = default;
};

struct FoundDevice {
  std::string identity;
  uint64_t size_bytes = 0;
};

struct ClaimedDevice {
  FoundDevice found;
  std::unique_ptr<io::File> file;  // closing it gives the claim back
};

// A seam, so that tests need no root. Any thread; calls block.
class HostDevices {
 public:
  virtual ~HostDevices() = default;
  // kNotFound, kPermissionDenied; kInvalidArgument for what is no block device; kUnsupported if the
  // kernel knows nothing by which it would be known again.
  [[nodiscard]] virtual Result<FoundDevice> look(const std::string& path) = 0;
  // The same, open for reading and writing, and claimed as mount does: kConflict if it, or a part
  // of it, is mounted or claimed by anybody else.
  [[nodiscard]] virtual Result<ClaimedDevice> claim(const std::string& path, bool direct) = 0;
};

class SystemDevices final : public HostDevices {
 public:
  explicit SystemDevices(io::FileSystem& files) : files_(files) {}
  [[nodiscard]] Result<FoundDevice> look(const std::string& path) override;
  [[nodiscard]] Result<ClaimedDevice> claim(const std::string& path, bool direct) override;

 private:
  io::FileSystem& files_;
};

// What the kernel's folder of a block device (/sys/dev/block/MAJOR:MINOR) says of it that will be
// the same after a restart: the UUID of LVM, device mapper or RAID, the WWID, the serial number, or
// the file behind a loop device; of a partition that of its disk, and where it begins. Empty if
// there is nothing.
[[nodiscard]] std::string device_identity(const std::string& sysfs_folder);

// Whether two volumes on devices of these identities would share bytes: one disk, or a disk and a
// partition of it.
[[nodiscard]] bool devices_overlap(std::string_view one, std::string_view other) noexcept;

// kInvalidArgument with the rule.
[[nodiscard]] Status check_device_path(std::string_view path);
[[nodiscard]] bool is_device_text(std::string_view text, size_t bytes_max) noexcept;

// kConflict, saying where, if there is data on the device: all of it is read up to 256 MiB, above
// that 16 MiB at each end, where filesystems and partition tables have their marks, and samples.
[[nodiscard]] Status check_device_blank(io::File& device, uint64_t size_bytes,
                                        const std::string& path);

// kCorrupt if the device is not the one that was referred to, or has become smaller.
[[nodiscard]] Status check_same_device(const DeviceReference& wanted, uint64_t size_bytes,
                                       const FoundDevice& found);

}  // namespace strata::volume
