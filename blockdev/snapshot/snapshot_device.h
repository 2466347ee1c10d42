// SnapshotDevice: a snapshot as a read-only disk. Chunks are fetched when they are read, verified,
// and kept for a while; chunks of zeroes are not fetched.
//
// A read whose chunk cannot be fetched ends with -EIO; the next one asks again.
//
// Thread rule: as every BlockDevice. The fetcher outlives it; the destructor waits for its fetches.
#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "blockdev/chunks/manifest.h"
#include "blockdev/device/block_device.h"
#include "blockdev/snapshot/chunk_fetcher.h"
#include "common/base/unique_fd.h"

namespace strata::snapshot {

class SnapshotDevice final : public device::BlockDevice {
 public:
  // Chunks kept in memory: 16 MiB.
  static constexpr size_t kKeptChunks = 32;

  SnapshotDevice(chunks::Manifest manifest, ChunkFetcher& fetcher)
      : manifest_(std::move(manifest)), fetcher_(fetcher) {}
  ~SnapshotDevice() override;

  [[nodiscard]] device::Geometry geometry() const noexcept override {
    return {.size_bytes = manifest_.size_bytes};
  }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override {
    return {.read_only = true, .trim = false, .write_zeroes = false, .block_status = true};
  }
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring& ring) override;
  [[nodiscard]] const chunks::Manifest& manifest() const noexcept { return manifest_; }

 private:
  friend class SnapshotQueue;
  struct Lane {
    UniqueFd signal;
    device::IoRequest* granted = nullptr;  // by state.next_queued; under the device's mutex
  };
  void tell_status(device::IoRequest& request) const;
  // True: all of it has been copied. False: it comes back by its lane.
  [[nodiscard]] bool read(device::IoRequest& request, Lane& lane);
  void fetched(uint64_t chunk, Result<ChunkBuffer> bytes);
  void give(device::IoRequest& request);  // mutex_ held
  void fill(device::IoRequest& request, uint64_t chunk, Bytes bytes) const;
  void keep(uint64_t chunk, ChunkBuffer bytes);           // mutex_ held
  [[nodiscard]] const ChunkBuffer* kept(uint64_t chunk);  // mutex_ held

  const chunks::Manifest manifest_;
  ChunkFetcher& fetcher_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::list<std::pair<uint64_t, ChunkBuffer>> kept_;             // last used first; under mutex_
  std::map<uint64_t, std::vector<device::IoRequest*>> waiting_;  // by chunk; under mutex_
};

}  // namespace strata::snapshot
