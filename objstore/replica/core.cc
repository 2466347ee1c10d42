#include "objstore/replica/core.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"

namespace strata::replica {

namespace {
// How often the drives are looked at, for each time that one may take to answer.
constexpr int kLooksPerAnswer = 8;

bool contains(const std::vector<size_t>& list, size_t number) {
  return std::ranges::find(list, number) != list.end();
}

// The drive's own word on whether it may hold rows that are not its own. One that does not answer
// may.
bool may_have_strays(const Member& member) {
  if (!member.in_service()) return false;
  const auto mark = member.drive->has_mark(drive::kStraysName);
  return !mark.ok() || *mark;
}

}  // namespace

Core::Core(Members opened, const Recovered& recovered, Ground ground)
    : cluster(opened.cluster),
      replicas(opened.replicas),
      durability(ground.durability),
      record_seed(drive::RecordSeed::of_cluster(opened.cluster)),
      left_out(std::move(opened.left_out)),
      pool(ground.pool),
      drive_thread(std::move(ground.drive_thread)),
      drive_answer_max(ground.drive_answer_max),
      drive_left(std::move(ground.drive_left)),
      order(recovered.start, ground.durability),
      suspects(ground.clock, ground.read_wait_max),
      random(ground.random),
      background(ground.pool),
      pins([this](std::vector<DroppedBlobs> free) { free_dropped(std::move(free)); }) {
  bool strays = !opened.next.empty();
  std::vector<Place> current;
  std::vector<Place> all;  // the incoming ones too
  for (size_t i = 0; i < opened.all.size(); ++i) {
    strays = strays || may_have_strays(opened.all[i]);
    current.push_back({.member = opened.all[i].record,
                       .seat = i,
                       .role = recovered.joining[i] ? Role::kJoining : Role::kServing});
  }
  all = current;
  for (const Member& member : opened.incoming) {
    all.push_back({.member = member.record, .seat = all.size(), .role = Role::kJoining});
  }
  for (std::vector<Member>* list : {&opened.all, &opened.incoming}) {
    for (Member& member : *list) {
      add_seat({std::move(member.path), std::move(member.state), std::move(member.drive),
                member.absent});
    }
  }
  auto first = std::make_unique<View>(View{.layout = opened.layout,
                                           .current = Plan(current, replicas),
                                           .next = std::nullopt,
                                           .next_counted = false,
                                           .strays = strays});
  if (!opened.next.empty()) {
    std::vector<Place> next;
    for (const drive::MemberRecord& record : opened.next) {
      const auto place =
          std::ranges::find_if(all, [&](const Place& p) { return p.member.drive == record.drive; });
      next.push_back({.member = record, .seat = place->seat, .role = place->role});
    }
    first->next.emplace(std::move(next), replicas);
  }
  set_view(std::move(first));
  for (const LeftOut& folder : left_out) {
    if (folder.has_left && drive_left) drive_left(folder.path);
  }
  watch_.emplace(drive_loop(), drive_answer_max / kLooksPerAnswer, [this] { look_at_drives(); });
}

void Core::free_dropped(std::vector<DroppedBlobs> free) {
  const bool files = std::ranges::any_of(free, [](const DroppedBlobs& dropped) {
    return std::ranges::any_of(dropped.blobs,
                               [](const drive::BlobName& blob) { return !blob.in_index; });
  });
  auto work = [this, free = std::move(free)] {
    for (const DroppedBlobs& dropped : free) {
      for (const size_t member : writers(dropped.placement)) {
        drive(member).free_dropped(dropped.blobs);
      }
    }
  };
  // What lies in the index is left to the committers, which costs no thread. Files may block; when
  // too many wait, what is left is freed at the next start.
  if (files) {
    (void)background.run(std::move(work));
  } else {
    work();
  }
}

void Core::look_at_drives() {
  for (size_t i = 0; i < seats(); ++i) {
    if (!seat(i).drive || !drive(i).committer().stuck(drive_answer_max)) continue;
    drive(i).take_out(drive::unanswered(drive_answer_max));
    drive(i).committer().abandon(drive(i).health().error());
  }
  probe_suspects();
}

void Core::probe_suspects() {
  for (const size_t seat : suspects.begin_probes()) {
    if (!background.run([this, seat] { probe(seat); })) (void)suspects.probe_ended(seat, false);
  }
}

void Core::probe(size_t seat) {
  if (!drive(seat).in_service()) {
    suspects.forget(seat);
    return;
  }
  const SteadyTime begun = suspects.now();
  const Status answer = drive(seat).probe();
  const bool in_time = answer.ok() && suspects.now() - begun <= suspects.read_wait_max();
  if (suspects.probe_ended(seat, in_time)) {
    log::info("drive.not_suspect", {{"path", drive(seat).path()}});
  }
}

Core::~Core() {
  watch_.reset();
  background.drain();
  for (size_t i = 0; i < seats(); ++i) {
    if (seat(i).drive) drive(i).committer().stop();
  }
  background.drain();
}

void Core::add_seat(Seat seat) {
  const size_t number = seat_count_.load();
  CHECK(number < kSeatsMax, "who adds a seat looks whether there is room");
  seats_[number] = std::make_unique<Seat>(std::move(seat));
  seat_count_.store(number + 1);
}

void Core::set_view(std::unique_ptr<const View> view) {
  view_.store(view.get(), std::memory_order_release);
  views_.push_back(std::move(view));
}

std::vector<size_t> Core::in_service(uint64_t hash) const {
  const Plan& plan = view().current;
  std::vector<size_t> seats = plan.placement.targets(hash);
  size_t kept = 0;
  for (const size_t slot : seats) {
    const Place& place = plan.places[slot];
    if (place.role != Role::kServing || !seat(place.seat).in_service()) continue;
    seats[kept++] = place.seat;
  }
  seats.resize(kept);
  suspects.order(seats);
  return seats;
}

std::vector<size_t> Core::serving() const {
  std::vector<size_t> found;
  for (const Place& place : view().current.places) {
    if (place.role == Role::kServing && seat(place.seat).in_service()) found.push_back(place.seat);
  }
  std::ranges::sort(found);
  return found;
}

std::vector<size_t> Core::writers(uint64_t hash) const {
  const View& now = view();
  std::vector<size_t> seats;
  const auto add = [&](const Plan& plan) {
    for (const size_t slot : plan.placement.targets(hash)) {
      const size_t number = plan.places[slot].seat;
      if (seat(number).in_service() && !contains(seats, number)) seats.push_back(number);
    }
  };
  add(now.current);
  if (now.next) add(*now.next);
  return seats;
}

bool Core::all_in_service(const View& view) const {
  const auto serves = [this](const Place& place) {
    return place.role == Role::kServing && seat(place.seat).in_service();
  };
  return !view.next && std::ranges::all_of(view.current.places, serves);
}

drive::Id128 Core::new_id() {
  drive::Id128 id;
  const std::lock_guard lock(random_mutex);
  random.fill(id.bytes);
  return id;
}

drive::Id128 Core::new_blob_id() {
  drive::Id128 id;
  const MutableBytes all(id.bytes);
  store_big(all.data(), order.stamp());
  const std::lock_guard lock(random_mutex);
  random.fill(all.subspan(sizeof(uint64_t)));
  return id;
}

std::string Core::why_not(const Place& place) const {
  const Seat& one = seat(place.seat);
  if (one.in_service()) {
    return place.role == Role::kServing ? "" : fmt::format("drive {} is being filled", one.path);
  }
  const std::string id = place.member.drive.to_hex();
  if (place.member.is_lost()) {
    return fmt::format("drive {0} is lost: `strata drive replace {0} PATH` or `drain {0}`", id);
  }
  if (one.drive) return one.drive->health().error().message;
  return fmt::format("drive {}: {}", one.path.empty() ? id : one.path, one.state);
}

Error Core::too_few_drives(uint64_t hash) const {
  const Plan& plan = view().current;
  std::string reasons;
  for (const size_t slot : plan.placement.targets(hash)) {
    const std::string why = why_not(plan.places[slot]);
    if (!why.empty()) reasons += "; " + why;
  }
  return Error(Code::kIo, kReasonTooFewDrives, "too few drives are in service for this" + reasons);
}

Error Core::too_few_drives_for_all(std::string_view what) const {
  std::string reasons(what);
  for (const Place& place : view().current.places) {
    const std::string why = why_not(place);
    if (!why.empty()) reasons += "; " + why;
  }
  return Error(Code::kIo, kReasonTooFewDrives, std::move(reasons));
}

}  // namespace strata::replica
