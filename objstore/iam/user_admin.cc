#include "objstore/iam/user_admin.h"

#include <algorithm>
#include <utility>

#include "objstore/iam/api_call.h"

namespace strata::iam {

namespace {

Status check_new_user(const NewUser& wanted) {
  constexpr std::string_view kOthers = "+=,.@_-";
  const bool good = !wanted.name.empty() && wanted.name.size() <= kUserNameBytesMax &&
                    std::all_of(wanted.name.begin(), wanted.name.end(), [kOthers](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
                    });
  if (!good) {
    return Error(Code::kInvalidArgument, "a user's name has 1 to 64 letters, digits and +=,.@_-");
  }
  if (wanted.policies.size() > kAttachedMax) {
    return Error(Code::kTooLarge, "a user has at most 10 policies: put them into groups");
  }
  if (wanted.access_key.has_value() != wanted.secret.has_value()) {
    return Error(Code::kInvalidArgument, "give an access key and a secret key, or neither");
  }
  if (wanted.access_key) return access::check_credential(*wanted.access_key, *wanted.secret);
  return {};
}

Result<std::string> find_policy(const State& state, const std::string& account,
                                const std::string& name) {
  const std::string own = "arn:aws:iam::" + account + ":policy/" + name;
  for (const std::string& arn : {name, own, "arn:aws:iam::aws:policy/" + name}) {
    if (state.policy_by_arn(arn) != nullptr) return arn;
  }
  return Error(Code::kNotFound, "there is no policy " + name +
                                    ": give an ARN, or a name as in AmazonS3ReadOnlyAccess");
}

}  // namespace

async::Task<Result<User>> make_user(Directory& directory, NewUser wanted, io::WallTime now,
                                    RandomSource& random) {
  CO_TRY(check_new_user(wanted));
  User user;
  Directory::Edit edit = [&](State& draft) -> Status {
    if (draft.user(wanted.account, wanted.name) != nullptr) {
      return Error(Code::kAlreadyExists, "there is a user of this name: choose another");
    }
    if (of_account(draft.users, rows::user(wanted.account, "")).size() >= kUsersMax) {
      return Error(Code::kTooLarge, "there are 5,000 users already: delete one first");
    }
    const int64_t now_ms = now.time_since_epoch().count();
    user.account = wanted.account;
    user.name = wanted.name;
    user.id = random_id(random, "AIDA");
    user.created_ms = now_ms;
    for (const std::string& name : wanted.policies) {
      TRY_ASSIGN(std::string arn, find_policy(draft, wanted.account, name));
      user.attached.insert(std::move(arn));
    }
    AccessKey key = make_key(draft, random, "AKIA", now_ms);
    if (wanted.access_key) {
      if (draft.key_is_taken(*wanted.access_key) || directory.find(*wanted.access_key)) {
        return Error(Code::kAlreadyExists, "this access key is taken: choose another");
      }
      key.id = *wanted.access_key;
      key.secret = *wanted.secret;
    }
    user.keys = {std::move(key)};
    draft.put(user);
    return {};
  };
  CO_TRY(co_await directory.change(std::move(edit)));
  co_return std::move(user);
}

async::Task<Status> remove_user(Directory& directory, std::string account, std::string name) {
  Directory::Edit edit = [&](State& draft) -> Status {
    if (draft.user(account, name) == nullptr) {
      return Error(Code::kNotFound, "there is no user " + name);
    }
    draft.erase(rows::user(account, name));
    return {};
  };
  CO_TRY(co_await directory.change(std::move(edit)));
  co_return Status();
}

}  // namespace strata::iam
