#include "objstore/drive/index_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>

#include "common/base/log.h"

namespace strata::drive {

namespace {

// What a table gathers in memory before it is written out, on a drive of kFullSizeBytes or more.
constexpr std::array<size_t, kTables> kWriteBufferBytes = {1 * kMiB, 8 * kMiB, 16 * kMiB, 4 * kMiB,
                                                           1 * kMiB, 4 * kMiB, 1 * kMiB};
constexpr size_t kArenaBlockBytes = 128 * kKiB;
constexpr size_t kValueFileBytes = 64 * kMiB;
// Files that stay open: beyond, a lookup may have to open one, which reads its ends. A value file
// holds some thousands of small objects, so this is about ten million of them. A drive takes this
// share of the files that the process may have open.
constexpr uint64_t kOpenFilesMin = 256;
constexpr uint64_t kOpenFilesMax = 4096;
constexpr uint64_t kOpenFilesShare = 32;
constexpr size_t kTableBlockBytes = 8 * kKiB;
// A lookup of a value wants one key of a block.
constexpr size_t kValueTableBlockBytes = 4 * kKiB;
constexpr size_t kMetadataBlockBytes = 4 * kKiB;
// Small blobs from this size on are kept beside the table, in files of their own, so that merging
// the table's files does not copy them again and again.
constexpr size_t kValueBytesMin = 512;
// The tables' own files: what one merge of them may take meanwhile is a small multiple.
constexpr size_t kTableFileBytes = 16 * kMiB;

// Hands RocksDB's warnings to our log and drops the rest.
class ForwardingLogger final : public rocksdb::Logger {
 public:
  explicit ForwardingLogger(std::string path)
      : rocksdb::Logger(rocksdb::InfoLogLevel::ERROR_LEVEL), path_(std::move(path)) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 512> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    log::warning("drive.index", {{"path", path_}, {"text", std::string_view(line.data())}});
  }

 private:
  std::string path_;
};

class FailureListener final : public rocksdb::EventListener {
 public:
  explicit FailureListener(std::function<void(const std::string&)> failed)
      : failed_(std::move(failed)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    if (!told_.exchange(true)) failed_("the index could not be written: " + status->ToString());
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;  // a drive that failed once stays out
  }

 private:
  std::function<void(const std::string&)> failed_;
  std::atomic<bool> told_{false};
};

// Small blobs lie in files beside their table.
void keep_values_apart(rocksdb::ColumnFamilyOptions& options, Scale scale,
                       const std::shared_ptr<rocksdb::Cache>& cache) {
  options.enable_blob_files = true;
  options.min_blob_size = kValueBytesMin;
  options.blob_file_size = scale(kValueFileBytes);
  options.blob_compression_type = rocksdb::kNoCompression;
  options.blob_cache = cache;
  // A blob is asked for by an id that is there: only the levels above the last are worth a filter.
  options.optimize_filters_for_hits = true;
}

int open_files_max() {
  rlimit files{};
  const uint64_t allowed = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 0;
  return static_cast<int>(std::clamp(allowed / kOpenFilesShare, kOpenFilesMin, kOpenFilesMax));
}

}  // namespace

rocksdb::ColumnFamilyOptions table_options(size_t table, Scale scale,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = scale(kWriteBufferBytes[table]);
  options.arena_block_size = std::min(kArenaBlockBytes, options.write_buffer_size / 4);
  options.max_write_buffer_number = 2;
  options.target_file_size_base = scale(kTableFileBytes);
  options.max_bytes_for_level_base = 4 * options.target_file_size_base;
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kNoCompression;
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  const bool values = table == static_cast<size_t>(Table::kData);
  blocks.block_size = values ? kValueTableBlockBytes : kTableBlockBytes;
  // One key of a block is found by its hash; walks use the restart points as ever.
  blocks.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  blocks.cache_index_and_filter_blocks = true;
  blocks.cache_index_and_filter_blocks_with_high_priority = true;
  // In small pieces: a lookup reads the piece that it needs, not a whole file's index.
  blocks.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  blocks.partition_filters = true;
  blocks.metadata_block_size = kMetadataBlockBytes;
  blocks.pin_top_level_index_and_filter = true;
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  blocks.checksum = rocksdb::kXXH3;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  if (values) keep_values_apart(options, scale, cache);
  return options;
}

rocksdb::DBOptions database_options(rocksdb::Env* env, const std::string& path, Scale scale,
                                    std::function<void(const std::string&)> failed) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.info_log = std::make_shared<ForwardingLogger>(path);
  options.listeners.push_back(std::make_shared<FailureListener>(std::move(failed)));
  options.max_bgerror_resume_count = 0;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_total_wal_size = scale(kLogBytesMax);
  options.max_open_files = open_files_max();
  options.max_file_opening_threads = 1;
  options.max_background_jobs = 2;
  options.max_subcompactions = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.allow_fallocate = false;
  options.writable_file_max_buffer_size = 256 * kKiB;
  options.manual_wal_flush = false;
  options.track_and_verify_wals_in_manifest = true;
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  return options;
}

}  // namespace strata::drive
