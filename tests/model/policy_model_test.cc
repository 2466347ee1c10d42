// Random policies and requests, decided twice: by the evaluator, and by a slow one written for this
// test from the rules in AWS's manual, over the statements before they became JSON.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/random.h"
#include "objstore/access/authorize.h"
#include "tests/support/seeds.h"

namespace strata::access {
namespace {

const std::string kAccounts[] = {"111111111111", "222222222222"};

struct Sentence {
  bool allow = false;
  bool inverted_action = false;
  bool inverted_resource = false;
  bool inverted_principal = false;
  std::vector<std::string> actions;
  std::vector<std::string> resources;
  std::vector<std::string> principals;  // "*", an account or an ARN; empty: none is written
  std::string address;                  // of an IpAddress condition: a network of /8, or none
  std::string referer;                  // of a StringNotLike condition, or none
};
using Document = std::vector<Sentence>;

struct Somebody {
  CallerKind kind = CallerKind::kAnonymous;
  std::string account;
  std::string arn;
  std::string role_arn;
  std::vector<Document> own;
  std::vector<Document> session;
};

struct Request {
  std::string action;
  std::string resource;
  std::string address;
  std::string referer;  // empty: not sent
};

class RequestContext final : public Context {
 public:
  explicit RequestContext(const Request& request) : request_(request) {}
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override {
    if (key == "aws:sourceip") return std::vector<std::string>{request_.address};
    if (key == "aws:referer" && !request_.referer.empty()) {
      return std::vector<std::string>{request_.referer};
    }
    return std::nullopt;
  }

 private:
  const Request& request_;
};

// ---- The slow evaluator ----

bool slow_glob(const std::string& pattern, const std::string& text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (size_t skip = 0; skip <= text.size(); ++skip) {
      if (slow_glob(pattern.substr(1), text.substr(skip))) return true;
    }
    return false;
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         slow_glob(pattern.substr(1), text.substr(1));
}

bool slow_any(const std::vector<std::string>& patterns, const std::string& text) {
  bool any = false;
  for (const std::string& pattern : patterns) any = any || slow_glob(pattern, text);
  return any;
}

// 0: not at all, 1: by account, 2: itself, 3: this very session.
int slow_named(const Sentence& sentence, const Somebody& who) {
  int best = 0;
  for (const std::string& principal : sentence.principals) {
    int level = 0;
    if (principal == "*") level = 2;
    if (who.kind != CallerKind::kAnonymous) {
      if (principal == who.account) level = who.kind == CallerKind::kRoot ? 2 : 1;
      if (principal == who.role_arn) level = 2;
      if (principal == who.arn) level = who.kind == CallerKind::kRole ? 3 : 2;
    }
    if (principal == "*") return 2;
    best = std::max(best, level);
  }
  return best;
}

int slow_applies(const Sentence& sentence, const Somebody& who, const Request& request) {
  int named = 2;
  if (!sentence.principals.empty()) {
    named = slow_named(sentence, who);
    if (sentence.inverted_principal) named = named >= 2 ? 0 : 2;
  }
  if (named == 0) return 0;
  if (slow_any(sentence.actions, request.action) == sentence.inverted_action) return 0;
  if (slow_any(sentence.resources, request.resource) == sentence.inverted_resource) return 0;
  if (!sentence.address.empty() && request.address.substr(0, request.address.find('.')) !=
                                       sentence.address.substr(0, sentence.address.find('.'))) {
    return 0;
  }
  if (!sentence.referer.empty() && !request.referer.empty() &&
      slow_glob(sentence.referer, request.referer)) {
    return 0;
  }
  return named;
}

bool slow_denies(const std::vector<Document>& documents, const Somebody& who,
                 const Request& request) {
  for (const Document& document : documents) {
    for (const Sentence& sentence : document) {
      if (!sentence.allow && slow_applies(sentence, who, request) > 0) return true;
    }
  }
  return false;
}

int slow_allows(const std::vector<Document>& documents, const Somebody& who,
                const Request& request) {
  int best = 0;
  for (const Document& document : documents) {
    for (const Sentence& sentence : document) {
      if (sentence.allow) best = std::max(best, slow_applies(sentence, who, request));
    }
  }
  return best;
}

bool slow_evaluate(const Somebody& who, const Request& request, const std::string& owner,
                   const std::vector<Document>& bucket) {
  if (slow_denies(bucket, who, request)) return false;
  if (slow_denies(who.own, who, request)) return false;
  if (slow_denies(who.session, who, request)) return false;
  const int resource = slow_allows(bucket, who, request);
  if (who.kind == CallerKind::kAnonymous) return resource > 0;
  const bool identity = who.kind == CallerKind::kRoot || slow_allows(who.own, who, request) > 0;
  const bool session = who.session.empty() || slow_allows(who.session, who, request) > 0;
  if (who.account != owner) return resource > 0 && identity && session;
  return resource == 3 || (session && (resource == 2 || identity));
}

// ---- Random documents ----

class Author {
 public:
  explicit Author(uint64_t seed) : random_(seed) {}

  bool chance(uint64_t percent) { return random_.below(100) < percent; }
  template <typename List>
  std::string pick(const List& list) {
    return *(std::begin(list) + static_cast<ptrdiff_t>(random_.below(std::size(list))));
  }

  std::string action() { return pick(kActions); }
  std::string resource() { return pick(kResources); }
  std::string address() { return pick(kAddresses); }
  std::string referer() { return pick(kReferers); }

  Somebody somebody() {
    Somebody who;
    const uint64_t kind = random_.below(4);
    if (kind == 0) return who;
    who.account = pick(kAccounts);
    const std::string iam = "arn:aws:iam::" + who.account;
    if (kind == 1) {
      who.kind = CallerKind::kRoot;
      who.arn = iam + ":root";
      return who;
    }
    who.kind = kind == 2 ? CallerKind::kUser : CallerKind::kRole;
    who.arn = kind == 2 ? iam + ":user/u" : "arn:aws:sts::" + who.account + ":assumed-role/r/s";
    if (kind == 3) who.role_arn = iam + ":role/r";
    while (chance(60)) who.own.push_back(document(false));
    if (kind == 3 && chance(40)) who.session.push_back(document(false));
    return who;
  }

  Document document(bool with_principals) {
    Document document;
    do document.push_back(sentence(with_principals));
    while (chance(50));
    return document;
  }

 private:
  static constexpr const char* kActions[] = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"};
  static constexpr const char* kActionPatterns[] = {"s3:GetObject", "s3:Put*", "s3:*Object",
                                                    "s3:*",         "*",       "s3:?etObject"};
  static constexpr const char* kResources[] = {"arn:aws:s3:::b/x", "arn:aws:s3:::b/dir/x",
                                               "arn:aws:s3:::b/dir/yy"};
  static constexpr const char* kResourcePatterns[] = {"arn:aws:s3:::b/*", "arn:aws:s3:::b/dir/*",
                                                      "arn:aws:s3:::b/x", "arn:aws:s3:::b/*/??",
                                                      "arn:aws:s3:::*x"};
  static constexpr const char* kAddresses[] = {"10.1.2.3", "11.1.2.3"};
  static constexpr const char* kReferers[] = {"", "http://a/", "http://b/"};

  std::string principal() {
    const std::string account = pick(kAccounts);
    switch (random_.below(5)) {
      case 0:
        return "*";
      case 1:
        return account;
      case 2:
        return "arn:aws:iam::" + account + ":user/u";
      case 3:
        return "arn:aws:iam::" + account + ":role/r";
      default:
        return "arn:aws:sts::" + account + ":assumed-role/r/s";
    }
  }

  Sentence sentence(bool with_principals) {
    Sentence out;
    out.allow = chance(75);
    out.inverted_action = chance(15);
    out.inverted_resource = chance(15);
    do out.actions.push_back(pick(kActionPatterns));
    while (chance(30));
    do out.resources.push_back(pick(kResourcePatterns));
    while (chance(30));
    if (with_principals) {
      out.inverted_principal = chance(15);
      do out.principals.push_back(principal());
      while (chance(30));
    }
    if (chance(25)) out.address = pick(kAddresses);
    if (chance(25)) out.referer = "http://a*";
    return out;
  }

  SeededRandom random_;
};

std::string list(const std::vector<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) {
    text += (text.size() > 1 ? ",\"" : "\"") + value + "\"";
  }
  return text + "]";
}

std::string to_json(const Document& document) {
  std::string text = R"({"Version":"2012-10-17","Statement":[)";
  for (const Sentence& sentence : document) {
    if (text.back() == '}') text += ',';
    text += std::string(R"({"Effect":")") + (sentence.allow ? "Allow" : "Deny") + R"(",)";
    text += std::string("\"") + (sentence.inverted_action ? "Not" : "") +
            "Action\":" + list(sentence.actions);
    text += std::string(",\"") + (sentence.inverted_resource ? "Not" : "") +
            "Resource\":" + list(sentence.resources);
    if (!sentence.principals.empty()) {
      text += std::string(",\"") + (sentence.inverted_principal ? "Not" : "") +
              "Principal\":{\"AWS\":" + list(sentence.principals) + "}";
    }
    text += R"(,"Condition":{)";
    if (!sentence.address.empty()) {
      text += R"("IpAddress":{"aws:SourceIp":")" + sentence.address + R"(/8"})";
    }
    if (!sentence.referer.empty()) {
      if (!sentence.address.empty()) text += ',';
      text += R"("StringNotLike":{"aws:Referer":")" + sentence.referer + R"("})";
    }
    text += "}}";
  }
  return text + "]}";
}

NamedPolicy parsed(const Document& document, PolicyKind kind) {
  const std::string text = to_json(document);
  auto policy = parse_policy(text, kind);
  EXPECT_TRUE(policy.ok()) << text << '\n' << policy.error().message;
  return {"p", std::make_shared<const Policy>(std::move(*policy))};
}

Caller to_caller(const Somebody& who) {
  if (who.kind == CallerKind::kAnonymous) return Caller::anonymous();
  auto principal = std::make_shared<Principal>();
  principal->kind = who.kind;
  principal->account = who.account;
  principal->arn = who.arn;
  principal->role_arn = who.role_arn;
  for (const Document& document : who.own) {
    principal->policies.push_back(parsed(document, PolicyKind::kIdentity));
  }
  for (const Document& document : who.session) {
    principal->session_policies.push_back(parsed(document, PolicyKind::kIdentity));
  }
  principal->narrowed = !who.session.empty();
  return Caller::of(std::move(principal));
}

TEST(PolicyModel, the_evaluator_agrees_with_a_slow_one_that_shares_no_code) {
  size_t allowed = 0;
  size_t denied = 0;
  const int runs = tests::for_seeds(1, [&](uint64_t seed) {
    Author author(seed);
    const Document policy = author.document(true);
    BucketAccess access;
    access.block = {false, false, false, false};
    access.policy = parsed(policy, PolicyKind::kBucket);
    const Somebody who = author.somebody();
    const Caller caller = to_caller(who);
    for (int i = 0; i < 8; ++i) {
      const Request request{author.action(), author.resource(), author.address(), author.referer()};
      const RequestContext context(request);
      Trace trace;
      const Decision decision =
          authorize(caller, request.action, {"b", request.resource.substr(15)}, context,
                    {kAccounts[0], access, nullptr}, &trace);
      const bool expected = slow_evaluate(who, request, kAccounts[0], {policy});
      (expected ? allowed : denied)++;
      ASSERT_EQ(decision.allowed, expected)
          << decision.explain() << "\ncaller " << who.arn << "\naction " << request.action << " on "
          << request.resource << " from " << request.address << " referer " << request.referer
          << "\nbucket policy " << to_json(policy);
    }
  });
  // A generator that only ever denies would prove nothing.
  if (runs > 100) {
    EXPECT_GT(allowed, denied / 20);
    EXPECT_GT(denied, allowed / 20);
  }
}

}  // namespace
}  // namespace strata::access
