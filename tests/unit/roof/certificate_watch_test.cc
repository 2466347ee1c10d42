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
    return CertificateWatch::start(files_, paths_, {}, std::chrono::milliseconds(0));
  }

  io::PosixFileSystem files_;
  strata::testing::TempFolder folder_;
  const std::string certificate_ = folder_ / "public.crt";
  const std::string key_ = folder_ / "private.key";
  TlsFiles paths_{.certificate = certificate_, .key = key_, .client_ca = {}, .psk = {}};
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

TEST_F(Certificates, keys_alone_make_a_context_and_a_file_without_any_none) {
  const std::string psk = folder_ / "keys.psk";
  paths_ = {.certificate = {}, .key = {}, .client_ca = {}, .psk = psk};
  write(psk, "# nobody yet\n");
  const auto nobody = start();
  ASSERT_FALSE(nobody.ok());
  EXPECT_NE(nobody.error().message.find("keys.psk"), std::string::npos);
  write(psk, "alice:" + std::string(64, 'a') + "\n");
  const auto watch = start().value();
  const auto first = watch->current().get();
  write(psk, "alice:xyz\n");
  EXPECT_FALSE(watch->look());
  EXPECT_EQ(watch->current().get(), first) << "what does not parse changes nothing";
  write(psk, "bob:" + std::string(64, 'b') + "\n");
  EXPECT_TRUE(watch->look());
}

TEST_F(Certificates, a_client_authority_is_read_and_a_wrong_one_named) {
  const PemPair pair = self_signed();
  write(certificate_, pair.certificate);
  write(key_, pair.key);
  paths_.client_ca = folder_ / "clients.pem";
  write(paths_.client_ca, "no certificate");
  const auto wrong = start();
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("clients.pem"), std::string::npos);
  write(paths_.client_ca, self_signed("client").certificate);
  EXPECT_TRUE(start().ok());
}

}  // namespace
}  // namespace strata::roof
