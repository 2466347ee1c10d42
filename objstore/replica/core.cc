#include "objstore/replica/core.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::replica {

namespace {
// How often the drives are looked at, for each time that one may take to answer.
constexpr int kLooksPerAnswer = 8;
}  // namespace

Core::Core(Members opened, Placement where, uint64_t start, Ground ground)
    : members(std::move(opened)),
      placement(std::move(where)),
      record_seed(drive::RecordSeed::of_cluster(members.cluster)),
      pool(ground.pool),
      drive_thread(std::move(ground.drive_thread)),
      drive_answer_max(ground.drive_answer_max),
      order(start),
      random(ground.random),
      background(ground.pool),
      pins([this](std::vector<DroppedBlobs> free) { free_dropped(std::move(free)); }) {
  watch_.emplace(drive_loop(), drive_answer_max / kLooksPerAnswer, [this] { look_at_drives(); });
}

void Core::free_dropped(std::vector<DroppedBlobs> free) {
  const bool files = std::ranges::any_of(free, [](const DroppedBlobs& dropped) {
    return std::ranges::any_of(dropped.blobs,
                               [](const drive::BlobName& blob) { return !blob.in_index; });
  });
  auto work = [this, free = std::move(free)] {
    for (const DroppedBlobs& dropped : free) {
      for (const size_t member : in_service(dropped.placement)) {
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
  for (const Member& member : members.all) {
    if (!member.drive || !member.drive->committer().stuck(drive_answer_max)) continue;
    member.drive->take_out(drive::unanswered(drive_answer_max));
    member.drive->committer().abandon(member.drive->health().error());
  }
}

Core::~Core() {
  watch_.reset();
  background.drain();
  for (const Member& member : members.all) {
    if (member.drive) member.drive->committer().stop();
  }
  background.drain();
}

std::vector<size_t> Core::in_service(uint64_t hash) const {
  std::vector<size_t> targets = placement.targets(hash);
  std::erase_if(targets, [this](size_t member) { return !members.all[member].in_service(); });
  return targets;
}

bool Core::all_in_service() const {
  return std::ranges::all_of(members.all, [](const Member& m) { return m.in_service(); });
}

drive::Id128 Core::new_blob_id() {
  drive::Id128 id;
  const MutableBytes all(id.bytes);
  store_big(all.data(), order.stamp());
  const std::lock_guard lock(random_mutex);
  random.fill(all.subspan(sizeof(uint64_t)));
  return id;
}

Error Core::too_few_drives(uint64_t hash) const {
  std::string reasons;
  for (const size_t member : placement.targets(hash)) {
    const Member& one = members.all[member];
    if (one.in_service()) continue;
    reasons += "; " + (one.drive ? one.drive->health().error().message
                                 : fmt::format("drive {}: {}", one.path, one.state));
  }
  return Error(Code::kIo, "too few drives are in service for this" + reasons);
}

}  // namespace strata::replica
