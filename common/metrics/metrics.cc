#include "common/metrics/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>

#include "common/base/check.h"

namespace strata::metrics {
namespace {

constexpr std::string_view kOverflowValue = "other";

enum class Kind { kCounter, kLatency, kGauge };

// [a-zA-Z_:][a-zA-Z0-9_:]* for metrics; labels are the same without ':'.
bool is_name(std::string_view name, bool colon_allowed) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [colon_allowed](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c == ':' && colon_allowed);
  });
}

// Sorted, so that the order in which labels are written makes no difference.
Labels sorted(Labels labels) {
  for (const auto& label : labels) CHECK(is_name(label.first, false), "not a label's name");
  std::sort(labels.begin(), labels.end());
  return labels;
}

// What a label set becomes when a name has too many series.
Labels overflow_labels(Labels labels) {
  for (auto& label : labels) label.second = kOverflowValue;
  return labels;
}

// One metric's values under one set of labels; only the member of the family's kind is used.
struct Series {
  Counter counter;
  std::unique_ptr<LatencyHistogram> latency;
  std::function<double()> gauge;
};

struct Family {
  Kind kind = Kind::kCounter;
  std::string help;
  std::map<Labels, std::unique_ptr<Series>> series;
};

prometheus::MetricType prometheus_type(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return prometheus::MetricType::Counter;
    case Kind::kLatency:
      return prometheus::MetricType::Histogram;
    case Kind::kGauge:
      return prometheus::MetricType::Gauge;
  }
  CHECK(false, "not a kind of metric");
}

// Seconds at the upper end of bucket i; the last has none.
double bucket_bound(size_t i) {
  return static_cast<double>(uint64_t{1} << i) * 1e-6;
}

// Prometheus wants each bucket to hold all smaller ones too.
prometheus::ClientMetric::Histogram to_prometheus(const LatencyHistogram::Snapshot& snapshot) {
  prometheus::ClientMetric::Histogram out;
  uint64_t cumulative = 0;
  for (size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
    cumulative += snapshot.counts[i];
    prometheus::ClientMetric::Bucket bucket;
    bucket.cumulative_count = cumulative;
    bucket.upper_bound = bucket_bound(i);
    out.bucket.push_back(bucket);
  }
  // The serialiser adds the bucket without a bound from the count.
  out.sample_count = snapshot.count;
  out.sample_sum = snapshot.sum_seconds;
  return out;
}

prometheus::ClientMetric to_prometheus(const Labels& labels, Kind kind, const Series& series) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  switch (kind) {
    case Kind::kCounter:
      metric.counter.value = static_cast<double>(series.counter.value());
      break;
    case Kind::kLatency:
      metric.histogram = to_prometheus(series.latency->snapshot());
      break;
    case Kind::kGauge:
      metric.gauge.value = series.gauge();
      break;
  }
  return metric;
}

}  // namespace

void LatencyHistogram::observe(std::chrono::nanoseconds latency) noexcept {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(latency.count(), 0));
  // Whole microseconds, rounded up: bucket i holds what is at most 2^i of them.
  const uint64_t us = ns / 1000 + (ns % 1000 != 0 ? 1 : 0);
  const size_t bucket = us <= 1 ? 0 : static_cast<size_t>(std::bit_width(us - 1));
  counts_[std::min(bucket, kBuckets - 1)].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(ns, std::memory_order_relaxed);
}

LatencyHistogram::Snapshot LatencyHistogram::snapshot() const noexcept {
  Snapshot snapshot;
  for (size_t i = 0; i < kBuckets; ++i) {
    snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
    snapshot.count += snapshot.counts[i];
  }
  snapshot.sum_seconds = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9;
  return snapshot;
}

struct Registry::Impl {
  mutable std::mutex mutex;
  std::map<std::string, Family> families;  // guarded by mutex; series are never removed

  // The series, made if need be; mutex held.
  Series& find(const std::string& name, const std::string& help, Kind kind, const Labels& labels) {
    CHECK(is_name(name, true), "not a metric's name");
    Family& family = families[name];
    if (family.series.empty()) {
      family.kind = kind;
      family.help = help;
    }
    CHECK(family.kind == kind, "one metric's name for two kinds of metric");
    Labels key = sorted(labels);
    const auto found = family.series.find(key);
    if (found != family.series.end()) return *found->second;
    if (family.series.size() >= kSeriesMax) {
      key = overflow_labels(std::move(key));
      const auto other = family.series.find(key);
      if (other != family.series.end()) return *other->second;
    }
    auto series = std::make_unique<Series>();
    if (kind == Kind::kLatency) series->latency = std::make_unique<LatencyHistogram>();
    return *family.series.emplace(std::move(key), std::move(series)).first->second;
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter& Registry::counter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->find(name, help, Kind::kCounter, labels).counter;
}

LatencyHistogram& Registry::latency(const std::string& name, const std::string& help,
                                    const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return *impl_->find(name, help, Kind::kLatency, labels).latency;
}

void Registry::gauge(const std::string& name, const std::string& help, const Labels& labels,
                     std::function<double()> value) {
  CHECK(value != nullptr, "a gauge needs something to ask");
  const std::lock_guard lock(impl_->mutex);
  impl_->find(name, help, Kind::kGauge, labels).gauge = std::move(value);
}

std::string Registry::render() const {
  std::vector<prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(impl_->mutex);
    families.reserve(impl_->families.size());
    for (const auto& [name, family] : impl_->families) {
      prometheus::MetricFamily out;
      out.name = name;
      out.help = family.help;
      out.type = prometheus_type(family.kind);
      out.metric.reserve(family.series.size());
      for (const auto& [labels, series] : family.series) {
        out.metric.push_back(to_prometheus(labels, family.kind, *series));
      }
      families.push_back(std::move(out));
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace strata::metrics
