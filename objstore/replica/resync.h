// Resync: the worker that fills drives and moves data between them while the store serves.
//
// A drive that came back or is new to its place joins (join.h) and is then *promoted*: from a
// milestone on every success waits for it, and once it has reached that point it serves. When
// members change, the drives that gain something by it join for what they will hold; when all have,
// the view *switches* to the new members as a whole, the identities first. What drives hold beyond
// their own is swept afterwards. Everything that a restart must know is in the identities and in
// the drives' marks.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "common/worker/worker.h"
#include "objstore/replica/core.h"
#include "objstore/replica/join.h"
#include "objstore/replica/stray_sweep.h"

namespace strata::replica {

// No limit unless somebody sets one: until a drive is filled there is a copy less of everything.
inline constexpr uint64_t kResyncRate = 0;

class Resync final : public worker::Worker {
 public:
  explicit Resync(Core& core);

  [[nodiscard]] std::string_view name() const noexcept override { return "resync"; }
  [[nodiscard]] std::string_view purpose() const noexcept override {
    return "fills drives that joined or came back, and moves data when drives come or go";
  }
  [[nodiscard]] Result<worker::Step> step() override;
  void begin() override {}  // its work comes from the drives
  [[nodiscard]] worker::Progress progress() const override;

  // How far the drive's joining is, in percent; nullopt: it has not begun. From any thread.
  [[nodiscard]] std::optional<uint32_t> percent(size_t seat) const;
  // Of the move under way as a whole.
  [[nodiscard]] uint32_t move_percent() const;

  // Held while the members change: by a step, and by whoever changes them.
  [[nodiscard]] std::mutex& members_mutex() noexcept { return members_mutex_; }
  // With the mutex held. A move begins: what has been swept may be strays once more.
  void forget_sweep();
  // With the mutex held: the joins of a move that has been given up.
  void forget_move();
  // With the mutex held: a drive came back to this seat that agrees with the others up to a change.
  void came_back(size_t seat, uint64_t agreed) { agreed_[seat] = agreed; }
  // With the mutex held: the drive is closed once nobody reads from it any more.
  void close_later(size_t seat);

 private:
  [[nodiscard]] Result<worker::Step> next_piece();
  [[nodiscard]] Result<worker::Step> join_members(bool& idle);
  [[nodiscard]] Result<worker::Step> join_next(bool& idle);
  [[nodiscard]] Result<worker::Step> sweep(bool& idle);
  // No change that was numbered before the members became what they are is still to be written.
  [[nodiscard]] Status settle_members();
  // One step of the seat's join, which is begun if it is not under way; true when it is complete.
  [[nodiscard]] Result<bool> advance(size_t seat, bool for_next, uint64_t& bytes);
  [[nodiscard]] Status promote(size_t seat);
  [[nodiscard]] Status complete(size_t seat, bool was_filling);
  [[nodiscard]] std::vector<size_t> gaining() const;
  [[nodiscard]] Status switch_members();
  void close_left();

  Core& core_;
  std::mutex members_mutex_;
  struct Left {
    size_t seat;
    uint64_t mark;  // pins that came before it may still read there
  };
  std::vector<Left> left_;             // guarded by members_mutex_
  std::map<size_t, uint64_t> agreed_;  // guarded by members_mutex_: by seat, see came_back
  std::unique_ptr<StraySweep> sweep_;  // guarded by members_mutex_
  uint64_t switched_at_ = 0;           // guarded by members_mutex_: mark of the last switch
  uint64_t settled_layout_ = 0;        // guarded by members_mutex_: see settle_members

  mutable std::mutex mutex_;
  struct Joining {
    std::unique_ptr<Join> join;
    bool for_next = false;
    bool complete = false;
  };
  std::map<size_t, Joining> joins_;  // guarded by mutex_ and members_mutex_: changed with both held
  worker::Progress progress_;        // guarded by mutex_
};

}  // namespace strata::replica
