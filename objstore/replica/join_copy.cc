// How the bytes of blobs come to a drive that is filled.
#include <algorithm>

#include "common/base/log.h"
#include "common/digest/checksum.h"
#include "objstore/replica/join.h"

namespace strata::replica {

void Join::report_bad_source(size_t source, const drive::BlobName& blob, const Error& error) const {
  log::error("corrupt", {{"drive", core_.seat(source).path},
                         {"blob", blob.id.to_hex()},
                         {"error", error.to_string()}});
}

// Owned even without a copy, as is a file: a read of it must report damage, not absence.
void Join::copy_small(const std::vector<size_t>& from, Item& item) {
  for (const size_t source : from) {
    const auto small = core_.drive(source).get_small(item.blob, drive::Tier::kDisk);
    bytes_ += 2 * item.blob.size_bytes;
    if (small.ok()) {
      item.small = drive::encode_small_header(core_.seed(), item.blob.id, item.blob.size_bytes,
                                              digest::xxh3(small->bytes)) +
                   to_string(Bytes(small->bytes));
      return;
    }
    report_bad_source(source, item.blob, small.error());
  }
}

// All that have it are opened now: so it stays readable though it be dropped meanwhile, which
// leaves nothing to own it, and no pin is held from step to step.
Status Join::begin_file(Item item, uint64_t number, const std::vector<size_t>& from) {
  auto copying = std::make_unique<Copying>();
  for (const size_t source : from) {
    auto reader = core_.drive(source).open_blob(item.blob);
    if (reader.ok()) {
      copying->sources.push_back({source, std::move(reader).value()});
    } else if (reader.error().code == Code::kBusy) {
      return reader.error();
    } else {
      report_bad_source(source, item.blob, reader.error());
    }
  }
  copying->item = std::move(item);
  copying->number = number;
  copying_ = std::move(copying);
  return {};
}

Result<bool> Join::copy_on() {
  Copying& now = *copying_;
  const drive::BlobName& blob = now.item.blob;
  drive::Drive& target = core_.drive(seat_);
  if (!now.copy && !now.sources.empty()) {
    TRY(target.check_space(blob.size_bytes));
    TRY_ASSIGN(drive::BlobCopy copy, target.begin_copy(blob));
    now.copy.emplace(std::move(copy));
  }
  while (now.failures < now.sources.size()) {
    const uint64_t before = now.copy->blocks_copied();
    Result<bool> copied = now.copy->step(now.sources.front().reader, kJoinFileBytesMax);
    bytes_ += 2 * std::min<uint64_t>(blob.size_bytes, kJoinFileBytesMax);
    TRY(target.health());
    if (copied.ok() || now.copy->blocks_copied() > before) now.failures = 0;
    if (copied.ok()) {
      now.item.has_file = *copied;
      return copied;
    }
    if (copied.error().code == Code::kNoSpace || copied.error().code == Code::kBusy) return copied;
    // Another one goes on with it, from the block that this one failed at; which may do better
    // behind it.
    report_bad_source(now.sources.front().seat, blob, copied.error());
    std::ranges::rotate(now.sources, now.sources.begin() + 1);
    ++now.failures;
  }
  return true;
}

Result<Join::Stepped> Join::step_of_copy() {
  const Result<bool> copied = copy_on();
  Status done;
  if (!copied.ok()) {
    done = copied.error();
  } else if (!*copied) {
    return Stepped{.complete = false, .bytes = bytes_};
  } else {
    std::vector<Item> items;
    items.push_back(copying_->item);
    done = apply(std::move(items));
  }
  if (!done.ok()) {
    from_ = copying_->item.key;
    keys_seen_ = copying_->number;
  }
  copying_.reset();
  table_done_ = false;  // whether it is shows in the next step
  if (!done.ok()) return done.error();
  return Stepped{.complete = false, .bytes = bytes_};
}

}  // namespace strata::replica
