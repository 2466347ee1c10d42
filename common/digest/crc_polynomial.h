// Arithmetic on CRC polynomials in bit-reflected form: the highest bit of a word is x^0.
// Source: Mark Adler's crc32_combine in zlib; the method is multiplication modulo the polynomial.
#pragma once

#include <cstdint>

namespace strata::digest {

inline constexpr uint32_t kCrc32Polynomial = 0xedb88320u;   // IEEE 802.3
inline constexpr uint32_t kCrc32cPolynomial = 0x82f63b78u;  // Castagnoli, RFC 3720
inline constexpr uint64_t kCrc64NvmePolynomial =
    0x9a6c9329ac4bc9b5;  // 0xad93d23594c93659 reflected

// a * b modulo the polynomial.
template <typename Word>
[[nodiscard]] constexpr Word multiply(Word a, Word b, Word polynomial) noexcept {
  Word product = 0;
  for (Word bit = Word{1} << (sizeof(Word) * 8 - 1); bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b & 1) ? (b >> 1) ^ polynomial : b >> 1;
  }
  return product;
}

// x^exponent modulo the polynomial, by squaring.
template <typename Word>
[[nodiscard]] constexpr Word power_of_x(uint64_t exponent, Word polynomial) noexcept {
  Word result = Word{1} << (sizeof(Word) * 8 - 1);  // x^0
  Word square = Word{1} << (sizeof(Word) * 8 - 2);  // x^1
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, square, polynomial);
    square = multiply(square, square, polynomial);
  }
  return result;
}

// The CRC of A followed by B, for CRCs that start and end with an inversion. x^(8 * b_bytes) is
// computed as (x^8)^b_bytes, so that no length overflows.
template <typename Word>
[[nodiscard]] constexpr Word combine_crc(Word a, Word b, uint64_t b_bytes,
                                         Word polynomial) noexcept {
  Word shift = Word{1} << (sizeof(Word) * 8 - 1);
  Word square = power_of_x<Word>(8, polynomial);
  for (uint64_t left = b_bytes; left != 0; left >>= 1) {
    if (left & 1) shift = multiply(shift, square, polynomial);
    square = multiply(square, square, polynomial);
  }
  return multiply(a, shift, polynomial) ^ b;
}

}  // namespace strata::digest
