// JSON of the control socket: parsed with bounds, written without surprises.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace strata::roof {

inline constexpr size_t kJsonBytesMax = 4 * kMiB;  // an answer about every volume fits
inline constexpr size_t kJsonRequestBytesMax = 64 * kKiB;
inline constexpr int kJsonDepthMax = 16;

// kTooLarge past bytes_max; kInvalidArgument for bad syntax or more than kJsonDepthMax levels.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, size_t bytes_max);

// As text; bytes that are not UTF-8 become U+FFFD, so writing never fails.
[[nodiscard]] std::string dump_json(const nlohmann::json& value, int indent = -1);

// The member as a string or number, or kInvalidArgument naming it. `object` may be any JSON.
[[nodiscard]] Result<std::string> json_string(const nlohmann::json& object, const char* name);
[[nodiscard]] Result<uint64_t> json_u64(const nlohmann::json& object, const char* name);
// The member as a switch; false where there is none.
[[nodiscard]] Result<bool> json_flag(const nlohmann::json& object, const char* name);

}  // namespace strata::roof
