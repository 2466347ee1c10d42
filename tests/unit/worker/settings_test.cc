#include "common/worker/settings.h"

#include <gtest/gtest.h>

namespace strata::worker {
namespace {

TEST(Settings, what_is_written_is_read) {
  const SettingsByName settings = {{"scrub", {.paused = true, .rate = 1}},
                                   {"resync", {.paused = false, .rate = 0}},
                                   {"uploads", {.paused = true, .rate = std::nullopt}}};
  EXPECT_EQ(render_settings(settings),
            "strata workers 1\nresync rate=0\nscrub paused rate=1\nuploads paused\n");
  EXPECT_EQ(parse_settings(render_settings(settings)).value(), settings);
  EXPECT_EQ(parse_settings(render_settings({})).value(), SettingsByName{});
}

TEST(Settings, defaults_take_no_line) {
  EXPECT_EQ(render_settings({{"scrub", {}}}), "strata workers 1\n");
}

TEST(Settings, what_does_not_fit_is_refused) {
  for (const char* text :
       {"", "nonsense", "strata workers 1\nscrub hasty\n", "strata workers 1\nscrub rate=\n",
        "strata workers 1\nscrub rate=-1\n", "strata workers 1\nscrub rate=1 rate=2\n",
        "strata workers 1\nscrub paused paused\n", "strata workers 1\nScrub paused\n",
        "strata workers 1\nscrub\nscrub paused\n", "strata workers 1\n\n",
        "strata workers 1\nscrub rate=99999999999999999999\n"}) {
    EXPECT_EQ(parse_settings(text).error().code, Code::kCorrupt) << text;
  }
  EXPECT_EQ(parse_settings("strata workers 2\n").error().code, Code::kUnsupported);
  EXPECT_FALSE(parse_settings(std::string(kSettingsBytesMax + 1, 'a')).ok());
}

}  // namespace
}  // namespace strata::worker
