#include "objstore/object/body_stream.h"

#include <algorithm>

#include "common/base/check.h"
#include "objstore/encryption/segments.h"

namespace strata::object {

BodyStream::BodyStream(replica::Store& store, std::unique_ptr<replica::ReadPin> pin,
                       std::string placement, const ObjectRecord& record, Extent extent,
                       std::optional<crypto::Secret> data_key)
    : store_(store),
      pin_(std::move(pin)),
      placement_(std::move(placement)),
      data_key_(std::move(data_key)),
      parts_(record.parts > 0) {
  CHECK(extent.first <= record.size_bytes && extent.length <= record.size_bytes - extent.first);
  uint64_t start = 0;  // of the segment within the object
  const uint64_t end = extent.first + extent.length;
  for (const Segment& segment : record.segments) {
    const uint64_t from = std::max(start, extent.first);
    const uint64_t to = std::min(start + segment.size_bytes, end);
    if (from < to) runs_.push_back({*segment.blob, from - start, to - from, segment.size_bytes});
    start += segment.size_bytes;
  }
}

// The salt lies in front of the part's bytes.
async::Task<Result<crypto::Secret>> BodyStream::key_of_part(Run run) {
  CO_TRY_ASSIGN(const Source source,
                co_await store_.read_blob(placement_, run.blob, 0, encryption::kSaltBytes));
  std::string salt;
  while (salt.size() < encryption::kSaltBytes) {
    CO_TRY_ASSIGN(const Bytes piece, co_await source->next());
    if (piece.empty()) co_return Error(Code::kCorrupt, "a stored part has no salt");
    salt += as_text(piece);
  }
  CO_TRY_ASSIGN(const Bytes rest, co_await source->next());
  if (!rest.empty() || salt.size() != encryption::kSaltBytes) {
    co_return Error(Code::kCorrupt, "a stored blob has another length than its record says");
  }
  co_return encryption::part_key(*data_key_, as_bytes(salt));
}

async::Task<Result<BodyStream::Source>> BodyStream::open_run(Run run) {
  if (!data_key_) {
    Result<Source> plain = co_await store_.read_blob(placement_, run.blob, run.offset, run.length);
    co_return std::move(plain);
  }
  crypto::Secret key = *data_key_;
  if (parts_) {
    CO_TRY_ASSIGN(key, co_await key_of_part(run));
  }
  const encryption::Form form = parts_ ? encryption::Form::kPart : encryption::Form::kObject;
  const encryption::SealedRange range =
      encryption::sealed_range(run.offset, run.length, run.plain_bytes, form);
  CO_TRY_ASSIGN(Source sealed,
                co_await store_.read_blob(placement_, run.blob, range.offset, range.length));
  co_return std::make_unique<encryption::OpenedSource>(key, range, run.length, run.plain_bytes,
                                                       std::move(sealed));
}

async::Task<Result<Bytes>> BodyStream::next() {
  while (true) {
    if (!open_) {
      if (next_run_ == runs_.size()) co_return Bytes();
      const Run run = runs_[next_run_++];
      CO_TRY_ASSIGN(open_, co_await open_run(run));
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
