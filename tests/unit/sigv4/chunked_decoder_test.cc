#include "common/sigv4/chunked_decoder.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace strata::sigv4 {
namespace {

using Kind = ChunkedDecoder::Kind;
using EventType = ChunkedDecoder::EventType;

const std::string kSig1(64, '1');
const std::string kSig2(64, '2');
const std::string kSig3(64, '3');
const std::string kSigned =
    "5;chunk-signature=" + kSig1 + "\r\nhello\r\n0;chunk-signature=" + kSig2 + "\r\n";
const std::string kUnsigned = "5\r\nhello\r\n0\r\n";

// What came out of a body, as text; "!reason" at the end for an error.
struct Decoded {
  std::string log;
  std::string data;
};

// Feeds `body` in pieces of at most `piece` bytes and joins the data of each chunk.
Decoded decode(ChunkedDecoder& decoder, std::string_view body, size_t piece) {
  Decoded out;
  while (true) {
    Bytes input = as_bytes(body.substr(0, piece));
    body.remove_prefix(input.size());
    while (true) {
      const auto event = decoder.next(input);
      if (!event.ok()) {
        out.log += "!" + std::string(event.error().reason);
        return out;
      }
      if (event->type == EventType::kNeedMore) break;
      switch (event->type) {
        case EventType::kChunkStart:
          out.log += "<" + std::to_string(event->chunk_bytes) + ":" +
                     std::string(event->signature.substr(0, 1));
          break;
        case EventType::kData:
          out.data += as_text(event->data);
          break;
        case EventType::kChunkEnd:
          out.log += ">";
          break;
        case EventType::kEnd:
          out.log += ".";
          break;
        case EventType::kNeedMore:
          break;
      }
    }
    EXPECT_TRUE(input.empty());
    if (body.empty()) break;
  }
  const Status complete = decoder.check_complete();
  if (!complete.ok()) out.log += "!" + std::string(complete.error().reason);
  return out;
}

std::string log_of(Kind kind, std::string_view body) {
  ChunkedDecoder whole(kind);
  const Decoded out = decode(whole, body, std::max<size_t>(body.size(), 1));
  // However the bytes are cut, the result is the same.
  for (const size_t piece : {1, 2, 3, 7, 64}) {
    ChunkedDecoder cut(kind);
    const Decoded again = decode(cut, body, piece);
    EXPECT_EQ(again.log, out.log) << body;
    EXPECT_EQ(again.data, out.data) << body;
  }
  return out.log;
}

TEST(ChunkedDecoder, gives_chunks_signatures_and_data) {
  ChunkedDecoder decoder(Kind::kSigned);
  const Decoded out = decode(decoder, kSigned + "\r\n", 4);
  EXPECT_EQ(out.log, "<5:1><0:2>.");
  EXPECT_EQ(out.data, "hello");
  EXPECT_EQ(decoder.decoded_bytes(), 5u);
  EXPECT_TRUE(decoder.trailers().empty());
  EXPECT_EQ(log_of(Kind::kSigned, "0;chunk-signature=" + kSig1 + "\r\n\r\n"), "<0:1>.");
}

TEST(ChunkedDecoder, gives_the_trailers_of_an_unsigned_body) {
  ChunkedDecoder decoder(Kind::kUnsignedTrailer);
  const Decoded out =
      decode(decoder, kUnsigned + "X-Amz-Checksum-CRC32: AAAAAA== \r\nb:\r\n\r\n", 3);
  EXPECT_EQ(out.log, "<5:><0:>.");
  ASSERT_EQ(decoder.trailers().size(), 2u);
  EXPECT_EQ(decoder.trailers()[0].first, "x-amz-checksum-crc32");
  EXPECT_EQ(decoder.trailers()[0].second, "AAAAAA==");
  EXPECT_EQ(decoder.trailers()[1].second, "");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, kUnsigned + "\r\n"), "<5:><0:>.");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, "A\r\n0123456789\r\n000\r\n\r\n"), "<10:><0:>.");
}

TEST(ChunkedDecoder, gives_the_signature_of_the_trailers) {
  ChunkedDecoder decoder(Kind::kSignedTrailer);
  const Decoded out =
      decode(decoder, kSigned + "a:b\r\nx-amz-trailer-signature:" + kSig3 + "\r\n\r\n", 5);
  EXPECT_EQ(out.log, "<5:1><0:2>.");
  EXPECT_EQ(decoder.trailer_signature(), kSig3);
  EXPECT_EQ(decoder.trailers().size(), 1u);
}

TEST(ChunkedDecoder, takes_the_line_feeds_and_extra_line_that_some_clients_send) {
  EXPECT_EQ(log_of(Kind::kSignedTrailer,
                   kSigned + "a:b\n\r\nx-amz-trailer-signature:" + kSig3 + "\r\n\r\n"),
            "<5:1><0:2>.");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, kUnsigned + "a:b\n\r\n\r\n"), "<5:><0:>.");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, kUnsigned + "a:b\n\r\n"), "<5:><0:>.");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, kUnsigned + "a:b\n\r\n\r\n\r\n"),
            "<5:><0:>.!malformed_chunk");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, kUnsigned + "a:b\r\n\r\n\r\n"),
            "<5:><0:>.!malformed_chunk");
}

TEST(ChunkedDecoder, malformed_chunks_are_refused) {
  const std::string bad_signed[] = {
      "5\r\nhello\r\n",
      "5;chunk-signature=\r\n",
      "5;chunk-signature=" + std::string(63, '1') + "\r\n",
      "5;chunk-signature=" + std::string(64, 'A') + "\r\n",
      "5;chunk-signature=" + kSig1 + ";x=y\r\n",
      "5;x=y;chunk-signature=" + kSig1 + "\r\n",
      "5 ;chunk-signature=" + kSig1 + "\r\n",
      "5;chunk-signature=" + kSig1 + "\n",
      "5;chunk-signature=" + kSig1 + "\r\r\n",
      ";chunk-signature=" + kSig1 + "\r\n",
      "0x5;chunk-signature=" + kSig1 + "\r\n",
      "-5;chunk-signature=" + kSig1 + "\r\n",
      "\r\n",
      "\n",
      "00000000000000005;chunk-signature=" + kSig1 + "\r\n",
      std::string(kChunkHeaderBytesMax + 1, '0'),
  };
  for (const std::string& body : bad_signed) {
    EXPECT_EQ(log_of(Kind::kSigned, body), "!malformed_chunk") << body;
  }
  const std::string start = "5;chunk-signature=" + kSig1 + "\r\n";
  EXPECT_EQ(log_of(Kind::kSigned, start + "helloworld"), "<5:1!malformed_chunk");
  EXPECT_EQ(log_of(Kind::kSigned, start + "hello\n"), "<5:1!malformed_chunk");
  EXPECT_EQ(log_of(Kind::kSigned, kSigned + "a:b\r\n"), "<5:1><0:2>!malformed_chunk");
  EXPECT_EQ(log_of(Kind::kSigned, kSigned + "\r\nmore"), "<5:1><0:2>.!malformed_chunk");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, "5;chunk-signature=" + kSig1 + "\r\n"),
            "!malformed_chunk");
}

TEST(ChunkedDecoder, sizes_past_the_limit_are_refused_before_any_data) {
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, "ffffffffffffffff\r\n"), "!chunk_too_large");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, "140000001\r\n"), "!chunk_too_large");
  EXPECT_EQ(log_of(Kind::kUnsignedTrailer, "140000000\r\n"), "<5368709120:!incomplete_body");
}

TEST(ChunkedDecoder, a_body_cut_anywhere_is_incomplete) {
  const std::string body = kSigned + "a:b\r\nx-amz-trailer-signature:" + kSig3 + "\r\n\r\n";
  for (size_t length = 0; length < body.size(); ++length) {
    const std::string log = log_of(Kind::kSignedTrailer, body.substr(0, length));
    EXPECT_TRUE(log.ends_with("!incomplete_body")) << length << log;
  }
}

TEST(ChunkedDecoder, malformed_trailers_are_refused) {
  const std::string signature = "x-amz-trailer-signature:" + kSig3 + "\r\n";
  std::string many;
  for (size_t i = 0; i <= kTrailersMax; ++i) many += "a" + std::to_string(i) + ":b\r\n";
  const std::string bad_unsigned[] = {"a\r\n",
                                      ":b\r\n",
                                      "a b:c\r\n",
                                      " a:b\r\n",
                                      "a:b\r\na:c\r\n",
                                      "a:b\x01\r\n",
                                      "a:b\rc\r\n",
                                      std::string("a:\0\r\n", 5),
                                      many,
                                      "a:" + std::string(kTrailersBytesMax, 'b'),
                                      signature};
  for (const std::string& trailers : bad_unsigned) {
    EXPECT_EQ(log_of(Kind::kUnsignedTrailer, kUnsigned + trailers + "\r\n"),
              "<5:><0:>!malformed_trailer")
        << trailers;
  }
  const std::string bad_signed[] = {"a:b\r\n",
                                    "",
                                    signature + "a:b\r\n",
                                    signature + signature,
                                    "x-amz-trailer-signature:123\r\n",
                                    "a:b\r\n\r\n" + signature,
                                    "a:b\n\r\n\r\n" + signature};
  for (const std::string& trailers : bad_signed) {
    EXPECT_EQ(log_of(Kind::kSignedTrailer, kSigned + trailers + "\r\n"),
              "<5:1><0:2>!malformed_trailer")
        << trailers;
  }
}

TEST(ChunkedDecoder, fails_the_same_way_ever_after) {
  ChunkedDecoder decoder(Kind::kUnsignedTrailer);
  Bytes input = as_bytes("x\r\n");
  const auto first = decoder.next(input);
  ASSERT_FALSE(first.ok());
  Bytes good = as_bytes("5\r\nhello\r\n");
  const auto second = decoder.next(good);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().reason, first.error().reason);
  EXPECT_EQ(decoder.check_complete().error().reason, kReasonBadChunk);
}

TEST(ChunkedDecoder, random_bodies_come_back_whole_however_they_are_cut) {
  constexpr uint64_t kSeed = 20260105;
  SCOPED_TRACE(kSeed);
  SeededRandom random(kSeed);
  for (int round = 0; round < 200; ++round) {
    std::string data, body;
    for (uint64_t left = random.below(6); left > 0; --left) {
      std::string chunk(random.below(400) + 1, '\0');
      random.fill(std::as_writable_bytes(std::span(chunk)));
      char size[17];
      std::snprintf(size, sizeof size, "%zx", chunk.size());
      body += size + std::string("\r\n") + chunk + "\r\n";
      data += chunk;
    }
    body += "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
    ChunkedDecoder decoder(Kind::kUnsignedTrailer);
    const Decoded out = decode(decoder, body, random.below(100) + 1);
    EXPECT_TRUE(out.log.ends_with(".")) << out.log;
    EXPECT_EQ(out.data, data);
    EXPECT_EQ(decoder.decoded_bytes(), data.size());
  }
}

}  // namespace
}  // namespace strata::sigv4
