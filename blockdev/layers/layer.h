// Layer: something between the wire and a disk that changes what happens to requests. A layer
// stands over a queue, the next one, and is a queue itself, so that layers stack in any order.
//
// A layer that has to see a request's end, or to make it wait, passes a shadow of it on: a request
// of its own with the same command. Shadows are kept for the next request, so that in steady state
// nothing is allocated. A layer that only looks passes the request itself.
//
// Thread rule: a Layer from any thread, a LayerQueue on its ring's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "blockdev/device/block_device.h"
#include "common/base/deadline.h"
#include "common/ring/ring.h"

namespace strata::layers {

class LayerQueue : public device::BlockQueue {
 public:
  explicit LayerQueue(device::BlockQueue& next) noexcept : next_(next) {}
  ~LayerQueue() override;
  LayerQueue(const LayerQueue&) = delete;
  LayerQueue& operator=(const LayerQueue&) = delete;

  // Nothing waits here from now on: what is held goes on at once. The queue still serves what is
  // submitted.
  virtual void retire() noexcept {}
  // No request is held or watched, and none of its code is running: it may be destroyed.
  [[nodiscard]] bool idle() const noexcept { return in_flight_ == 0 && depth_ == 0; }

 protected:
  struct Shadow : device::IoRequest {
    LayerQueue* layer = nullptr;
    device::IoRequest* original = nullptr;
    Shadow* next = nullptr;  // in the list of free ones, or in one of the layer's
    SteadyTime time{};       // the layer's
    int32_t error = 0;       // the layer's
  };
  // Shadows in the order in which they came.
  class Waiting {
   public:
    void push(Shadow& shadow) noexcept;
    Shadow* pop() noexcept;
    [[nodiscard]] Shadow* front() const noexcept { return first_; }

   private:
    Shadow* first_ = nullptr;
    Shadow* last_ = nullptr;
  };
  // While it lives the queue is not idle: for code that goes on after it has answered a request.
  class Busy {
   public:
    explicit Busy(LayerQueue& queue) noexcept : queue_(queue) { ++queue_.depth_; }
    ~Busy() { --queue_.depth_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    LayerQueue& queue_;
  };

  // A shadow with the original's command; nullptr when there is no memory for one.
  [[nodiscard]] Shadow* shadow(device::IoRequest& original) noexcept;
  // Hands the shadow on; completed() is called for it, possibly at once.
  void pass(Shadow& shadow) noexcept { next_.submit(shadow); }
  // Ends the original with what the shadow brought. The shadow is free afterwards. The last thing a
  // function does with the queue, unless it holds a Busy.
  void answer(Shadow& shadow, int32_t error) noexcept;
  virtual void completed(Shadow& shadow, int32_t error) noexcept { answer(shadow, error); }

  device::BlockQueue& next_;

 private:
  static constexpr size_t kShadowsPerBlock = 32;
  [[nodiscard]] bool grow() noexcept;

  std::vector<std::unique_ptr<std::array<Shadow, kShadowsPerBlock>>> blocks_;
  Shadow* free_ = nullptr;
  uint32_t in_flight_ = 0;
  uint32_t depth_ = 0;
};

class Layer {
 public:
  virtual ~Layer() = default;
  // `next` outlives the queue; the layer too.
  [[nodiscard]] virtual std::unique_ptr<LayerQueue> open(device::BlockQueue& next,
                                                         ring::Ring& ring) = 0;
  // What the device can do with this layer over it.
  [[nodiscard]] virtual device::Capabilities over(device::Capabilities next) const noexcept {
    return next;
  }
};

// Whether a read-only device refuses it.
[[nodiscard]] inline bool changes(device::Op op) noexcept {
  return op == device::Op::kWrite || op == device::Op::kTrim || op == device::Op::kWriteZeroes;
}

}  // namespace strata::layers
