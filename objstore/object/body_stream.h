// The bytes of an open version, streamed across its blobs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/async/byte_source.h"
#include "common/crypto/secret.h"
#include "objstore/object/ranges.h"
#include "objstore/object/record_format.h"
#include "objstore/replica/store.h"

namespace strata::object {

// Opens one blob at a time and passes its pieces on as the store yields them. Holds the pin until
// it dies, so that the version stays readable when it is replaced or deleted meanwhile.
class BodyStream final : public async::ByteSource {
 public:
  // The extent lies inside the record (CHECK). The store outlives this. data_key: of a record that
  // is encrypted, and of no other.
  BodyStream(replica::Store& store, std::unique_ptr<replica::ReadPin> pin, std::string placement,
             const ObjectRecord& record, Extent extent,
             std::optional<crypto::Secret> data_key = std::nullopt);

  [[nodiscard]] async::Task<Result<Bytes>> next() override;
  [[nodiscard]] bool ended() const noexcept override;

 private:
  struct Run {
    replica::BlobRef blob;
    uint64_t offset = 0;  // in the plain bytes
    uint64_t length = 0;
    uint64_t plain_bytes = 0;  // of the whole blob
  };

  using Source = std::unique_ptr<async::ByteSource>;
  [[nodiscard]] async::Task<Result<Source>> open_run(Run run);
  [[nodiscard]] async::Task<Result<crypto::Secret>> key_of_part(Run run);

  replica::Store& store_;
  std::unique_ptr<replica::ReadPin> pin_;
  std::string placement_;
  std::optional<crypto::Secret> data_key_;
  bool parts_ = false;  // the blobs are parts of an upload
  std::vector<Run> runs_;
  size_t next_run_ = 0;
  std::unique_ptr<async::ByteSource> open_;  // before pin_'s end: it is declared after it
  uint64_t open_left_ = 0;
};

}  // namespace strata::object
