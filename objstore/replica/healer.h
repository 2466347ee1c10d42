// Healing: a copy that was found bad is replaced from a good one, in the background. Nothing is
// taken from a copy that was not verified.
//
// Thread rule: from any thread.
#pragma once

#include <string>
#include <vector>

#include "objstore/replica/core.h"

namespace strata::replica {

// A copy that was found bad, and on which drive.
struct BadCopy {
  size_t member;
  Error error;
};

// Each counts and logs the bad copies and, unless a repair of them is already under way, starts
// one. They are called once a good copy has been read somewhere.
void heal_row(Core& core, const std::vector<BadCopy>& bad, uint64_t placement,
              const std::string& key);
void heal_blob(Core& core, const std::vector<BadCopy>& bad, uint64_t placement,
               const drive::BlobName& blob);

// Counts and logs only: nobody has a good copy.
void report_bad(Core& core, const std::vector<BadCopy>& bad, std::string_view kind,
                std::string_view name);

}  // namespace strata::replica
