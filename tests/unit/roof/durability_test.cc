#include "strata/durability_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "strata/verbs.h"

namespace strata::roof {
namespace {

// What the program prints for a command line; its exit status too.
std::pair<ExitCode, std::string> output_of(const std::string& command) {
  std::istringstream words(command);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  const ExitCode code = run_command_line(arguments);
  std::cout.rdbuf(before);
  return {code, out.str()};
}

TEST(DurabilityDocument, every_output_in_it_is_what_the_command_prints) {
  std::ifstream file(std::string(STRATA_SOURCE_DIR) + "/docs/durability.md");
  ASSERT_TRUE(file.good());
  int commands = 0;
  std::string line;
  std::string command;
  std::string expected;
  bool inside = false;
  while (std::getline(file, line)) {
    constexpr std::string_view kPrompt = "$ strata ";
    if (line.starts_with(kPrompt)) {
      command = line.substr(kPrompt.size());
      expected.clear();
      inside = true;
    } else if (inside && line == "```") {
      EXPECT_EQ(output_of(command).second, expected) << "docs/durability.md: " << command;
      inside = false;
      ++commands;
    } else if (inside) {
      expected += line + "\n";
    }
  }
  EXPECT_GE(commands, 4);
}

TEST(DurabilityArguments, the_defaults_are_the_models_own_but_for_sizes_in_powers_of_1024) {
  const DurabilityQuestion question = parse_durability({}).value();
  EXPECT_EQ(question.model.drives, durability::Model().drives);
  EXPECT_DOUBLE_EQ(question.model.afr, durability::Model().afr);
  EXPECT_DOUBLE_EQ(question.model.capacity_bytes, std::ldexp(4, 40));
  EXPECT_DOUBLE_EQ(question.model.rebuild_bytes_per_s, std::ldexp(100, 20));
  EXPECT_DOUBLE_EQ(question.model.scrub_s, durability::Model().scrub_s);
}

TEST(DurabilityArguments, what_is_wrong_is_refused_with_the_name_of_the_option) {
  const auto message = [](auto change) {
    DurabilityArguments arguments;
    change(arguments);
    const auto parsed = parse_durability(arguments);
    return parsed.ok() ? std::string("accepted") : parsed.error().message;
  };
  using A = DurabilityArguments;
  EXPECT_TRUE(message([](A& a) { a.afr = "often"; }).starts_with("--afr: "));
  EXPECT_TRUE(message([](A& a) { a.drives = "three"; }).starts_with("--drives: "));
  EXPECT_TRUE(message([](A& a) { a.capacity = "4XB"; }).starts_with("--capacity: "));
  EXPECT_TRUE(message([](A& a) { a.rebuild_rate = "1/s"; }).starts_with("the time to repair"));
  EXPECT_TRUE(message([](A& a) { a.scrub_period = "7"; }).starts_with("--scrub-period: "));
  EXPECT_TRUE(message([](A& a) { a.repair = "hope"; }).starts_with("--repair: "));
  EXPECT_TRUE(message([](A& a) { a.trials = "0"; }).starts_with("0 trials"));
  EXPECT_TRUE(message([](A& a) { a.replicas = "8"; }).starts_with("8 replicas need"));
  EXPECT_EQ(output_of("durability --afr 2000%").first, ExitCode::kUsage);
}

TEST(DurabilityReport, json_has_both_ways_side_by_side) {
  const auto [code, text] = output_of("durability --json --trials 1000 --drives 5 --repair spread");
  EXPECT_EQ(code, ExitCode::kOk);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["model"]["repair"], "spread");
  const auto& object = json["object_lost_in_a_year"];
  EXPECT_GT(object["nines"].get<double>(), 5);
  EXPECT_GT(object["monte_carlo"]["high_95"].get<double>(),
            object["closed_form"].get<double>() / 2);
}

TEST(DurabilityReport, nines_count_what_they_say) {
  EXPECT_NEAR(nines_of(1e-11), 11, 1e-12);
  EXPECT_EQ(nines_of(1), 0);
  EXPECT_TRUE(std::isinf(nines_of(0)));
}

}  // namespace
}  // namespace strata::roof
