// ChunkFetcher: brings chunks from where a snapshot is, on threads of its own, so that a slow place
// holds up nobody but who asked for that chunk.
//
// Thread rule: fetch from any thread.
#pragma once

#include <functional>
#include <memory>

#include "blockdev/chunks/chunk.h"
#include "blockdev/snapshot/blocking_io.h"
#include "common/base/result.h"

namespace strata::snapshot {

class ChunkFetcher {
 public:
  // Called once, on a thread of the fetcher's or inside fetch. The bytes have been verified.
  using Done = std::function<void(Result<ChunkBuffer>)>;
  virtual ~ChunkFetcher() = default;
  virtual void fetch(const chunks::ChunkId& id, Done done) = 0;
};

}  // namespace strata::snapshot
