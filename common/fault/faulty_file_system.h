// A FileSystem over another one in which things go wrong by plan.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/fault/fault_plan.h"
#include "common/io/file_system.h"

namespace strata::fault {

class FaultEngine;

// With an empty plan it passes every call on. Files that are open follow a new plan at once. Its
// files have no descriptor (-1): nobody gets past the layer.
//
// Any thread, the plan's methods too. Files may outlive this object, but not the one below.
class FaultyFileSystem final : public io::FileSystem {
 public:
  // below: must outlive this object and its files.
  explicit FaultyFileSystem(io::FileSystem& below);
  ~FaultyFileSystem() override;

  // From now on; the counts of the rules start at zero. kInvalidArgument, and no change, if a rule
  // cannot be (check_plan).
  [[nodiscard]] Status set_plan(FaultPlan plan);
  // Nothing goes wrong any more, and calls that are being delayed go on.
  void clear_plan();

  // Faults injected since this object was made; delays count.
  [[nodiscard]] uint64_t injected() const;
  [[nodiscard]] uint64_t injected(Effect effect) const;
  // Hits of each rule of the present plan, in its order.
  [[nodiscard]] std::vector<uint64_t> rule_hits() const;

  [[nodiscard]] Result<std::unique_ptr<io::File>> open(const std::string& path,
                                                       io::OpenOptions options) override;
  [[nodiscard]] Status rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status link(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status remove_file(const std::string& path) override;
  [[nodiscard]] Status create_directory(const std::string& path) override;
  [[nodiscard]] Status remove_directory(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override;
  [[nodiscard]] Result<io::FileInfo> info(const std::string& path) override;
  [[nodiscard]] Status sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<io::FileLock>> lock(const std::string& path) override;
  [[nodiscard]] Result<io::Space> space(const std::string& path) override;

 private:
  io::FileSystem& below_;
  std::shared_ptr<FaultEngine> engine_;
};

}  // namespace strata::fault
