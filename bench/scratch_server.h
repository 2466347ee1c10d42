// A Strata server of the comparison's own: fresh data, ports picked by the kernel, one bucket, one
// volume, credentials made up for the run.
//
// Thread rule: one thread.
#pragma once

#include <string>
#include <vector>

#include "bench/jobs.h"
#include "bench/process.h"
#include "common/base/result.h"

namespace strata::bench {

class ScratchServer {
 public:
  // folder: made here, removed by the destructor with everything in it.
  [[nodiscard]] static Result<ScratchServer> start(const std::string& folder);
  ScratchServer(ScratchServer&& other) noexcept;
  ScratchServer& operator=(ScratchServer&&) = delete;
  ~ScratchServer();

  [[nodiscard]] const Endpoints& endpoints() const noexcept { return endpoints_; }
  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  [[nodiscard]] uint32_t replicas() const noexcept { return replicas_; }

  // From the start of the process to its first answer.
  static constexpr std::chrono::seconds kReadyWait{20};

 private:
  ScratchServer(std::string folder, Process process)
      : folder_(std::move(folder)), process_(std::move(process)) {}
  [[nodiscard]] Status wait_until_ready(const std::string& log_path);

  std::string folder_;
  Process process_;
  Endpoints endpoints_;
  uint32_t replicas_ = 0;
};

}  // namespace strata::bench
