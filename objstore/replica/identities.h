// The members as the drives' identity files say it.
//
// Thread rule: one thread at a time, one that may block.
#pragma once

#include "objstore/replica/core.h"

namespace strata::replica {

// The view's members as a list for an identity.
[[nodiscard]] drive::Identity identity_of(const Core& core, const View& view,
                                          const drive::Id128& drive);

// Writes the view's members on every drive in service of it and of the view before. A drive that
// fails is out. kIo unless so many drives have it that no start without any of them is possible.
[[nodiscard]] Status write_identities(const Core& core, const View& view, const View& before);

// Marks that rows may lie on drives that do not own them, on every drive in service of the view,
// before that can be so.
[[nodiscard]] Status mark_strays(Core& core, const View& view);

}  // namespace strata::replica
