// What other rooms add to every volume of a catalogue: layers over its image, and background work
// that uses it without being a client. Snapshots are such a room.
//
// Thread rule: from any thread; never called with the catalogue's own locks held, but wrap() is
// called while the volume is being opened: it does not lease or hold volumes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "blockdev/device/block_device.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::volume {

// A volume that is being opened.
struct OpenVolume {
  std::string name;
  std::string id;
  std::string folder;  // where its files are
};

class VolumeHooks {
 public:
  virtual ~VolumeHooks() = default;
  // The device that clients get, made of the one of the image. It lives until the last lease and
  // hold are gone.
  [[nodiscard]] virtual Result<std::unique_ptr<device::BlockDevice>> wrap(
      const OpenVolume& volume, std::unique_ptr<device::BlockDevice> image) = 0;
  // The volume is about to be removed: background work that can be given up gives up its hold, and
  // takes none for some seconds.
  virtual void let_go(const std::string& volume_id) = 0;
};

// A file that a new volume has beside its image and metadata from the first moment.
struct SeedFile {
  std::string name;
  ByteVector bytes;
};

}  // namespace strata::volume
