// ChangedKeys: what a drive that was away may lack, or have that nobody else does, by the logs of
// changes: so that it need not be compared with the others as a whole.
//
// Thread rule: one that may block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "objstore/replica/core.h"

namespace strata::replica {

// With more, everything is compared: it would take too much memory, and hardly less time.
inline constexpr size_t kChangedKeysMax = 200'000;

struct ChangedKeys {
  std::vector<std::string> blobs;  // keys of kBlobs and of kRows: in order, each once
  std::vector<std::string> rows;
};

// Of the changes after `agreed`, up to which the drive at this seat agrees with the others.
// `sources` serve, and know together all that was stored. nullopt when a log does not reach back so
// far, or too much has changed.
[[nodiscard]] Result<std::optional<ChangedKeys>> changed_keys(Core& core, size_t seat,
                                                              const std::vector<size_t>& sources,
                                                              uint64_t agreed);

}  // namespace strata::replica
