// A directory over a store in memory, and its query API as a plain function.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "common/async/event_loop.h"
#include "common/codec/xml.h"
#include "objstore/iam/accounts.h"
#include "objstore/iam/query_api.h"
#include "tests/support/memory_store.h"

namespace strata::iam {

inline constexpr const char* kOwner = "000000000001";

class MovingClock final : public io::Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] io::WallTime wall_now() const override { return now; }
  io::WallTime now{std::chrono::milliseconds(1'700'000'000'123)};
};

struct Told {
  int status = 0;
  codec::XmlElement root;
  // The error's code, or "".
  [[nodiscard]] std::string code() const {
    const codec::XmlElement* error = root.child("Error");
    return error == nullptr ? "" : std::string(error->child_text("Code"));
  }
  // The text at a path below the Result element.
  [[nodiscard]] std::string text(std::initializer_list<std::string_view> path) const {
    const codec::XmlElement* at = root.children.empty() ? nullptr : root.children.data();
    for (const std::string_view name : path) {
      if (at != nullptr) at = at->child(name);
    }
    return at == nullptr ? "(absent)" : at->text;
  }
  [[nodiscard]] size_t members(std::string_view list) const {
    const codec::XmlElement* at = root.children.empty() ? nullptr : root.children[0].child(list);
    return at == nullptr ? 0 : at->children.size();
  }
};

class IamFixture : public ::testing::Test {
 protected:
  IamFixture() { EXPECT_TRUE(run(directory_.load()).ok()); }

  template <typename T>
  T run(async::Task<T> task) {
    Result<T> done = async::run_until_complete(*loop_, std::move(task));
    CHECK(done.ok());
    return std::move(done).value();
  }

  [[nodiscard]] access::Caller root() const { return directory_.find("ROOTKEY")->caller; }

  Told ask(const access::Caller& caller, Parameters parameters) {
    if (!parameters.contains("Version")) parameters["Version"] = "2010-05-08";
    const QueryAnswer answer = run(api_.answer(std::move(parameters), caller, "request-1"));
    Told told;
    told.status = answer.status;
    auto xml = codec::parse_xml(answer.body);
    EXPECT_TRUE(xml.ok()) << answer.body;
    if (xml.ok()) told.root = std::move(*xml);
    return told;
  }
  Told ask(Parameters parameters) { return ask(root(), std::move(parameters)); }
  Told ask_sts(const access::Caller& caller, Parameters parameters) {
    parameters["Version"] = "2011-06-15";
    return ask(caller, std::move(parameters));
  }

  // A user with a key, who may do what the statement says (none: nothing).
  access::Caller user(const std::string& name, const std::string& policy = "") {
    EXPECT_EQ(ask({{"Action", "CreateUser"}, {"UserName", name}}).status, 200);
    if (!policy.empty()) {
      EXPECT_EQ(ask({{"Action", "PutUserPolicy"},
                     {"UserName", name},
                     {"PolicyName", "p"},
                     {"PolicyDocument", policy}})
                    .status,
                200);
    }
    const Told key = ask({{"Action", "CreateAccessKey"}, {"UserName", name}});
    EXPECT_EQ(key.status, 200);
    keys_[name] = key.text({"AccessKey", "AccessKeyId"});
    return directory_.find(keys_[name])->caller;
  }

  testing::MemoryStore store_;
  MovingClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<async::EventLoop> loop_ = async::EventLoop::create().value();
  Directory directory_{store_, {kOwner, "ROOTKEY", "rootsecret"}};
  QueryApi api_{directory_, clock_, random_};
  std::map<std::string, std::string> keys_;
};

inline const std::string kAllowAll =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

}  // namespace strata::iam
