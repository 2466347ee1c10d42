#include "common/base/description.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata {
namespace {

// Bytes of the UTF-8 character at the front, 0 if there is none. Without surrogates, overlong forms
// and control characters.
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto more = [&](size_t count) {
    if (text.size() < count) return false;
    for (size_t i = 1; i < count; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return false;
    }
    return true;
  };
  const unsigned char first = byte(0);
  if (first >= 0x20 && first < 0x7f) return 1;
  if (first == 0xc2 && more(2)) return byte(1) >= 0xa0 ? 2 : 0;
  if (first >= 0xc3 && first <= 0xdf && more(2)) return 2;
  if (first == 0xe0 && more(3)) return byte(1) >= 0xa0 ? 3 : 0;
  if (first == 0xed && more(3)) return byte(1) < 0xa0 ? 3 : 0;
  if (first >= 0xe1 && first <= 0xef && more(3)) return 3;
  if (first == 0xf0 && more(4)) return byte(1) >= 0x90 ? 4 : 0;
  if (first == 0xf4 && more(4)) return byte(1) < 0x90 ? 4 : 0;
  if (first >= 0xf1 && first <= 0xf3 && more(4)) return 4;
  return 0;
}

}  // namespace

void Description::add(std::string_view name, std::string_view value) {
  fields.push_back({std::string(name), std::string(value), false});
}

void Description::add_number(std::string_view name, uint64_t value) {
  fields.push_back({std::string(name), std::to_string(value), true});
}

void Description::add_damage(uint64_t offset, uint64_t length, std::string_view text) {
  if (damage.size() == kDamageMax) {
    ++damage_not_listed;
    return;
  }
  damage.push_back({offset, length, std::string(text)});
}

void Description::append(const Description& other) {
  fields.insert(fields.end(), other.fields.begin(), other.fields.end());
  for (const Damage& one : other.damage) add_damage(one.offset, one.length, one.what);
  damage_not_listed += other.damage_not_listed;
}

const std::string* Description::find(std::string_view name) const noexcept {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &found->value;
}

std::string printable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    size_t count = bytes.front() == '\\' ? 0 : character_bytes(bytes);
    if (count == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes.front()));
      count = 1;
    } else {
      out += bytes.substr(0, count);
    }
    bytes.remove_prefix(count);
  }
  return out;
}

}  // namespace strata
