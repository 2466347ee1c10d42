// MemoryPlace: objects in memory, for tests. Calls can be made to fail.
//
// Thread rule: any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "blockdev/chunks/object_place.h"
#include "common/io/clock.h"

namespace strata::chunks {

class MemoryPlace final : public ObjectPlace {
 public:
  enum class Call { kPut, kGet, kExists, kList, kRemove };
  // Asked before every call; what it returns is the call's error. The clock outlives this.
  using Refuse = std::function<Status(Call call, const std::string& key)>;
  explicit MemoryPlace(const io::Clock& clock) : clock_(clock) {}
  void set_refuse(Refuse refuse);

  [[nodiscard]] Status put(const std::string& key, Bytes bytes, bool if_absent) override;
  [[nodiscard]] Result<ByteVector> get(const std::string& key, uint64_t bytes_max) override;
  [[nodiscard]] Result<bool> exists(const std::string& key) override;
  [[nodiscard]] Result<std::vector<PlacedObject>> list(const std::string& prefix,
                                                       const std::string& after) override;
  [[nodiscard]] Status remove(const std::string& key) override;
  [[nodiscard]] std::string name() const override { return "memory"; }

  // What is there, for damage to be done and things to be counted.
  [[nodiscard]] size_t count(const std::string& prefix) const;
  void flip_bit(const std::string& key, size_t at);

 private:
  struct Object {
    ByteVector bytes;
    int64_t modified_ms = 0;
  };
  [[nodiscard]] Status admit(Call call, const std::string& key) const;

  const io::Clock& clock_;
  mutable std::mutex mutex_;
  Refuse refuse_;                          // under mutex_
  std::map<std::string, Object> objects_;  // under mutex_
};

}  // namespace strata::chunks
