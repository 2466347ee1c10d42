#include "objstore/encryption/segments.h"

#include <gtest/gtest.h>

#include "common/async/event_loop.h"

namespace strata::encryption {
namespace {

using crypto::Secret;

const Secret kKey(as_bytes(std::string_view("0123456789abcdef0123456789abcdef")));

std::string text_of(size_t bytes) {
  std::string text(bytes, '\0');
  SeededRandom random(7);
  random.fill(std::as_writable_bytes(std::span(text)));
  return text;
}

std::string seal(std::string_view plain, size_t piece_bytes, Form form) {
  SeededRandom random(3);
  Sealer sealer = form == Form::kObject ? Sealer(kKey) : Sealer(kKey, random);
  std::string sealed;
  for (size_t at = 0; at < plain.size(); at += piece_bytes) {
    sealed += as_text(sealer.update(as_bytes(plain.substr(at, piece_bytes))));
  }
  sealed += as_text(sealer.finish());
  return sealed;
}

class SegmentsTest : public ::testing::Test {
 protected:
  // The range of what was sealed; "corrupt" for what does not open.
  std::string open(std::string_view sealed, uint64_t plain_bytes, uint64_t offset, uint64_t length,
                   Form form = Form::kObject, size_t piece_bytes = 10'000) {
    const SealedRange range = sealed_range(offset, length, plain_bytes, form);
    const Secret key =
        form == Form::kObject ? kKey : part_key(kKey, as_bytes(sealed.substr(0, kSaltBytes)));
    const std::string_view stored =
        sealed.substr(std::min<size_t>(range.offset, sealed.size())).substr(0, range.length);
    OpenedSource source(key, range, length, plain_bytes,
                        std::make_unique<async::MemorySource>(as_bytes(stored), piece_bytes));
    const Result<std::string> text = async::run_until_complete(*loop_, read(source)).value();
    if (text.ok()) return *text;
    EXPECT_EQ(text.error().code, Code::kCorrupt);
    return "corrupt";
  }

  static async::Task<Result<std::string>> read(async::ByteSource& source) {
    std::string text;
    while (true) {
      CO_TRY_ASSIGN(const Bytes piece, co_await source.next());
      if (piece.empty()) break;
      text += as_text(piece);
    }
    EXPECT_TRUE(source.ended());
    co_return text;
  }

  std::unique_ptr<async::EventLoop> loop_ = async::EventLoop::create().value();
};

constexpr uint64_t kEdges[] = {1,
                               15,
                               16,
                               17,
                               kSegmentBytes - 1,
                               kSegmentBytes,
                               kSegmentBytes + 1,
                               2 * kSegmentBytes - 1,
                               2 * kSegmentBytes,
                               2 * kSegmentBytes + 1,
                               3 * kSegmentBytes + 5};

TEST_F(SegmentsTest, what_was_sealed_opens_whatever_its_length_and_however_it_is_cut) {
  for (const uint64_t bytes : kEdges) {
    const std::string plain = text_of(bytes);
    for (const Form form : {Form::kObject, Form::kPart}) {
      const std::string sealed = seal(plain, 777, form);
      EXPECT_EQ(sealed.size(), sealed_bytes(bytes, form));
      EXPECT_EQ(sealed, seal(plain, bytes, form)) << "the cut does not matter";
      EXPECT_EQ(open(sealed, bytes, 0, bytes, form), plain);
      EXPECT_EQ(open(sealed, bytes, 0, bytes, form, 1'000'000), plain);
    }
  }
  EXPECT_EQ(seal("", 1, Form::kObject), "");
  EXPECT_EQ(sealed_bytes(0, Form::kPart), 0U);
}

TEST_F(SegmentsTest, a_range_opens_at_every_boundary) {
  const std::string plain = text_of(3 * kSegmentBytes + 5);
  for (const Form form : {Form::kObject, Form::kPart}) {
    const std::string sealed = seal(plain, 100'000, form);
    for (const uint64_t from : kEdges) {
      if (from >= plain.size()) continue;
      for (const uint64_t to : kEdges) {
        if (to <= from) continue;
        EXPECT_EQ(open(sealed, plain.size(), from, to - from, form), plain.substr(from, to - from))
            << from << " to " << to;
      }
      EXPECT_EQ(open(sealed, plain.size(), from, 1, form), plain.substr(from, 1));
    }
  }
}

TEST_F(SegmentsTest, a_range_touches_only_its_own_segments) {
  const SealedRange range = sealed_range(kSegmentBytes, 1, 10 * kSegmentBytes, Form::kObject);
  EXPECT_EQ(range.first_segment, 1U);
  EXPECT_EQ(range.offset, kSealedSegmentBytes);
  EXPECT_EQ(range.length, kSealedSegmentBytes);
}

TEST_F(SegmentsTest, a_flipped_bit_anywhere_is_found) {
  const std::string plain = text_of(kSegmentBytes + 100);
  const std::string sealed = seal(plain, plain.size(), Form::kObject);
  for (size_t at = 0; at < sealed.size(); at += 997) {
    std::string bad = sealed;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    EXPECT_EQ(open(bad, plain.size(), 0, plain.size()), "corrupt") << at;
  }
}

TEST_F(SegmentsTest, swapped_repeated_and_missing_segments_are_found) {
  const std::string plain = text_of(3 * kSegmentBytes);
  const std::string sealed = seal(plain, plain.size(), Form::kObject);
  const std::string a = sealed.substr(0, kSealedSegmentBytes);
  const std::string b = sealed.substr(kSealedSegmentBytes, kSealedSegmentBytes);
  const std::string c = sealed.substr(2 * kSealedSegmentBytes);
  EXPECT_EQ(open(a + b + c, plain.size(), 0, plain.size()), plain);
  EXPECT_EQ(open(b + a + c, plain.size(), 0, plain.size()), "corrupt");
  EXPECT_EQ(open(a + a + c, plain.size(), 0, plain.size()), "corrupt");
  EXPECT_EQ(open(a + b, plain.size(), 0, plain.size()), "corrupt");
  EXPECT_EQ(open(a + b, 2 * kSegmentBytes, 0, 2 * kSegmentBytes), "corrupt")
      << "a shorter record does not make a shorter object";
}

TEST_F(SegmentsTest, another_key_opens_nothing) {
  const std::string plain = text_of(100);
  Secret other = kKey;
  other.room()[0] ^= std::byte{1};
  Sealer sealer(other);
  (void)sealer.update(as_bytes(plain));
  const std::string sealed(as_text(sealer.finish()));
  EXPECT_EQ(open(sealed, plain.size(), 0, plain.size()), "corrupt");
}

TEST_F(SegmentsTest, parts_with_the_same_bytes_look_different) {
  SeededRandom random(1);
  Sealer one(kKey, random);
  Sealer two(kKey, random);
  const std::string plain = text_of(100);
  std::string first(as_text(one.update(as_bytes(plain))));
  first += as_text(one.finish());
  std::string second(as_text(two.update(as_bytes(plain))));
  second += as_text(two.finish());
  EXPECT_NE(first.substr(0, kSaltBytes), second.substr(0, kSaltBytes));
  EXPECT_NE(first.substr(kSaltBytes), second.substr(kSaltBytes));
}

}  // namespace
}  // namespace strata::encryption
