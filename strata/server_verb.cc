#include "strata/server_verb.h"

#include <nlohmann/json.hpp>

#include "strata/control_client.h"
#include "strata/json.h"

namespace strata::roof {

ExitCode ask_and_print(const std::string& data, std::string_view method, std::string_view target,
                       std::string_view body, bool json,
                       const std::function<std::string(const nlohmann::json&)>& text) {
  const Result<nlohmann::json> answer = ask_server(find_data_folder(data), method, target, body);
  if (!answer.ok()) return report(answer.error());
  return print_answer(*answer, [&](const nlohmann::json& value) {
    return json ? dump_json(value, 2) + "\n" : text(value);
  });
}

}  // namespace strata::roof
