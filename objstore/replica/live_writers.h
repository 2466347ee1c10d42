// LiveWriters: the blobs that are being written, or wait for the commit that will own them. Their
// files have no record yet and must not be taken for orphans.
//
// Thread rule: every method from any thread.
#pragma once

#include <mutex>
#include <set>

#include "objstore/drive/id128.h"

namespace strata::replica {

class LiveWriters {
 public:
  // Lives as long as the blob's writer: until a commit has ended that owns it, or failed.
  class Entry {
   public:
    Entry(LiveWriters& owner, const drive::Id128& id) : owner_(owner), id_(id) {
      const std::lock_guard lock(owner_.mutex_);
      owner_.ids_.insert(id_);
    }
    ~Entry() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.ids_.erase(id_);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    LiveWriters& owner_;
    const drive::Id128 id_;
  };

  [[nodiscard]] bool contains(const drive::Id128& id) const {
    const std::lock_guard lock(mutex_);
    return ids_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::set<drive::Id128> ids_;  // guarded by mutex_
};

}  // namespace strata::replica
