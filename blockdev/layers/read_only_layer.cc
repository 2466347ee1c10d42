#include "blockdev/layers/read_only_layer.h"

#include <cerrno>

namespace strata::layers {
namespace {

class ReadOnlyQueue final : public LayerQueue {
 public:
  using LayerQueue::LayerQueue;
  void submit(device::IoRequest& request) noexcept override {
    if (changes(request.op)) return request.complete(request, -EPERM);
    next_.submit(request);
  }
};

}  // namespace

std::unique_ptr<LayerQueue> ReadOnlyLayer::open(device::BlockQueue& next, ring::Ring& /*ring*/) {
  return std::make_unique<ReadOnlyQueue>(next);
}

}  // namespace strata::layers
