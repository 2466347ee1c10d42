#include "objstore/replica/scrub_marks.h"

namespace strata::replica {

namespace {

using drive::Table;

// Ranges of one part sort by their ends; what follows the part's letter in the alphabet is the end
// of all.
char letter(ScrubPart part) {
  return part == ScrubPart::kRows ? 'r' : 'b';
}

std::string range_head(ScrubPart part) {
  return std::string(kScrubRangeHead) + letter(part);
}

std::string last_name(ScrubPart part) {
  return std::string(kScrubRangeHead) + static_cast<char>(letter(part) + 1);
}

std::string range_name(const VerifiedRange& range) {
  return range.to_last ? last_name(range.part) : range_head(range.part) + range.end;
}

Result<VerifiedRange> decode_range(const drive::Drive& drive, ScrubPart part, std::string_view name,
                                   std::string_view record) {
  TRY_ASSIGN(drive::Note note, drive::decode_note(drive.seed(), name, record));
  if (note.numbers.size() != 3) return Error(Code::kCorrupt, "not the note of a range");
  VerifiedRange range;
  range.part = part;
  range.to_last = name == last_name(part);
  if (!range.to_last) range.end = std::string(name.substr(range_head(part).size()));
  range.from = std::move(note.text);
  range.started_ms = static_cast<int64_t>(note.numbers[0]);
  range.ended_ms = static_cast<int64_t>(note.numbers[1]);
  range.sequence = note.numbers[2];
  return range;
}

}  // namespace

std::string_view part_name(ScrubPart part) noexcept {
  switch (part) {
    case ScrubPart::kNone:
      return "nothing";
    case ScrubPart::kMeta:
      return "notes";
    case ScrubPart::kLog:
      return "log";
    case ScrubPart::kDropped:
      return "dropped blobs";
    case ScrubPart::kRows:
      return "rows";
    case ScrubPart::kBlobs:
      return "blobs";
    case ScrubPart::kIndex:
      return "index files";
  }
  return "nothing";
}

std::string encode_position(drive::RecordSeed seed, const ScrubPosition& position) {
  drive::Note note;
  note.numbers = {static_cast<uint64_t>(position.started_ms),
                  static_cast<uint64_t>(position.finished_ms),
                  static_cast<uint64_t>(position.finished_started_ms),
                  position.finished_bytes,
                  position.hurried ? uint64_t{1} : 0,
                  static_cast<uint64_t>(position.part),
                  position.bytes,
                  position.findings};
  note.text = position.next;
  return drive::encode_note(seed, kScrubPositionName, note);
}

Result<ScrubPosition> decode_position(drive::RecordSeed seed, std::string_view record) {
  TRY_ASSIGN(drive::Note note, drive::decode_note(seed, kScrubPositionName, record));
  if (note.numbers.size() != 8 || note.numbers[5] > static_cast<uint64_t>(ScrubPart::kIndex)) {
    return Error(Code::kCorrupt, "not the note of a scrub's position");
  }
  ScrubPosition position;
  position.started_ms = static_cast<int64_t>(note.numbers[0]);
  position.finished_ms = static_cast<int64_t>(note.numbers[1]);
  position.finished_started_ms = static_cast<int64_t>(note.numbers[2]);
  position.finished_bytes = note.numbers[3];
  position.hurried = note.numbers[4] == 1;
  position.part = static_cast<ScrubPart>(note.numbers[5]);
  position.bytes = note.numbers[6];
  position.findings = note.numbers[7];
  position.next = std::move(note.text);
  return position;
}

std::optional<ScrubPosition> read_position(const drive::Drive& drive) {
  const auto found = drive.index().get(Table::kMeta, kScrubPositionName, drive::Tier::kDisk);
  if (!found.ok() || found->state != drive::Index::Found::State::kFound) return std::nullopt;
  auto position = decode_position(drive.seed(), found->value);
  if (!position.ok()) return std::nullopt;
  return std::move(*position);
}

void put_range(drive::Batch& batch, const drive::Drive& drive, const VerifiedRange& range) {
  const std::string name = range_name(range);
  drive::Cursor cursor = drive.index().cursor(Table::kMeta);
  for (cursor.seek(range_head(range.part) + range.from + '\0'); cursor.valid(); cursor.next()) {
    if (cursor.key() > name) break;
    batch.remove(Table::kMeta, cursor.key());
  }
  drive::Note note;
  note.numbers = {static_cast<uint64_t>(range.started_ms), static_cast<uint64_t>(range.ended_ms),
                  range.sequence};
  note.text = range.from;
  batch.put(Table::kMeta, name, drive::encode_note(drive.seed(), name, note));
}

std::optional<VerifiedRange> find_range(const drive::Drive& drive, ScrubPart part,
                                        std::string_view key) {
  drive::Cursor cursor = drive.index().cursor(Table::kMeta);
  cursor.seek(range_head(part) + std::string(key) + '\0');
  if (!cursor.valid() || cursor.key() > last_name(part)) return std::nullopt;
  auto range = decode_range(drive, part, cursor.key(), cursor.value());
  if (!range.ok() || range->from > key) return std::nullopt;
  return std::move(*range);
}

}  // namespace strata::replica
