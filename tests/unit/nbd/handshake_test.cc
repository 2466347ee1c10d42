// The handshake through a real socket, with clients that do not behave.
#include <algorithm>

#include "blockdev/nbd/negotiation.h"
#include "tests/unit/nbd/server_fixture.h"

namespace strata::nbd {
namespace {

using testing::NbdClient;

constexpr uint32_t number(OptionReply reply) {
  return static_cast<uint32_t>(reply);
}

class HandshakeTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    other_ = device::MemoryDevice::create(kMiB).value();
    exports_.add("other", *other_);
    start();
  }
  std::unique_ptr<device::MemoryDevice> other_;
};

TEST_F(HandshakeTest, list_tells_every_export_with_its_description) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet() && client.send_option(Option::kList));
  auto first = client.option_reply();
  EXPECT_EQ(first.first, number(OptionReply::kServer));
  const std::string text(as_text(first.second));
  EXPECT_EQ(text.substr(4), "diskthe disk export");
  EXPECT_EQ(load_big<uint32_t>(first.second.data()), 4U);
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kServer));
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kAck));
}

TEST_F(HandshakeTest, info_tells_what_was_asked_for) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  ASSERT_TRUE(client.send_option(Option::kInfo, NbdClient::info_data("disk", {1, 2, 3, 77, 3})));
  auto info = client.option_reply();
  ASSERT_EQ(info.first, number(OptionReply::kInfo));
  ASSERT_EQ(info.second.size(), 12U);
  EXPECT_EQ(load_big<uint64_t>(info.second.data() + 2), kSize);
  EXPECT_EQ(load_big<uint16_t>(info.second.data() + 10),
            kHasFlags | kSendFlush | kSendFua | kSendTrim | kSendWriteZeroes | kSendFastZero |
                kSendCache | kCanMultiConn);
  EXPECT_EQ(as_text(client.option_reply().second).substr(2), "disk");
  EXPECT_EQ(as_text(client.option_reply().second).substr(2), "the disk export");
  info = client.option_reply();
  ASSERT_EQ(info.second.size(), 14U);
  EXPECT_EQ(load_big<uint32_t>(info.second.data() + 2), 1U);
  EXPECT_EQ(load_big<uint32_t>(info.second.data() + 6), 4096U);
  EXPECT_EQ(load_big<uint32_t>(info.second.data() + 10), kPayloadBytesMax);
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kAck));
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(HandshakeTest, an_unknown_export_is_refused_and_the_handshake_goes_on) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  for (const std::string& name : {std::string("nosuch"), std::string(), std::string(4096, 'x')}) {
    ASSERT_TRUE(client.send_option(Option::kGo, NbdClient::info_data(name)));
    EXPECT_EQ(client.option_reply().first, number(OptionReply::kErrorUnknown));
  }
  ASSERT_TRUE(client.send_option(Option::kAbort));
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kAck));
  EXPECT_TRUE(client.at_end());
}

TEST_F(HandshakeTest, every_other_option_is_unsupported) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  for (const uint32_t option : {0U, 4U, 12U, 999U, 0xffffffffU}) {
    ASSERT_TRUE(client.send_all(NbdClient::option(option, as_bytes("data"), 4)));
    EXPECT_EQ(client.option_reply().first, number(OptionReply::kErrorUnsupported)) << option;
  }
}

TEST_F(HandshakeTest, option_data_that_lies_about_its_lengths_is_invalid) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  const ByteVector good = NbdClient::info_data("disk", {3});
  for (size_t length = 0; length < good.size(); ++length) {
    ASSERT_TRUE(client.send_option(Option::kGo, Bytes(good).first(length)));
    EXPECT_EQ(client.option_reply().first, number(OptionReply::kErrorInvalid)) << length;
  }
  for (const uint32_t name_bytes : {257U, 4096U, 0xffffffffU, 0x7fffffffU, 0xfffffffaU}) {
    ByteVector bad = good;
    store_big(bad.data(), name_bytes);
    ASSERT_TRUE(client.send_option(Option::kGo, bad));
    EXPECT_EQ(client.option_reply().first, number(OptionReply::kErrorInvalid)) << name_bytes;
  }
  ASSERT_TRUE(client.send_option(Option::kList, as_bytes("x")));
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kErrorInvalid));
}

TEST_F(HandshakeTest, oversized_options_are_refused_then_dropped_or_closed) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  const ByteVector large(kOptionBytesMax + 1);
  ASSERT_TRUE(client.send_option(Option::kGo, large));
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kErrorTooBig));
  ASSERT_TRUE(client.send_option(Option::kList));
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kServer));

  NbdClient huge(socket_path());
  ASSERT_TRUE(huge.greet());
  ASSERT_TRUE(huge.send_all(NbdClient::option(7, {}, 0xffffffff)));
  EXPECT_EQ(huge.option_reply().first, number(OptionReply::kErrorTooBig));
  EXPECT_TRUE(huge.at_end());

  NbdClient old(socket_path());
  ASSERT_TRUE(old.greet());
  ASSERT_TRUE(old.send_all(NbdClient::option(1, {}, 0xffffffff)));
  EXPECT_TRUE(old.at_end());
}

TEST_F(HandshakeTest, too_many_options_end_the_connection) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  uint32_t answered = 0;
  for (uint32_t i = 0; i <= kOptionsMax; ++i) {
    if (!client.send_option(Option::kStartTls)) break;
    if (client.option_reply().first == 0) break;
    ++answered;
  }
  EXPECT_EQ(answered, kOptionsMax);
}

TEST_F(HandshakeTest, export_name_works_with_and_without_its_zeroes) {
  for (const uint32_t flags : {1U, 3U, 2U, 0U}) {
    NbdClient client(socket_path());
    ASSERT_TRUE(client.greet(flags));
    ASSERT_TRUE(client.send_option(Option::kExportName, as_bytes("disk")));
    ByteVector answer(10 + ((flags & 2) != 0 ? 0 : 124));
    ASSERT_TRUE(client.receive_all(answer));
    EXPECT_EQ(load_big<uint64_t>(answer.data()), kSize);
    ByteVector got(4096, std::byte{1});
    EXPECT_EQ(client.read(0, got), 0U);
    EXPECT_EQ(got, ByteVector(4096));
  }
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  ASSERT_TRUE(client.send_option(Option::kExportName, as_bytes("nosuch")));
  EXPECT_TRUE(client.at_end());
}

TEST_F(HandshakeTest, wrong_magic_or_unknown_flags_end_the_connection) {
  NbdClient flags(socket_path());
  ASSERT_TRUE(flags.greet(1 << 7));
  EXPECT_TRUE(flags.at_end());
  NbdClient magic(socket_path());
  ASSERT_TRUE(magic.greet());
  ASSERT_TRUE(magic.send_all(ByteVector(16, std::byte{0x55})));
  EXPECT_TRUE(magic.at_end());
  NbdClient simple(socket_path());  // without fixed newstyle there is only EXPORT_NAME
  ASSERT_TRUE(simple.greet(0));
  ASSERT_TRUE(simple.send_option(Option::kList));
  EXPECT_TRUE(simple.at_end());
}

TEST_F(HandshakeTest, a_client_that_leaves_after_any_byte_leaves_nothing_behind) {
  ByteVector session(4);
  store_big(session.data(), uint32_t{3});
  const ByteVector go = NbdClient::info_data("disk", {3});
  const ByteVector option = NbdClient::option(7, go, static_cast<uint32_t>(go.size()));
  session.insert(session.end(), option.begin(), option.end());
  const ByteVector write = NbdClient::request(1, 0, 512);
  session.insert(session.end(), write.begin(), write.end());
  session.resize(session.size() + 512);
  for (size_t length = 0; length <= session.size(); ++length) {
    NbdClient client(socket_path());
    ASSERT_TRUE(client.send_all(Bytes(session).first(length)));
  }
  expect_alive();
  server_->stop(Deadline::after(std::chrono::seconds(10)));
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(exports_.leases(), 0);
}

TEST_F(HandshakeTest, requests_sent_before_the_answer_to_go_are_served) {
  NbdClient client(socket_path());
  ASSERT_TRUE(client.greet());
  const ByteVector go = NbdClient::info_data("disk");
  ByteVector all = NbdClient::option(7, go, static_cast<uint32_t>(go.size()));
  const ByteVector read = NbdClient::request(0, 0, 512, 0, 42);
  all.insert(all.end(), read.begin(), read.end());
  ASSERT_TRUE(client.send_all(all));
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kInfo));
  EXPECT_EQ(client.option_reply().first, number(OptionReply::kAck));
  EXPECT_EQ(client.reply().cookie, 42U);
}

TEST_F(ServerTest, a_handshake_that_takes_too_long_is_closed) {
  start({.handshake_time = std::chrono::milliseconds(50)});
  NbdClient silent(socket_path());
  ASSERT_TRUE(silent.greet());
  EXPECT_TRUE(silent.at_end());
  NbdClient served(socket_path());
  ASSERT_TRUE(served.go("disk"));
  // The time of the handshake is not the time of the connection.
  NbdClient later(socket_path());
  EXPECT_TRUE(later.greet() && later.at_end());
  ByteVector got(512);
  EXPECT_EQ(served.read(0, got), 0U);
}

}  // namespace
}  // namespace strata::nbd
