#include "blockdev/layers/read_only_device.h"

namespace strata::layers {
namespace {

class ViewQueue final : public device::BlockQueue {
 public:
  ViewQueue(std::unique_ptr<device::BlockQueue> next, ReadOnlyLayer& layer, ring::Ring& ring)
      : next_(std::move(next)), layer_(layer.open(*next_, ring)) {}
  void submit(device::IoRequest& request) noexcept override { layer_->submit(request); }

 private:
  std::unique_ptr<device::BlockQueue> next_;
  std::unique_ptr<LayerQueue> layer_;
};

}  // namespace

Result<std::unique_ptr<device::BlockQueue>> ReadOnlyDevice::open_queue(ring::Ring& ring) {
  TRY_ASSIGN(auto next, next_.open_queue(ring));
  return std::unique_ptr<device::BlockQueue>(
      std::make_unique<ViewQueue>(std::move(next), layer_, ring));
}

}  // namespace strata::layers
