#include "objstore/replica/replica_inspector.h"

#include "common/digest/checksum.h"
#include "objstore/replica/scrub_marks.h"
#include "objstore/replica/union_walk.h"

namespace strata::replica {

namespace {

using drive::Table;

constexpr Duration kAgreedWait = std::chrono::seconds(10);
constexpr size_t kKeysMax = 10'000;

Error stopped() {
  return Error(Code::kClosed, "the server is shutting down");
}

void bad(CopyReport& report, const Error& error) {
  report.state = CopyReport::State::kBad;
  report.error = error.to_string();
}

// Only a pass that began when the copy was there has verified it.
int64_t verified_ms(const drive::Drive& drive, ScrubPart part, std::string_view key,
                    uint64_t sequence) {
  const std::optional<VerifiedRange> range = find_range(drive, part, key);
  return range && range->sequence >= sequence ? range->started_ms : 0;
}

}  // namespace

std::vector<ReplicaInspector::Target> ReplicaInspector::targets(
    const std::string& placement) const {
  std::vector<Target> found;
  const Plan& plan = core_.view().current;
  for (const size_t slot : plan.placement.targets(Placement::hash(placement))) {
    const Place& place = plan.places[slot];
    const Seat& one = core_.seat(place.seat);
    const bool serves = one.in_service() && place.role == Role::kServing;
    Target target{.member = place.seat, .in_service = serves, .report = {}};
    target.report.drive_path = one.path;
    target.report.drive_id = place.member.drive.to_hex();
    if (!serves) {
      target.report.state = CopyReport::State::kUnavailable;
      const Status health = one.drive ? one.drive->health() : Status();
      target.report.error = !health.ok() ? health.error().message
                            : one.drive  ? "the drive is being filled"
                                         : one.state;
    }
    found.push_back(std::move(target));
  }
  return found;
}

void ReplicaInspector::look_at_row(Target& target, const std::string& key) const {
  const drive::Drive& drive = core_.drive(target.member);
  CopyReport& report = target.report;
  const auto found = drive.index().get(Table::kRows, key, drive::Tier::kDisk);
  if (!found.ok()) return bad(report, found.error());
  if (found->state != drive::Index::Found::State::kFound) return;
  auto row = drive::decode_row(core_.seed(), key, found->value);
  if (!row.ok()) return bad(report, row.error());
  report.state = CopyReport::State::kGood;
  report.checksum = digest::xxh3(as_bytes(found->value));
  report.sequence = row->sequence;
  report.flushed = row->sequence <= core_.order.durable();
  report.value = std::move(row->value);
  report.verified_ms = verified_ms(drive, ScrubPart::kRows, key, row->sequence);
}

Result<std::vector<CopyReport>> ReplicaInspector::row(const std::string& placement,
                                                      const std::string& key) {
  if (!core_.order.wait_until_agreed(core_.order.last(), Deadline::after(kAgreedWait))) {
    return Error(Code::kTimeout, "the changes under way do not end; try again");
  }
  std::vector<CopyReport> reports;
  for (Target& target : targets(placement)) {
    if (target.in_service) look_at_row(target, key);
    reports.push_back(std::move(target.report));
  }
  return reports;
}

// An error only when it has to end; what is wrong with the copy goes into the report.
Status ReplicaInspector::look_at_blob(Target& target, const drive::BlobName& blob,
                                      const std::function<bool(Bytes)>& data) const {
  const drive::Drive& drive = core_.drive(target.member);
  CopyReport& report = target.report;
  const auto record = drive.blob_record(blob.id);
  if (!record.ok()) {
    bad(report, record.error());
    return {};
  }
  if (!*record) return {};
  report.sequence = (*record)->sequence;
  if (blob.in_index) {
    const auto small = drive.get_small(blob, drive::Tier::kDisk);
    if (!small.ok()) {
      bad(report, small.error());
      return {};
    }
    if (!data(small->bytes)) return stopped();
  } else {
    bool go_on = true;
    const auto read_all = [&]() -> Status {
      TRY_ASSIGN(drive::BlobFileCheck check, drive.check_blob(blob));
      for (bool last = false; !last && go_on;) {
        TRY_ASSIGN(last, check.step([&](Bytes bytes) { go_on = data(bytes); }));
      }
      return {};
    };
    const Status read = read_all();
    if (!go_on) return stopped();
    if (!read.ok()) {
      bad(report, read.error());
      return {};
    }
  }
  report.state = CopyReport::State::kGood;
  report.verified_ms = verified_ms(drive, ScrubPart::kBlobs, blob.id.key(), report.sequence);
  return {};
}

Result<std::vector<CopyReport>> ReplicaInspector::blob(const std::string& placement,
                                                       const BlobRef& blob, const Sink& data) {
  const drive::BlobName name{
      .id = drive::Id128{blob.id.bytes}, .size_bytes = blob.size_bytes, .in_index = blob.in_index};
  std::vector<CopyReport> reports;
  for (Target& target : targets(placement)) {
    const size_t number = reports.size();
    if (target.in_service) {
      const auto sink = [&](Bytes bytes) { return data(number, bytes); };
      TRY(look_at_blob(target, name, sink));
    }
    reports.push_back(std::move(target.report));
  }
  return reports;
}

Result<std::vector<std::string>> ReplicaInspector::keys(const std::string& from,
                                                        const std::string& to, size_t most) {
  CHECK(most > 0 && most <= kKeysMax);
  const std::vector<size_t> drives = core_.serving();
  UnionWalk walk(core_, drives, Table::kRows, from);
  std::vector<std::string> found;
  while (found.size() < most) {
    std::optional<std::string> key = walk.next_key();
    if (!key || (!to.empty() && *key >= to)) break;
    (void)walk.take(*key);
    found.push_back(std::move(*key));
  }
  return found;
}

}  // namespace strata::replica
