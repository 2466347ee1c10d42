#include "objstore/s3/upload_body.h"

#include <utility>

#include "common/base/parse.h"
#include "objstore/object/checksums.h"
#include "objstore/s3/errors.h"

namespace strata::s3 {

namespace {

Result<uint64_t> body_length(const VerifiedRequest& request) {
  if (!request.payload().is_aws_chunked()) {
    if (request.head().content_length) return *request.head().content_length;
    return Error(Code::kInvalidArgument, code::kMissingContentLength,
                 "You must provide the Content-Length HTTP header.");
  }
  const std::string* decoded = request.fields().find("x-amz-decoded-content-length");
  if (decoded == nullptr) {
    return Error(Code::kInvalidArgument, code::kMissingContentLength,
                 "You must provide the x-amz-decoded-content-length HTTP header.");
  }
  const auto length = parse_u64(*decoded);
  if (!length) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "x-amz-decoded-content-length is not a number.");
  }
  return *length;
}

bool carries_trailers(sigv4::PayloadKind kind) {
  return kind == sigv4::PayloadKind::kStreamingSignedTrailer ||
         kind == sigv4::PayloadKind::kStreamingUnsignedTrailer;
}

}  // namespace

Result<std::unique_ptr<UploadBody>> UploadBody::open(const VerifiedRequest& request,
                                                     async::ByteSource& raw, uint64_t bytes_max,
                                                     ChecksumMeaning meaning) {
  std::unique_ptr<UploadBody> body(new UploadBody());
  if (request.form() == nullptr) {
    TRY_ASSIGN(body->size_bytes_, body_length(request));
  }
  if (body->size_bytes_ && *body->size_bytes_ > bytes_max) {
    return Error(Code::kTooLarge, code::kEntityTooLarge,
                 "Your proposed upload exceeds the maximum allowed size");
  }
  TRY_ASSIGN(body->expected_md5_, parse_content_md5(request.fields()));
  if (meaning == ChecksumMeaning::kOfBody) {
    TRY_ASSIGN(body->claimed_, parse_claimed_checksum(request.fields()));
  }
  const sigv4::Payload& payload = request.payload();
  const bool in_trailer = body->claimed_ && !body->claimed_->value;
  if (in_trailer && !carries_trailers(payload.kind)) {
    return Error(Code::kInvalidArgument, code::kInvalidRequest,
                 "x-amz-trailer announces a trailer, but x-amz-content-sha256 says that the body "
                 "has none.");
  }
  body->upstream_ = &raw;
  if (payload.is_aws_chunked()) {
    std::string trailer = in_trailer ? checksum_header(body->claimed_->algorithm) : std::string();
    body->chunked_ =
        std::make_unique<AwsChunkedBody>(raw, request, *body->size_bytes_, std::move(trailer));
    body->upstream_ = body->chunked_.get();
  }
  if (payload.kind == sigv4::PayloadKind::kSha256) {
    body->expected_sha256_ = payload.sha256;
    body->sha256_ = digest::make_sha256();
  }
  if (body->expected_md5_) body->md5_ = digest::make_md5();
  if (body->claimed_) body->checksum_ = digest::make_hasher(body->claimed_->algorithm);
  return body;
}

async::Task<Result<Bytes>> UploadBody::next() {
  CO_TRY_ASSIGN(const Bytes piece, co_await upstream_->next());
  if (piece.empty()) {
    CO_TRY(verify_end());
    co_return piece;
  }
  seen_bytes_ += piece.size();
  if (sha256_) sha256_->update(piece);
  if (checksum_) checksum_->update(piece);
  if (default_checksum_) default_checksum_->update(piece);
  if (md5_) md5_->update(piece);
  co_return piece;
}

Status UploadBody::verify_end() {
  if (size_bytes_ && seen_bytes_ != *size_bytes_) {
    return Error(Code::kInvalidArgument, code::kIncompleteBody,
                 "You did not provide the number of bytes specified by the Content-Length HTTP "
                 "header");
  }
  if (sha256_ && !digest::equal_constant_time(sha256_->finish(), *expected_sha256_)) {
    return Error(Code::kInvalidArgument, code::kContentSha256Mismatch,
                 "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  TRY(verify_checksum());
  if (md5_ && md5_->finish() != *expected_md5_) {
    return Error(Code::kInvalidArgument, code::kBadDigest,
                 "The Content-MD5 you specified did not match what we received.");
  }
  return {};
}

void UploadBody::add_default_checksum() {
  if (!claimed_) default_checksum_ = digest::make_hasher(object::kDefaultChecksum);
}

Status UploadBody::verify_checksum() {
  if (default_checksum_) {
    object::StoredChecksum computed;
    computed.algorithm = object::kDefaultChecksum;
    computed.value = default_checksum_->finish();
    verified_.push_back(std::move(computed));
  }
  if (!claimed_) return {};
  const std::string header = checksum_header(claimed_->algorithm);
  if (!claimed_->value) {
    TRY_ASSIGN(object::StoredChecksum parsed,
               parse_checksum_value(claimed_->algorithm, chunked_->trailer_value(), header));
    if (parsed.composite) {
      return Error(Code::kInvalidArgument, code::kInvalidRequest,
                   "Value for " + header + " trailing header is invalid.");
    }
    claimed_->value = std::move(parsed.value);
  }
  if (checksum_->finish() != *claimed_->value) {
    return Error(Code::kInvalidArgument, code::kBadDigest,
                 "The " + std::string(digest::checksum_name(claimed_->algorithm)) +
                     " you specified did not match the calculated checksum.");
  }
  object::StoredChecksum verified;
  verified.algorithm = claimed_->algorithm;
  verified.value = *claimed_->value;
  verified_.push_back(std::move(verified));
  return {};
}

object::ChecksumsAtEnd UploadBody::checksums_at_end() {
  return [this]() -> Result<std::vector<object::StoredChecksum>> { return verified_; };
}

}  // namespace strata::s3
