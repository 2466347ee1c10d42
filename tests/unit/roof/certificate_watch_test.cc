#include "strata/certificate_watch.h"

#include <gtest/gtest.h>

#include "common/io/posix_file_system.h"
#include "tests/support/self_signed.h"
#include "tests/support/temp_folder.h"

namespace strata::roof {
namespace {

using strata::testing::PemPair;
using strata::testing::self_signed;

class Certificates : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(io::write_file_atomic(files_, path, as_bytes(text)).ok());
  }
  Result<std::unique_ptr<CertificateWatch>> start() {
    return CertificateWatch::start(files_, certificate_, key_, std::chrono::milliseconds(0));
  }

  io::PosixFileSystem files_;
  strata::testing::TempFolder folder_;
  const std::string certificate_ = folder_ / "public.crt";
  const std::string key_ = folder_ / "private.key";
};

TEST_F(Certificates, a_start_without_them_says_which_file_is_wrong) {
  const auto missing = start();
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("public.crt"), std::string::npos);
  const PemPair pair = self_signed();
  write(certificate_, pair.certificate);
  write(key_, self_signed().key);
  const auto other = start();
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error().message.find("private.key"), std::string::npos);
}

TEST_F(Certificates, a_change_of_the_files_is_a_new_context) {
  const PemPair pair = self_signed();
  write(certificate_, pair.certificate);
  write(key_, pair.key);
  const auto watch = start().value();
  const auto first = watch->current().get();
  EXPECT_FALSE(watch->look());
  EXPECT_EQ(watch->current().get(), first);

  // A certificate whose key is not there yet changes nothing; the two together do.
  const PemPair renewed = self_signed();
  write(certificate_, renewed.certificate);
  EXPECT_FALSE(watch->look());
  EXPECT_EQ(watch->current().get(), first);
  write(key_, renewed.key);
  EXPECT_TRUE(watch->look());
  EXPECT_NE(watch->current().get(), first);

  const auto second = watch->current().get();
  ASSERT_TRUE(files_.remove_file(key_).ok());
  EXPECT_FALSE(watch->look());
  EXPECT_EQ(watch->current().get(), second);
}

}  // namespace
}  // namespace strata::roof
