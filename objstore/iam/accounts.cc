#include "objstore/iam/accounts.h"

#include <algorithm>
#include <array>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/iam/api_call.h"

namespace strata::iam {

namespace {

Status check_new_account(const NewAccount& wanted) {
  constexpr std::string_view kOthers = "+=,.@_-";
  const bool good = !wanted.name.empty() && wanted.name.size() <= kAccountNameBytesMax &&
                    std::all_of(wanted.name.begin(), wanted.name.end(), [kOthers](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
                    });
  if (!good) {
    return Error(Code::kInvalidArgument,
                 "an account's name has 1 to 64 letters, digits and +=,.@_-");
  }
  if (wanted.access_key.has_value() != wanted.secret.has_value()) {
    return Error(Code::kInvalidArgument, "give an access key and a secret key, or neither");
  }
  if (wanted.access_key) return access::check_credential(*wanted.access_key, *wanted.secret);
  return {};
}

std::string random_account_id(const State& state, RandomSource& random) {
  std::string id;
  do {
    // Twelve digits, the first of them not 0: those are the server's own.
    id = std::to_string(1 + random.below(9));
    while (id.size() < 12) id += static_cast<char>('0' + random.below(10));
  } while (state.account(id) != nullptr);
  return id;
}

std::string random_canonical_id(RandomSource& random) {
  std::array<std::byte, 32> bytes{};
  random.fill(bytes);
  return codec::to_hex(Bytes(bytes));
}

void erase_all(State& draft, const std::string& account) {
  std::vector<std::string> rows;
  const auto collect = [&](const auto& table, const std::string& prefix) {
    for (auto at = table.lower_bound(prefix); at != table.end() && at->first.starts_with(prefix);
         ++at) {
      rows.push_back(at->first);
    }
  };
  collect(draft.users, rows::user(account, ""));
  collect(draft.groups, rows::group(account, ""));
  collect(draft.roles, rows::role(account, ""));
  collect(draft.policies, rows::policy(account, ""));
  for (const auto& [row, session] : draft.sessions) {
    if (session->account == account) rows.push_back(row);
  }
  for (const std::string& row : rows) draft.erase(row);
  draft.erase(rows::account(account));
}

}  // namespace

std::optional<Account> find_account(const State& state, std::string_view name_or_id) {
  if (const Account* account = state.account(name_or_id)) return *account;
  for (const auto& [row, account] : state.accounts) {
    if (ascii_iequals(account->name, name_or_id)) return *account;
  }
  return std::nullopt;
}

async::Task<Result<Account>> create_account(Directory& directory, NewAccount wanted,
                                            io::WallTime now, RandomSource& random) {
  CO_TRY(check_new_account(wanted));
  Account account;
  Directory::Edit edit = [&](State& draft) -> Status {
    if (find_account(draft, wanted.name)) {
      return Error(Code::kAlreadyExists, "there is an account of this name: choose another");
    }
    if (draft.accounts.size() >= kAccountsMax) {
      return Error(Code::kTooLarge, "there are 1,000 accounts already: delete one first");
    }
    const int64_t now_ms = now.time_since_epoch().count();
    account.id = random_account_id(draft, random);
    account.name = wanted.name;
    account.canonical_id = random_canonical_id(random);
    account.created_ms = now_ms;
    account.root_key = make_key(draft, random, "AKIA", now_ms);
    if (wanted.access_key) {
      if (draft.key_is_taken(*wanted.access_key) || directory.find(*wanted.access_key)) {
        return Error(Code::kAlreadyExists, "this access key is taken: choose another");
      }
      account.root_key.id = *wanted.access_key;
      account.root_key.secret = *wanted.secret;
    }
    draft.put(account);
    return {};
  };
  CO_TRY(co_await directory.change(std::move(edit)));
  co_return std::move(account);
}

async::Task<Result<Account>> delete_account(Directory& directory, std::string name_or_id) {
  Account account;
  Directory::Edit edit = [&](State& draft) -> Status {
    const auto found = find_account(draft, name_or_id);
    if (!found) return Error(Code::kNotFound, "there is no account " + name_or_id);
    account = *found;
    erase_all(draft, account.id);
    return {};
  };
  CO_TRY(co_await directory.change(std::move(edit)));
  co_return std::move(account);
}

}  // namespace strata::iam
