// RocksDB's CRC32C is ours: the same values, and the library is given it.
#include "objstore/drive/rocksdb_crc32c.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <rocksdb/file_checksum.h>

#include <string>

#include "common/digest/crc32c.h"

namespace rocksdb::crc32c {
uint32_t Extend(uint32_t init_crc, const char* data, size_t n);
}

namespace strata::drive {
namespace {

TEST(RocksdbCrc32c, is_taken_by_the_dynamic_linker_before_the_librarys_own) {
  bring_fast_crc32c();
  void* const chosen = dlsym(RTLD_DEFAULT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
  ASSERT_NE(chosen, nullptr);
  Dl_info where{};
  ASSERT_NE(dladdr(chosen, &where), 0);
  EXPECT_EQ(std::string(where.dli_fname).find("librocksdb"), std::string::npos) << where.dli_fname;
}

TEST(RocksdbCrc32c, gives_the_published_value_whole_and_in_pieces) {
  const std::string text = "123456789";
  EXPECT_EQ(rocksdb::crc32c::Extend(0, text.data(), text.size()), 0xe3069283u);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const uint32_t front = rocksdb::crc32c::Extend(0, text.data(), cut);
    EXPECT_EQ(rocksdb::crc32c::Extend(front, text.data() + cut, text.size() - cut), 0xe3069283u);
  }
}

TEST(RocksdbCrc32c, is_what_the_library_computes_for_whole_files) {
  const std::string text(100'000, 'x');
  const auto generator =
      rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({"000001.sst", {}});
  generator->Update(text.data(), text.size());
  generator->Finalize();
  std::array<std::byte, 4> expected{};
  store_big(expected.data(), digest::crc32c(as_bytes(text)));
  EXPECT_EQ(generator->GetChecksum(), to_string(Bytes(expected)));
}

}  // namespace
}  // namespace strata::drive
