// Taking in a body: one pass that counts, hashes and stores it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/byte_source.h"
#include "common/async/task.h"
#include "common/digest/checksum.h"
#include "objstore/encryption/segments.h"
#include "objstore/encryption/vault.h"
#include "objstore/object/types.h"
#include "objstore/replica/store.h"

namespace strata::object {

// How the bytes are encrypted on their way in.
struct Sealing {
  crypto::Secret data_key;
  encryption::Form form = encryption::Form::kObject;
  RandomSource* random = nullptr;  // for a part's salt; outlives the intake
  // Else TakenBody::md5 is a keyed digest in its place, which tells nothing of the bytes.
  bool keep_md5 = true;
};

struct IntakePlan {
  std::string placement;
  std::optional<uint64_t> size_bytes;  // if known: another length is kIncompleteBody
  uint64_t bytes_max = kSinglePutBytesMax;
  std::vector<digest::ChecksumAlgorithm> algorithms;  // computed besides MD5
  std::optional<Sealing> sealing;                     // absent: stored in the clear
};

struct TakenBody {
  uint64_t size_bytes = 0;
  std::string md5;                              // raw; what entity tags are made of
  std::vector<StoredChecksum> computed;         // of the plan's algorithms, in their order
  std::unique_ptr<replica::BlobWriter> writer;  // finished; null for an empty body
  std::optional<replica::BlobRef> blob;         // absent for an empty body
};

// Reads the body to its end. Errors: the body's own; kTooLarge/entity_too_large past bytes_max;
// kInvalidArgument/incomplete_body; the store's. After an error nothing is left behind. The store
// and the body outlive the task.
[[nodiscard]] async::Task<Result<TakenBody>> take_body(replica::Store& store, IntakePlan plan,
                                                       async::ByteSource& body);

// How a whole object is encrypted by the choice, with a data key of its own; its envelope for the
// record is written. Nothing for no choice. Errors: the vault's.
[[nodiscard]] Result<std::optional<Sealing>> object_sealing(
    const encryption::Vault& vault, const std::optional<encryption::Choice>& choice,
    std::string_view bucket, std::string_view key, std::string& envelope);

// kTooLarge/entity_too_large: what a stated or real size past the limit is answered with.
[[nodiscard]] Error entity_too_large(uint64_t bytes_max);

}  // namespace strata::object
