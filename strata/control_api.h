// The control socket: what the command line's verbs ask the running server.
//
//   GET    /v1/status          the server, its drives, volumes and listeners
//   and what other files mount: control_volumes.h, control_workers.h, control_scrub.h ...
// A failure is {"error": {"code": "not_found", "message": "..."}}.
//
// Who may connect is decided by the socket's mode (0600): the user who runs the server.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/async/blocking_pool.h"
#include "common/http/server.h"

namespace strata::roof {

struct ControlAnswer {
  int status = 200;
  std::string body;  // JSON
};
[[nodiscard]] ControlAnswer control_error(const Error& error);

// Answers what lies under one prefix. `path`: the whole path, without the query. On a pool thread:
// may block.
using ControlRoute = std::function<ControlAnswer(const std::string& method, const std::string& path,
                                                 const std::string& body)>;

// Thread rule: mounted before it serves; handles on any loop; `status` is called on a pool thread.
class ControlHandler final : public http::Handler {
 public:
  // pool outlives the handler.
  ControlHandler(async::BlockingPool& pool, std::function<nlohmann::json()> status);

  // The route answers `prefix` and everything below it ("/v1/workers", "/v1/workers/scrub").
  void mount(std::string prefix, ControlRoute route);

  [[nodiscard]] async::Task<void> handle(http::Exchange& exchange) override;
  [[nodiscard]] std::string refusal(int status, std::string_view why, std::string_view request_id,
                                    http::Fields& fields) override;

 private:
  using Answer = ControlAnswer;
  // Blocks on files.
  [[nodiscard]] Answer answer(const std::string& method, const std::string& path,
                              const std::string& body) const;

  async::BlockingPool& pool_;
  const std::function<nlohmann::json()> status_;
  std::vector<std::pair<std::string, ControlRoute>> routes_;  // fixed once it serves
};

// The HTTP status that stands for the code on this wire.
[[nodiscard]] int control_status(Code code) noexcept;

}  // namespace strata::roof
