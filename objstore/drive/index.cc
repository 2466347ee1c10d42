#include "objstore/drive/index.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "common/base/log.h"
#include "objstore/drive/index_options.h"
#include "objstore/drive/log_check.h"
#include "objstore/drive/log_writer.h"
#include "objstore/drive/rocksdb_crc32c.h"
#include "objstore/drive/rocksdb_env.h"

namespace strata::drive {

namespace {

// When space is asked for, the oldest of these files are copied without what was dropped: at most
// this share of them at a time.
constexpr double kValueOldestShare = 0.25;
// Copying is not worth while for less than this share of garbage.
constexpr uint64_t kGarbageDivisor = 16;
// From here on, garbage is worth a copy although nobody asks for space.
constexpr uint64_t kGarbageBytesMin = 256 * kMiB;

// What is kept in the cache before anything else: the tables' indexes and filters, up to this share
// of it; then their blocks. Values get what these leave: they lie in the page cache too.
constexpr double kMetadataShare = 0.4;
constexpr double kTableBlockShare = 0.5;
constexpr int kCacheShardBits = 4;
// The memory of a batch that is written again and again is kept up to this size.
constexpr size_t kBatchBytesKept = kMiB;

rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view text(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

Error to_error(const rocksdb::Status& status, std::string_view what) {
  Code code = Code::kInternal;
  if (status.IsIOError()) code = status.IsNoSpace() ? Code::kNoSpace : Code::kIo;
  std::string message = fmt::format("{}: {}", what, status.ToString());
  // A file that another one names and that is not there.
  const bool missing = status.IsPathNotFound();
  if (status.IsCorruption() || missing)
    return Error(Code::kCorrupt, kReasonIndexDamaged, std::move(message));
  return Error(code, std::move(message));
}

}  // namespace

struct IndexCache::Impl {
  std::shared_ptr<rocksdb::Cache> cache;
};
std::string_view table_name(Table table) noexcept {
  return kTableNames[static_cast<size_t>(table)];
}

IndexCache::IndexCache(size_t bytes)
    : impl_(std::make_unique<Impl>(Impl{rocksdb::NewLRUCache(
          bytes, kCacheShardBits, false, kMetadataShare, nullptr, rocksdb::kDefaultToAdaptiveMutex,
          rocksdb::kDefaultCacheMetadataChargePolicy, kTableBlockShare)})) {
  bring_fast_crc32c();
}
IndexCache::~IndexCache() = default;

struct Batch::Impl {
  rocksdb::WriteBatch writes;
  const std::array<rocksdb::ColumnFamilyHandle*, kTables>& tables;
  [[nodiscard]] rocksdb::ColumnFamilyHandle* table(Table which) const {
    return tables[static_cast<size_t>(which)];
  }
};

struct Index::Impl {
  std::unique_ptr<rocksdb::Env> env;
  std::string path;
  std::atomic<bool> reclaim_ends{false};
  std::unique_ptr<rocksdb::DB> database;
  std::array<rocksdb::ColumnFamilyHandle*, kTables> tables{};
  bool all_flushed = true;  // touched by the writer only: the last write was synced
  // Reads, writes and cursors under way; whoever comes when it is closing goes again.
  std::atomic<size_t> uses{0};
  std::atomic<bool> closing{false};
  std::mutex mutex;
  std::condition_variable unused;

  ~Impl() { close_files(); }
  void close_files() {
    if (!database) return;
    for (rocksdb::ColumnFamilyHandle* table : tables) {
      if (table) database->DestroyColumnFamilyHandle(table);
    }
    const rocksdb::Status closed = database->Close();
    if (!closed.ok()) {
      log::warning("drive.index_close", {{"path", path}, {"text", closed.ToString()}});
    }
    database.reset();
    // With it ends what it writes by itself: the folder may be somebody else's from here on.
    env.reset();
  }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* table(Table which) const {
    return tables[static_cast<size_t>(which)];
  }
  // A property that is a number; 0 if it is not known.
  [[nodiscard]] uint64_t number(rocksdb::ColumnFamilyHandle* of, const std::string& name) const {
    uint64_t value = 0;
    return database->GetIntProperty(of, name, &value) ? value : 0;
  }
};

// Keeps the files open while it lives.
class Index::Use {
 public:
  explicit Use(Impl& impl) : impl_(&impl) {
    impl.uses.fetch_add(1);
    if (impl.closing.load()) release();
  }
  ~Use() { release(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  [[nodiscard]] Status status() const {
    if (impl_ != nullptr) return {};
    return Error(Code::kClosed, "the index has been closed");
  }

 private:
  void release() {
    if (impl_ == nullptr) return;
    Impl& impl = *std::exchange(impl_, nullptr);
    if (impl.uses.fetch_sub(1) == 1 && impl.closing.load()) {
      const std::lock_guard lock(impl.mutex);
      impl.unused.notify_all();
    }
  }
  Impl* impl_;
};

struct Cursor::Impl {
  explicit Impl(std::shared_ptr<Index::Impl> index) : owner(std::move(index)), use(*owner) {}
  std::shared_ptr<Index::Impl> owner;
  Index::Use use;
  std::unique_ptr<rocksdb::Iterator> iterator;  // null when the index has been closed
};

Batch::Batch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

// A WriteBatch refuses a write only when it outgrows 4 GiB or a limit that is not set here.
void Batch::put(Table table, std::string_view key, std::string_view first,
                std::string_view second) {
  const rocksdb::Slice key_part = slice(key);
  const std::array<rocksdb::Slice, 2> parts = {slice(first), slice(second)};
  const rocksdb::Status added = impl_->writes.Put(
      impl_->table(table), rocksdb::SliceParts(&key_part, 1), rocksdb::SliceParts(parts.data(), 2));
  CHECK(added.ok(), "a batch stays within its bounds");
}
void Batch::remove(Table table, std::string_view key) {
  const rocksdb::Status added = impl_->writes.Delete(impl_->table(table), slice(key));
  CHECK(added.ok(), "a batch stays within its bounds");
}
void Batch::remove_range(Table table, std::string_view from, std::string_view to) {
  const rocksdb::Status added =
      impl_->writes.DeleteRange(impl_->table(table), slice(from), slice(to));
  CHECK(added.ok(), "a batch stays within its bounds");
}
void Batch::clear() {
  if (impl_->writes.Data().capacity() > kBatchBytesKept) {
    impl_->writes = rocksdb::WriteBatch();
  } else {
    impl_->writes.Clear();
  }
}
size_t Batch::bytes() const {
  return impl_->writes.GetDataSize();
}
bool Batch::empty() const {
  return impl_->writes.Count() == 0;
}

Cursor::Cursor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
void Cursor::seek(std::string_view from) {
  if (impl_->iterator) impl_->iterator->Seek(slice(from));
}
void Cursor::seek_last() {
  if (impl_->iterator) impl_->iterator->SeekToLast();
}
void Cursor::next() {
  impl_->iterator->Next();
}
bool Cursor::valid() const {
  return impl_->iterator && impl_->iterator->Valid();
}
std::string_view Cursor::key() const {
  return text(impl_->iterator->key());
}
std::string_view Cursor::value() const {
  return text(impl_->iterator->value());
}
Status Cursor::status() const {
  TRY(impl_->use.status());
  const rocksdb::Status status = impl_->iterator->status();
  if (status.ok()) return {};
  return to_error(status, "reading the index");
}

Index::Index(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::open(io::FileSystem& files, const std::string& path,
                                           IndexCache& cache,
                                           std::function<void(const std::string&)> failed) {
  TRY_ASSIGN(const std::optional<TornEnd> torn, check_logs(files, path));
  TRY(check_manifest(files, path));
  if (torn) TRY(cut_off(files, *torn));
  auto impl = std::make_shared<Impl>();
  impl->path = path;
  const auto space = files.space(path);
  const Scale scale{space.ok() ? space->capacity_bytes : kFullSizeBytes};
  impl->env = make_rocksdb_env(files, path, scale(kLogBytesMax), failed);
  std::vector<rocksdb::ColumnFamilyDescriptor> tables;
  tables.reserve(kTables);
  for (size_t i = 0; i < kTables; ++i) {
    tables.emplace_back(kTableNames[i], table_options(i, scale, cache.impl_->cache));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* database = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(database_options(impl->env.get(), path, scale, std::move(failed)), path,
                        tables, &handles, &database);
  if (!opened.ok()) return to_error(opened, "opening the index in " + path);
  impl->database.reset(database);
  CHECK(handles.size() == kTables);
  std::copy(handles.begin(), handles.end(), impl->tables.begin());
  return std::unique_ptr<Index>(new Index(std::move(impl)));
}

Result<std::unique_ptr<Index>> Index::open_to_read(io::FileSystem& files, const std::string& path,
                                                   IndexCache& cache) {
  auto impl = std::make_shared<Impl>();
  impl->path = path;
  impl->env = make_rocksdb_env(files);
  rocksdb::DBOptions options =
      database_options(impl->env.get(), path, Scale{kFullSizeBytes}, [](const std::string&) {});
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  std::vector<std::string> there;
  rocksdb::Status opened = rocksdb::DB::ListColumnFamilies(options, path, &there);
  if (!opened.ok()) return to_error(opened, "opening the index in " + path);
  std::vector<rocksdb::ColumnFamilyDescriptor> tables;
  std::vector<size_t> places;
  for (size_t i = 0; i < kTables; ++i) {
    if (std::ranges::find(there, kTableNames[i]) == there.end()) continue;
    tables.emplace_back(kTableNames[i],
                        table_options(i, Scale{kFullSizeBytes}, cache.impl_->cache));
    places.push_back(i);
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* database = nullptr;
  opened = rocksdb::DB::OpenForReadOnly(options, path, tables, &handles, &database);
  if (!opened.ok()) return to_error(opened, "opening the index in " + path);
  impl->database.reset(database);
  CHECK(handles.size() == places.size());
  for (size_t i = 0; i < places.size(); ++i) impl->tables[places[i]] = handles[i];
  return std::unique_ptr<Index>(new Index(std::move(impl)));
}

Result<Index::Found> Index::get(Table table, std::string_view key, Tier tier) const {
  const Use use(*impl_);
  TRY(use.status());
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  Found found;
  if (impl_->table(table) == nullptr) return found;
  rocksdb::Status got;
  if (tier == Tier::kMemory) {
    const CachedReadsOnly cached;
    got = impl_->database->Get(options, impl_->table(table), slice(key), &found.value);
  } else {
    got = impl_->database->Get(options, impl_->table(table), slice(key), &found.value);
  }
  if (got.IsNotFound()) return found;
  if (got.IsBusy()) {
    found.state = Found::State::kWouldBlock;
    return found;
  }
  if (!got.ok()) return to_error(got, "reading the index");
  found.state = Found::State::kFound;
  return found;
}

Cursor Index::cursor(Table table, Keep keep) const {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = keep == Keep::kCache;
  auto impl = std::make_unique<Cursor::Impl>(impl_);
  if (!impl->use.status().ok()) return Cursor(std::move(impl));
  rocksdb::ColumnFamilyHandle* const family = impl_->table(table);
  impl->iterator.reset(family == nullptr ? rocksdb::NewEmptyIterator()
                                         : impl_->database->NewIterator(options, family));
  return Cursor(std::move(impl));
}

uint64_t Index::estimated_keys(Table table) const {
  const Use use(*impl_);
  if (!use.status().ok()) return 0;
  return impl_->number(impl_->table(table), rocksdb::DB::Properties::kEstimateNumKeys);
}

Batch Index::batch() const {
  return Batch(std::unique_ptr<Batch::Impl>(new Batch::Impl{rocksdb::WriteBatch(), impl_->tables}));
}

Status Index::verify() const {
  const Use use(*impl_);
  TRY(use.status());
  const rocksdb::Status verified = impl_->database->VerifyFileChecksums(rocksdb::ReadOptions());
  if (!verified.ok()) return to_error(verified, "verifying the index");
  return {};
}

Result<std::vector<IndexFile>> Index::files() const {
  const Use use(*impl_);
  TRY(use.status());
  std::vector<rocksdb::ColumnFamilyMetaData> families;
  impl_->database->GetAllColumnFamilyMetaData(&families);
  std::vector<IndexFile> found;
  // Names begin with a slash in what this version of RocksDB gives out.
  const auto add = [&](uint64_t number, std::string name, uint64_t size, std::string checksum) {
    name.erase(0, name.find_first_not_of('/'));
    found.push_back({number, std::move(name), size, std::move(checksum)});
  };
  for (const rocksdb::ColumnFamilyMetaData& family : families) {
    for (const rocksdb::LevelMetaData& level : family.levels) {
      for (const rocksdb::SstFileMetaData& file : level.files) {
        add(file.file_number, file.relative_filename, file.size, file.file_checksum);
      }
    }
    for (const rocksdb::BlobMetaData& file : family.blob_files) {
      add(file.blob_file_number, file.blob_file_name, file.blob_file_size, file.checksum_value);
    }
  }
  std::ranges::sort(found, {}, &IndexFile::number);
  return found;
}

void Index::seal() {
  if (!impl_->all_flushed) {
    Batch nothing = batch();
    if (!write(nothing, true).ok()) return;
  }
  Batch nothing = batch();
  (void)write(nothing, true);
}

Status Index::write(Batch& batch, bool synced) {
  const Use use(*impl_);
  TRY(use.status());
  rocksdb::WriteOptions options;
  options.sync = synced;
  rocksdb::WriteBatch& writes = batch.impl_->writes;
  const rocksdb::Status tagged =
      writes.PutLogData(slice(impl_->all_flushed ? kAllBeforeFlushed : kAllBeforeNotFlushed));
  CHECK(tagged.ok(), "a batch stays within its bounds");
  std::optional<SyncFollows> follows;
  if (synced) follows.emplace();
  const rocksdb::Status written = impl_->database->Write(options, &writes);
  impl_->all_flushed = written.ok() && synced;
  if (!written.ok()) return to_error(written, "writing the index");
  return {};
}

Status Index::reclaim(uint64_t room_bytes) {
  const Use use(*impl_);
  TRY(use.status());
  rocksdb::ColumnFamilyHandle* const data = impl_->table(Table::kData);
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = true;
  const std::vector<rocksdb::ColumnFamilyHandle*> all(impl_->tables.begin(), impl_->tables.end());
  rocksdb::Status done = impl_->database->Flush(flush, all);
  // First without copying: files of which nothing is needed any more go. Merging the table takes as
  // much as the table for a while; RocksDB merges a larger one in parts, when it likes.
  const uint64_t table_bytes = impl_->number(data, rocksdb::DB::Properties::kTotalSstFilesSize);
  rocksdb::CompactRangeOptions compact;
  compact.exclusive_manual_compaction = false;
  compact.canceled = &impl_->reclaim_ends;
  compact.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kDisable;
  const bool fits = table_bytes < room_bytes / 2;
  if (done.ok() && fits) done = impl_->database->CompactRange(compact, data, nullptr, nullptr);
  // Then as many of the oldest files as have room for their copies.
  const uint64_t values = impl_->number(data, rocksdb::DB::Properties::kLiveBlobFileSize);
  const uint64_t garbage = impl_->number(data, rocksdb::DB::Properties::kLiveBlobFileGarbageSize);
  if (done.ok() && fits && garbage > values / kGarbageDivisor) {
    compact.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    compact.blob_garbage_collection_age_cutoff = std::min(
        kValueOldestShare, static_cast<double>(room_bytes) / 2.0 / static_cast<double>(values));
    done = impl_->database->CompactRange(compact, data, nullptr, nullptr);
  }
  if (done.ok() || done.IsIncomplete() || done.IsShutdownInProgress()) return {};
  return to_error(done, "making room in the index");
}

bool Index::has_much_garbage() const {
  const Use use(*impl_);
  if (!use.status().ok()) return false;
  rocksdb::ColumnFamilyHandle* const data = impl_->table(Table::kData);
  const uint64_t garbage = impl_->number(data, rocksdb::DB::Properties::kLiveBlobFileGarbageSize);
  return garbage > kGarbageBytesMin &&
         garbage > impl_->number(data, rocksdb::DB::Properties::kLiveBlobFileSize) / 2;
}

void Index::stop_reclaiming() {
  impl_->reclaim_ends = true;
}

Status Index::close(Deadline deadline) {
  stop_reclaiming();
  impl_->closing.store(true);
  {
    std::unique_lock lock(impl_->mutex);
    const bool idle =
        impl_->unused.wait_until(lock, deadline.when(), [this] { return impl_->uses.load() == 0; });
    if (!idle) return Error(Code::kBusy, "the index is still being read");
  }
  impl_->close_files();
  return {};
}

}  // namespace strata::drive
