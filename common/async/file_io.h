// Reading and writing an io::File from a task: through the loop's ring where the file has a
// descriptor, else, for files that a test simulates, on the blocking pool.
//
// Thread rule: inside a task on an event loop. The file, the bytes and the pool outlive the task.
#pragma once

#include "common/async/blocking_pool.h"
#include "common/async/task.h"
#include "common/io/file_system.h"

namespace strata::async {

// As io::File::read_at: fewer bytes than asked only at the end of the file.
[[nodiscard]] Task<Result<size_t>> read_file_at(BlockingPool& pool, io::File& file, uint64_t offset,
                                                MutableBytes out);

// As io::File::write_at. For a file that was opened as direct, offset, address and length are
// multiples of 4 KiB.
[[nodiscard]] Task<Status> write_file_at(BlockingPool& pool, io::File& file, uint64_t offset,
                                         Bytes data);

}  // namespace strata::async
