// The control and admin handlers behind real HTTP servers on Unix sockets, asked by the client that
// the command line uses.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/io/posix_file_system.h"
#include "strata/admin_handler.h"
#include "strata/control_api.h"
#include "strata/control_client.h"
#include "strata/control_volumes.h"
#include "strata/data_folder.h"
#include "strata/json.h"
#include "strata/web_server.h"
#include "tests/support/temp_folder.h"

namespace strata::roof {
namespace {

using Folder = strata::testing::TempFolder;

// A server with a catalogue and nothing else, as the verbs see it.
class Control : public ::testing::Test {
 protected:
  void SetUp() override {
    catalog_ = *volume::Catalog::open(files_, volumes_path(folder_.path()), clock_, random_);
    loops_ = *LoopThreads::start(2);
    handler_ =
        std::make_unique<ControlHandler>(pool_, [] { return nlohmann::json{{"version", "0"}}; });
    handler_->mount(kVolumesPath, volumes_route(*catalog_));
    server_ = std::make_unique<WebServer>(
        "control", *loops_, *async::Listener::unix_socket(control_socket_path(folder_.path())),
        *handler_, registry_, http::ServerLimits{});
    server_->start();
  }
  void TearDown() override {
    server_->stop(Deadline::after(std::chrono::seconds(5)));
    server_.reset();
    loops_.reset();
  }
  Result<nlohmann::json> ask(std::string_view method, std::string_view target,
                             std::string_view body = "") {
    return ask_server(folder_.path(), method, target, body);
  }
  Code code_of(std::string_view method, std::string_view target, std::string_view body = "") {
    const Result<nlohmann::json> answer = ask(method, target, body);
    EXPECT_FALSE(answer.ok()) << method << " " << target << " " << body;
    return answer.ok() ? Code::kInternal : answer.error().code;
  }

  Folder folder_;
  io::PosixFileSystem files_;
  io::SystemClock clock_;
  SystemRandom random_;
  metrics::Registry registry_;
  async::BlockingPool pool_{"test", 2};
  std::unique_ptr<volume::Catalog> catalog_;
  std::unique_ptr<LoopThreads> loops_;
  std::unique_ptr<ControlHandler> handler_;
  std::unique_ptr<WebServer> server_;
};

TEST_F(Control, a_volume_is_made_listed_shown_and_deleted) {
  const Result<nlohmann::json> made =
      ask("POST", "/v1/volumes", R"({"name": "db", "size_bytes": 1048576})");
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ((*made)["name"], "db");
  EXPECT_EQ((*made)["size_bytes"], 1048576);
  const Result<nlohmann::json> listed = ask("GET", "/v1/volumes");
  ASSERT_TRUE(listed.ok()) << listed.error().message;
  ASSERT_EQ((*listed)["volumes"].size(), 1U);
  EXPECT_EQ((*ask("GET", "/v1/volumes/db"))["id"], (*made)["id"]);
  EXPECT_TRUE(ask("DELETE", "/v1/volumes/db").ok());
  EXPECT_EQ(code_of("GET", "/v1/volumes/db"), Code::kNotFound);
}

TEST_F(Control, a_volume_is_limited_grown_renamed_and_checked) {
  ASSERT_TRUE(ask("POST", "/v1/volumes",
                  R"({"name": "db", "size_bytes": 1048576, "profile": "gp3", "layers": ["meter"]})")
                  .ok());
  const auto shown = ask("GET", "/v1/volumes/db");
  EXPECT_EQ((*shown)["limits"]["iops"], 3000);
  EXPECT_EQ((*shown)["layers"][0], "meter");
  const auto set = ask("POST", "/v1/volumes/db/set", R"({"profile": "local", "iops": 500})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ((*set)["limits"]["iops"], 500);
  EXPECT_EQ((*ask("POST", "/v1/volumes/db/resize", R"({"size_bytes": 2097152})"))["size_bytes"],
            2097152);
  EXPECT_EQ((*ask("POST", "/v1/volumes/db/rename", R"({"to": "base"})"))["name"], "base");
  EXPECT_EQ((*ask("POST", "/v1/volumes/base/fsck", R"({"read": true})"))["clean"], true);
  EXPECT_EQ(code_of("POST", "/v1/volumes/base/set", R"({"iops": -1})"), Code::kInvalidArgument);
  EXPECT_EQ(code_of("POST", "/v1/volumes/base/set", R"({"layers": "meter"})"),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of("POST", "/v1/volumes/base/explode", "{}"), Code::kNotFound);
  EXPECT_EQ(code_of("GET", "/v1/volumes/base/set"), Code::kUnsupported);
}

TEST_F(Control, failures_come_back_with_their_code) {
  ASSERT_TRUE(ask("POST", "/v1/volumes", R"({"name": "db", "size_bytes": 4096})").ok());
  EXPECT_EQ(code_of("POST", "/v1/volumes", R"({"name": "db", "size_bytes": 4096})"),
            Code::kAlreadyExists);
  EXPECT_EQ(code_of("POST", "/v1/volumes", R"({"name": "x", "size_bytes": 7})"),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of("POST", "/v1/volumes", R"({"name": "x"})"), Code::kInvalidArgument);
  EXPECT_EQ(code_of("POST", "/v1/volumes", "nonsense"), Code::kInvalidArgument);
  EXPECT_EQ(code_of("POST", "/v1/volumes", std::string(1000, '[')), Code::kInvalidArgument);
  EXPECT_EQ(code_of("DELETE", "/v1/volumes/absent"), Code::kNotFound);
  EXPECT_EQ(code_of("GET", "/v1/volumes/..%2fdb"), Code::kInvalidArgument);
  EXPECT_EQ(code_of("PUT", "/v1/volumes/db"), Code::kUnsupported);
  EXPECT_EQ(code_of("GET", "/v2/anything"), Code::kNotFound);
}

TEST_F(Control, a_body_larger_than_any_request_is_refused) {
  EXPECT_EQ(code_of("POST", "/v1/volumes", std::string(kJsonRequestBytesMax + 1, ' ')),
            Code::kTooLarge);
}

TEST_F(Control, nobody_answering_says_how_to_start_a_server) {
  const Folder empty;
  const Result<nlohmann::json> answer = ask_server(empty.path(), "GET", "/v1/status", "");
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().message.find("strata serve --data " + empty.path()), std::string::npos)
      << answer.error().message;
  EXPECT_EQ(report(answer.error()), ExitCode::kUnreachable);
}

TEST_F(Control, traffic_is_counted) {
  ASSERT_TRUE(ask("GET", "/v1/status").ok());
  // The record is made after the answer has left, so the second request may come before it: the
  // stop waits for all.
  server_->stop(Deadline::after(std::chrono::seconds(5)));
  const std::string text = registry_.render();
  EXPECT_NE(text.find("strata_http_requests_total{"), std::string::npos) << text;
  EXPECT_NE(text.find("operation=\"Control\""), std::string::npos) << text;
  EXPECT_NE(text.find("strata_http_connections{wire=\"control\"} 0"), std::string::npos) << text;
}

class Admin : public ::testing::Test {
 protected:
  void SetUp() override {
    loops_ = *LoopThreads::start(1);
    server_ = std::make_unique<WebServer>("admin", *loops_,
                                          *async::Listener::unix_socket(folder_.path() + "/a"),
                                          handler_, registry_, http::ServerLimits{});
    server_->start();
  }
  void TearDown() override {
    server_->stop(Deadline::after(std::chrono::seconds(5)));
    server_.reset();
    loops_.reset();
  }
  http::ClientResponse ask(std::string_view method, std::string_view target) {
    const Result<http::ClientResponse> response =
        http::request_over_unix(folder_.path() + "/a", method, target, "", std::chrono::seconds(5));
    EXPECT_TRUE(response.ok()) << response.error().message;
    return response.ok() ? *response : http::ClientResponse{};
  }

  Folder folder_;
  std::atomic<bool> ready_{true};
  metrics::Registry registry_;
  AdminHandler handler_{registry_, [this] {
                          return ready_ ? Readiness{true, "ready"} : Readiness{false, "no drives"};
                        }};
  std::unique_ptr<LoopThreads> loops_;
  std::unique_ptr<WebServer> server_;
};

TEST_F(Admin, health_is_served_under_both_names) {
  for (const char* path : {"/health/live", "/health/ready", "/minio/health/live",
                           "/minio/health/ready", "/minio/health/cluster"}) {
    EXPECT_EQ(ask("GET", path).status, 200) << path;
  }
}

TEST_F(Admin, a_server_that_is_not_ready_is_alive_and_says_why) {
  ready_ = false;
  EXPECT_EQ(ask("GET", "/health/live").status, 200);
  const http::ClientResponse response = ask("GET", "/health/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "no drives\n");
}

TEST_F(Admin, metrics_are_prometheus_text) {
  registry_.counter("some_total", "Some.", {}).add(7);
  const http::ClientResponse response = ask("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("some_total 7"), std::string::npos) << response.body;
}

TEST_F(Admin, everything_else_is_not_found_or_not_allowed) {
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/health/live/").status, 404);
  EXPECT_EQ(ask("POST", "/metrics").status, 405);
}

TEST(DataFolder, a_second_server_is_refused_with_the_process_of_the_first) {
  const Folder folder;
  io::PosixFileSystem files;
  const std::string data = folder.path() + "/data";
  Result<std::unique_ptr<DataFolder>> first = DataFolder::open(files, data, 4711);
  ASSERT_TRUE(first.ok()) << first.error().message;
  const Result<std::unique_ptr<DataFolder>> second = DataFolder::open(files, data, 4712);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().reason, kDataInUseReason);
  EXPECT_NE(second.error().message.find("process 4711"), std::string::npos)
      << second.error().message;
  first->reset();
  EXPECT_TRUE(DataFolder::open(files, data, 4713).ok());
}

}  // namespace
}  // namespace strata::roof
