#include "strata/socket_activation.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/support/block_exports.h"
#include "tests/support/temp_folder.h"

namespace strata::roof {
namespace {

constexpr int64_t kPid = 4242;

class SocketActivation : public ::testing::Test {
 protected:
  // Two listeners at neighbouring numbers, far from what the test program has open.
  void SetUp() override {
    for (int i = 0; i < 2; ++i) {
      const UniqueFd listener = testing::listen_unix(folder_ / std::to_string(i));
      ASSERT_EQ(dup2(listener.get(), kFirst + i), kFirst + i);
    }
  }
  void TearDown() override {
    for (int i = 0; i < 2; ++i) close(kFirst + i);
  }
  static constexpr int kFirst = 700;
  testing::TempFolder folder_;
};

TEST_F(SocketActivation, takes_the_sockets_that_are_meant_for_this_process) {
  auto taken = take_activated_sockets({"4242", "2"}, kPid, kFirst);
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  ASSERT_EQ(taken->size(), 2U);
  EXPECT_EQ((*taken)[0].get(), kFirst);
  EXPECT_NE(fcntl(kFirst, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(SocketActivation, leaves_what_is_meant_for_another_process_or_nobody) {
  EXPECT_TRUE(take_activated_sockets({}, kPid, kFirst)->empty());
  EXPECT_TRUE(take_activated_sockets({"4243", "2"}, kPid, kFirst)->empty());
  EXPECT_TRUE(take_activated_sockets({"4242", "0"}, kPid, kFirst)->empty());
}

TEST_F(SocketActivation, refuses_numbers_that_are_none_and_descriptors_that_do_not_listen) {
  for (const char* count : {"-1", "x", "17", "99999999999999999999"}) {
    EXPECT_FALSE(take_activated_sockets({"4242", count}, kPid, kFirst).ok()) << count;
  }
  EXPECT_FALSE(take_activated_sockets({"", "2"}, kPid, kFirst).ok());
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_FALSE(take_activated_sockets({"4242", "1"}, kPid, file).ok());
  close(file);
}

}  // namespace
}  // namespace strata::roof
