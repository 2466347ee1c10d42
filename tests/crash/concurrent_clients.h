// Clients that change a store at once, each one change after the other until one fails: what the
// tests that cut the power under a ReplicaSet have in common. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/async/when_all.h"
#include "common/base/random.h"
#include "objstore/replica/store.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {

// One random change. What is not known of the outcome of one that failed, the client remembers.
template <typename Client>
using ChangeOnce = async::Task<Status> (*)(Store& store, Client& client, RandomSource& random);

// Returns how many changes succeeded before the first that did not; `changes` when all did.
template <typename Client>
async::Task<int> run_client(Store& store, Client& client, ChangeOnce<Client> change, uint64_t seed,
                            int changes) {
  SeededRandom random(seed);
  for (int done = 0; done < changes; ++done) {
    const Status changed = co_await change(store, client, random);
    if (!changed.ok()) co_return done;
  }
  co_return changes;
}

// All of them at once; the sum.
template <typename Client>
async::Task<int> run_clients(Store& store, std::vector<Client>& clients, ChangeOnce<Client> change,
                             uint64_t seed, int changes) {
  std::vector<async::Task<int>> tasks;
  for (size_t i = 0; i < clients.size(); ++i) {
    tasks.push_back(run_client<Client>(store, clients[i], change, seed + i, changes));
  }
  const std::vector<int> done = co_await async::when_all(std::move(tasks));
  int sum = 0;
  for (const int one : done) sum += one;
  co_return sum;
}

// A finished blob of random_text(seed, bytes), which the mutation adopts.
inline async::Task<Result<BlobRef>> add_blob(Store& store, Mutation& mutation, uint64_t seed,
                                             size_t bytes) {
  const std::string content = tests::random_text(seed, bytes);
  CO_TRY_ASSIGN(auto writer, co_await store.create_blob(mutation.placement, bytes));
  CO_TRY(co_await writer->append(as_bytes(content)));
  CO_TRY_ASSIGN(const BlobRef ref, co_await writer->finish());
  mutation.adopts.push_back(std::move(writer));
  co_return ref;
}

inline async::Task<Result<std::string>> read_whole_blob(Store& store, std::string placement,
                                                        BlobRef ref) {
  CO_TRY_ASSIGN(auto source, co_await store.read_blob(placement, ref, 0, ref.size_bytes));
  std::string out;
  for (;;) {
    CO_TRY_ASSIGN(const Bytes piece, co_await source->next());
    if (piece.empty()) co_return out;
    out.append(as_text(piece));
  }
}

}  // namespace strata::replica
