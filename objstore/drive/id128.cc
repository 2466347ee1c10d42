#include "objstore/drive/id128.h"

#include "common/codec/text.h"

namespace strata::drive {

std::string Id128::to_hex() const {
  return codec::to_hex(Bytes(bytes));
}

std::optional<Id128> Id128::from_hex(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const std::optional<std::string> raw = codec::from_hex(text);
  if (!raw) return std::nullopt;
  return from_key(*raw);
}

std::optional<Id128> Id128::from_key(std::string_view key) {
  Id128 id;
  if (key.size() != id.bytes.size()) return std::nullopt;
  std::memcpy(id.bytes.data(), key.data(), key.size());
  return id;
}

}  // namespace strata::drive
