#include "common/digest/crc64_nvme.h"

#include <array>

#include "common/digest/crc_polynomial.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace strata::digest {
namespace {

constexpr size_t kSlices = 8;
using Tables = std::array<std::array<uint64_t, 256>, kSlices>;

// Table i advances one byte and i zero bytes after it, so eight bytes are done at once.
constexpr Tables make_tables() {
  Tables tables{};
  for (uint64_t byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 1) ? (crc >> 1) ^ kCrc64NvmePolynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (size_t slice = 1; slice < kSlices; ++slice) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint64_t crc = tables[slice - 1][byte];
      tables[slice][byte] = tables[0][crc & 0xff] ^ (crc >> 8);
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

// Without the inversions at both ends.
uint64_t raw_by_tables(uint64_t crc, const std::byte* from, size_t count) noexcept {
  for (; count >= 8; from += 8, count -= 8) {
    const uint64_t word = crc ^ load_little<uint64_t>(from);
    crc = kTables[7][word & 0xff] ^ kTables[6][(word >> 8) & 0xff] ^
          kTables[5][(word >> 16) & 0xff] ^ kTables[4][(word >> 24) & 0xff] ^
          kTables[3][(word >> 32) & 0xff] ^ kTables[2][(word >> 40) & 0xff] ^
          kTables[1][(word >> 48) & 0xff] ^ kTables[0][word >> 56];
  }
  for (; count > 0; ++from, --count) {
    crc = kTables[0][(crc ^ static_cast<uint64_t>(*from)) & 0xff] ^ (crc >> 8);
  }
  return crc;
}

#if defined(__x86_64__)

constexpr size_t kFoldBytes = 64;  // four registers of 16 bytes side by side

// Multiplying two reflected words leaves the product one bit short, hence the exponents less one.
constexpr uint64_t fold_constant(uint64_t bits) {
  return power_of_x<uint64_t>(bits - 1, kCrc64NvmePolynomial);
}

// Moves a register `bits` ahead: its first half is 64 bits further from the end than its second.
__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i value, __m128i constants,
                                                             __m128i next) noexcept {
  return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(value, constants, 0x00),
                                     _mm_clmulepi64_si128(value, constants, 0x11)),
                       next);
}

// Folds whole blocks into 16 bytes of the same remainder, which the tables finish. count >= 64.
__attribute__((target("pclmul,sse4.1"))) uint64_t raw_by_folding(uint64_t crc,
                                                                 const std::byte* from,
                                                                 size_t count) noexcept {
  const auto load = [](const std::byte* at) __attribute__((target("pclmul,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  const __m128i by_512 = _mm_set_epi64x(static_cast<int64_t>(fold_constant(512)),
                                        static_cast<int64_t>(fold_constant(512 + 64)));
  const __m128i by_128 = _mm_set_epi64x(static_cast<int64_t>(fold_constant(128)),
                                        static_cast<int64_t>(fold_constant(128 + 64)));
  __m128i a = _mm_xor_si128(load(from), _mm_set_epi64x(0, static_cast<int64_t>(crc)));
  __m128i b = load(from + 16);
  __m128i c = load(from + 32);
  __m128i d = load(from + 48);
  for (from += kFoldBytes, count -= kFoldBytes; count >= kFoldBytes;
       from += kFoldBytes, count -= kFoldBytes) {
    a = fold(a, by_512, load(from));
    b = fold(b, by_512, load(from + 16));
    c = fold(c, by_512, load(from + 32));
    d = fold(d, by_512, load(from + 48));
  }
  b = fold(a, by_128, b);
  c = fold(b, by_128, c);
  d = fold(c, by_128, d);
  for (; count >= 16; from += 16, count -= 16) d = fold(d, by_128, load(from));
  alignas(16) std::byte folded[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(folded), d);
  return raw_by_tables(raw_by_tables(0, folded, sizeof folded), from, count);
}

bool can_fold() noexcept {
  static const bool can = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return can;
}

#endif

}  // namespace

uint64_t crc64_nvme_by_tables(uint64_t crc, Bytes bytes) noexcept {
  return ~raw_by_tables(~crc, bytes.data(), bytes.size());
}

uint64_t crc64_nvme(uint64_t crc, Bytes bytes) noexcept {
#if defined(__x86_64__)
  if (bytes.size() >= kFoldBytes && can_fold()) {
    return ~raw_by_folding(~crc, bytes.data(), bytes.size());
  }
#endif
  return crc64_nvme_by_tables(crc, bytes);
}

}  // namespace strata::digest
