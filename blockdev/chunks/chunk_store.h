// ChunkStore: the chunks and manifests of snapshots in an ObjectPlace, under the keys that
// docs/snapshot-format.md names. What it gives has been verified: chunks against the SHA-256 that
// they are called by, manifests against their own checksum and the name they were asked for.
//
// Thread rule: from any thread; every call may block.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blockdev/chunks/chunk.h"
#include "blockdev/chunks/manifest.h"
#include "blockdev/chunks/object_place.h"

namespace strata::chunks {

inline constexpr std::string_view kChunksPrefix = "chunks/";
inline constexpr std::string_view kManifestsPrefix = "snapshots/";
inline constexpr std::string_view kClaimsPrefix = "claims/";
inline constexpr size_t kSnapshotsMax = 100'000;

// A manifest that is there, without its content.
struct StoredManifest {
  std::string name;
  uint64_t size_bytes = 0;
  int64_t modified_ms = 0;
};

class ChunkStore {
 public:
  explicit ChunkStore(std::unique_ptr<ObjectPlace> place) : place_(std::move(place)) {}

  // Stores the chunk unless it is there: true if it was not. bytes: kChunkBytes, of that id.
  [[nodiscard]] Result<bool> put_chunk(const ChunkId& id, Bytes bytes);
  // kNotFound; kCorrupt if what is stored is another chunk. into: kChunkBytes.
  [[nodiscard]] Status get_chunk(const ChunkId& id, MutableBytes into);
  [[nodiscard]] Status remove_chunk(const ChunkId& id);
  // After `after`, ascending, a page of them; empty at the end. Other objects below the chunks'
  // prefix are passed over. `after` becomes where the next page begins.
  [[nodiscard]] Result<std::vector<ChunkId>> list_chunks(std::string& after);

  // kAlreadyExists if there is a snapshot of that name.
  [[nodiscard]] Status put_manifest(const Manifest& manifest);
  [[nodiscard]] Result<bool> has_manifest(const std::string& name);
  [[nodiscard]] Result<Manifest> manifest(const std::string& name);
  [[nodiscard]] Status remove_manifest(const std::string& name);
  // By name. kTooLarge past kSnapshotsMax.
  [[nodiscard]] Result<std::vector<StoredManifest>> list_manifests();

  [[nodiscard]] ObjectPlace& place() noexcept { return *place_; }

 private:
  const std::unique_ptr<ObjectPlace> place_;
};

// "chunks/ab/abcd..."
[[nodiscard]] std::string chunk_key(const ChunkId& id);

}  // namespace strata::chunks
