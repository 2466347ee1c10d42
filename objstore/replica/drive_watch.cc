#include "objstore/replica/drive_watch.h"

#include <future>

namespace strata::replica {

DriveWatch::DriveWatch(async::EventLoop& loop, Duration period, std::function<void()> look)
    : loop_(loop), period_(period), look_(std::move(look)) {
  loop_.post([this] { loop_.set_timer(*this, Deadline::after(period_)); });
}

DriveWatch::~DriveWatch() {
  std::promise<void> cleared;
  loop_.post([this, &cleared] {
    loop_.clear_timer(*this);
    cleared.set_value();
  });
  cleared.get_future().wait();
}

void DriveWatch::expired() noexcept {
  look_();
  loop_.set_timer(*this, Deadline::after(period_));
}

}  // namespace strata::replica
