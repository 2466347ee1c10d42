// The ids of versions: text that nobody can guess, with the version's stamp hidden inside, so that
// its row is found without a search.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "objstore/replica/store.h"

namespace strata::object {

// The id of the one version that a bucket without versions keeps.
inline constexpr std::string_view kNullVersion = "null";

// 32 characters of A-Z a-z 0-9 . _: 16 random bytes, and the stamp covered by a hash of them.
[[nodiscard]] std::string make_version_id(replica::Sequence stamp, uint64_t random_1,
                                          uint64_t random_2);
// The stamp that an id of that form would have; nullopt for every other text.
[[nodiscard]] std::optional<replica::Sequence> stamp_of_version_id(std::string_view id) noexcept;

}  // namespace strata::object
