// A ReplicaSet with a loop and a pool around it, for tests that call it step by step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/async/blocking_pool.h"
#include "common/async/event_loop.h"
#include "common/base/random.h"
#include "objstore/replica/replica_set.h"

namespace strata::tests {

class ReplicaFixture {
 public:
  // One file system a drive; `replicas` copies.
  ReplicaFixture(std::vector<io::FileSystem*> disks, uint32_t replicas, uint64_t seed = 1)
      : disks_(std::move(disks)), replicas_(replicas), random_(seed) {
    loop_ = async::EventLoop::create().value();
  }

  [[nodiscard]] replica::ReplicaSetOptions options() const {
    replica::ReplicaSetOptions options;
    for (size_t i = 0; i < disks_.size(); ++i) {
      if (disks_[i] == nullptr) continue;  // this one is away
      options.drives.push_back({disks_[i], "/d" + std::to_string(i)});
    }
    options.replicas = replicas_;
    options.fill_empty_drives = fill_empty_drives;
    options.drive_answer_max = drive_answer_max;
    options.read_wait_max = read_wait_max;
    options.workers = workers;
    options.accept_loss = accept_loss;
    options.durability = durability;
    return options;
  }
  [[nodiscard]] Status start() {
    TRY_ASSIGN(store_, replica::ReplicaSet::open(options(), pool_, random_));
    return {};
  }
  void stop() { store_.reset(); }
  // Steps of the resync until it has nothing to do; an error of a step ends it.
  [[nodiscard]] Status resync() {
    for (int steps = 0; steps < 100'000; ++steps) {
      TRY_ASSIGN(const worker::Step step, store().resync().step());
      if (!step.more) return {};
    }
    return Error(Code::kTimeout, "the resync does not come to an end");
  }
  [[nodiscard]] replica::ReplicaSet& store() { return *store_; }
  [[nodiscard]] std::vector<io::FileSystem*>& disks() { return disks_; }
  [[nodiscard]] async::BlockingPool& pool() { return pool_; }

  template <typename T>
  [[nodiscard]] T run(async::Task<T> task) {
    return async::run_until_complete(*loop_, std::move(task)).value();
  }

  Result<replica::Sequence> put(const std::string& key, const std::string& value) {
    replica::Mutation mutation;
    mutation.placement = "p/" + key;
    mutation.puts.push_back({key, value});
    return run(store().commit(std::move(mutation)));
  }
  Result<replica::Sequence> remove(const std::string& key) {
    replica::Mutation mutation;
    mutation.placement = "p/" + key;
    mutation.deletes.push_back(key);
    return run(store().commit(std::move(mutation)));
  }
  Result<std::optional<replica::Row>> get(const std::string& key) {
    return run(store().get("p/" + key, key));
  }
  // A row "b/NAME" that owns a blob; the row's value is the blob's id and size.
  Result<replica::BlobRef> put_blob(const std::string& key, const std::string& content) {
    return run(put_blob_task(key, content));
  }
  Result<std::string> read_blob(const std::string& key, const replica::BlobRef& ref,
                                uint64_t offset, uint64_t length) {
    return run(read_blob_task("p/" + key, ref, offset, length));
  }
  Result<std::string> read_blob(const std::string& key, const replica::BlobRef& ref) {
    return read_blob(key, ref, 0, ref.size_bytes);
  }
  Result<replica::Sequence> drop_blob(const std::string& key, const replica::BlobRef& ref) {
    replica::Mutation mutation;
    mutation.placement = "p/" + key;
    mutation.deletes.push_back(key);
    mutation.drops.push_back(ref);
    return run(store().commit(std::move(mutation)));
  }
  Result<std::vector<replica::Row>> scan(replica::ScanRequest request = {}) {
    return run(store().scan(std::move(request)));
  }

  bool fill_empty_drives = false;
  Duration drive_answer_max = drive::kDriveAnswerMax;
  Duration read_wait_max = replica::kReadWaitMax;
  replica::WorkerOptions workers;
  std::vector<std::string> accept_loss;
  drive::Durability durability = drive::Durability::kStrict;

 private:
  async::Task<Result<replica::BlobRef>> put_blob_task(std::string key, std::string content) {
    CO_TRY_ASSIGN(auto writer, co_await store().create_blob("p/" + key, content.size()));
    CO_TRY(co_await writer->append(as_bytes(content)));
    CO_TRY_ASSIGN(const replica::BlobRef ref, co_await writer->finish());
    replica::Mutation mutation;
    mutation.placement = "p/" + key;
    mutation.puts.push_back({key, ref.id.to_hex()});
    mutation.adopts.push_back(std::move(writer));
    CO_TRY(co_await store().commit(std::move(mutation)));
    co_return ref;
  }
  async::Task<Result<std::string>> read_blob_task(std::string placement, replica::BlobRef ref,
                                                  uint64_t offset, uint64_t length) {
    CO_TRY_ASSIGN(auto source, co_await store().read_blob(placement, ref, offset, length));
    std::string out;
    for (;;) {
      const bool told_end = source->ended();
      CO_TRY_ASSIGN(const Bytes piece, co_await source->next());
      if (piece.empty() != told_end) {
        co_return Error(Code::kInternal, "the source does not know its own end");
      }
      if (piece.empty()) co_return out;
      out.append(as_text(piece));
    }
  }

  std::vector<io::FileSystem*> disks_;
  uint32_t replicas_;
  SeededRandom random_;
  std::unique_ptr<async::EventLoop> loop_;
  async::BlockingPool pool_{"test", 4};
  std::unique_ptr<replica::ReplicaSet> store_;
};

// Bytes that differ from each other at every place, repeatable from the seed.
[[nodiscard]] inline std::string random_text(uint64_t seed, size_t bytes) {
  SeededRandom random(seed);
  std::string text(bytes, '\0');
  random.fill(MutableBytes(reinterpret_cast<std::byte*>(text.data()), text.size()));
  return text;
}

}  // namespace strata::tests
