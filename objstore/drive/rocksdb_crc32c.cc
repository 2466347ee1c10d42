#include "objstore/drive/rocksdb_crc32c.h"

#include <cstddef>
#include <cstdint>

#include "common/digest/crc32c.h"

namespace rocksdb::crc32c {

// As declared in RocksDB's util/crc32c.h, which is not among its public headers: the CRC of what
// init_crc is the CRC of, followed by data.
__attribute__((visibility("default"))) uint32_t Extend(uint32_t init_crc, const char* data,
                                                       size_t n);
uint32_t Extend(uint32_t init_crc, const char* data, size_t n) {
  return strata::digest::crc32c(strata::Bytes(reinterpret_cast<const std::byte*>(data), n),
                                init_crc);
}

}  // namespace rocksdb::crc32c

namespace strata::drive {

void bring_fast_crc32c() noexcept {}

}  // namespace strata::drive
