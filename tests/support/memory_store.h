// A replica::Store in memory: rows in a map, blobs in another, failures on demand.
//
// It keeps the books that a real store leaves to its caller: a dropped blob must be owned and is
// dropped once; what no commit owns dies with its writer. So a test can ask whether rows and blobs
// still fit together.
#pragma once

#include <atomic>
#include <coroutine>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/async/event_loop.h"
#include "common/base/check.h"
#include "common/base/random.h"
#include "objstore/replica/store.h"

namespace strata::testing {

enum class StoreCall { kGet, kScan, kCreateBlob, kAppend, kFinish, kReadBlob, kNextPiece, kCommit };

// Thread rule: every method from any event loop; set the hooks before the first call.
class MemoryStore final : public replica::Store {
 public:
  // Asked at every call: an error makes the call fail with it, before it did anything.
  using FailureHook = std::function<std::optional<Error>(StoreCall)>;
  FailureHook fail;
  // Gives way to other tasks of the loop at every call, so that tasks interleave.
  bool give_way = false;
  // Pieces of a blob's source are this long.
  size_t piece_bytes = 64 * kKiB;

  MemoryStore() : state_(std::make_shared<State>()) {}

  [[nodiscard]] replica::Sequence next_stamp() override {
    const std::lock_guard lock(state_->mutex);
    return replica::Sequence(++state_->last_sequence);
  }

  [[nodiscard]] async::Task<Result<std::optional<replica::Row>>> get(std::string,
                                                                     std::string key) override {
    CO_TRY(co_await enter(StoreCall::kGet));
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->rows.find(key);
    if (found == state_->rows.end()) co_return std::optional<replica::Row>();
    co_return std::optional<replica::Row>(found->second);
  }

  [[nodiscard]] async::Task<Result<std::vector<replica::Row>>> scan(
      replica::ScanRequest request) override {
    CO_TRY(co_await enter(StoreCall::kScan));
    CHECK(request.rows_max >= 1 && request.rows_max <= replica::kScanRowsMax);
    const std::lock_guard lock(state_->mutex);
    std::vector<replica::Row> found;
    for (auto row = state_->rows.lower_bound(request.from); row != state_->rows.end(); ++row) {
      if (!request.to.empty() && row->first >= request.to) break;
      if (found.size() == request.rows_max) break;
      found.push_back(row->second);
    }
    state_->rows_scanned += found.size();
    co_return std::move(found);
  }

  [[nodiscard]] async::Task<Result<std::unique_ptr<replica::BlobWriter>>> create_blob(
      std::string placement, std::optional<uint64_t>) override {
    CO_TRY(co_await enter(StoreCall::kCreateBlob));
    co_return std::unique_ptr<replica::BlobWriter>(
        std::make_unique<Writer>(*this, std::move(placement)));
  }

  [[nodiscard]] async::Task<Result<std::unique_ptr<async::ByteSource>>> read_blob(
      std::string placement, replica::BlobRef blob, uint64_t offset, uint64_t length) override {
    CO_TRY(co_await enter(StoreCall::kReadBlob));
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->blobs.find(blob.id);
    if (found == state_->blobs.end()) co_return Error(Code::kCorrupt, "no such blob");
    const Blob& stored = *found->second;
    CHECK(stored.placement == placement, "a blob is read where it was written");
    CHECK(stored.bytes.size() == blob.size_bytes);
    CHECK(offset <= blob.size_bytes && length <= blob.size_bytes - offset);
    co_return std::unique_ptr<async::ByteSource>(
        std::make_unique<Source>(*this, blob.id, offset, length));
  }

  [[nodiscard]] async::Task<Result<replica::Sequence>> commit(replica::Mutation mutation) override {
    CO_TRY(co_await enter(StoreCall::kCommit));
    CHECK(!mutation.placement.empty());
    CHECK(mutation.puts.size() + mutation.deletes.size() <= replica::kMutationRowsMax);
    const std::lock_guard lock(state_->mutex);
    const replica::Sequence sequence(++state_->last_sequence);
    for (const std::unique_ptr<replica::BlobWriter>& adopted : mutation.adopts) {
      auto& writer = static_cast<Writer&>(*adopted);
      CHECK(writer.finished() && writer.placement() == mutation.placement);
      CHECK(state_->owned.insert(writer.id()).second);
    }
    for (const std::string& key : mutation.deletes) state_->rows.erase(key);
    for (replica::Mutation::Put& put : mutation.puts) {
      CHECK(!put.key.empty() && put.key.size() <= replica::kRowKeyBytesMax);
      CHECK(put.value.size() <= replica::kRowValueBytesMax);
      state_->rows[put.key] = {put.key, std::move(put.value), sequence};
    }
    for (const replica::BlobRef& dropped : mutation.drops) {
      CHECK(state_->owned.erase(dropped.id) == 1, "a blob is dropped once, by its owner");
      state_->dropped.push_back(dropped.id);
    }
    state_->sweep();
    co_return sequence;
  }

  [[nodiscard]] std::unique_ptr<replica::ReadPin> pin() override {
    return std::make_unique<Pin>(state_);
  }

  [[nodiscard]] replica::StoreStatus status() const override { return {}; }

  // Blobs that a row names, and all blobs, dropped ones that a pin still holds included.
  [[nodiscard]] size_t owned_blobs() const {
    const std::lock_guard lock(state_->mutex);
    return state_->owned.size();
  }
  [[nodiscard]] size_t all_blobs() const {
    const std::lock_guard lock(state_->mutex);
    return state_->blobs.size();
  }
  [[nodiscard]] size_t rows() const {
    const std::lock_guard lock(state_->mutex);
    return state_->rows.size();
  }
  // Rows that scans have returned: what a listing costs.
  [[nodiscard]] size_t rows_scanned() const {
    const std::lock_guard lock(state_->mutex);
    return state_->rows_scanned;
  }
  // Any row's value, to damage it.
  void change_rows(const std::function<void(replica::Row&)>& change) {
    const std::lock_guard lock(state_->mutex);
    for (auto& [key, row] : state_->rows) change(row);
  }
  // Pins that somebody holds.
  [[nodiscard]] uint64_t live_pins() const {
    const std::lock_guard lock(state_->mutex);
    return state_->pins;
  }

 private:
  struct Blob {
    std::string placement;
    std::string bytes;
  };
  struct State {
    std::mutex mutex;
    std::map<std::string, replica::Row> rows;
    std::map<replica::BlobId, std::shared_ptr<Blob>> blobs;
    std::set<replica::BlobId> owned;
    std::vector<replica::BlobId> dropped;  // freed once no pin lives
    uint64_t pins = 0;
    uint64_t last_sequence = 0;
    uint64_t last_blob = 0;
    size_t rows_scanned = 0;

    void sweep() {
      if (pins > 0) return;
      for (const replica::BlobId& id : dropped) blobs.erase(id);
      dropped.clear();
    }
  };

  class Pin final : public replica::ReadPin {
   public:
    explicit Pin(std::shared_ptr<State> state) : state_(std::move(state)) {
      const std::lock_guard lock(state_->mutex);
      ++state_->pins;
    }
    ~Pin() override {
      const std::lock_guard lock(state_->mutex);
      --state_->pins;
      state_->sweep();
    }

   private:
    std::shared_ptr<State> state_;
  };

  class Writer final : public replica::BlobWriter {
   public:
    Writer(MemoryStore& store, std::string placement) : store_(store) {
      blob_ = std::make_shared<Blob>();
      blob_->placement = std::move(placement);
      State& state = *store_.state_;
      const std::lock_guard lock(state.mutex);
      store_big(id_.bytes.data(), ++state.last_blob);
      state.blobs[id_] = blob_;
    }
    // Called with the mutex held only after a commit owned it: destroyed outside of commit.
    ~Writer() override {
      State& state = *store_.state_;
      const std::lock_guard lock(state.mutex);
      const bool was_owned = state.owned.contains(id_) || !state.blobs.contains(id_);
      bool is_dropped = false;
      for (const replica::BlobId& id : state.dropped) is_dropped = is_dropped || id == id_;
      if (!was_owned && !is_dropped) state.blobs.erase(id_);
    }
    [[nodiscard]] async::Task<Status> append(Bytes bytes) override {
      CO_TRY(co_await store_.enter(StoreCall::kAppend));
      CHECK(!finished_);
      blob_->bytes += as_text(bytes);
      co_return Status();
    }
    [[nodiscard]] async::Task<Result<replica::BlobRef>> finish() override {
      CO_TRY(co_await store_.enter(StoreCall::kFinish));
      finished_ = true;
      co_return replica::BlobRef{id_, blob_->bytes.size(), blob_->bytes.size() < 1024};
    }
    [[nodiscard]] bool finished() const { return finished_; }
    [[nodiscard]] const std::string& placement() const { return blob_->placement; }
    [[nodiscard]] const replica::BlobId& id() const { return id_; }

   private:
    MemoryStore& store_;
    replica::BlobId id_;
    std::shared_ptr<Blob> blob_;
    bool finished_ = false;
  };

  // Finds its blob again at every piece: without a pin it would be gone.
  class Source final : public async::ByteSource {
   public:
    Source(MemoryStore& store, const replica::BlobId& id, uint64_t offset, uint64_t length)
        : store_(store), id_(id), offset_(offset), left_(length) {}
    [[nodiscard]] async::Task<Result<Bytes>> next() override {
      CO_TRY(co_await store_.enter(StoreCall::kNextPiece));
      const std::lock_guard lock(store_.state_->mutex);
      const auto found = store_.state_->blobs.find(id_);
      if (found == store_.state_->blobs.end()) {
        co_return Error(Code::kCorrupt, "the blob was removed while it was read");
      }
      piece_ = found->second->bytes.substr(offset_, std::min(left_, store_.piece_bytes));
      offset_ += piece_.size();
      left_ -= piece_.size();
      co_return as_bytes(piece_);
    }

   private:
    MemoryStore& store_;
    replica::BlobId id_;
    size_t offset_;
    size_t left_;
    std::string piece_;
  };

  // Lets what is already posted to the loop run first.
  struct GiveWay {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const {
      async::EventLoop::current().post(waiter);
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] async::Task<Status> enter(StoreCall call) {
    if (give_way) co_await GiveWay{};
    if (fail) {
      if (std::optional<Error> error = fail(call)) co_return std::move(*error);
    }
    co_return Status();
  }

  std::shared_ptr<State> state_;
};

}  // namespace strata::testing
