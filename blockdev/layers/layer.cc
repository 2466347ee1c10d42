#include "blockdev/layers/layer.h"

#include <cerrno>
#include <new>
#include <utility>

#include "common/base/check.h"

namespace strata::layers {

using device::IoRequest;

LayerQueue::~LayerQueue() {
  CHECK(idle(), "a layer was taken away under its requests");
}

void LayerQueue::Waiting::push(Shadow& shadow) noexcept {
  shadow.next = nullptr;
  (first_ == nullptr ? first_ : last_->next) = &shadow;
  last_ = &shadow;
}

LayerQueue::Shadow* LayerQueue::Waiting::pop() noexcept {
  Shadow* const front = first_;
  if (front != nullptr) first_ = std::exchange(front->next, nullptr);
  return front;
}

bool LayerQueue::grow() noexcept {
  try {
    blocks_.push_back(std::make_unique<std::array<Shadow, kShadowsPerBlock>>());
  } catch (const std::bad_alloc&) {
    return false;
  }
  for (Shadow& one : *blocks_.back()) {
    one.layer = this;
    one.next = std::exchange(free_, &one);
  }
  return true;
}

LayerQueue::Shadow* LayerQueue::shadow(IoRequest& original) noexcept {
  if (free_ == nullptr && !grow()) return nullptr;
  Shadow& taken = *free_;
  free_ = std::exchange(taken.next, nullptr);
  ++in_flight_;
  static_cast<IoRequest&>(taken) = original;
  taken.original = &original;
  taken.error = 0;
  taken.complete = [](IoRequest& request, int32_t error) noexcept {
    auto& done = static_cast<Shadow&>(request);
    done.layer->completed(done, error);
  };
  return &taken;
}

void LayerQueue::answer(Shadow& shadow, int32_t error) noexcept {
  IoRequest& original = *shadow.original;
  // Whatever the device has filled in besides the bytes; its own state is nobody else's.
  const auto complete = original.complete;
  const MutableBytes buffer = original.buffer;
  const uint64_t length = original.length;
  original = static_cast<const IoRequest&>(shadow);
  original.complete = complete;
  original.buffer = buffer;
  original.length = length;
  shadow.next = std::exchange(free_, &shadow);
  --in_flight_;
  original.complete(original, error);
}

}  // namespace strata::layers
