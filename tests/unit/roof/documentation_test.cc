#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "strata/options.h"

namespace strata::roof {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Documentation, the_table_in_configuration_md_is_the_table_in_the_code) {
  const std::string text = read_text(std::string(STRATA_SOURCE_DIR) + "/docs/configuration.md");
  EXPECT_NE(text.find(options_markdown()), std::string::npos)
      << "docs/configuration.md must hold exactly this:\n\n"
      << options_markdown();
}

TEST(Documentation, names_keys_and_variables_are_unique) {
  std::set<std::string> seen;
  for (const OptionSpec& spec : option_table()) {
    EXPECT_TRUE(seen.insert(spec.variable()).second) << spec.name;
    EXPECT_TRUE(find_option_by_key(spec.key()).has_value()) << spec.name;
    EXPECT_FALSE(spec.help.empty());
    EXPECT_TRUE(!spec.default_value.empty() || !spec.default_note.empty()) << spec.name;
  }
}

}  // namespace
}  // namespace strata::roof
