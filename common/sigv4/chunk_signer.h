// The chain of signatures of a body sent in signed chunks.
// Source: Amazon S3 API reference, "Transferring Payload in Multiple Chunks (Chunked Upload)" and
// "Including Trailing Headers (Chunked Upload)".
#pragma once

#include <string>
#include <string_view>

#include "common/sigv4/canonical.h"
#include "common/sigv4/scope.h"
#include "common/sigv4/signing_key.h"

namespace strata::sigv4 {

// Gives the signature that the next piece must carry. One thread at a time. To verify: compute the
// signature of what came, compare with signatures_equal, and stop at the first difference.
class ChunkSigner {
 public:
  // seed_signature: the signature of the request's head, 64 hex digits.
  ChunkSigner(const SigningKey& key, std::string amz_date, const Scope& scope,
              std::string seed_signature);

  // For a chunk with this raw SHA-256 (the last chunk: of nothing). Advances the chain.
  [[nodiscard]] std::string sign_chunk(std::string_view chunk_sha256);
  // For the trailing headers, after the last chunk. Advances the chain.
  [[nodiscard]] std::string sign_trailers(HeaderList trailers);

 private:
  SigningKey key_;
  std::string amz_date_;
  std::string scope_;
  std::string previous_;
};

// "name:value\n" for each trailer, names in lower case and sorted, values canonical.
[[nodiscard]] std::string canonical_trailers(HeaderList trailers);

}  // namespace strata::sigv4
