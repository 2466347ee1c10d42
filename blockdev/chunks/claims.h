// Claims: who uses the chunks of a place without a manifest saying so yet, or any more. Small
// objects below "claims/" of the place, so that servers that share it see each other's.
//
//   claims/create-SERVER-ID   a snapshot is being made: chunks without a manifest are its own
//   claims/volume-SERVER-ID   a volume that is restored lazily; its content is the manifest it
//   needs claims/collect            the collector is at work
//
// The rule between them: a create or restore puts its claim first and then waits until there is no
// claim to collect; the collector puts its claim first and then gives up if there is a create. So
// of two that begin at once at least one sees the other (the place is strongly consistent). Claims
// to create and to collect whose server died are ignored once they are old: a living server renews
// them. A claim of a volume never gets old: only its server takes it back.
//
// Thread rule: from any thread; every call may block.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "blockdev/chunks/object_place.h"
#include "common/base/deadline.h"
#include "common/io/clock.h"

namespace strata::chunks {

inline constexpr std::chrono::minutes kClaimRenewal{5};
inline constexpr std::chrono::minutes kClaimStale{60};
// A collector says so with every step; one that was held up for longer than the second of these
// does not go on, long before others pass over its claim.
inline constexpr std::chrono::minutes kCollectStale{5};
inline constexpr std::chrono::minutes kCollectPauseMax{1};
inline constexpr size_t kClaimsMax = 100'000;

class Claims {
 public:
  // server_id: hexadecimal digits, the same at every start of the server. All outlive this.
  Claims(ObjectPlace& place, std::string server_id, const io::Clock& clock)
      : place_(place), server_id_(std::move(server_id)), clock_(clock) {}

  // The key of a claim of this server's.
  [[nodiscard]] std::string create_key(const std::string& id) const;
  [[nodiscard]] std::string volume_key(const std::string& volume_id) const;

  // Puts the claim and waits for a collector to end, asking again after `pause`; kTimeout, and no
  // claim, at the deadline; kConflict, and no claim, once give_up says so.
  [[nodiscard]] Status enter(const std::string& key, Bytes content, Deadline deadline,
                             Duration pause = std::chrono::milliseconds(200),
                             const std::function<bool()>& give_up = {});
  // Says again that the claim's owner lives.
  [[nodiscard]] Status renew(const std::string& key, Bytes content);
  [[nodiscard]] Status leave(const std::string& key);

  // kBusy while somebody else collects or a snapshot is being made.
  [[nodiscard]] Status enter_collect();
  // The same question in the middle of it: kBusy says to leave, since somebody waits, or may have
  // passed over a claim that was not renewed for too long. One thread at a time collects.
  [[nodiscard]] Status still_collecting();
  // Asks again only if a while has passed. Before every removal.
  [[nodiscard]] Status still_collecting_now_and_then();
  [[nodiscard]] Status leave_collect();

  // The keys of the claims of volumes, of every server.
  [[nodiscard]] Result<std::vector<std::string>> volumes();
  // What this server left behind when it died: removes its claims to create and to collect, and
  // those of volumes of which `is_there(volume_id)` is false.
  [[nodiscard]] Status clean(const std::function<bool(const std::string&)>& is_there);

 private:
  [[nodiscard]] Result<std::vector<PlacedObject>> list();
  [[nodiscard]] bool stale(const PlacedObject& claim) const;
  [[nodiscard]] Status nobody_creates();
  // Whether somebody collects, who is not known to be dead.
  [[nodiscard]] Result<bool> somebody_collects();

  ObjectPlace& place_;
  const std::string server_id_;
  const io::Clock& clock_;
  SteadyTime renewed_{};  // the claim to collect; by the thread that collects
};

}  // namespace strata::chunks
