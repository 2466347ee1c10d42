#include "strata/control_client.h"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/http/server.h"
#include "strata/data_folder.h"
#include "strata/json.h"
#include "strata/options.h"

namespace strata::roof {
namespace {

constexpr std::string_view kUnreachable = "unreachable";

// The code that the server wrote, as the command line tells exit statuses apart by it.
Code code_from_name(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    if (code_name(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return Code::kInternal;
}

}  // namespace

std::string find_data_folder(const std::string& from_command_line) {
  if (!from_command_line.empty()) return from_command_line;
  const char* variable = std::getenv("STRATA_DATA");
  if (variable != nullptr && *variable != '\0') return variable;
  return "./strata-data";
}

Result<nlohmann::json> ask_server(const std::string& data, std::string_view method,
                                  std::string_view target, std::string_view body,
                                  std::chrono::seconds timeout) {
  const std::string socket = control_socket_path(data);
  const Result<http::ClientResponse> response =
      http::request_over_unix(socket, method, target, body, timeout);
  if (!response.ok()) {
    return Error(Code::kClosed, kUnreachable,
                 fmt::format("no server answers on {} ({}). Start one with `strata serve --data "
                             "{}`, or name the data folder of the running one with --data DIR or "
                             "STRATA_DATA",
                             socket, response.error().message, data));
  }
  TRY_ASSIGN(nlohmann::json answer, parse_json(response->body, kJsonBytesMax));
  if (response->status < 300) return answer;
  if (!answer.is_object() || !answer.contains("error")) {
    return Error(Code::kInternal, fmt::format("the server answered {} without saying why; its log "
                                              "may say more",
                                              response->status));
  }
  TRY_ASSIGN(const std::string code, json_string(answer["error"], "code"));
  TRY_ASSIGN(std::string message, json_string(answer["error"], "message"));
  return Error(code_from_name(code), std::move(message));
}

ExitCode print_answer(const nlohmann::json& answer,
                      const std::function<std::string(const nlohmann::json&)>& text) {
  constexpr const char* kAdvice =
      "the server's answer is not understood: use the client of the server's own version";
  if (!answer.is_object()) return report(Error(Code::kInternal, kAdvice));
  try {
    std::cout << text(answer);
  } catch (const nlohmann::json::exception& error) {
    return report(Error(Code::kInternal, fmt::format("{} ({})", kAdvice, error.what())));
  }
  return ExitCode::kOk;
}

ExitCode report(const Error& error) {
  std::cerr << "strata: " << error.message << '\n';
  if (error.reason == kUnreachable) return ExitCode::kUnreachable;
  return ExitCode::kFailed;
}

}  // namespace strata::roof
