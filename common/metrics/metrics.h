// Counters, gauges and latency histograms, and their Prometheus text. prometheus-cpp stays behind
// this file; recording is a few relaxed atomics, without a lock, so the data paths may use it.
//
// Thread rule: recording from any thread; registration before the servers start or from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace strata::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Latencies in buckets of powers of two from 1 us to 64 s.
class LatencyHistogram {
 public:
  static constexpr size_t kBuckets = 27;
  void observe(std::chrono::nanoseconds latency) noexcept;
  struct Snapshot {
    std::array<uint64_t, kBuckets> counts{};  // bucket i: at most 2^i us; the last: all others
    uint64_t count = 0;
    double sum_seconds = 0;
  };
  [[nodiscard]] Snapshot snapshot() const noexcept;

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_ns_{0};
};

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The series of this name and these labels, made on first use; lives as long as the registry. At
  // most kSeriesMax series a name: beyond, every new label set shares one with the value "other".
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels);
  LatencyHistogram& latency(const std::string& name, const std::string& help, const Labels& labels);
  // A gauge that is asked for its value at each scrape.
  void gauge(const std::string& name, const std::string& help, const Labels& labels,
             std::function<double()> value);
  static constexpr size_t kSeriesMax = 1000;

  // Prometheus text exposition format 0.0.4.
  [[nodiscard]] std::string render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::metrics
