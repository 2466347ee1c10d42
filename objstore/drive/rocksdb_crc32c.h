// RocksDB's CRC32C, made fast.
//
// RocksDB checks its log, its values and whole files by CRC32C: in all each small object passes
// through it nine times before three copies are stored. Packaged builds are made for any x86-64 and
// take the table-driven code, about 1 GB/s, which was a tenth of all the time of a small PUT. The
// program therefore defines rocksdb::crc32c::Extend itself, and the dynamic linker gives the
// library that one. What is computed is the same; where the library does not let itself be given
// it, it goes on with its own.
#pragma once

namespace strata::drive {

// Whoever opens an index calls it, so that the linker takes the definition along.
void bring_fast_crc32c() noexcept;

}  // namespace strata::drive
