#include "common/digest/checksum.h"

#include <gtest/gtest.h>

#include <cctype>

#include "common/base/random.h"
#include "common/codec/text.h"
#include "common/digest/crc64_nvme.h"

namespace strata::digest {
namespace {

constexpr uint64_t kSeed = 20260101;

std::string random_text(SeededRandom& random, size_t bytes) {
  std::string text(bytes, '\0');
  random.fill(std::as_writable_bytes(std::span(text)));
  return text;
}

std::string hex_checksum(ChecksumAlgorithm algorithm, std::string_view text) {
  return codec::to_hex(checksum(algorithm, as_bytes(text)));
}

// CRCs a bit at a time, from nothing but their definition.
template <typename Word>
Word slow_crc(std::string_view text, Word reflected_polynomial) {
  Word crc = ~Word{0};
  for (const char c : text) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1) ? (crc >> 1) ^ reflected_polynomial : crc >> 1;
    }
  }
  return ~crc;
}
template <typename Word>
std::string big_endian(Word value) {
  std::string raw;
  for (int shift = sizeof(Word) * 8 - 8; shift >= 0; shift -= 8) {
    raw += static_cast<char>(value >> shift);
  }
  return raw;
}
std::string slow_checksum(ChecksumAlgorithm algorithm, std::string_view text) {
  if (algorithm == ChecksumAlgorithm::kCrc32) return big_endian(slow_crc(text, 0xedb88320u));
  if (algorithm == ChecksumAlgorithm::kCrc32c) return big_endian(slow_crc(text, 0x82f63b78u));
  return big_endian(slow_crc(text, uint64_t{0x9a6c9329ac4bc9b5}));
}

TEST(Checksum, gives_the_published_check_values) {
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kCrc32, "123456789"), "cbf43926");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kCrc32c, "123456789"), "e3069283");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kCrc64Nvme, "123456789"), "ae8b14860a799888");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kSha1, "abc"),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kSha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kSha512, "abc"),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kMd5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kXxhash64, ""), "ef46db3751d8e999");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kXxhash64, "abc"), "44bc2cf5ad770999");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kXxhash3, ""), "2d06800538d394c2");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kXxhash3, "abc"), "78af5f94892f3950");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kXxhash128, ""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hex_checksum(ChecksumAlgorithm::kXxhash128, "abc"), "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(codec::to_hex(md5(as_bytes(""))), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(codec::to_hex(md5(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(codec::to_hex(sha256({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hmac, of_sha1_gives_the_published_values) {  // RFC 2202
  EXPECT_EQ(codec::to_hex(hmac_sha1(as_bytes(std::string(20, '\x0b')), as_bytes("Hi There"))),
            "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(codec::to_hex(hmac_sha1(as_bytes(std::string(80, '\xaa')),
                                    as_bytes("Test Using Larger Than Block-Size Key - Hash Key "
                                             "First"))),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST(Checksum, crcs_agree_with_their_definition_at_every_length_and_alignment) {
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  const std::string text = random_text(random, 700);
  for (const auto algorithm : kChecksumAlgorithms) {
    if (!checksum_combines(algorithm)) continue;
    for (size_t length = 0; length < 600; ++length) {
      const std::string_view piece = std::string_view(text).substr(length % 17, length);
      ASSERT_EQ(checksum(algorithm, as_bytes(piece)), slow_checksum(algorithm, piece)) << length;
    }
  }
}

TEST(Checksum, crc64_is_the_same_with_and_without_carry_less_multiplication) {
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  for (int round = 0; round < 50; ++round) {
    const std::string text = random_text(random, random.below(10'000));
    const uint64_t start = random.next_u64();
    ASSERT_EQ(crc64_nvme(start, as_bytes(text)), crc64_nvme_by_tables(start, as_bytes(text)));
  }
}

TEST(Checksum, pieces_give_the_same_value_as_the_whole) {
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  for (const auto algorithm : kChecksumAlgorithms) {
    const std::string text = random_text(random, 5000);
    const auto hasher = make_hasher(algorithm);
    for (size_t at = 0; at < text.size();) {
      const size_t length = std::min<size_t>(random.below(300), text.size() - at);
      hasher->update(as_bytes(std::string_view(text).substr(at, length)));
      at += length;
    }
    const std::string value = hasher->finish();
    EXPECT_EQ(value, checksum(algorithm, as_bytes(text)));
    EXPECT_EQ(value.size(), checksum_size(algorithm));
  }
}

TEST(Checksum, combining_parts_gives_the_checksum_of_the_whole) {
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  for (const auto algorithm : kChecksumAlgorithms) {
    if (!checksum_combines(algorithm)) continue;
    for (int round = 0; round < 40; ++round) {
      const std::string a = random_text(random, random.below(3000));
      const std::string b = random_text(random, random.below(3000));
      EXPECT_EQ(combine(algorithm, checksum(algorithm, as_bytes(a)),
                        checksum(algorithm, as_bytes(b)), b.size()),
                checksum(algorithm, as_bytes(a + b)));
    }
  }
}

TEST(Checksum, combining_works_for_lengths_whose_bits_do_not_fit_a_word) {
  // Appending n zero bytes twice is appending 2n zero bytes; with 2^61 bytes 8n overflows 64 bits.
  const std::string value = checksum(ChecksumAlgorithm::kCrc64Nvme, as_bytes("strata"));
  const std::string zero(8, '\0');
  const uint64_t n = uint64_t{1} << 61;
  const std::string once = combine(ChecksumAlgorithm::kCrc64Nvme, value, zero, n);
  EXPECT_EQ(combine(ChecksumAlgorithm::kCrc64Nvme, once, zero, n),
            combine(ChecksumAlgorithm::kCrc64Nvme, value, zero, 2 * n));
  EXPECT_NE(once, value);
}

TEST(Checksum, names_are_read_without_regard_to_case) {
  for (const auto algorithm : kChecksumAlgorithms) {
    std::string name(checksum_name(algorithm));
    EXPECT_EQ(parse_checksum_name(name), algorithm);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(parse_checksum_name(name), algorithm);
  }
  EXPECT_FALSE(parse_checksum_name("CRC").has_value());
  EXPECT_FALSE(parse_checksum_name("").has_value());
}

// RFC 4231, test cases 1, 2, 6.
TEST(Hmac, gives_the_published_values) {
  const auto hmac = [](std::string_view key, std::string_view message) {
    return codec::to_hex(hmac_sha256(as_bytes(key), as_bytes(message)));
  };
  EXPECT_EQ(hmac(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hmac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hmac("", ""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Xxh3, depends_on_the_bytes_and_the_seed) {
  EXPECT_EQ(xxh3({}), 0x2d06800538d394c2u);  // published for the empty input
  EXPECT_NE(xxh3(as_bytes("a")), xxh3(as_bytes("b")));
  EXPECT_NE(xxh3(as_bytes("a"), 1), xxh3(as_bytes("a"), 2));
}

TEST(EqualConstantTime, is_equality) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
}

TEST(Xxh3Stream, in_pieces_is_the_same_as_at_once) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i);
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{256}, size_t{1000}, text.size()}) {
    Xxh3 sum;
    EXPECT_EQ(sum.value(), xxh3({}));
    for (size_t at = 0; at < text.size(); at += piece) {
      sum.update(as_bytes(std::string_view(text).substr(at, piece)));
    }
    EXPECT_EQ(sum.value(), xxh3(as_bytes(text))) << piece;
  }
}

}  // namespace
}  // namespace strata::digest
