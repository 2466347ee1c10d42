#include "blockdev/layers/layer_spec.h"

#include <gtest/gtest.h>

namespace strata::layers {
namespace {

TEST(LayerSpec, what_is_written_is_read_again) {
  for (const char* text :
       {"meter", "read-only", "throttle:iops=500", "throttle:iops=500,iops-burst=1000",
        "throttle:throughput=1048576", "delay:2ms", "delay:median=500us,p99=4ms", "delay:1500us",
        "fault:on=any,effect=error", "fault:on=write,effect=torn,probability=0.010000,seed=7",
        "fault:on=flush,effect=lost,after=10,times=3",
        "fault:on=read,effect=error,from=4096,to=1073741824"}) {
    const auto spec = parse_layer(text);
    ASSERT_TRUE(spec.ok()) << text << ": " << spec.error().message;
    EXPECT_EQ(format_layer(*spec), text);
  }
}

TEST(LayerSpec, sizes_and_times_have_units) {
  EXPECT_EQ(format_layer(parse_layer("throttle:iops=5,throughput=1.5M").value()),
            "throttle:iops=5,throughput=1572864");
  EXPECT_EQ(format_layer(parse_layer("delay:0.5ms").value()), "delay:500us");
  EXPECT_EQ(parse_latency("500us/4ms").value(), (LatencySettings{500, 4000}));
  EXPECT_EQ(parse_latency("0").value(), LatencySettings{});
  EXPECT_EQ(format_latency({500, 4000}), "500us/4ms");
}

TEST(LayerSpec, what_cannot_be_is_refused_with_what_would_be_right) {
  for (const char* text : {"",
                           "meters",
                           "meter:x",
                           "meter:",
                           "throttle",
                           "throttle:",
                           "throttle:iops=0",
                           "throttle:iops=-1",
                           "throttle:iops-burst=5",
                           "throttle:speed=3",
                           "throttle:iops=99999999999",
                           "delay",
                           "delay:",
                           "delay:2",
                           "delay:2m",
                           "delay:70s",
                           "delay:median=5ms,p99=1ms",
                           "delay:p99=5ms",
                           "fault:on=reads",
                           "fault:effect=explode",
                           "fault:probability=1.5",
                           "fault:on=read,effect=torn",
                           "fault:on=any,effect=lost",
                           "fault:on=read,effect=lost",
                           "fault:from=5,to=5",
                           "fault:,",
                           "fault:times=x"}) {
    const auto spec = parse_layer(text);
    ASSERT_FALSE(spec.ok()) << text;
    EXPECT_EQ(spec.error().code, Code::kInvalidArgument);
    EXPECT_FALSE(spec.error().message.empty());
  }
  EXPECT_FALSE(parse_layer(std::string(300, 'x')).ok());
  EXPECT_FALSE(parse_latency("4ms/1ms").ok());
}

}  // namespace
}  // namespace strata::layers
