#include "objstore/replica/milestone.h"

#include <algorithm>
#include <condition_variable>
#include <future>

namespace strata::replica {

namespace {

class Milestone final : public drive::PendingChange {
 public:
  explicit Milestone(Core& core) : core_(core) { change_.marker = true; }
  [[nodiscard]] const drive::Change& change() const noexcept override { return change_; }
  [[nodiscard]] drive::Change& numbered() noexcept { return change_; }

  void expect(size_t drives) {
    left_ = drives;
    left_to_flush_ = drives;
  }
  void ended(size_t, const Status&) noexcept override {
    const std::lock_guard lock(mutex_);
    if (--left_ > 0) return;
    core_.order.ended(change_);
    done_.notify_all();
  }
  void flushed(size_t) noexcept override {
    const std::lock_guard lock(mutex_);
    if (--left_to_flush_ == 0) core_.order.flushed(change_);
  }
  [[nodiscard]] bool wait(Deadline deadline) {
    std::unique_lock lock(mutex_);
    return done_.wait_until(lock, deadline.when(), [this] { return left_ == 0; });
  }

 private:
  Core& core_;
  drive::Change change_;
  std::mutex mutex_;
  std::condition_variable done_;
  // Guarded by mutex_ once the change is under way.
  size_t left_ = 0;
  size_t left_to_flush_ = 0;
};

std::vector<size_t> drives_of(const Core& core, const View& view) {
  std::vector<size_t> seats;
  const auto add = [&](const Plan& plan) {
    for (const Place& place : plan.places) {
      if (!core.seat(place.seat).in_service()) continue;
      if (std::ranges::find(seats, place.seat) == seats.end()) seats.push_back(place.seat);
    }
  };
  add(view.current);
  if (view.next) add(*view.next);
  return seats;
}

}  // namespace

Status pass_milestone(Core& core, std::unique_ptr<View> view) {
  const std::vector<size_t> seats = drives_of(core, *view);
  if (seats.empty()) return Error(Code::kIo, "no drive is in service");
  const auto milestone = std::make_shared<Milestone>(core);
  milestone->expect(seats.size());
  const bool all_in = core.all_in_service(*view);
  const auto enter = [&] {
    core.set_view(std::move(view));
    return true;
  };
  (void)core.order.begin(milestone->numbered(), all_in, enter, [&] {
    for (const size_t seat : seats) core.drive(seat).committer().submit(milestone);
  });
  if (milestone->wait(Deadline::after(kDriveWait))) return {};
  return Error(Code::kTimeout, "a drive takes very long to flush what was written");
}

Status run_on_drive(Core& core, size_t seat, std::function<Status(drive::Index&)> function) {
  drive::Drive& drive = core.drive(seat);
  TRY(drive.health());
  const auto done = std::make_shared<std::promise<Status>>();
  std::future<Status> outcome = done->get_future();
  const bool queued =
      drive.committer().run([&drive, done, function = std::move(function)](drive::Index& index) {
        Status status = drive.health();
        if (status.ok()) status = function(index);
        done->set_value(std::move(status));
      });
  if (!queued) return Error(Code::kBusy, "too much is waiting for drive " + drive.path());
  if (outcome.wait_for(kDriveWait) != std::future_status::ready) {
    return Error(Code::kTimeout, "drive " + drive.path() + " takes very long to answer");
  }
  return outcome.get();
}

}  // namespace strata::replica
