#include "objstore/iam/directory.h"

#include <utility>

namespace strata::iam {

Directory::Directory(replica::Store& store, OwnerKey owner)
    : store_(store), owner_(std::move(owner)) {
  show(std::make_shared<State>());
}

std::shared_ptr<const Directory::View> Directory::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

std::shared_ptr<const State> Directory::state() const {
  return view()->state;
}

void Directory::show(std::shared_ptr<const State> state) {
  auto next = std::make_shared<View>();
  next->credentials = index_credentials(*state);
  auto owner = std::make_shared<access::Credential>();
  owner->secret = owner_.secret;
  owner->caller = access::Caller::of(root_principal(*state, owner_.account));
  // The options win over a key of the same name in the store.
  next->credentials[owner_.access_key] = std::move(owner);
  next->state = std::move(state);
  const std::lock_guard lock(mutex_);
  view_ = std::move(next);
}

async::Task<Result<std::shared_ptr<State>>> Directory::read_rows() {
  auto state = std::make_shared<State>();
  std::string from(1, kRowKind);
  const std::string end(1, static_cast<char>(kRowKind + 1));
  while (true) {
    replica::ScanRequest request;
    request.from = from;
    request.to = end;
    request.rows_max = replica::kScanRowsMax;
    request.placement = std::string(kPlacement);
    CO_TRY_ASSIGN(const std::vector<replica::Row> found, co_await store_.scan(std::move(request)));
    for (const replica::Row& row : found) {
      CO_TRY(state->load(std::string_view(row.key).substr(1), row.value));
    }
    if (found.size() < replica::kScanRowsMax) break;
    from = found.back().key + '\0';
  }
  co_return std::move(state);
}

async::Task<Status> Directory::load() {
  CO_TRY_ASSIGN(std::shared_ptr<State> state, co_await read_rows());
  show(std::move(state));
  co_return Status();
}

async::Task<Status> Directory::change(Edit edit) {
  const async::KeyMutex::Guard alone = co_await changing_.lock("directory");
  if (uncertain_) {
    CO_TRY_ASSIGN(std::shared_ptr<State> fresh, co_await read_rows());
    show(std::move(fresh));
    uncertain_ = false;
  }
  auto draft = std::make_shared<State>(*state());
  CO_TRY(edit(*draft));
  replica::Mutation mutation;
  mutation.placement = std::string(kPlacement);
  for (auto& [key, value] : draft->take_changes()) {
    std::string row(1, kRowKind);
    row += key;
    if (value) {
      mutation.puts.push_back({std::move(row), std::move(*value)});
    } else {
      mutation.deletes.push_back(std::move(row));
    }
  }
  if (mutation.puts.empty() && mutation.deletes.empty()) co_return Status();
  uncertain_ = true;
  CO_TRY(co_await store_.commit(std::move(mutation)));
  uncertain_ = false;
  show(std::move(draft));
  co_return Status();
}

std::shared_ptr<const access::Credential> Directory::find(std::string_view access_key) const {
  const std::shared_ptr<const View> now = view();
  const auto found = now->credentials.find(std::string(access_key));
  return found == now->credentials.end() ? nullptr : found->second;
}

std::string Directory::canonical_id(std::string_view account) const {
  return canonical_id_of(*state(), account);
}

std::string Directory::name_of(std::string_view account) const {
  if (account == owner_.account) return "root";
  const std::shared_ptr<const State> now = state();
  const Account* const known = now->account(account);
  return known == nullptr ? std::string() : known->name;
}

std::string Directory::account_of(std::string_view canonical_id) const {
  const std::shared_ptr<const State> now = state();
  for (const auto& [row, account] : now->accounts) {
    if (account->canonical_id == canonical_id) return account->id;
  }
  return canonical_id == canonical_id_of(*now, owner_.account) ? owner_.account : std::string();
}

}  // namespace strata::iam
