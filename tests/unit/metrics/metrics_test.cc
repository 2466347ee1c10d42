#include "common/metrics/metrics.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string_view>
#include <thread>

namespace strata::metrics {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

bool has_line(const std::string& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST(Metrics, a_counter_is_rendered_with_its_help_and_labels) {
  Registry registry;
  registry.counter("strata_requests_total", "Requests.", {{"verb", "put"}, {"code", "200"}}).add(3);
  registry.counter("strata_requests_total", "Requests.", {{"code", "200"}, {"verb", "put"}}).add();
  const std::string text = registry.render();
  EXPECT_TRUE(has_line(text, "# HELP strata_requests_total Requests.")) << text;
  EXPECT_TRUE(has_line(text, "# TYPE strata_requests_total counter")) << text;
  EXPECT_TRUE(has_line(text, "strata_requests_total{code=\"200\",verb=\"put\"} 4")) << text;
}

TEST(Metrics, a_gauge_is_asked_at_each_scrape) {
  Registry registry;
  double value = 1;
  registry.gauge("strata_open", "Open.", {}, [&value] { return value; });
  EXPECT_TRUE(has_line(registry.render(), "strata_open 1"));
  value = 2.5;
  EXPECT_TRUE(has_line(registry.render(), "strata_open 2.5"));
}

TEST(LatencyHistogram, a_bucket_holds_what_is_at_most_its_bound) {
  const auto bucket_of = [](nanoseconds latency) {
    LatencyHistogram histogram;
    histogram.observe(latency);
    const auto snapshot = histogram.snapshot();
    size_t bucket = 0;
    while (snapshot.counts[bucket] == 0) ++bucket;
    return bucket;
  };
  EXPECT_EQ(bucket_of(nanoseconds(-5)), 0u);
  EXPECT_EQ(bucket_of(nanoseconds(0)), 0u);
  EXPECT_EQ(bucket_of(microseconds(1)), 0u);
  EXPECT_EQ(bucket_of(nanoseconds(1001)), 1u);
  EXPECT_EQ(bucket_of(microseconds(2)), 1u);
  EXPECT_EQ(bucket_of(microseconds(3)), 2u);
  EXPECT_EQ(bucket_of(microseconds(4)), 2u);
  EXPECT_EQ(bucket_of(microseconds(1 << 25)), 25u);
  EXPECT_EQ(bucket_of(microseconds((1 << 25) + 1)), LatencyHistogram::kBuckets - 1);
  EXPECT_EQ(bucket_of(seconds(1'000'000)), LatencyHistogram::kBuckets - 1);
}

TEST(LatencyHistogram, is_rendered_with_cumulative_buckets_in_seconds) {
  Registry registry;
  LatencyHistogram& histogram = registry.latency("strata_seconds", "Time.", {{"verb", "get"}});
  histogram.observe(microseconds(1));
  histogram.observe(microseconds(1000));
  histogram.observe(seconds(100));
  const std::string text = registry.render();
  EXPECT_TRUE(has_line(text, "# TYPE strata_seconds histogram")) << text;
  EXPECT_NE(text.find("strata_seconds_count{verb=\"get\"} 3"), text.npos) << text;
  EXPECT_NE(text.find("le=\"0.000512\"} 1\n"), text.npos) << text;
  EXPECT_NE(text.find("le=\"0.001024\"} 2\n"), text.npos) << text;
  EXPECT_NE(text.find("le=\"+Inf\"} 3\n"), text.npos) << text;
  EXPECT_NE(text.find("strata_seconds_sum{verb=\"get\"} 100.001001"), text.npos) << text;
}

TEST(Metrics, label_values_are_escaped) {
  Registry registry;
  registry.counter("c", "h", {{"l", "a\"b\\c\nd"}}).add();
  EXPECT_TRUE(has_line(registry.render(), "c{l=\"a\\\"b\\\\c\\nd\"} 1")) << registry.render();
}

TEST(Metrics, label_sets_past_the_limit_share_one) {
  Registry registry;
  for (size_t i = 0; i < Registry::kSeriesMax; ++i) {
    registry.counter("c", "h", {{"bucket", std::to_string(i)}}).add();
  }
  Counter& first = registry.counter("c", "h", {{"bucket", "one more"}});
  Counter& second = registry.counter("c", "h", {{"bucket", "and another"}});
  EXPECT_EQ(&first, &second);
  first.add(7);
  EXPECT_TRUE(has_line(registry.render(), "c{bucket=\"other\"} 7"));
  EXPECT_EQ(registry.counter("c", "h", {{"bucket", "5"}}).value(), 1u);
}

TEST(Metrics, threads_lose_no_counts) {
  Registry registry;
  constexpr int kThreads = 4;
  constexpr int kRounds = 10'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&registry] {
      Counter& counter = registry.counter("c", "h", {});
      LatencyHistogram& latency = registry.latency("l", "h", {});
      for (int i = 0; i < kRounds; ++i) {
        counter.add();
        latency.observe(milliseconds(1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.counter("c", "h", {}).value(), uint64_t{kThreads} * kRounds);
  EXPECT_EQ(registry.latency("l", "h", {}).snapshot().count, uint64_t{kThreads} * kRounds);
}

}  // namespace
}  // namespace strata::metrics
