// Directory: accounts, users, groups, roles, policies and sessions, kept in rows of the store and
// in memory.
//
// Guarantees: a change that succeeded is durable on the replicas before anybody can sign with it; a
// change that failed is there whole or not at all, and what is in memory is what is in the store.
// Readers see one moment of the whole.
//
// Thread rule: load() once before anything else; then every method from any thread, tasks on any
// event loop.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/async/key_mutex.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "objstore/access/credentials.h"
#include "objstore/iam/principals.h"
#include "objstore/iam/state.h"
#include "objstore/replica/store.h"

namespace strata::iam {

// What every row of the directory begins with, and where they live together. No row of the object
// room begins so.
inline constexpr char kRowKind = 'i';
inline constexpr std::string_view kPlacement = "strata:directory";

// The account of the server's own options: it has no row, and its key is not in the store.
struct OwnerKey {
  std::string account;
  std::string access_key;
  std::string secret;
};

class Directory final : public access::CredentialSource {
 public:
  // The store outlives this.
  Directory(replica::Store& store, OwnerKey owner);

  // Reads every row. kCorrupt when one cannot be understood.
  [[nodiscard]] async::Task<Status> load();

  [[nodiscard]] std::shared_ptr<const State> state() const;
  [[nodiscard]] const std::string& owner_account() const noexcept { return owner_.account; }

  // Edits a draft alone, makes it durable, then visible. The edit's error changes nothing. It may
  // run on any thread and must not wait.
  using Edit = std::function<Status(State& draft)>;
  [[nodiscard]] async::Task<Status> change(Edit edit);

  [[nodiscard]] std::shared_ptr<const access::Credential> find(
      std::string_view access_key) const override;
  [[nodiscard]] std::string canonical_id(std::string_view account) const;
  // What an account is called: "root" for the one of the server's own options, "" if there is none.
  [[nodiscard]] std::string name_of(std::string_view account) const;
  // The account of a canonical id; "" if there is none.
  [[nodiscard]] std::string account_of(std::string_view canonical_id) const;

 private:
  struct View {
    std::shared_ptr<const State> state;
    CredentialIndex credentials;
  };
  [[nodiscard]] std::shared_ptr<const View> view() const;
  void show(std::shared_ptr<const State> state);
  [[nodiscard]] async::Task<Result<std::shared_ptr<State>>> read_rows();

  replica::Store& store_;
  const OwnerKey owner_;
  async::KeyMutex changing_;
  bool uncertain_ = false;  // held by changing_: a commit failed, so the rows have to be read again
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_;  // guarded by mutex_
};

}  // namespace strata::iam
