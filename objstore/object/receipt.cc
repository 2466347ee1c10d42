#include "objstore/object/receipt.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "common/digest/checksum.h"
#include "objstore/object/names.h"
#include "objstore/object/record_format.h"
#include "objstore/object/row_keys.h"
#include "objstore/object/store_impl.h"

namespace strata::object {
namespace {

using State = replica::CopyReport::State;

// An object that changes while it is read is read anew.
constexpr int kReceiptAttempts = 5;

// The newest good copy of a row, or null.
const replica::CopyReport* truth_of(const std::vector<replica::CopyReport>& rows) {
  const replica::CopyReport* truth = nullptr;
  for (const replica::CopyReport& row : rows) {
    if (row.state != State::kGood) continue;
    if (truth == nullptr || row.sequence > truth->sequence) truth = &row;
  }
  return truth;
}

void add_row(CopyReceipt& copy, const replica::CopyReport& row, uint64_t truth) {
  copy.drive_path = row.drive_path;
  copy.drive_id = row.drive_id;
  copy.row = row.state;
  copy.error = row.error;
  copy.row_checksum = row.checksum;
  copy.sequence = row.sequence;
  copy.flushed = row.flushed;
  copy.verified_ms = row.verified_ms;
  // Until a blob says otherwise; an object without bytes has none.
  copy.data = row.state == State::kUnavailable ? State::kUnavailable : State::kGood;
  if (row.state == State::kGood && row.sequence < truth) {
    copy.row = State::kBad;
    copy.error = "the record is out of date";
  }
  if (row.state == State::kMissing) copy.error = "the record is missing";
}

void add_blob(CopyReceipt& copy, const replica::CopyReport& blob) {
  copy.verified_ms = std::min(copy.verified_ms, blob.verified_ms);
  if (blob.state == State::kGood) return;
  copy.data = blob.state;
  if (copy.error.empty()) {
    copy.error = blob.state == State::kMissing ? "data is missing" : blob.error;
  }
}

class ReceiptMaker {
 public:
  ReceiptMaker(replica::Inspector& inspector, const GoOn& go_on)
      : inspector_(inspector), go_on_(go_on) {}

  // Fills the receipt from the record's blobs.
  Status add_data(ObjectReceipt& receipt, const std::string& placement,
                  const ObjectRecord& record) {
    std::vector<std::unique_ptr<digest::Xxh3>> sums;
    sums.reserve(receipt.copies.size());
    for (size_t i = 0; i < receipt.copies.size(); ++i) {
      sums.push_back(std::make_unique<digest::Xxh3>());
    }
    const auto sink = [&](size_t copy, Bytes bytes) {
      if (copy < sums.size()) sums[copy]->update(bytes);
      receipt.bytes_read += bytes.size();
      return go_on_();
    };
    for (const replica::BlobRef& ref : record.blobs()) {
      TRY_ASSIGN(const auto blobs, inspector_.blob(placement, ref, sink));
      for (size_t i = 0; i < blobs.size() && i < receipt.copies.size(); ++i) {
        add_blob(receipt.copies[i], blobs[i]);
      }
    }
    for (size_t i = 0; i < receipt.copies.size(); ++i) {
      CopyReceipt& copy = receipt.copies[i];
      if (copy.data == State::kGood) copy.data_checksum = sums[i]->value();
    }
    return {};
  }

 private:
  replica::Inspector& inspector_;
  const GoOn& go_on_;
};

// The rows are still what they were.
bool unchanged(const std::vector<replica::CopyReport>& before,
               const std::vector<replica::CopyReport>& now) {
  return std::ranges::equal(before, now, [](const auto& a, const auto& b) {
    return a.state == b.state && a.checksum == b.checksum && a.drive_id == b.drive_id;
  });
}

}  // namespace

size_t ObjectReceipt::good_copies() const noexcept {
  return static_cast<size_t>(
      std::ranges::count_if(copies, [](const CopyReceipt& copy) { return copy.good(); }));
}

Result<ObjectReceipt> make_receipt(replica::Inspector& inspector, const std::string& bucket,
                                   const std::string& key, const GoOn& go_on) {
  TRY(check_names(bucket, key));
  const std::string row_key = rows::object(bucket, key);
  const std::string placement = rows::placement(bucket, key);
  for (int attempt = 0;; ++attempt) {
    const std::unique_ptr<replica::ReadPin> pin = inspector.pin();
    TRY_ASSIGN(const std::vector<replica::CopyReport> found, inspector.row(placement, row_key));
    const bool any = std::ranges::any_of(found, [](const replica::CopyReport& row) {
      return row.state == State::kGood || row.state == State::kBad;
    });
    if (!any) return no_such_key(key);
    ObjectReceipt receipt;
    receipt.bucket = bucket;
    receipt.key = key;
    const replica::CopyReport* const truth = truth_of(found);
    for (const replica::CopyReport& row : found) {
      receipt.copies.emplace_back();
      add_row(receipt.copies.back(), row, truth == nullptr ? 0 : truth->sequence);
      receipt.bytes_read += row.value ? row.value->size() : 0;
    }
    if (truth == nullptr) {
      receipt.error = "no drive has a good copy of the record";
      for (CopyReceipt& copy : receipt.copies) copy.data = State::kMissing;
    } else {
      TRY_ASSIGN(const ObjectRecord record, decode_object(*truth->value));
      receipt.etag = record.etag;
      receipt.size_bytes = record.size_bytes;
      TRY(ReceiptMaker(inspector, go_on).add_data(receipt, placement, record));
    }
    if (receipt.good()) return receipt;
    // What looks bad may be a change that came in between.
    TRY_ASSIGN(const std::vector<replica::CopyReport> again, inspector.row(placement, row_key));
    if (unchanged(found, again)) return receipt;
    if (attempt + 1 == kReceiptAttempts) {
      return Error(Code::kBusy, fmt::format("'{}' changes all the time; try again", key));
    }
  }
}

Result<std::vector<std::string>> keys_for_receipts(replica::Inspector& inspector,
                                                   const std::string& bucket,
                                                   const std::string& after, size_t most) {
  TRY(check_bucket_name(bucket));
  const std::string bucket_row = rows::bucket(bucket);
  TRY_ASSIGN(const auto known, inspector.keys(bucket_row, bucket_row + '\0', 1));
  if (known.empty()) {
    return Error(Code::kNotFound, reason::kNoSuchBucket,
                 fmt::format("there is no bucket '{}'", bucket));
  }
  const std::string head = rows::objects_head(bucket);
  const std::string from = after.empty() ? head : rows::object(bucket, after) + '\0';
  TRY_ASSIGN(std::vector<std::string> found, inspector.keys(from, rows::prefix_end(head), most));
  for (std::string& key : found) {
    key = std::string(rows::key_of_tail(std::string_view(key).substr(head.size())));
  }
  return found;
}

}  // namespace strata::object
