#include "objstore/replica/merged_scan.h"

#include <algorithm>
#include <optional>

#include "objstore/replica/healer.h"

namespace strata::replica {

namespace {

// One drive's place in the scan.
struct Walk {
  size_t member;
  drive::Cursor cursor;
};

class Scan {
 public:
  Scan(Core& core, const View& view, const ScanRequest& request, std::optional<uint64_t> placement)
      : core_(core), view_(view), request_(request), placement_(placement) {}

  // kCorrupt or kIo with `failed` set when that member's index cannot be read.
  Result<std::vector<Row>> over(const std::vector<size_t>& members) {
    std::vector<Walk> walks;
    for (const size_t member : members) {
      walks.push_back(Walk{member, core_.drive(member).index().cursor(drive::Table::kRows)});
      walks.back().cursor.seek(request_.from);
      TRY(check(walks.back()));
    }
    std::vector<Row> rows;
    std::string key;
    while (rows.size() < request_.rows_max && first_key(walks, key)) {
      TRY_ASSIGN(std::optional<Row> row, row_at(walks, key));
      if (row) rows.push_back(std::move(*row));
    }
    return rows;
  }

  std::optional<size_t> failed;

 private:
  Status check(const Walk& walk) {
    if (walk.cursor.valid()) return {};
    const Status status = walk.cursor.status();
    if (!status.ok()) failed = walk.member;
    return status;
  }

  // The key that comes next; false: none in the range.
  bool first_key(const std::vector<Walk>& walks, std::string& key) const {
    std::optional<std::string_view> first;
    for (const Walk& walk : walks) {
      if (!walk.cursor.valid()) continue;
      if (const std::string_view here = walk.cursor.key(); !first || here < *first) first = here;
    }
    if (!first || (!request_.to.empty() && *first >= request_.to)) return false;
    key = *first;
    return true;
  }

  // The newest good copy of the row among the walks; moves them past the key.
  Result<std::optional<Row>> row_at(std::vector<Walk>& walks, const std::string& key) {
    std::optional<drive::RowRecord> best;
    std::vector<BadCopy> bad;
    bool seen_other = false;
    for (Walk& walk : walks) {
      if (!walk.cursor.valid() || walk.cursor.key() != key) continue;
      auto row = drive::decode_row(core_.seed(), key, walk.cursor.value());
      if (!row.ok()) {
        bad.push_back(BadCopy{walk.member, row.error()});
      } else if (!is_asked_for(*row) || is_stray(walk.member, *row)) {
        seen_other = true;
      } else if (!best || row->sequence > best->sequence) {
        best = std::move(row).value();
      }
      walk.cursor.next();
      TRY(check(walk));
    }
    if (!best && bad.empty() && seen_other) return std::optional<Row>();
    if (!best) {
      TRY(find_elsewhere(key, bad, best));
      if (!best) return std::optional<Row>();
    }
    if (!bad.empty()) heal_row(core_, bad, best->placement, key);
    return std::optional<Row>(
        Row{.key = key, .value = std::move(best->value), .sequence = Sequence(best->sequence)});
  }

  [[nodiscard]] bool is_asked_for(const drive::RowRecord& row) const {
    return !placement_ || row.placement == *placement_;
  }

  // Whether the drive holds the row for no better reason than that members have moved. It may lag
  // behind there, or have been deleted elsewhere.
  [[nodiscard]] bool is_stray(size_t member, const drive::RowRecord& row) const {
    return view_.strays && !view_.current.holds(member, row.placement);
  }

  // Every copy seen was bad: any other drive may have a good one. An absent row on another drive of
  // the placement cannot be told from one that was never meant for it, so only a good copy counts.
  Status find_elsewhere(const std::string& key, const std::vector<BadCopy>& bad,
                        std::optional<drive::RowRecord>& best) {
    for (const Place& place : view_.current.places) {
      if (place.role != Role::kServing || !core_.seat(place.seat).in_service()) continue;
      auto found = core_.drive(place.seat).get_row(key, drive::Tier::kDisk);
      if (!found.ok() || !found->row || is_stray(place.seat, *found->row)) continue;
      if (!is_asked_for(*found->row)) return {};
      if (!best || found->row->sequence > best->sequence) best = std::move(found->row);
    }
    if (best) return {};
    report_bad(core_, bad, "row", key);
    return Error(Code::kCorrupt, "a row in this range has no good copy on any drive");
  }

  Core& core_;
  const View& view_;
  const ScanRequest& request_;
  const std::optional<uint64_t> placement_;
};

// Of these drives so many are enough.
struct Sources {
  std::vector<size_t> seats;
  size_t needed = 1;
};

// One drive holds all of a placement; of everything, any N - R + 1 do, or all that are not lost.
Sources sources_of(const Core& core, const View& view, std::optional<uint64_t> placement) {
  if (placement) return {.seats = core.in_service(*placement)};
  Sources sources;
  for (const Place& place : view.current.places) {
    if (place.role == Role::kServing && core.seat(place.seat).in_service()) {
      sources.seats.push_back(place.seat);
    }
  }
  const size_t whole = view.current.places.size() - core.replicas + 1;
  sources.needed = whole;
  if (sources.seats.size() < whole && view.current.knows_all(sources.seats.size())) {
    sources.needed = sources.seats.size();
  }
  return sources;
}

}  // namespace

Result<std::vector<Row>> merged_scan(Core& core, const ScanRequest& request) {
  const View& view = core.view();
  std::optional<uint64_t> placement;
  if (!request.placement.empty()) placement = Placement::hash(request.placement);
  Sources sources = sources_of(core, view, placement);
  std::vector<size_t>& members = sources.seats;
  if (placement && members.empty() && view.current.is_lost(*placement)) return std::vector<Row>();
  Error last =
      placement ? core.too_few_drives(*placement)
                : core.too_few_drives_for_all("too few drives are in service to list everything");
  const auto needed = static_cast<ptrdiff_t>(sources.needed);
  while (members.size() >= sources.needed) {
    Scan scan(core, view, request, placement);
    auto rows = scan.over({members.begin(), members.begin() + needed});
    if (rows.ok() || !scan.failed) return rows;
    report_bad(core, {BadCopy{*scan.failed, rows.error()}}, "table", "rows");
    last = rows.error();
    std::erase(members, *scan.failed);
  }
  return last;
}

}  // namespace strata::replica
