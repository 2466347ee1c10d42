#include "objstore/replica/scrub_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "objstore/replica/healer.h"

namespace strata::replica {

namespace {

// Names that sort as the scrub goes: DRIVE/ for the identity, then DRIVE/NUMBER for each file.
std::string name_of_file(const std::string& head, const drive::IndexFile& file) {
  return fmt::format("{}{:020}", head, file.number);
}

}  // namespace

std::optional<std::string> IndexVerifier::step(const std::vector<size_t>& drives,
                                               const std::string& from) {
  if (work_) {
    step_file();
    return work_ ? from : from + '\0';
  }
  std::vector<std::pair<std::string, size_t>> heads;
  for (const size_t member : drives) {
    const Place* const place = core_.view().current.place_of(member);
    if (place != nullptr) heads.emplace_back(place->member.drive.to_hex() + "/", member);
  }
  std::ranges::sort(heads);
  for (const auto& [head, member] : heads) {
    if (from <= head) {
      check_identity(member);
      return head + '\0';
    }
    if (!from.starts_with(head)) continue;  // this one was done before
    if (std::string next = next_on(member, head, from); !next.empty()) return next;
  }
  return std::nullopt;
}

// Begins with the drive's next file; empty when there is none.
std::string IndexVerifier::next_on(size_t member, const std::string& head,
                                   const std::string& from) {
  const auto files = core_.drive(member).index().files();
  if (!files.ok()) return {};
  for (const drive::IndexFile& file : *files) {
    std::string name = name_of_file(head, file);
    if (name < from) continue;
    begin(member, file);
    return work_ ? name : name + '\0';
  }
  return {};
}

void IndexVerifier::begin(size_t member, const drive::IndexFile& file) {
  auto check = core_.drive(member).check_index_file(file);
  if (check.ok()) {
    work_.emplace(Work{.member = member, .file = file, .check = std::move(*check)});
    return;
  }
  if (check.error().code == Code::kBusy) return;  // too many open files say nothing of this one
  damaged(member, check.error(), file.name);
}

void IndexVerifier::step_file() {
  const uint64_t before = work_->check.bytes_read();
  const Result<bool> last = work_->check.step();
  bytes_ += work_->check.bytes_read() - before;
  if (last.ok() && !*last) return;
  const Work done = *std::exchange(work_, std::nullopt);
  ++counts_->index_files;
  if (!last.ok()) damaged(done.member, last.error(), done.file.name);
}

void IndexVerifier::damaged(size_t member, const Error& error, const std::string& what) {
  drive::Drive& drive = core_.drive(member);
  if (!drive.in_service()) return;
  // Merged into others since: whatever is wrong with it, nobody needs it.
  const auto files = drive.index().files();
  const auto is_it = [&](const drive::IndexFile& file) { return file.name == what; };
  if (!files.ok() || std::ranges::none_of(*files, is_it)) return;
  ++counts_->index;
  const Error told(Code::kCorrupt, drive::kReasonIndexDamaged, error.message);
  report_bad(core_, {BadCopy{member, told}}, "file", what);
}

void IndexVerifier::check_identity(size_t member) {
  const auto repaired = core_.drive(member).check_identity();
  if (!repaired.ok() || *repaired == 0) return;
  counts_->bad += *repaired;
  core_.corrupt_found += *repaired;
  core_.corrupt_healed += *repaired;
}

}  // namespace strata::replica
