// How the verbs talk to the running server.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "strata/exit_codes.h"

namespace strata::roof {

// The data folder of --data, else of STRATA_DATA, else ./strata-data.
[[nodiscard]] std::string find_data_folder(const std::string& from_command_line);

inline constexpr std::chrono::seconds kAnswerTimeout{60};

// Asks the server of the data folder. kClosed if none answers there; else the server's own error.
[[nodiscard]] Result<nlohmann::json> ask_server(const std::string& data, std::string_view method,
                                                std::string_view target, std::string_view body,
                                                std::chrono::seconds timeout = kAnswerTimeout);

// Prints what `text` makes of the answer, which must be an object; nlohmann's exceptions about
// members of another type than expected end here.
[[nodiscard]] ExitCode print_answer(const nlohmann::json& answer,
                                    const std::function<std::string(const nlohmann::json&)>& text);

// Prints "strata: message" to standard error and gives the exit status that fits.
[[nodiscard]] ExitCode report(const Error& error);

}  // namespace strata::roof
