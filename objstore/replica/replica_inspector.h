// The inspector of a ReplicaSet.
#pragma once

#include "objstore/replica/core.h"
#include "objstore/replica/inspector.h"

namespace strata::replica {

class ReplicaInspector final : public Inspector {
 public:
  explicit ReplicaInspector(Core& core) : core_(core) {}

  [[nodiscard]] Result<std::vector<CopyReport>> row(const std::string& placement,
                                                    const std::string& key) override;
  [[nodiscard]] Result<std::vector<CopyReport>> blob(const std::string& placement,
                                                     const BlobRef& blob,
                                                     const Sink& data) override;
  [[nodiscard]] Result<std::vector<std::string>> keys(const std::string& from,
                                                      const std::string& to, size_t most) override;
  [[nodiscard]] bool is_relaxed() const override {
    return core_.durability == drive::Durability::kRelaxed;
  }
  [[nodiscard]] std::unique_ptr<ReadPin> pin() override { return core_.pins.pin(); }

 private:
  // Every drive that the placement names, in service or not.
  struct Target {
    size_t member = 0;
    bool in_service = false;
    CopyReport report;  // with path, id and, if it is out, the reason
  };
  [[nodiscard]] std::vector<Target> targets(const std::string& placement) const;
  void look_at_row(Target& target, const std::string& key) const;
  [[nodiscard]] Status look_at_blob(Target& target, const drive::BlobName& blob,
                                    const std::function<bool(Bytes)>& data) const;

  Core& core_;
};

}  // namespace strata::replica
