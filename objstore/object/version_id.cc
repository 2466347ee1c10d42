#include "objstore/object/version_id.h"

#include <array>

#include "common/base/bytes.h"
#include "common/digest/checksum.h"

namespace strata::object {
namespace {

constexpr size_t kRandomBytes = 16;
constexpr size_t kRawBytes = kRandomBytes + sizeof(uint64_t);
constexpr size_t kTextBytes = kRawBytes * 4 / 3;
// No hyphen: an id that began with one would look like an option of a command.
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
static_assert(kAlphabet.size() == 64);

using Raw = std::array<std::byte, kRawBytes>;

uint64_t cover_of(const Raw& raw) noexcept {
  return digest::xxh3(Bytes(raw).first(kRandomBytes));
}

}  // namespace

std::string make_version_id(replica::Sequence stamp, uint64_t random_1, uint64_t random_2) {
  Raw raw{};
  store_big(raw.data(), random_1);
  store_big(raw.data() + sizeof(uint64_t), random_2);
  store_big(raw.data() + kRandomBytes, stamp.value() ^ cover_of(raw));
  std::string text;
  text.reserve(kTextBytes);
  for (size_t i = 0; i < kRawBytes; i += 3) {
    const uint32_t three = std::to_integer<uint32_t>(raw[i]) << 16 |
                           std::to_integer<uint32_t>(raw[i + 1]) << 8 |
                           std::to_integer<uint32_t>(raw[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[three >> shift & 63];
  }
  return text;
}

std::optional<replica::Sequence> stamp_of_version_id(std::string_view id) noexcept {
  if (id.size() != kTextBytes) return std::nullopt;
  Raw raw{};
  for (size_t i = 0; i < kRawBytes; i += 3) {
    uint32_t three = 0;
    for (size_t j = 0; j < 4; ++j) {
      const size_t digit = kAlphabet.find(id[i / 3 * 4 + j]);
      if (digit == std::string_view::npos) return std::nullopt;
      three = three << 6 | static_cast<uint32_t>(digit);
    }
    raw[i] = static_cast<std::byte>(three >> 16);
    raw[i + 1] = static_cast<std::byte>(three >> 8 & 0xff);
    raw[i + 2] = static_cast<std::byte>(three & 0xff);
  }
  return replica::Sequence(load_big<uint64_t>(raw.data() + kRandomBytes) ^ cover_of(raw));
}

}  // namespace strata::object
