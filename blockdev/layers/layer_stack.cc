#include "blockdev/layers/layer_stack.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "blockdev/layers/read_only_layer.h"
#include "common/base/check.h"

namespace strata::layers {

class LayerChain {
 public:
  LayerChain(const std::vector<LayerSpec>& specs, Timekeeper& time, metrics::Registry* registry,
             const std::string& volume, uint64_t seed)
      : time_(time), seed_(seed) {
    const bool metered = std::any_of(specs.begin(), specs.end(), [](const LayerSpec& spec) {
      return std::holds_alternative<MeterSpec>(spec);
    });
    if (metered) meter_ = std::make_unique<Meter>(registry, volume);
    for (const LayerSpec& spec : specs) std::visit([this](const auto& one) { add(one); }, spec);
  }

  // Over `bottom`, innermost layer first: the last one is where requests enter.
  [[nodiscard]] std::vector<std::unique_ptr<LayerQueue>> open(device::BlockQueue& bottom,
                                                              ring::Ring& ring) {
    std::vector<std::unique_ptr<LayerQueue>> queues;
    device::BlockQueue* next = &bottom;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      queues.push_back((*layer)->open(*next, ring));
      next = queues.back().get();
    }
    return queues;
  }
  [[nodiscard]] device::Capabilities over(device::Capabilities next) const noexcept {
    for (const auto& layer : layers_) next = layer->over(next);
    return next;
  }
  [[nodiscard]] uint64_t faults() const noexcept {
    uint64_t hits = 0;
    for (const FaultLayer* layer : faults_) hits += layer->hits();
    return hits;
  }
  [[nodiscard]] std::vector<Meter::Snapshot> meter() const {
    std::vector<Meter::Snapshot> out;
    for (size_t kind = 0; meter_ != nullptr && kind < Meter::kKinds; ++kind) {
      out.push_back(meter_->snapshot(kind));
    }
    return out;
  }
  void release() noexcept {
    for (const auto& rate : rates_) rate->set({}, time_.now());
    for (const auto& latency : latencies_) latency->set({});
  }

 private:
  void add(const MeterSpec&) { layers_.push_back(std::make_unique<MeterLayer>(*meter_, time_)); }
  void add(const ReadOnlySpec&) { layers_.push_back(std::make_unique<ReadOnlyLayer>()); }
  void add(const RateSettings& settings) {
    rates_.push_back(std::make_unique<RateLimit>());
    rates_.back()->set(settings, time_.now());
    layers_.push_back(std::make_unique<ThrottleLayer>(*rates_.back(), time_));
  }
  void add(const LatencySettings& settings) {
    latencies_.push_back(std::make_unique<Latency>());
    latencies_.back()->set(settings);
    layers_.push_back(
        std::make_unique<DelayLayer>(*latencies_.back(), time_, seed_ + layers_.size() + 1));
  }
  void add(const FaultSettings& settings) {
    auto layer = std::make_unique<FaultLayer>(settings);
    faults_.push_back(layer.get());
    layers_.push_back(std::move(layer));
  }

  Timekeeper& time_;
  std::unique_ptr<Meter> meter_;  // null without a layer `meter`
  const uint64_t seed_;
  std::vector<std::unique_ptr<RateLimit>> rates_;
  std::vector<std::unique_ptr<Latency>> latencies_;
  std::vector<FaultLayer*> faults_;
  std::vector<std::unique_ptr<Layer>> layers_;  // outermost first
};

class StackQueue final : public device::BlockQueue {
 public:
  StackQueue(LayerStack& stack, ring::Ring& ring, std::unique_ptr<device::BlockQueue> bottom)
      : stack_(stack),
        ring_(ring),
        bottom_(std::move(bottom)),
        delay_(stack.delay_.open(*bottom_, ring)),
        throttle_(stack.throttle_.open(*delay_, ring)) {
    enter_generation();
  }
  ~StackQueue() override {
    // From the outside in: nobody's next goes before him.
    for (Layers& one : retired_) take_down(one);
    take_down(now_);
    throttle_.reset();
    delay_.reset();
  }
  StackQueue(const StackQueue&) = delete;
  StackQueue& operator=(const StackQueue&) = delete;

  void submit(device::IoRequest& request) noexcept override {
    if (generation_ != stack_.generation_.load(std::memory_order_acquire)) change();
    top_->submit(request);
  }

 private:
  struct Layers {
    std::shared_ptr<LayerChain> chain;
    std::vector<std::unique_ptr<LayerQueue>> queues;  // innermost first
  };

  static void take_down(Layers& layers) noexcept {
    while (!layers.queues.empty()) layers.queues.pop_back();
  }

  void enter_generation() {
    generation_ = stack_.generation_.load(std::memory_order_acquire);
    now_.chain = stack_.chain();
    now_.queues = now_.chain->open(*throttle_, ring_);
    top_ = now_.queues.empty() ? static_cast<device::BlockQueue*>(throttle_.get())
                               : now_.queues.back().get();
  }

  void change() noexcept {
    Layers old = std::exchange(now_, Layers{});
    enter_generation();
    // Requests that are let go enter the layers below them, which are still there.
    for (auto queue = old.queues.rbegin(); queue != old.queues.rend(); ++queue) (*queue)->retire();
    retired_.push_back(std::move(old));
    std::erase_if(retired_, [](Layers& layers) {
      const bool idle = std::all_of(layers.queues.begin(), layers.queues.end(),
                                    [](const auto& queue) { return queue->idle(); });
      if (idle) take_down(layers);
      return idle;
    });
  }

  LayerStack& stack_;
  ring::Ring& ring_;
  std::unique_ptr<device::BlockQueue> bottom_;
  std::unique_ptr<LayerQueue> delay_;
  std::unique_ptr<LayerQueue> throttle_;
  Layers now_;
  std::vector<Layers> retired_;
  device::BlockQueue* top_ = nullptr;
  uint64_t generation_ = 0;
};

LayerStack::LayerStack(device::BlockDevice& next, Timekeeper& time, metrics::Registry* registry,
                       std::string volume, uint64_t seed)
    : next_(next),
      time_(time),
      registry_(registry),
      volume_(std::move(volume)),
      seed_(seed),
      throttle_(rate_, time),
      delay_(latency_, time, seed),
      chain_(
          std::make_shared<LayerChain>(std::vector<LayerSpec>(), time, registry, volume_, seed)) {}

LayerStack::~LayerStack() = default;

void LayerStack::set(const StackSettings& settings) {
  CHECK(settings.layers.size() <= kLayersMax);
  rate_.set(settings.rate, time_.now());
  latency_.set(settings.latency);
  auto made = std::make_shared<LayerChain>(settings.layers, time_, registry_, volume_, seed_);
  const std::lock_guard lock(mutex_);
  chain_ = std::move(made);
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

void LayerStack::release() {
  rate_.set({}, time_.now());
  latency_.set({});
  chain()->release();
}

std::shared_ptr<LayerChain> LayerStack::chain() const {
  const std::lock_guard lock(mutex_);
  return chain_;
}

device::Capabilities LayerStack::capabilities() const noexcept {
  return chain()->over(next_.capabilities());
}

std::vector<Meter::Snapshot> LayerStack::meter() const {
  return chain()->meter();
}

uint64_t LayerStack::faults() const {
  return chain()->faults();
}

Result<std::unique_ptr<device::BlockQueue>> LayerStack::open_queue(ring::Ring& ring) {
  TRY_ASSIGN(auto bottom, next_.open_queue(ring));
  return std::unique_ptr<device::BlockQueue>(
      std::make_unique<StackQueue>(*this, ring, std::move(bottom)));
}

}  // namespace strata::layers
