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

Error incomplete_body(uint64_t got, uint64_t stated) {
  return Error(Code::kInvalidArgument, reason::kIncompleteBody,
               fmt::format("the body has {} bytes{}, but {} were stated", got,
                           got > stated ? " or more" : "", stated));
}

}  // namespace

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
  while (true) {
    CO_TRY_ASSIGN(const Bytes piece, co_await body.next());
    if (piece.empty()) break;
    taken.size_bytes += piece.size();
    if (taken.size_bytes > plan.bytes_max) co_return entity_too_large(plan.bytes_max);
    if (plan.size_bytes && taken.size_bytes > *plan.size_bytes) {
      co_return incomplete_body(taken.size_bytes, *plan.size_bytes);
    }
    if (!taken.writer) {
      CO_TRY_ASSIGN(taken.writer, co_await store.create_blob(plan.placement, plan.size_bytes));
    }
    // Hashed while the writer may still be writing what came before.
    hashers.update(piece);
    CO_TRY(co_await taken.writer->append(piece));
  }
  if (plan.size_bytes && taken.size_bytes != *plan.size_bytes) {
    co_return incomplete_body(taken.size_bytes, *plan.size_bytes);
  }
  taken.md5 = hashers.md5->finish();
  for (size_t i = 0; i < plan.algorithms.size(); ++i) {
    StoredChecksum checksum;
    checksum.algorithm = plan.algorithms[i];
    checksum.value = hashers.asked[i]->finish();
    taken.computed.push_back(std::move(checksum));
  }
  if (taken.writer) {
    CO_TRY_ASSIGN(taken.blob, co_await taken.writer->finish());
    if (taken.blob->size_bytes != taken.size_bytes) {
      co_return Error(Code::kInternal, "the store wrote another number of bytes than it was given");
    }
  }
  co_return std::move(taken);
}

}  // namespace strata::object
