#include "blockdev/chunks/claims.h"

#include <fmt/format.h>

#include <thread>

#include "blockdev/chunks/chunk_store.h"

namespace strata::chunks {
namespace {

constexpr std::string_view kCollect = "claims/collect";
constexpr std::string_view kCreates = "claims/create-";
constexpr std::string_view kVolumes = "claims/volume-";
constexpr std::chrono::seconds kNowAndThen{5};

}  // namespace

std::string Claims::create_key(const std::string& id) const {
  return fmt::format("{}{}-{}", kCreates, server_id_, id);
}

std::string Claims::volume_key(const std::string& volume_id) const {
  return fmt::format("{}{}-{}", kVolumes, server_id_, volume_id);
}

Result<std::vector<PlacedObject>> Claims::list() {
  std::vector<PlacedObject> out;
  std::string after;
  for (;;) {
    TRY_ASSIGN(auto page, place_.list(std::string(kClaimsPrefix), after));
    if (page.empty()) return out;
    after = page.back().key;
    if (out.size() + page.size() > kClaimsMax) {
      return Error(Code::kTooLarge,
                   fmt::format("{} holds more than {} claims", place_.name(), kClaimsMax));
    }
    out.insert(out.end(), page.begin(), page.end());
  }
}

bool Claims::stale(const PlacedObject& claim) const {
  const int64_t now = clock_.wall_now().time_since_epoch().count();
  const std::chrono::milliseconds limit = claim.key == kCollect ? kCollectStale : kClaimStale;
  return now - claim.modified_ms > limit.count();
}

Result<bool> Claims::somebody_collects() {
  TRY_ASSIGN(const auto claims, list());
  for (const PlacedObject& claim : claims) {
    if (claim.key == kCollect) return !stale(claim);
  }
  return false;
}

Status Claims::enter(const std::string& key, Bytes content, Deadline deadline, Duration pause,
                     const std::function<bool()>& give_up) {
  TRY(place_.put(key, content, false));
  for (;;) {
    const Result<bool> busy = somebody_collects();
    if (busy.ok() && !*busy) return {};
    if (give_up && give_up()) {
      (void)place_.remove(key);
      return Error(Code::kConflict, "it was cancelled");
    }
    if (!busy.ok() || deadline.when() <= std::chrono::steady_clock::now()) {
      (void)place_.remove(key);
      if (!busy.ok()) return busy.error();
      return Error(Code::kTimeout,
                   fmt::format("the garbage collection of {} did not end in time; try again later",
                               place_.name()));
    }
    std::this_thread::sleep_for(pause);
  }
}

Status Claims::renew(const std::string& key, Bytes content) {
  return place_.put(key, content, false);
}

Status Claims::leave(const std::string& key) {
  return place_.remove(key);
}

Status Claims::nobody_creates() {
  TRY_ASSIGN(const auto claims, list());
  for (const PlacedObject& claim : claims) {
    if (claim.key.starts_with(kCreates) && !stale(claim)) {
      return Error(Code::kBusy, "a snapshot is being made; what is not needed is collected later");
    }
  }
  return {};
}

Status Claims::enter_collect() {
  TRY_ASSIGN(const bool taken, somebody_collects());
  if (taken) return Error(Code::kBusy, "another collection is under way");
  // Here is none, or one whose server is dead: that one is taken away, so that of two servers that
  // come now one gets it.
  TRY_ASSIGN(const bool dead, place_.exists(std::string(kCollect)));
  if (dead) TRY(place_.remove(std::string(kCollect)));
  Status put = place_.put(std::string(kCollect), as_bytes(server_id_), true);
  if (!put.ok()) {
    if (put.error().code != Code::kAlreadyExists) return put;
    return Error(Code::kBusy, "another collection is under way");
  }
  renewed_ = clock_.steady_now();
  Status alone = nobody_creates();
  if (!alone.ok()) (void)leave_collect();
  return alone;
}

Status Claims::still_collecting_now_and_then() {
  if (clock_.steady_now() - renewed_ < kNowAndThen) return {};
  return still_collecting();
}

Status Claims::still_collecting() {
  // Whoever passed over the claim may have come and gone since the chunks were marked.
  if (clock_.steady_now() - renewed_ > kCollectPauseMax) {
    return Error(Code::kBusy, "the collection was held up for too long and begins again");
  }
  TRY_ASSIGN(const ByteVector owner, place_.get(std::string(kCollect), 4 * kKiB));
  if (as_text(owner) != server_id_) {
    return Error(Code::kBusy, "another server has taken the collection over");
  }
  TRY(nobody_creates());
  const SteadyTime now = clock_.steady_now();
  TRY(place_.put(std::string(kCollect), as_bytes(server_id_), false));
  renewed_ = now;
  return {};
}

Status Claims::leave_collect() {
  const auto owner = place_.get(std::string(kCollect), 4 * kKiB);
  if (!owner.ok()) return owner.error().code == Code::kNotFound ? Status() : Status(owner.error());
  // Somebody who took it for dead has it now.
  if (as_text(*owner) != server_id_) return {};
  return place_.remove(std::string(kCollect));
}

Result<std::vector<std::string>> Claims::volumes() {
  TRY_ASSIGN(const auto claims, list());
  std::vector<std::string> out;
  for (const PlacedObject& claim : claims) {
    if (claim.key.starts_with(kVolumes)) out.push_back(claim.key);
  }
  return out;
}

Status Claims::clean(const std::function<bool(const std::string&)>& is_there) {
  const std::string creates = create_key("");
  const std::string volumes = volume_key("");
  TRY_ASSIGN(const auto claims, list());
  for (const PlacedObject& claim : claims) {
    bool mine = claim.key.starts_with(creates);
    if (claim.key.starts_with(volumes)) mine = !is_there(claim.key.substr(volumes.size()));
    if (claim.key == kCollect) {
      const auto owner = place_.get(claim.key, 4 * kKiB);
      mine = owner.ok() && as_text(*owner) == server_id_;
    }
    if (mine) TRY(place_.remove(claim.key));
  }
  return {};
}

}  // namespace strata::chunks
