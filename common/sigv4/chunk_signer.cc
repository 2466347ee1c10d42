#include "common/sigv4/chunk_signer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/parse.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "common/sigv4/authorization.h"

namespace strata::sigv4 {
namespace {

constexpr size_t kSha256Bytes = 32;

}  // namespace

ChunkSigner::ChunkSigner(const SigningKey& key, std::string amz_date, const Scope& scope,
                         std::string seed_signature)
    : key_(key),
      amz_date_(std::move(amz_date)),
      scope_(scope.to_string()),
      previous_(std::move(seed_signature)) {}

std::string ChunkSigner::sign_chunk(std::string_view chunk_sha256) {
  CHECK(chunk_sha256.size() == kSha256Bytes, "the raw SHA-256 of the chunk is needed");
  std::string text = "AWS4-HMAC-SHA256-PAYLOAD\n";
  text.append(amz_date_).append("\n").append(scope_).append("\n").append(previous_).append("\n");
  text.append(kEmptySha256Hex).append("\n").append(codec::to_hex(chunk_sha256));
  previous_ = sign(key_, text);
  return previous_;
}

std::string ChunkSigner::sign_trailers(HeaderList trailers) {
  std::string text = "AWS4-HMAC-SHA256-TRAILER\n";
  text.append(amz_date_).append("\n").append(scope_).append("\n").append(previous_).append("\n");
  text.append(codec::to_hex(digest::sha256(as_bytes(canonical_trailers(trailers)))));
  previous_ = sign(key_, text);
  return previous_;
}

std::string canonical_trailers(HeaderList trailers) {
  std::vector<std::pair<std::string, std::string>> sorted;
  sorted.reserve(trailers.size());
  for (const auto& [name, value] : trailers) {
    sorted.emplace_back(ascii_lower(name), canonical_header_value(value));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [name, value] : sorted) text.append(name).append(":").append(value).append("\n");
  return text;
}

}  // namespace strata::sigv4
