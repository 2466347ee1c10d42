// What the versions of one key may be, told after each change and after each cut: those that were
// acknowledged, with one change in doubt at most.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace strata::tests {

struct KnownVersion {
  std::string id;
  std::optional<std::string> content;  // absent: a delete marker
  friend bool operator==(const KnownVersion&, const KnownVersion&) = default;
};

class VersionBook {
 public:
  using List = std::vector<KnownVersion>;  // the newest first

  [[nodiscard]] const List& known() const noexcept { return known_; }

  void asked_to_add(std::optional<std::string> content) {
    doubt_ = Doubt{.adds = true, .version = {"", std::move(content)}};
  }
  void asked_to_remove(std::string id) {
    doubt_ = Doubt{.adds = false, .version = {std::move(id), std::nullopt}};
  }
  // The id that the answer gave, of an addition.
  void done(std::string id) {
    if (doubt_->adds) doubt_->version.id = std::move(id);
    known_ = applied();
    doubt_.reset();
  }
  // Takes what was found as true; false if it cannot be.
  [[nodiscard]] bool found(const List& list) {
    if (list != known_) {
      if (!doubt_) return false;
      // Nobody was told the id of a version in doubt.
      if (doubt_->adds && !list.empty()) doubt_->version.id = list.front().id;
      if (list != applied()) return false;
    }
    known_ = list;
    doubt_.reset();
    return true;
  }

 private:
  struct Doubt {
    bool adds = false;
    KnownVersion version;
  };
  [[nodiscard]] List applied() const {
    List list = known_;
    if (doubt_->adds) {
      list.insert(list.begin(), doubt_->version);
    } else {
      std::erase_if(list, [&](const KnownVersion& one) { return one.id == doubt_->version.id; });
    }
    return list;
  }

  List known_;
  std::optional<Doubt> doubt_;
};

}  // namespace strata::tests
