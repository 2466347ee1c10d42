#include "common/crypto/aes_gcm.h"

#include <gtest/gtest.h>

#include <cstring>

#include "common/base/check.h"
#include "common/codec/text.h"

namespace strata::crypto {
namespace {

std::string hex(std::string_view text) {
  return codec::from_hex(text).value();
}

Nonce nonce_of(std::string_view text) {
  const std::string raw = hex(text);
  Nonce nonce;
  CHECK(raw.size() == nonce.size());
  std::memcpy(nonce.data(), raw.data(), raw.size());
  return nonce;
}

struct Case {
  const char* key;
  const char* nonce;
  const char* vouched;
  const char* plain;
  const char* sealed;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16 with 12-byte
// nonces.
constexpr Case kCases[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "5"
     "25b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838"
     "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(AesGcm, agrees_with_the_published_test_cases) {
  for (const Case& one : kCases) {
    AesGcm cipher(Secret(as_bytes(hex(one.key))));
    const std::string plain = hex(one.plain);
    std::string sealed(plain.size() + kTagBytes, '\0');
    const std::string vouched = hex(one.vouched);
    cipher.seal(nonce_of(one.nonce), as_bytes(vouched), as_bytes(plain),
                std::as_writable_bytes(std::span(sealed)));
    EXPECT_EQ(codec::to_hex(std::string_view(sealed)), one.sealed);
    std::string opened(plain.size(), 'x');
    EXPECT_TRUE(cipher.open(nonce_of(one.nonce), as_bytes(vouched), as_bytes(sealed),
                            std::as_writable_bytes(std::span(opened))));
    EXPECT_EQ(opened, plain);
  }
}

TEST(AesGcm, opens_nothing_that_was_changed_anywhere) {
  AesGcm cipher(Secret(as_bytes(std::string(kKeyBytes, 'k'))));
  const std::string plain = "the plain text";
  const std::string vouched = "vouched for";
  std::string sealed(plain.size() + kTagBytes, '\0');
  cipher.seal(Nonce{}, as_bytes(vouched), as_bytes(plain),
              std::as_writable_bytes(std::span(sealed)));
  std::string opened(plain.size(), 'x');
  const MutableBytes room = std::as_writable_bytes(std::span(opened));
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string bad = sealed;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(cipher.open(Nonce{}, as_bytes(vouched), as_bytes(bad), room)) << bit;
    EXPECT_EQ(opened, std::string(plain.size(), '\0')) << "nothing unverified is left to be read";
  }
  Nonce other{};
  other[0] = std::byte{1};
  EXPECT_FALSE(cipher.open(other, as_bytes(vouched), as_bytes(sealed), room));
  EXPECT_FALSE(cipher.open(Nonce{}, as_bytes("vouched For"), as_bytes(sealed), room));
}

}  // namespace
}  // namespace strata::crypto
