#include "objstore/drive/drive.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"

namespace strata::drive {

namespace {
constexpr std::string_view kBlobsFolder = "blobs";
constexpr std::string_view kRewriteSuffix = ".new";

uint64_t reserve_of(const io::Space& space) {
  return std::min(kReserveBytes, space.capacity_bytes / kReserveDivisor);
}
}  // namespace

std::string unanswered(Duration waited) {
  return fmt::format("it did not answer within {} ms",
                     std::chrono::duration_cast<std::chrono::milliseconds>(waited).count());
}

Drive::Drive(Setup setup)
    : setup_(std::move(setup)), seed_(RecordSeed::of_cluster(setup_.identity.cluster)) {}

Drive::~Drive() {
  reclaimer_.reset();
  committer_.reset();
  if (index_ && in_service()) index_->seal();
  index_.reset();  // its threads may report a failure until they have ended
}

Result<std::unique_ptr<Drive>> Drive::open(Setup setup) {
  std::unique_ptr<Drive> drive(new Drive(std::move(setup)));
  const Status opened = drive->finish_open();
  if (!opened.ok()) return opened.error().with_context("drive " + drive->path());
  return drive;
}

Status Drive::finish_open() {
  TRY_ASSIGN(repaired_at_open_, check_identity());
  const std::string blobs = io::join_path(path(), kBlobsFolder);
  TRY(io::create_directories(setup_.files, blobs));
  const std::string index_path = io::join_path(path(), kIndexFolder);
  TRY(io::create_directories(setup_.files, index_path));
  auto index = Index::open(setup_.files, index_path, setup_.cache,
                           [this](const std::string& reason) { take_out(reason); });
  if (!index.ok()) note_index_damage(index.error());
  TRY_ASSIGN(index_, std::move(index));
  TRY(free_leftovers());
  TRY(sweep());
  TRY_ASSIGN(const uint64_t log_start, repair_log_start());
  TRY_ASSIGN(space_, setup_.files.space(path()));
  space_at_ = std::chrono::steady_clock::now();
  committer_ = std::make_unique<Committer>(
      Committer::Wiring{.index = *index_,
                        .seed = seed_,
                        .drive_tag = setup_.tag,
                        .log_start = log_start,
                        .durability = setup_.durability,
                        .health = [this] { return health(); },
                        .failed = [this](const Error& error) { take_out(error.to_string()); }});
  reclaimer_ = std::make_unique<Reclaimer>(
      Reclaimer::Wiring{.index = *index_,
                        .room = [this] { return room_beyond_reserve(); },
                        .failed = [this](const Error& error) { (void)write_failed(error); }});
  return {};
}

Status Drive::health() const {
  if (in_service()) return {};
  const std::lock_guard lock(mutex_);
  return Error(Code::kIo, fmt::format("drive {} is out of service: {}", path(), reason_));
}

void Drive::leave(const std::string& reason, bool missing) {
  {
    const std::lock_guard lock(mutex_);
    if (out_.load(std::memory_order_relaxed)) return;
    reason_ = reason;
    missing_ = missing;
    out_.store(true, std::memory_order_release);
  }
  log::error("drive.out", {{"path", path()}, {"reason", reason}});
}

bool Drive::is_folder_gone() const {
  const auto identity = read_identity(setup_.files, path());
  return !identity.ok() && identity.error().code == Code::kNotFound;
}

void Drive::look_for_folder() {
  if (in_service() && is_folder_gone()) leave("its folder is gone", true);
}

void Drive::note_index_damage(const Error& error) {
  if (error.reason != kReasonIndexDamaged || damage_noted_.exchange(true)) return;
  log::error("drive.index_damaged", {{"path", path()}, {"error", error.to_string()}});
  const Status noted = io::write_file_atomic(setup_.files, io::join_path(path(), kIndexDamagedName),
                                             as_bytes(std::string_view(error.message)));
  if (!noted.ok()) (void)write_failed(noted.error());
}

Error Drive::write_failed(const Error& error) {
  if (error.code == Code::kNoSpace || error.code == Code::kBusy) return error;
  // A file that could not be made because there is no folder for it any more: nothing was written
  // that could have been lost.
  leave(error.to_string(), error.code == Code::kNotFound && is_folder_gone());
  return error;
}

Status Drive::write_now(Batch& batch) {
  TRY(health());
  const Status written = index_->write(batch, true);
  if (!written.ok()) take_out(written.error().to_string());
  return written;
}

Result<Drive::RowFound> Drive::get_row(std::string_view key, Tier tier) const {
  TRY(health());
  TRY_ASSIGN(Index::Found found, index_->get(Table::kRows, key, tier));
  RowFound out;
  if (found.state == Index::Found::State::kWouldBlock) out.would_block = true;
  if (found.state == Index::Found::State::kFound) {
    TRY_ASSIGN(out.row, decode_row(seed_, key, found.value));
  }
  return out;
}

Result<Drive::SmallFound> Drive::get_small(const BlobName& blob, Tier tier) const {
  TRY(health());
  TRY_ASSIGN(Index::Found found, index_->get(Table::kData, blob.id.key(), tier));
  SmallFound out;
  if (found.state == Index::Found::State::kWouldBlock) {
    out.would_block = true;
    return out;
  }
  if (found.state == Index::Found::State::kAbsent) {
    return Error(Code::kCorrupt, "a small blob is missing from the index");
  }
  TRY_ASSIGN(out.bytes, decode_small(seed_, blob, found.value));
  return out;
}

Result<std::optional<BlobRecord>> Drive::blob_record(const Id128& id) const {
  TRY_ASSIGN(Index::Found found, index_->get(Table::kBlobs, id.key(), Tier::kDisk));
  if (found.state != Index::Found::State::kFound) return std::optional<BlobRecord>();
  TRY_ASSIGN(BlobRecord record, decode_blob(seed_, id, found.value));
  return std::optional<BlobRecord>(record);
}

Result<Drive::Position> Drive::position() const {
  Cursor cursor = index_->cursor(Table::kLog);
  cursor.seek_last();
  if (!cursor.valid()) {
    TRY(cursor.status());
    return Position{};
  }
  TRY_ASSIGN(const uint64_t sequence, decode_log_key(cursor.key()));
  TRY_ASSIGN(const LogRecord last, decode_log(seed_, sequence, cursor.value()));
  return Position{.sequence = sequence, .agreed = last.agreed};
}

Status Drive::read_log(uint64_t after, const std::function<Status(const LogRecord&)>& each) const {
  Cursor cursor = index_->cursor(Table::kLog);
  for (cursor.seek(encode_log_key(after + 1)); cursor.valid(); cursor.next()) {
    TRY_ASSIGN(const uint64_t sequence, decode_log_key(cursor.key()));
    TRY_ASSIGN(const LogRecord entry, decode_log(seed_, sequence, cursor.value()));
    TRY(each(entry));
  }
  return cursor.status();
}

Result<uint64_t> Drive::stored_log_start() const {
  TRY_ASSIGN(const Index::Found found, index_->get(Table::kMeta, kLogStartName, Tier::kDisk));
  if (found.state != Index::Found::State::kFound) return uint64_t{0};
  return decode_number(seed_, kLogStartName, found.value);
}

// Where the note of it is damaged nobody may rely on the log; all else that the drive holds is as
// good as ever.
Result<uint64_t> Drive::repair_log_start() {
  Result<uint64_t> stored = stored_log_start();
  if (stored.ok() || stored.error().code != Code::kCorrupt ||
      stored.error().reason == kReasonIndexDamaged) {
    return stored;
  }
  uint64_t last = 0;
  Cursor cursor = index_->cursor(Table::kLog);
  cursor.seek_last();
  TRY(cursor.status());
  if (cursor.valid()) {
    TRY_ASSIGN(last, decode_log_key(cursor.key()));
  }
  log::error("corrupt", {{"drive", path()}, {"error", stored.error().to_string()}});
  Batch batch = index_->batch();
  batch.put(Table::kMeta, kLogStartName, encode_number(seed_, kLogStartName, last));
  TRY(write_now(batch));
  ++repaired_at_open_;
  return last;
}

Result<bool> Drive::filling() const {
  return has_mark(kFillingName);
}

Result<bool> Drive::has_mark(std::string_view name) const {
  TRY_ASSIGN(const Index::Found found, index_->get(Table::kMeta, name, Tier::kDisk));
  return found.state == Index::Found::State::kFound;
}

Status Drive::set_mark(std::string_view name, bool on) {
  Batch batch = index_->batch();
  if (on) {
    batch.put(Table::kMeta, name, "1");
  } else {
    batch.remove(Table::kMeta, name);
  }
  return write_now(batch);
}

Result<uint32_t> Drive::check_identity() {
  TRY(health());
  const std::lock_guard lock(identity_mutex_);
  auto repaired = repair_identity(setup_.files, path(), setup_.identity);
  if (!repaired.ok()) return write_failed(repaired.error());
  return repaired;
}

Status Drive::change_identity(const Identity& identity) {
  TRY(health());
  const std::lock_guard lock(identity_mutex_);
  Status written = write_identity(setup_.files, path(), identity);
  if (!written.ok()) {
    take_out("its identity could not be written: " + written.error().message);
    return written;
  }
  setup_.identity = identity;
  return {};
}

Status Drive::close(const std::string& reason, Deadline deadline) {
  take_out(reason);
  TRY(committer_->stop_by(deadline));
  TRY(index_->close(deadline));
  setup_.lock.reset();
  return {};
}

io::Space Drive::space() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = std::chrono::steady_clock::now();
  if (in_service() &&
      (now - space_at_ > kSpaceAge || promised_since_ > reserve_of(space_) / kPromisedDivisor)) {
    const auto fresh = setup_.files.space(path());
    if (fresh.ok()) space_ = *fresh;
    space_at_ = now;
    promised_since_ = 0;
  }
  return space_;
}

uint64_t Drive::room_beyond_reserve() {
  const io::Space now = space();
  // Merging is what the reserve is for; half of it stays for deletes.
  return now.available_bytes - std::min(now.available_bytes, reserve_of(now) / 2);
}

void Drive::reclaim_if_worth(const io::Space& now) {
  if (!in_service() || dropped_small_ == 0) return;
  const bool low = now.available_bytes < kLowSpaceReserves * reserve_of(now);
  if (!low && dropped_small_ < kDropsPerLook) return;
  dropped_small_ = 0;
  if (low || index_->has_much_garbage()) reclaimer_->ask();
}

Status Drive::check_space(uint64_t more_bytes) {
  const io::Space now = space();
  const uint64_t reserve = reserve_of(now);
  reclaim_if_worth(now);
  const std::lock_guard lock(mutex_);
  const uint64_t wanted = promised_since_ + more_bytes + reserve;
  if (wanted < more_bytes || wanted > now.available_bytes) {
    // What was dropped may make room for it, even where space is not low.
    if (!out_ && dropped_small_.exchange(0) > 0) reclaimer_->ask();
    return Error(Code::kNoSpace,
                 fmt::format("drive {} is full ({} bytes free, {} of them reserved); delete "
                             "something or add space",
                             path(), now.available_bytes, reserve));
  }
  promised_since_ += std::min(more_bytes, kRunBytesMax);
  return {};
}

std::string Drive::blob_path(const Id128& id) const {
  const std::string hex = id.to_hex();
  return fmt::format("{}/{}/{}/{}", path(), kBlobsFolder, hex.substr(kBlobFolderDigitAt), hex);
}

Status Drive::make_blob_folder(const Id128& id) {
  const std::string folder = io::parent_path(blob_path(id));
  const std::lock_guard lock(mutex_);
  if (folders_.contains(folder)) return {};
  // This one only: where those above it are gone, the drive is gone (a disk that was unmounted),
  // and nothing is written to what its path means now.
  Status made = setup_.files.create_directory(folder);
  if (!made.ok() && made.error().code != Code::kAlreadyExists) return made;
  TRY(setup_.files.sync_directory(io::parent_path(folder)));
  folders_.insert(folder);
  return {};
}

Result<BlobFileWriter> Drive::create_blob(const Id128& id, std::optional<uint64_t> expected_bytes) {
  TRY(health());
  const Status folder = make_blob_folder(id);
  if (!folder.ok()) return write_failed(folder.error());
  auto writer = BlobFileWriter::create(setup_.files, blob_path(id), seed_, id, expected_bytes);
  if (!writer.ok()) return write_failed(writer.error());
  return writer;
}

Result<BlobFileReader> Drive::open_blob(const BlobName& blob) const {
  TRY(health());
  return BlobFileReader::open(setup_.files, blob_path(blob.id), seed_, blob.id, blob.size_bytes);
}

void Drive::remove_blob_file(const Id128& id) {
  if (!in_service()) return;  // swept when the drive is next opened
  const Status removed = setup_.files.remove_file(blob_path(id));
  if (!removed.ok() && removed.error().code != Code::kNotFound) {
    log::warning("drive.remove", {{"path", blob_path(id)}, {"error", removed.error().to_string()}});
  }
}

Result<BlobCopy> Drive::begin_copy(const BlobName& blob) {
  TRY(health());
  const Status folder = make_blob_folder(blob.id);
  if (!folder.ok()) return write_failed(folder.error());
  const std::string target = blob_path(blob.id);
  const std::string fresh = target + std::string(kRewriteSuffix);
  auto writer = BlobFileWriter::create(setup_.files, fresh, seed_, blob.id, blob.size_bytes);
  if (!writer.ok()) return write_failed(writer.error());
  return BlobCopy(*this, blob, target, fresh, std::move(writer).value());
}

Status Drive::rewrite_blob(const BlobName& blob, BlobFileReader& from) {
  TRY_ASSIGN(BlobCopy copy, begin_copy(blob));
  TRY(copy.step(from, blob.size_bytes + kRunBytesMax));
  return {};
}

// A file that the change which dropped it may yet be lost without, and then is needed, stays. False
// when some do: their records wait for the next start.
bool Drive::free_files(const std::vector<BlobName>& blobs) {
  const auto is_file = [](const BlobName& blob) { return !blob.in_index; };
  if (std::ranges::none_of(blobs, is_file)) return true;
  if (!committer_->flush_ended(Deadline::after(kDriveAnswerMax)).ok()) return false;
  for (const BlobName& blob : blobs) {
    if (is_file(blob)) remove_blob_file(blob.id);
  }
  return true;
}

void Drive::free_dropped(const std::vector<BlobName>& blobs) {
  if (!free_files(blobs)) return;
  {
    const std::lock_guard lock(mutex_);
    if (blobs.empty()) return;
    const bool asked = !to_free_.empty();
    if (to_free_.size() + blobs.size() > kFreeWaitingMax) return;  // the next start does it
    to_free_.insert(to_free_.end(), blobs.begin(), blobs.end());
    if (asked) return;  // the task that is waiting takes these along
  }
  const bool queued = committer_->run([this](Index& index) { free_waiting(index); });
  if (queued) return;
  const std::lock_guard lock(mutex_);
  to_free_.clear();
}

// Not flushed: if it is lost, the next start does it again.
void Drive::free_waiting(Index& index) {
  std::vector<BlobName> blobs;
  {
    const std::lock_guard lock(mutex_);
    blobs.swap(to_free_);
  }
  if (!in_service() || blobs.empty()) return;
  Batch batch = index.batch();
  for (const BlobName& blob : blobs) {
    if (blob.in_index) batch.remove(Table::kData, blob.id.key());
    batch.remove(Table::kDropped, blob.id.key());
  }
  const Status written = index.write(batch, false);
  if (!written.ok()) take_out(written.error().to_string());
  dropped_small_ += blobs.size();
  reclaim_if_worth(space());
}

Status Drive::free_leftovers() {
  Batch batch = index_->batch();
  Cursor cursor = index_->cursor(Table::kDropped);
  for (cursor.seek(""); cursor.valid(); cursor.next()) {
    if (const auto id = Id128::from_key(cursor.key())) {
      TRY_ASSIGN(const std::optional<BlobRecord> owned, blob_record(*id));
      if (!owned) {
        batch.remove(Table::kData, id->key());
        remove_blob_file(*id);
      }
    }
    batch.remove(Table::kDropped, cursor.key());
  }
  TRY(cursor.status());
  return batch.empty() ? Status() : write_now(batch);
}

Status Drive::sweep() {
  const std::string blobs = io::join_path(path(), kBlobsFolder);
  TRY_ASSIGN(const std::vector<std::string> folders, setup_.files.list(blobs));
  uint64_t removed = 0;
  for (const std::string& folder : folders) {
    const std::string folder_path = io::join_path(blobs, folder);
    TRY_ASSIGN(const std::vector<std::string> names, setup_.files.list(folder_path));
    for (const std::string& name : names) {
      const auto id = Id128::from_hex(name);
      if (id) {
        const auto owned = blob_record(*id);
        if (!owned.ok() || *owned) continue;  // a damaged record may well own the file
      } else if (!name.ends_with(kRewriteSuffix)) {
        continue;  // not ours
      }
      TRY(setup_.files.remove_file(io::join_path(folder_path, name)));
      ++removed;
    }
  }
  if (removed > 0) log::info("drive.sweep", {{"path", path()}, {"removed", removed}});
  return {};
}

}  // namespace strata::drive
