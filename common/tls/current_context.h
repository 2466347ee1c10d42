// CurrentContext: the context that new sessions begin with, exchangeable while sessions go on.
//
// Thread rule: any thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "common/tls/context.h"

namespace strata::tls {

class CurrentContext {
 public:
  explicit CurrentContext(std::shared_ptr<const Context> context) : context_(std::move(context)) {}

  [[nodiscard]] std::shared_ptr<const Context> get() const {
    const std::lock_guard lock(mutex_);
    return context_;
  }
  // Sessions that began before keep what they have.
  void set(std::shared_ptr<const Context> context) {
    const std::lock_guard lock(mutex_);
    context_.swap(context);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Context> context_;  // guarded by mutex_; never null
};

}  // namespace strata::tls
