#include "objstore/encryption/segments.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/digest/checksum.h"

namespace strata::encryption {
namespace {

constexpr std::string_view kPartLabel = "strata part key 1";

crypto::Nonce nonce_of(uint64_t segment, bool last) noexcept {
  crypto::Nonce nonce{};
  store_big(nonce.data(), segment);
  nonce[sizeof segment] = static_cast<std::byte>(last ? 1 : 0);
  return nonce;
}

uint64_t salt_bytes(Form form) noexcept {
  return form == Form::kPart ? kSaltBytes : 0;
}

uint64_t segments_of(uint64_t plain_bytes) noexcept {
  return (plain_bytes + kSegmentBytes - 1) / kSegmentBytes;
}

ByteVector draw_salt(RandomSource& random) {
  ByteVector salt(kSaltBytes);
  random.fill(salt);
  return salt;
}

}  // namespace

uint64_t sealed_bytes(uint64_t plain_bytes, Form form) noexcept {
  if (plain_bytes == 0) return 0;
  return salt_bytes(form) + plain_bytes + segments_of(plain_bytes) * crypto::kTagBytes;
}

SealedRange sealed_range(uint64_t offset, uint64_t length, uint64_t plain_bytes, Form form) {
  CHECK(length > 0 && offset < plain_bytes && length <= plain_bytes - offset);
  SealedRange range;
  range.first_segment = offset / kSegmentBytes;
  range.skip = offset % kSegmentBytes;
  const uint64_t end_segment = segments_of(offset + length);
  const uint64_t from = range.first_segment * kSealedSegmentBytes;
  const uint64_t to =
      std::min(end_segment * kSealedSegmentBytes, sealed_bytes(plain_bytes, Form::kObject));
  range.offset = salt_bytes(form) + from;
  range.length = to - from;
  return range;
}

crypto::Secret part_key(const crypto::Secret& data_key, Bytes salt) {
  CHECK(salt.size() == kSaltBytes);
  std::string message(kPartLabel);
  message += as_text(salt);
  std::string derived = digest::hmac_sha256(data_key.bytes(), as_bytes(message));
  const crypto::Secret key(as_bytes(derived));
  crypto::wipe(std::as_writable_bytes(std::span(derived)));
  return key;
}

Sealer::Sealer(const crypto::Secret& data_key) : cipher_(data_key) {
  pending_.reserve(kSegmentBytes);
}

Sealer::Sealer(const crypto::Secret& data_key, RandomSource& random)
    : cipher_([&] {
        salt_ = draw_salt(random);
        return part_key(data_key, salt_);
      }()) {
  pending_.reserve(kSegmentBytes);
}

void Sealer::seal_pending(bool last) {
  const size_t at = out_.size();
  out_.resize(at + pending_.size() + crypto::kTagBytes);
  cipher_.seal(nonce_of(next_segment_, last), {}, pending_, MutableBytes(out_).subspan(at));
  ++next_segment_;
  pending_.clear();
}

Bytes Sealer::update(Bytes plain) {
  out_.clear();
  if (!plain.empty() && !salt_.empty()) out_.swap(salt_);
  while (!plain.empty()) {
    if (pending_.size() == kSegmentBytes) seal_pending(false);
    const size_t take = std::min<size_t>(kSegmentBytes - pending_.size(), plain.size());
    pending_.insert(pending_.end(), plain.begin(), plain.begin() + static_cast<ptrdiff_t>(take));
    plain = plain.subspan(take);
  }
  return out_;
}

Bytes Sealer::finish() {
  out_.clear();
  if (!pending_.empty()) seal_pending(true);
  return out_;
}

OpenedSource::OpenedSource(const crypto::Secret& key, const SealedRange& range, uint64_t length,
                           uint64_t plain_bytes, std::unique_ptr<async::ByteSource> sealed)
    : cipher_(key),
      sealed_(std::move(sealed)),
      plain_bytes_(plain_bytes),
      last_segment_(segments_of(plain_bytes) - 1),
      segment_(range.first_segment),
      skip_(range.skip),
      left_(length) {
  gathered_.reserve(kSealedSegmentBytes);
}

uint64_t OpenedSource::sealed_bytes_of(uint64_t segment) const noexcept {
  if (segment < last_segment_) return kSealedSegmentBytes;
  return plain_bytes_ - last_segment_ * kSegmentBytes + crypto::kTagBytes;
}

Status OpenedSource::open_segment(Bytes sealed) {
  plain_.resize(sealed.size() - crypto::kTagBytes);
  if (!cipher_.open(nonce_of(segment_, segment_ == last_segment_), {}, sealed, plain_)) {
    return Error(Code::kCorrupt,
                 fmt::format("segment {} of an encrypted object does not open", segment_));
  }
  ++segment_;
  return {};
}

// The sealed source may have something to verify at its end.
async::Task<Result<Bytes>> OpenedSource::end() {
  if (!source_ended_) {
    if (piece_.empty()) {
      CO_TRY_ASSIGN(piece_, co_await sealed_->next());
    }
    if (!piece_.empty()) {
      co_return Error(Code::kCorrupt, "an encrypted object is longer than its record says");
    }
    source_ended_ = true;
  }
  co_return Bytes();
}

// The next `wanted` sealed bytes in one piece: where they lie, if they came so.
async::Task<Result<Bytes>> OpenedSource::gather(uint64_t wanted) {
  gathered_.clear();
  while (true) {
    if (piece_.empty()) {
      CO_TRY_ASSIGN(piece_, co_await sealed_->next());
      if (piece_.empty()) {
        co_return Error(Code::kCorrupt, "an encrypted object is shorter than its record says");
      }
    }
    if (gathered_.empty() && piece_.size() >= wanted) {
      const Bytes whole = piece_.first(wanted);
      piece_ = piece_.subspan(wanted);
      co_return whole;
    }
    const size_t take = std::min<size_t>(wanted - gathered_.size(), piece_.size());
    const Bytes taken = piece_.first(take);
    gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    piece_ = piece_.subspan(take);
    if (gathered_.size() == wanted) co_return Bytes(gathered_);
  }
}

async::Task<Result<Bytes>> OpenedSource::next() {
  if (left_ == 0) {
    Result<Bytes> at_end = co_await end();
    co_return std::move(at_end);
  }
  CO_TRY_ASSIGN(const Bytes whole, co_await gather(sealed_bytes_of(segment_)));
  CO_TRY(open_segment(whole));
  const Bytes plain = Bytes(plain_).subspan(skip_);
  skip_ = 0;
  const Bytes given = plain.first(std::min<uint64_t>(plain.size(), left_));
  left_ -= given.size();
  co_return given;
}

bool OpenedSource::ended() const noexcept {
  return left_ == 0 && piece_.empty() && (source_ended_ || sealed_->ended());
}

}  // namespace strata::encryption
