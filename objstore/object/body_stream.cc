#include "objstore/object/body_stream.h"

#include <algorithm>

#include "common/base/check.h"

namespace strata::object {

BodyStream::BodyStream(replica::Store& store, std::unique_ptr<replica::ReadPin> pin,
                       std::string placement, const ObjectRecord& record, Extent extent)
    : store_(store), pin_(std::move(pin)), placement_(std::move(placement)) {
  CHECK(extent.first <= record.size_bytes && extent.length <= record.size_bytes - extent.first);
  uint64_t start = 0;  // of the segment within the object
  const uint64_t end = extent.first + extent.length;
  for (const Segment& segment : record.segments) {
    const uint64_t from = std::max(start, extent.first);
    const uint64_t to = std::min(start + segment.size_bytes, end);
    if (from < to) runs_.push_back({*segment.blob, from - start, to - from});
    start += segment.size_bytes;
  }
}

async::Task<Result<Bytes>> BodyStream::next() {
  while (true) {
    if (!open_) {
      if (next_run_ == runs_.size()) co_return Bytes();
      const Run run = runs_[next_run_++];
      CO_TRY_ASSIGN(open_, co_await store_.read_blob(placement_, run.blob, run.offset, run.length));
      open_left_ = run.length;
    }
    CO_TRY_ASSIGN(const Bytes piece, co_await open_->next());
    if (piece.size() > open_left_ || (piece.empty() && open_left_ > 0)) {
      co_return Error(Code::kCorrupt, "a stored blob has another length than its record says");
    }
    open_left_ -= piece.size();
    if (!piece.empty()) co_return piece;
    open_.reset();
  }
}

bool BodyStream::ended() const noexcept {
  return next_run_ == runs_.size() && (!open_ || (open_left_ == 0 && open_->ended()));
}

}  // namespace strata::object
