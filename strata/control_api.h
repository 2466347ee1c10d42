// The control socket: what the command line's verbs ask the running server.
//
//   GET    /v1/status          the server, its drives, volumes and listeners
//   GET    /v1/volumes         {"volumes": [volume ...]}
//   POST   /v1/volumes         {"name": "db", "size_bytes": 10737418240} makes it: 201, the volume
//   GET    /v1/volumes/NAME    the volume
//   DELETE /v1/volumes/NAME    deletes it: 200, {}
//   and what other files mount: control_workers.h, control_scrub.h, control_verify.h
// A failure is {"error": {"code": "not_found", "message": "..."}}.
//
// Who may connect is decided by the socket's mode (0600): the user who runs the server.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "blockdev/volume/catalog.h"
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
  // catalog and pool outlive the handler.
  ControlHandler(volume::Catalog& catalog, async::BlockingPool& pool,
                 std::function<nlohmann::json()> status);

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
  [[nodiscard]] Answer answer_volumes(const std::string& method, const std::string& body) const;
  [[nodiscard]] Answer answer_volume(const std::string& method, const std::string& name) const;

  volume::Catalog& catalog_;
  async::BlockingPool& pool_;
  const std::function<nlohmann::json()> status_;
  std::vector<std::pair<std::string, ControlRoute>> routes_;  // fixed once it serves
};

[[nodiscard]] nlohmann::json volume_json(const volume::VolumeInfo& info);
// The HTTP status that stands for the code on this wire.
[[nodiscard]] int control_status(Code code) noexcept;

}  // namespace strata::roof
