// ByteSource: a stream of bytes that is pulled, piece by piece, with bounded memory.
#pragma once

#include <algorithm>

#include "common/async/task.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::async {

// Thread rule: used by one task at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next piece, valid until the next call or the source's end of life; empty at the end of the
  // stream. After an error or the end no further call is made. A source that verifies what it
  // passes on (length, checksum, signature) reports a mismatch instead of the end.
  [[nodiscard]] virtual Task<Result<Bytes>> next() = 0;
  // True once the piece given last was the last one and nothing of the stream is left to verify:
  // next() could only give the end, and need not be called. A source may never say so.
  [[nodiscard]] virtual bool ended() const noexcept { return false; }
};

// A source over bytes that are already there.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes, size_t piece_bytes = 64 * kKiB) noexcept
      : left_(bytes), piece_bytes_(piece_bytes) {}
  [[nodiscard]] Task<Result<Bytes>> next() override {
    const Bytes piece = left_.first(std::min(piece_bytes_, left_.size()));
    left_ = left_.subspan(piece.size());
    co_return piece;
  }
  [[nodiscard]] bool ended() const noexcept override { return left_.empty(); }

 private:
  Bytes left_;
  size_t piece_bytes_;
};

}  // namespace strata::async
