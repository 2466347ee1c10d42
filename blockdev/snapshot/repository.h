// Repository: one place of snapshots with all that is needed to use it: its store, its claims, and
// threads that fetch chunks from it.
//
// Thread rule: from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "blockdev/chunks/chunk_store.h"
#include "blockdev/chunks/claims.h"
#include "blockdev/snapshot/chunk_fetcher.h"

namespace strata::snapshot {

// Fetches of one place under way at once.
inline constexpr size_t kFetchThreads = 6;

// Fetches chunks of a store. The destructor ends what is queued with kClosed.
class FetchPool final : public ChunkFetcher {
 public:
  explicit FetchPool(chunks::ChunkStore& store) : store_(store) {}
  ~FetchPool() override;
  FetchPool(const FetchPool&) = delete;
  FetchPool& operator=(const FetchPool&) = delete;

  void fetch(const chunks::ChunkId& id, Done done) override;

 private:
  struct Job {
    chunks::ChunkId id;
    Done done;
  };
  void work();
  [[nodiscard]] Result<ChunkBuffer> fetch_now(const chunks::ChunkId& id);

  chunks::ChunkStore& store_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Job> jobs_;              // under mutex_
  bool stopping_ = false;             // under mutex_
  std::vector<std::thread> threads_;  // begun by the first fetch; under mutex_
};

class Repository {
 public:
  Repository(std::string place_name, std::unique_ptr<chunks::ObjectPlace> place,
             std::string server_id, const io::Clock& clock)
      : name_(std::move(place_name)),
        store_(std::move(place)),
        claims_(store_.place(), std::move(server_id), clock),
        fetcher_(store_) {}

  // As a volume's files call it.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] chunks::ChunkStore& store() noexcept { return store_; }
  [[nodiscard]] chunks::Claims& claims() noexcept { return claims_; }
  [[nodiscard]] ChunkFetcher& fetcher() noexcept { return fetcher_; }

 private:
  const std::string name_;
  chunks::ChunkStore store_;
  chunks::Claims claims_;
  FetchPool fetcher_;
};

}  // namespace strata::snapshot
