// Catalog: the named volumes of one data folder.
//
// A volume is a folder: the image in place (sparse), and a small versioned metadata file. What a
// create or delete leaves half-done after a crash is finished or undone at the next open.
//
// Thread rule: every method from any thread; methods that change the catalogue block on files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "blockdev/device/export_table.h"
#include "blockdev/volume/volume_hooks.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"

namespace strata::volume {

inline constexpr size_t kNameBytesMax = 64;
inline constexpr size_t kVolumesMax = 1024;
inline constexpr uint64_t kVolumeBytesMin = 4096;
inline constexpr uint64_t kVolumeBytesMax = 64 * kTiB;  // and a multiple of 4096

struct VolumeInfo {
  std::string name;
  std::string id;  // 128 random bits, hex
  uint64_t size_bytes = 0;
  uint64_t allocated_bytes = 0;
  int64_t created_ms = 0;  // wall time
  uint32_t clients = 0;    // leases now
  std::string image_path;
};

// What a new volume may have besides its name and size.
struct CreateOptions {
  std::string id;               // 32 hexadecimal digits that nobody else has; empty: random
  std::vector<SeedFile> seeds;  // names that are none of the catalogue's own
};

class Catalog final : public device::ExportTable {
 public:
  // root: a folder, made if missing. kCorrupt names the damaged metadata file and what to do.
  [[nodiscard]] static Result<std::unique_ptr<Catalog>> open(io::FileSystem& files,
                                                             std::string root,
                                                             const io::Clock& clock,
                                                             RandomSource& random);
  ~Catalog() override;

  // Before the first lease; the hooks outlive every lease and hold. Without hooks clients get the
  // image as it is.
  void set_hooks(VolumeHooks* hooks);

  // Names: a letter or digit, then letters, digits, '.', '_' or '-', at most kNameBytesMax.
  [[nodiscard]] Result<VolumeInfo> create(std::string_view name, uint64_t size_bytes,
                                          const CreateOptions& options = {});
  [[nodiscard]] Result<VolumeInfo> show(std::string_view name) const;
  [[nodiscard]] std::vector<VolumeInfo> list() const;
  // kConflict while a client is connected or work that cannot be given up holds the volume.
  [[nodiscard]] Status remove(std::string_view name);

  [[nodiscard]] std::vector<device::ExportInfo> exports() const override;
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> lease(std::string_view name) override;
  // A lease of the program's own, for work on the volume: it keeps the volume, is given while
  // clients have leases too, and does not count as a client.
  [[nodiscard]] Result<std::unique_ptr<device::ExportLease>> hold(std::string_view name);

 private:
  struct Impl;
  explicit Catalog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] Status check_volume_name(std::string_view name);

}  // namespace strata::volume
