#include "strata/control_api.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "strata/json.h"

namespace strata::roof {
namespace {

std::string error_body(const Error& error) {
  nlohmann::json body;
  body["error"]["code"] = std::string(code_name(error.code));
  body["error"]["message"] = error.message;
  return dump_json(body);
}

// Whether the path is the prefix or below it.
bool is_under(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

ControlAnswer control_error(const Error& error) {
  return {control_status(error.code), error_body(error)};
}

int control_status(Code code) noexcept {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 400;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kUnsupported:
      return 405;
    case Code::kAlreadyExists:
    case Code::kConflict:
    case Code::kPreconditionFailed:
      return 409;
    case Code::kTooLarge:
      return 413;
    case Code::kNoSpace:
      return 507;
    case Code::kBusy:
    case Code::kClosed:
    case Code::kTimeout:
      return 503;
    default:
      return 500;
  }
}

ControlHandler::ControlHandler(async::BlockingPool& pool, std::function<nlohmann::json()> status)
    : pool_(pool), status_(std::move(status)) {}

void ControlHandler::mount(std::string prefix, ControlRoute route) {
  routes_.emplace_back(std::move(prefix), std::move(route));
}

ControlHandler::Answer ControlHandler::answer(const std::string& method, const std::string& path,
                                              const std::string& body) const {
  if (path == "/v1/status") {
    if (method == "GET") return {200, dump_json(status_())};
  } else {
    for (const auto& [prefix, route] : routes_) {
      if (is_under(path, prefix)) return route(method, path, body);
    }
    return {404, error_body(Error(Code::kNotFound, "the control socket has no " + path))};
  }
  return {405, error_body(Error(Code::kUnsupported, path + " does not take " + method))};
}

async::Task<void> ControlHandler::handle(http::Exchange& exchange) {
  exchange.set_operation("Control");
  http::ResponseHead head;
  head.fields.add("content-type", "application/json");
  Result<std::string> body = co_await http::read_all(exchange.body(), kJsonRequestBytesMax);
  if (!body.ok()) {
    head.status = control_status(body.error().code);
    std::string text = error_body(body.error());
    (void)co_await exchange.respond(std::move(head), std::move(text));
    co_return;
  }
  std::string method = exchange.request().method;
  std::string path = exchange.request().path;
  auto work = [this, method = std::move(method), path = std::move(path), text = std::move(*body)] {
    return answer(method, path, text);
  };
  Answer out = co_await pool_.run(std::move(work));
  head.status = out.status;
  (void)co_await exchange.respond(std::move(head), std::move(out.body));
}

std::string ControlHandler::refusal(int, std::string_view why, std::string_view,
                                    http::Fields& fields) {
  fields.set("content-type", "application/json");
  return error_body(Error(Code::kInvalidArgument, std::string(why)));
}

}  // namespace strata::roof
