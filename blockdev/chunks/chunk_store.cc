#include "blockdev/chunks/chunk_store.h"

#include <fmt/format.h>

#include <cstring>

#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::chunks {
namespace {

std::string manifest_key(const std::string& name) {
  return std::string(kManifestsPrefix) + name;
}

}  // namespace

std::string chunk_key(const ChunkId& id) {
  const std::string hex = id.to_hex();
  return fmt::format("{}{}/{}", kChunksPrefix, hex.substr(0, 2), hex);
}

Result<bool> ChunkStore::put_chunk(const ChunkId& id, Bytes bytes) {
  CHECK(bytes.size() == kChunkBytes);
  const std::string key = chunk_key(id);
  TRY_ASSIGN(const bool there, place_->exists(key));
  if (there) return false;
  // Whoever else stores it at the same time stores the same bytes.
  TRY(place_->put(key, bytes, false));
  return true;
}

Status ChunkStore::get_chunk(const ChunkId& id, MutableBytes into) {
  CHECK(into.size() == kChunkBytes);
  const std::string key = chunk_key(id);
  TRY_ASSIGN(const ByteVector bytes, place_->get(key, kChunkBytes));
  if (bytes.size() != kChunkBytes || chunk_id(bytes) != id) {
    log::error("snapshot.chunk_corrupt",
               {{"place", place_->name()}, {"key", key}, {"bytes", bytes.size()}});
    return Error(Code::kCorrupt, "snapshot_chunk",
                 fmt::format("{}: the object {} does not hold the chunk that it is called by",
                             place_->name(), key));
  }
  std::memcpy(into.data(), bytes.data(), kChunkBytes);
  return {};
}

Status ChunkStore::remove_chunk(const ChunkId& id) {
  return place_->remove(chunk_key(id));
}

Result<std::vector<ChunkId>> ChunkStore::list_chunks(std::string& after) {
  std::vector<ChunkId> out;
  // A page may hold nothing but objects of others: then the next one is asked for.
  while (out.empty()) {
    TRY_ASSIGN(const auto page, place_->list(std::string(kChunksPrefix), after));
    if (page.empty()) break;
    for (const PlacedObject& object : page) {
      const std::string_view key = object.key;
      const auto id = parse_chunk_id(key.substr(key.rfind('/') + 1));
      if (id && chunk_key(*id) == key) out.push_back(*id);
    }
    after = page.back().key;
  }
  return out;
}

Status ChunkStore::put_manifest(const Manifest& manifest) {
  TRY(check_snapshot_name(manifest.name));
  Status put = place_->put(manifest_key(manifest.name), encode_manifest(manifest), true);
  if (!put.ok() && put.error().code == Code::kAlreadyExists) {
    return Error(Code::kAlreadyExists,
                 fmt::format("there is a snapshot '{}' already", manifest.name));
  }
  return put;
}

Result<bool> ChunkStore::has_manifest(const std::string& name) {
  TRY(check_snapshot_name(name));
  return place_->exists(manifest_key(name));
}

Result<Manifest> ChunkStore::manifest(const std::string& name) {
  TRY(check_snapshot_name(name));
  auto bytes = place_->get(manifest_key(name), kManifestBytesMax);
  if (!bytes.ok()) {
    if (bytes.error().code != Code::kNotFound) return std::move(bytes).error();
    return Error(Code::kNotFound,
                 fmt::format("there is no snapshot '{}' in {}", name, place_->name()));
  }
  auto decoded = decode_manifest(*bytes);
  if (!decoded.ok()) {
    return std::move(decoded).error().with_context(fmt::format("the snapshot '{}'", name));
  }
  if (decoded->name != name) {
    return Error(Code::kCorrupt, "snapshot_manifest",
                 fmt::format("the manifest of '{}' is that of '{}'", name, decoded->name));
  }
  return decoded;
}

Status ChunkStore::remove_manifest(const std::string& name) {
  TRY(check_snapshot_name(name));
  return place_->remove(manifest_key(name));
}

Result<std::vector<StoredManifest>> ChunkStore::list_manifests() {
  std::vector<StoredManifest> out;
  std::string after;
  for (;;) {
    TRY_ASSIGN(const auto page, place_->list(std::string(kManifestsPrefix), after));
    if (page.empty()) return out;
    for (const PlacedObject& object : page) {
      std::string name = object.key.substr(kManifestsPrefix.size());
      if (!check_snapshot_name(name).ok()) continue;
      if (out.size() == kSnapshotsMax) {
        return Error(Code::kTooLarge, fmt::format("{} holds more than {} snapshots; delete some",
                                                  place_->name(), kSnapshotsMax));
      }
      out.push_back({std::move(name), object.size_bytes, object.modified_ms});
    }
    after = page.back().key;
  }
}

}  // namespace strata::chunks
