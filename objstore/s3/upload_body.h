// UploadBody: the body of a verified request as a chain of sources, each of which verifies what the
// request promised: framing and chunk signatures, length, SHA-256, checksum, Content-MD5.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/byte_source.h"
#include "common/digest/checksum.h"
#include "objstore/object/object_store.h"
#include "objstore/s3/authenticator.h"
#include "objstore/s3/aws_chunked_body.h"
#include "objstore/s3/claimed_checksum.h"

namespace strata::s3 {

// Whether x-amz-checksum-* speaks of the body. It does, except in CompleteMultipartUpload.
enum class ChecksumMeaning { kOfBody, kOfObject };

class UploadBody final : public async::ByteSource {
 public:
  // request and raw outlive the body. bytes_max: a longer one is EntityTooLarge, before a byte is
  // read. MissingContentLength when the length is not known beforehand, except of a form's file.
  [[nodiscard]] static Result<std::unique_ptr<UploadBody>> open(
      const VerifiedRequest& request, async::ByteSource& raw, uint64_t bytes_max,
      ChecksumMeaning meaning = ChecksumMeaning::kOfBody);

  // Ends well only if everything promised held.
  [[nodiscard]] async::Task<Result<Bytes>> next() override;

  // Absent for the file of a form.
  [[nodiscard]] std::optional<uint64_t> size_bytes() const noexcept { return size_bytes_; }
  // Whether the request carries a checksum or Content-MD5 of its body.
  [[nodiscard]] bool has_integrity_check() const noexcept { return md5_ || checksum_; }
  // The verified checksum, to be stored; valid after the end. This outlives the function.
  [[nodiscard]] object::ChecksumsAtEnd checksums_at_end();
  // Computes S3's default checksum if the request claims none; before the first piece.
  void add_default_checksum();

 private:
  UploadBody() = default;
  [[nodiscard]] Status verify_end();
  [[nodiscard]] Status verify_checksum();

  async::ByteSource* upstream_ = nullptr;
  std::unique_ptr<AwsChunkedBody> chunked_;
  std::optional<uint64_t> size_bytes_;
  uint64_t seen_bytes_ = 0;
  std::optional<std::string> expected_md5_;
  std::optional<std::string> expected_sha256_;
  std::optional<ClaimedChecksum> claimed_;
  std::unique_ptr<digest::Hasher> md5_;
  std::unique_ptr<digest::Hasher> sha256_;
  std::unique_ptr<digest::Hasher> checksum_;
  std::unique_ptr<digest::Hasher> default_checksum_;
  std::vector<object::StoredChecksum> verified_;
};

}  // namespace strata::s3
