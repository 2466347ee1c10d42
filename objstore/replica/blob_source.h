// Reading blobs: every block is checked on this read; a bad copy sends the reader to the next drive
// and is healed.
#pragma once

#include <memory>

#include "objstore/replica/core.h"
#include "objstore/replica/store.h"

namespace strata::replica {

// The range [offset, offset + length) of the blob; its first bytes have been read when this
// returns.
[[nodiscard]] async::Task<Result<std::unique_ptr<async::ByteSource>>> open_blob_source(
    Core& core, uint64_t placement, drive::BlobName blob, uint64_t offset, uint64_t length);

}  // namespace strata::replica
