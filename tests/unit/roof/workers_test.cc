// What the control socket says of the workers, asked without a socket.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/io/manual_clock.h"
#include "common/io/memory_file_system.h"
#include "strata/control_workers.h"

namespace strata::roof {
namespace {

class Idler final : public worker::Worker {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "idler"; }
  [[nodiscard]] std::string_view purpose() const noexcept override { return "does nothing"; }
  [[nodiscard]] Result<worker::Step> step() override { return worker::Step{}; }
  void begin() override { ++begun; }
  [[nodiscard]] worker::Progress progress() const override {
    worker::Progress progress;
    progress.unit = "naps";
    progress.findings = 3;
    return progress;
  }
  int begun = 0;
};

class Workers : public ::testing::Test {
 protected:
  Workers() { crew_.add(idler_, 1000); }
  nlohmann::json ask(const std::string& method, const std::string& path, const std::string& body,
                     int status) {
    const ControlAnswer answer = route_(method, path, body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return nlohmann::json::parse(answer.body);
  }
  io::MemoryFileSystem files_;
  io::ManualClock clock_;
  Idler idler_;
  worker::Crew crew_{files_, "/workers", clock_};  // not started: nothing moves
  ControlRoute route_ = workers_route(crew_);
};

TEST_F(Workers, are_listed_and_shown) {
  const nlohmann::json listed = ask("GET", "/v1/workers", "", 200);
  ASSERT_EQ(listed["workers"].size(), 1U);
  const nlohmann::json shown = ask("GET", "/v1/workers/idler", "", 200);
  EXPECT_EQ(shown, listed["workers"][0]);
  EXPECT_EQ(shown["state"], "idle");
  EXPECT_EQ(shown["rate"], 1000);
  EXPECT_EQ(shown["progress"]["findings"], 3);
  EXPECT_EQ(shown["progress"]["unit"], "naps");
}

TEST_F(Workers, are_started_paused_resumed_and_limited) {
  (void)ask("POST", "/v1/workers/idler", R"({"action": "start"})", 200);
  EXPECT_EQ(idler_.begun, 1);
  EXPECT_EQ(ask("POST", "/v1/workers/idler", R"({"action": "pause"})", 200)["state"], "paused");
  (void)ask("POST", "/v1/workers/idler", R"({"action": "start"})", 409);
  EXPECT_EQ(ask("POST", "/v1/workers/idler", R"({"action": "resume"})", 200)["state"], "idle");
  EXPECT_EQ(ask("POST", "/v1/workers/idler", R"({"action": "rate", "rate": 5})", 200)["rate"], 5);
  EXPECT_EQ(ask("POST", "/v1/workers/idler", R"({"action": "rate"})", 200)["rate"], 1000);
}

TEST_F(Workers, refuse_what_they_do_not_know) {
  (void)ask("GET", "/v1/workers/nobody", "", 404);
  (void)ask("POST", "/v1/workers/nobody", R"({"action": "start"})", 404);
  (void)ask("POST", "/v1/workers/idler", R"({"action": "dance"})", 400);
  (void)ask("POST", "/v1/workers/idler", R"({"action": "rate", "rate": -1})", 400);
  (void)ask("POST", "/v1/workers/idler", "[]", 400);
  (void)ask("POST", "/v1/workers", R"({"action": "start"})", 405);
  (void)ask("DELETE", "/v1/workers/idler", "", 405);
}

}  // namespace
}  // namespace strata::roof
