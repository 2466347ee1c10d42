#include "objstore/encryption/key_ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "common/codec/text.h"

namespace strata::encryption {
namespace {

constexpr size_t kGenerationRawBytes = 8;

Error no_such_key(std::string_view name) {
  return Error(Code::kNotFound, kNoSuchKeyReason,
               fmt::format("the key file has no key '{}' of that generation", name));
}

}  // namespace

KeyRing::KeyRing(io::FileSystem& files, std::string path, const io::Clock& clock,
                 RandomSource& random)
    : files_(files), path_(std::move(path)), clock_(clock), random_(random) {}

Result<std::unique_ptr<KeyRing>> KeyRing::open(io::FileSystem& files, std::string path,
                                               const io::Clock& clock, RandomSource& random) {
  auto ring = std::unique_ptr<KeyRing>(new KeyRing(files, std::move(path), clock, random));
  const std::lock_guard lock(ring->mutex_);
  Result<ByteVector> text = io::read_file(files, ring->path_, kKeyFileBytesMax);
  if (text.ok()) {
    Result<std::vector<MasterKey>> keys = parse_keys(as_text(*text));
    crypto::wipe(*text);
    if (!keys.ok()) return keys.error().with_context(ring->path_);
    ring->keys_ = std::move(*keys);
  } else if (text.error().code != Code::kNotFound) {
    return text.error().with_context("cannot read the key file");
  }
  for (const std::string_view name : {kS3KeyName, kDefaultKmsKeyName}) {
    const bool there = std::any_of(ring->keys_.begin(), ring->keys_.end(),
                                   [name](const MasterKey& key) { return key.name == name; });
    if (!there) TRY(ring->add(name));
  }
  return ring;
}

Result<MasterKey> KeyRing::newest(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(keys_.rbegin(), keys_.rend(),
                               [name](const MasterKey& key) { return key.name == name; });
  if (at == keys_.rend()) return no_such_key(name);
  return *at;
}

Result<MasterKey> KeyRing::find(std::string_view name, std::string_view generation) const {
  const std::lock_guard lock(mutex_);
  for (const MasterKey& key : keys_) {
    if (key.name == name && key.generation == generation) return key;
  }
  return no_such_key(name);
}

bool KeyRing::has(std::string_view name) const {
  return newest(name).ok();
}

Status KeyRing::create(std::string_view name) {
  TRY(check_key_name(name));
  const std::lock_guard lock(mutex_);
  for (const MasterKey& key : keys_) {
    if (key.name == name) {
      return Error(Code::kAlreadyExists, fmt::format("there is a key '{}' already", name));
    }
  }
  return add(name);
}

Status KeyRing::rotate(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const bool there = std::any_of(keys_.begin(), keys_.end(),
                                 [name](const MasterKey& key) { return key.name == name; });
  if (!there) return no_such_key(name);
  return add(name);
}

Status KeyRing::add(std::string_view name) {
  if (keys_.size() == kKeysMax) {
    return Error(Code::kTooLarge, fmt::format("the key file holds {} keys and no more", kKeysMax));
  }
  MasterKey key;
  key.name = name;
  std::array<std::byte, kGenerationRawBytes> generation;
  random_.fill(generation);
  key.generation = codec::to_hex(Bytes(generation));
  key.created = clock_.wall_now();
  random_.fill(key.secret.room());
  keys_.push_back(std::move(key));
  std::string text = render_keys(keys_);
  Status written = io::write_file_atomic(files_, path_, as_bytes(text));
  crypto::wipe(std::as_writable_bytes(std::span(text)));
  if (!written.ok()) {
    keys_.pop_back();
    return written.error().with_context("cannot write the key file");
  }
  return {};
}

std::vector<KeyInfo> KeyRing::list() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, KeyInfo> by_name;
  for (const MasterKey& key : keys_) {
    KeyInfo& info = by_name[key.name];
    info = {key.name, key.generation, key.created, info.generations + 1};
  }
  std::vector<KeyInfo> all;
  all.reserve(by_name.size());
  for (auto& [name, info] : by_name) all.push_back(std::move(info));
  return all;
}

}  // namespace strata::encryption
