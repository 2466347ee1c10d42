// AwsChunkedBody: the data inside an aws-chunked body, with every signature in it verified.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/async/byte_source.h"
#include "common/digest/checksum.h"
#include "common/sigv4/chunk_signer.h"
#include "common/sigv4/chunked_decoder.h"
#include "objstore/s3/authenticator.h"

namespace strata::s3 {

// Data is passed on as it arrives; whoever uses it must wait for the end of the stream before
// anything becomes visible, for a chunk's signature follows from all of its data.
class AwsChunkedBody final : public async::ByteSource {
 public:
  // upstream outlives this. trailer: the name announced by x-amz-trailer, empty for none; the body
  // must end with exactly that one.
  AwsChunkedBody(async::ByteSource& upstream, const VerifiedRequest& request,
                 uint64_t decoded_bytes, std::string trailer);

  // Fails with SignatureDoesNotMatch, IncompleteBody, MalformedTrailerError or sigv4's reasons.
  [[nodiscard]] async::Task<Result<Bytes>> next() override;

  // The value of the announced trailer; valid after the end of the stream.
  [[nodiscard]] const std::string& trailer_value() const noexcept { return trailer_value_; }

 private:
  [[nodiscard]] Status handle(const sigv4::ChunkedDecoder::Event& event);
  [[nodiscard]] Status verify_chunk();
  [[nodiscard]] Status verify_end();

  async::ByteSource& upstream_;
  sigv4::ChunkedDecoder decoder_;
  std::optional<sigv4::ChunkSigner> signer_;
  const bool signed_trailer_;
  const uint64_t decoded_bytes_;
  const std::string trailer_;
  std::string trailer_value_;
  Bytes input_;
  std::unique_ptr<digest::Hasher> chunk_hash_;
  std::string chunk_signature_;
};

}  // namespace strata::s3
