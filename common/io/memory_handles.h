// Open files and locks of the simulated disk. Used by memory_file_system.cc only.
#pragma once

#include <memory>
#include <string>

#include "common/io/memory_state.h"

namespace strata::io::memory {

// Both want the state's mutex held; what they return takes it for every call and for its end.
[[nodiscard]] std::unique_ptr<File> make_file(std::shared_ptr<State> state, InodePtr inode,
                                              bool writable, std::string path);
[[nodiscard]] std::unique_ptr<FileLock> make_lock(std::shared_ptr<State> state, InodePtr inode);

}  // namespace strata::io::memory
