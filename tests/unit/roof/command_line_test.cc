#include <gtest/gtest.h>

#include "strata/verbs.h"

namespace strata::roof {
namespace {

struct Outcome {
  ExitCode code;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> arguments) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const ExitCode code = run_command_line(std::move(arguments));
  return {code, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
}

TEST(CommandLine, help_lists_every_verb_and_the_exit_statuses) {
  for (const char* argument : {"help", "--help"}) {
    const Outcome outcome = run({argument});
    EXPECT_EQ(outcome.code, ExitCode::kOk);
    for (const char* verb : {"serve", "status", "volume", "compare", "version", "Exit status"}) {
      EXPECT_NE(outcome.out.find(verb), std::string::npos) << verb << "\n" << outcome.out;
    }
  }
}

TEST(CommandLine, help_of_a_verb_shows_its_options_and_examples) {
  const Outcome outcome = run({"help", "serve"});
  EXPECT_EQ(outcome.code, ExitCode::kOk);
  EXPECT_NE(outcome.out.find("--nbd-socket"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("Examples:"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("root-password"), std::string::npos) << outcome.out;
}

TEST(CommandLine, the_version_is_a_verb_and_an_option) {
  EXPECT_EQ(run({"version"}).out.rfind("strata ", 0), 0U);
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
}

TEST(CommandLine, wrong_usage_is_status_2_and_told_on_standard_error) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"juggle"},
      {"serve", "--speed", "9"},
      {"volume"},
      {"volume", "create", "db"},
      {"volume", "create", "../db", "1G"},
      {"volume", "create", "db", "big", "--data", "/nowhere"},
      {"serve", "--replicas", "9", "--data", "/nowhere"},
      {"serve", "--s3", "0.0.0.0", "--data", "/nowhere"},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, ExitCode::kUsage) << (arguments.empty() ? "" : arguments.back());
    EXPECT_FALSE(outcome.err.empty());
    EXPECT_TRUE(outcome.out.empty()) << outcome.out;
  }
}

TEST(CommandLine, no_server_is_status_3) {
  EXPECT_EQ(run({"status", "--data", "/nowhere"}).code, ExitCode::kUnreachable);
  EXPECT_EQ(run({"volume", "list", "--data", "/nowhere"}).code, ExitCode::kUnreachable);
}

}  // namespace
}  // namespace strata::roof
