#include "blockdev/chunks/memory_place.h"

#include <fmt/format.h>

namespace strata::chunks {

void MemoryPlace::set_refuse(Refuse refuse) {
  const std::lock_guard lock(mutex_);
  refuse_ = std::move(refuse);
}

Status MemoryPlace::admit(Call call, const std::string& key) const {
  Refuse refuse;
  {
    const std::lock_guard lock(mutex_);
    refuse = refuse_;
  }
  return refuse ? refuse(call, key) : Status();
}

Status MemoryPlace::put(const std::string& key, Bytes bytes, bool if_absent) {
  TRY(admit(Call::kPut, key));
  const std::lock_guard lock(mutex_);
  if (if_absent && objects_.contains(key)) {
    return Error(Code::kAlreadyExists, fmt::format("{} is there already", key));
  }
  objects_[key] = {ByteVector(bytes.begin(), bytes.end()),
                   clock_.wall_now().time_since_epoch().count()};
  return {};
}

Result<ByteVector> MemoryPlace::get(const std::string& key, uint64_t bytes_max) {
  TRY(admit(Call::kGet, key));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Error(Code::kNotFound, fmt::format("there is no {}", key));
  if (found->second.bytes.size() > bytes_max) {
    return Error(Code::kTooLarge, fmt::format("{} is longer than {} bytes", key, bytes_max));
  }
  return found->second.bytes;
}

Result<bool> MemoryPlace::exists(const std::string& key) {
  TRY(admit(Call::kExists, key));
  const std::lock_guard lock(mutex_);
  return objects_.contains(key);
}

Result<std::vector<PlacedObject>> MemoryPlace::list(const std::string& prefix,
                                                    const std::string& after) {
  TRY(admit(Call::kList, prefix));
  const std::lock_guard lock(mutex_);
  std::vector<PlacedObject> out;
  auto at = after < prefix ? objects_.lower_bound(prefix) : objects_.upper_bound(after);
  for (; at != objects_.end() && at->first.starts_with(prefix); ++at) {
    if (out.size() == kListedKeysMax) break;
    out.push_back({at->first, at->second.bytes.size(), at->second.modified_ms});
  }
  return out;
}

Status MemoryPlace::remove(const std::string& key) {
  TRY(admit(Call::kRemove, key));
  const std::lock_guard lock(mutex_);
  objects_.erase(key);
  return {};
}

size_t MemoryPlace::count(const std::string& prefix) const {
  const std::lock_guard lock(mutex_);
  size_t out = 0;
  for (const auto& [key, object] : objects_) out += key.starts_with(prefix) ? 1 : 0;
  return out;
}

void MemoryPlace::flip_bit(const std::string& key, size_t at) {
  const std::lock_guard lock(mutex_);
  objects_.at(key).bytes.at(at) ^= std::byte{1};
}

}  // namespace strata::chunks
