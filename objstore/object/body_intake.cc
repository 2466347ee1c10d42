#include "objstore/object/body_intake.h"

#include <fmt/format.h>

#include "common/base/parse.h"

namespace strata::object {
namespace {

struct Hashers {
  explicit Hashers(const std::vector<digest::ChecksumAlgorithm>& algorithms)
      : md5(digest::make_md5()) {
    for (const digest::ChecksumAlgorithm algorithm : algorithms) {
      asked.push_back(digest::make_hasher(algorithm));
    }
  }
  void update(Bytes bytes) {
    md5->update(bytes);
    for (const std::unique_ptr<digest::Hasher>& hasher : asked) hasher->update(bytes);
  }
  std::unique_ptr<digest::Hasher> md5;
  std::vector<std::unique_ptr<digest::Hasher>> asked;
};

std::unique_ptr<encryption::Sealer> make_sealer(const std::optional<Sealing>& sealing) {
  if (!sealing) return nullptr;
  if (sealing->form == encryption::Form::kObject) {
    return std::make_unique<encryption::Sealer>(sealing->data_key);
  }
  return std::make_unique<encryption::Sealer>(sealing->data_key, *sealing->random);
}

uint64_t stored_bytes(const IntakePlan& plan, uint64_t plain_bytes) {
  return plan.sealing ? encryption::sealed_bytes(plain_bytes, plan.sealing->form) : plain_bytes;
}

// S3's entity tags are MD5s only where the server holds the key.
std::string tag_of(const IntakePlan& plan, std::string md5) {
  if (!plan.sealing || plan.sealing->keep_md5) return md5;
  std::string keyed = digest::hmac_sha256(plan.sealing->data_key.bytes(), as_bytes(md5));
  keyed.resize(md5.size());
  return keyed;
}

Error incomplete_body(uint64_t got, uint64_t stated) {
  return Error(Code::kInvalidArgument, reason::kIncompleteBody,
               fmt::format("the body has {} bytes{}, but {} were stated", got,
                           got > stated ? " or more" : "", stated));
}

}  // namespace

Result<std::optional<Sealing>> object_sealing(const encryption::Vault& vault,
                                              const std::optional<encryption::Choice>& choice,
                                              std::string_view bucket, std::string_view key,
                                              std::string& envelope) {
  if (!choice) return std::optional<Sealing>();
  TRY_ASSIGN(encryption::Vault::Protection protection, vault.protect(*choice, bucket, key));
  envelope = std::move(protection.envelope);
  return std::optional<Sealing>(
      Sealing{protection.data_key, encryption::Form::kObject, nullptr, protection.etag_is_md5});
}

Error entity_too_large(uint64_t bytes_max) {
  return Error(Code::kTooLarge, reason::kEntityTooLarge,
               fmt::format("the body is larger than {}: use a multipart upload with parts of at "
                           "most {}",
                           format_size(bytes_max), format_size(kPartBytesMax)));
}

async::Task<Result<TakenBody>> take_body(replica::Store& store, IntakePlan plan,
                                         async::ByteSource& body) {
  if (plan.size_bytes && *plan.size_bytes > plan.bytes_max) {
    co_return entity_too_large(plan.bytes_max);
  }
  TakenBody taken;
  Hashers hashers(plan.algorithms);
  const std::unique_ptr<encryption::Sealer> sealer = make_sealer(plan.sealing);
  while (true) {
    CO_TRY_ASSIGN(const Bytes piece, co_await body.next());
    if (piece.empty()) break;
    taken.size_bytes += piece.size();
    if (taken.size_bytes > plan.bytes_max) co_return entity_too_large(plan.bytes_max);
    if (plan.size_bytes && taken.size_bytes > *plan.size_bytes) {
      co_return incomplete_body(taken.size_bytes, *plan.size_bytes);
    }
    if (!taken.writer) {
      std::optional<uint64_t> stored;
      if (plan.size_bytes) stored = stored_bytes(plan, *plan.size_bytes);
      CO_TRY_ASSIGN(taken.writer, co_await store.create_blob(plan.placement, stored));
    }
    // Hashed while the writer may still be writing what came before.
    hashers.update(piece);
    const Bytes stored = sealer ? sealer->update(piece) : piece;
    if (!stored.empty()) CO_TRY(co_await taken.writer->append(stored));
  }
  if (plan.size_bytes && taken.size_bytes != *plan.size_bytes) {
    co_return incomplete_body(taken.size_bytes, *plan.size_bytes);
  }
  taken.md5 = tag_of(plan, hashers.md5->finish());
  for (size_t i = 0; i < plan.algorithms.size(); ++i) {
    StoredChecksum checksum;
    checksum.algorithm = plan.algorithms[i];
    checksum.value = hashers.asked[i]->finish();
    taken.computed.push_back(std::move(checksum));
  }
  if (taken.writer) {
    if (sealer) CO_TRY(co_await taken.writer->append(sealer->finish()));
    CO_TRY_ASSIGN(taken.blob, co_await taken.writer->finish());
    if (taken.blob->size_bytes != stored_bytes(plan, taken.size_bytes)) {
      co_return Error(Code::kInternal, "the store wrote another number of bytes than it was given");
    }
  }
  co_return std::move(taken);
}

}  // namespace strata::object
