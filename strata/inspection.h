// `strata inspect`: finds out what a path is, has the rooms describe it, and writes that down.
// Reads only, takes no lock, asks no server.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "common/base/description.h"
#include "common/base/result.h"
#include "common/io/file_system.h"

namespace strata::roof {

inline constexpr uint64_t kInspectRecordsMax = 1'000'000;

struct InspectRequest {
  std::string path;
  std::string table = {};    // of a drive: list its records; empty: the summary
  std::string key = {};      // only records whose label begins with it
  uint64_t limit = 100;      // records listed, at most kInspectRecordsMax
  bool verify = false;       // of a drive: read everything
  std::string cluster = {};  // 32 hex digits, for a blob's file that is not in its drive
};

struct Inspection {
  Description subject;                    // what the path is
  std::vector<Description> details = {};  // what it holds, or which parts are damaged
  bool more = false;                      // there are more than the limit
  [[nodiscard]] bool damaged() const;
};

// kInvalidArgument for what is no file of Strata's, or a request that makes no sense.
[[nodiscard]] Result<Inspection> inspect(io::FileSystem& files, const InspectRequest& request);

[[nodiscard]] std::string inspection_text(const Inspection& inspection);
[[nodiscard]] nlohmann::json inspection_json(const Inspection& inspection);

}  // namespace strata::roof
