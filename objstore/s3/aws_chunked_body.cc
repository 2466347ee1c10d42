#include "objstore/s3/aws_chunked_body.h"

#include "objstore/s3/errors.h"

namespace strata::s3 {

namespace {

using sigv4::ChunkedDecoder;

ChunkedDecoder::Kind kind_of(sigv4::PayloadKind kind) {
  switch (kind) {
    case sigv4::PayloadKind::kStreamingSigned:
      return ChunkedDecoder::Kind::kSigned;
    case sigv4::PayloadKind::kStreamingSignedTrailer:
      return ChunkedDecoder::Kind::kSignedTrailer;
    case sigv4::PayloadKind::kStreamingUnsignedTrailer:
      return ChunkedDecoder::Kind::kUnsignedTrailer;
    case sigv4::PayloadKind::kUnsigned:
    case sigv4::PayloadKind::kSha256:
      break;
  }
  CHECK(false, "the payload is not aws-chunked");
  return ChunkedDecoder::Kind::kSigned;
}

Error bad_signature() {
  return {Code::kPermissionDenied, code::kSignatureDoesNotMatch,
          "The chunk signature we calculated does not match the signature you provided."};
}

Error malformed_trailer(std::string message) {
  return {Code::kInvalidArgument, code::kMalformedTrailer, std::move(message)};
}

}  // namespace

AwsChunkedBody::AwsChunkedBody(async::ByteSource& upstream, const VerifiedRequest& request,
                               uint64_t decoded_bytes, std::string trailer)
    : upstream_(upstream),
      decoder_(kind_of(request.payload().kind)),
      signed_trailer_(request.payload().kind == sigv4::PayloadKind::kStreamingSignedTrailer),
      decoded_bytes_(decoded_bytes),
      trailer_(std::move(trailer)) {
  const std::optional<ChunkSeed>& seed = request.chunk_seed();
  if (seed) signer_.emplace(seed->key, seed->amz_date, seed->scope, seed->signature);
}

async::Task<Result<Bytes>> AwsChunkedBody::next() {
  for (;;) {
    CO_TRY_ASSIGN(const ChunkedDecoder::Event event, decoder_.next(input_));
    if (event.type == ChunkedDecoder::EventType::kNeedMore) {
      CO_TRY_ASSIGN(input_, co_await upstream_.next());
      if (input_.empty()) {
        CO_TRY(decoder_.check_complete());
        co_return Error(Code::kInvalidArgument, code::kIncompleteBody, "The body ended too early.");
      }
      continue;
    }
    CO_TRY(handle(event));
    if (event.type == ChunkedDecoder::EventType::kData) co_return event.data;
    if (event.type != ChunkedDecoder::EventType::kEnd) continue;
    // Nothing may follow: what is not covered by a signature or a length is not part of the body.
    if (input_.empty()) {
      CO_TRY_ASSIGN(input_, co_await upstream_.next());
    }
    if (!input_.empty()) {
      co_return Error(Code::kInvalidArgument, code::kInvalidRequest,
                      "There are bytes after the end of the aws-chunked body.");
    }
    CO_TRY(verify_end());
    co_return Bytes{};
  }
}

Status AwsChunkedBody::handle(const ChunkedDecoder::Event& event) {
  switch (event.type) {
    case ChunkedDecoder::EventType::kChunkStart:
      if (!signer_) break;
      chunk_hash_ = digest::make_sha256();
      chunk_signature_ = event.signature;
      break;
    case ChunkedDecoder::EventType::kData:
      if (decoder_.decoded_bytes() > decoded_bytes_) {
        return Error(Code::kInvalidArgument, code::kIncompleteBody,
                     "The body is longer than x-amz-decoded-content-length says.");
      }
      if (chunk_hash_) chunk_hash_->update(event.data);
      break;
    case ChunkedDecoder::EventType::kChunkEnd:
      return verify_chunk();
    case ChunkedDecoder::EventType::kNeedMore:
    case ChunkedDecoder::EventType::kEnd:
      break;
  }
  return {};
}

Status AwsChunkedBody::verify_chunk() {
  if (!signer_) return {};
  CHECK(chunk_hash_ != nullptr, "a chunk ends after it started");
  const std::string expected = signer_->sign_chunk(chunk_hash_->finish());
  chunk_hash_.reset();
  if (!sigv4::signatures_equal(expected, chunk_signature_)) return bad_signature();
  return {};
}

Status AwsChunkedBody::verify_end() {
  if (decoder_.decoded_bytes() != decoded_bytes_) {
    return Error(Code::kInvalidArgument, code::kIncompleteBody,
                 "The body is shorter than x-amz-decoded-content-length says.");
  }
  if (signed_trailer_) {
    const std::string expected = signer_->sign_trailers(decoder_.trailers());
    if (!sigv4::signatures_equal(expected, decoder_.trailer_signature())) return bad_signature();
  }
  for (const auto& [name, value] : decoder_.trailers()) {
    if (trailer_.empty() || name != trailer_) {
      return malformed_trailer("The body ends with the trailer " + name +
                               ", which x-amz-trailer did not announce.");
    }
    if (!trailer_value_.empty()) return malformed_trailer("The trailer comes twice.");
    trailer_value_ = value;
  }
  if (!trailer_.empty() && trailer_value_.empty()) {
    return malformed_trailer("The body does not end with the announced trailer " + trailer_ + ".");
  }
  return {};
}

}  // namespace strata::s3
