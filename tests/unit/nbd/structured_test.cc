// Structured replies, block status and extended headers, over a disk in memory and an image file.
#include <algorithm>
#include <cerrno>

#include "blockdev/device/file_device.h"
#include "common/io/posix_file_system.h"
#include "tests/support/nbd_session.h"
#include "tests/unit/nbd/server_fixture.h"

namespace strata::nbd {
namespace {

using testing::NbdSession;
using Form = NbdSession::Form;
using Extent = NbdSession::Extent;

constexpr uint64_t kImageBytes = 8 * kMiB;

// A disk whose reads fail at one place.
class BadBlockDevice final : public device::BlockDevice {
 public:
  static constexpr uint64_t kBad = 8192;
  [[nodiscard]] device::Geometry geometry() const noexcept override {
    return {.size_bytes = size.load()};
  }
  [[nodiscard]] device::Capabilities capabilities() const noexcept override {
    return {.cache = true};
  }
  [[nodiscard]] Result<std::unique_ptr<device::BlockQueue>> open_queue(ring::Ring&) override {
    return std::unique_ptr<device::BlockQueue>(std::make_unique<Queue>());
  }
  std::atomic<uint64_t> size{kMiB};

 private:
  struct Queue final : device::BlockQueue {
    void submit(device::IoRequest& request) noexcept override {
      const bool hit = request.offset <= kBad && kBad < request.offset + request.length;
      if (hit) request.error_offset = kBad;
      std::fill(request.buffer.begin(), request.buffer.end(), std::byte{1});
      request.complete(request, hit ? -EIO : 0);
    }
  };
};

class StructuredTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    const std::string path = folder_ / "image";
    auto made = files_.open(path, {.write = true, .create = true});
    ASSERT_TRUE(made.ok() && (*made)->truncate(kImageBytes).ok());
    auto file = files_.open(path, {.write = true, .direct = true});
    ASSERT_TRUE(file.ok());
    image_ = device::FileDevice::open(std::move(file).value(), path).value();
    exports_.add("image", *image_);
    exports_.add("bad", bad_);
    start({.threads = 2});
  }
  [[nodiscard]] NbdSession open(const std::string& name, Form form) {
    NbdSession session(socket_path());
    EXPECT_TRUE(session.open(name, form));
    return session;
  }

  io::PosixFileSystem files_;
  std::unique_ptr<device::FileDevice> image_;
  BadBlockDevice bad_;
};

TEST_F(StructuredTest, every_form_of_session_reads_back_what_it_wrote) {
  for (const char* name : {"disk", "image"}) {
    for (const Form form : {Form::kSimple, Form::kStructured, Form::kExtended}) {
      NbdSession session = open(name, form);
      const ByteVector data(300001, static_cast<std::byte>(1 + static_cast<int>(form)));
      ASSERT_TRUE(session.put(4097, data).ok);
      const auto flush = session.ask_for(Command::kFlush, 0, 0);
      EXPECT_TRUE(flush.ok && flush.error == 0 && flush.cookie == 7);
      const auto got = session.ask_for(Command::kRead, 4097, data.size());
      ASSERT_TRUE(got.ok && got.error == 0) << name;
      EXPECT_TRUE(got.data == data);
      EXPECT_EQ(session.ask_for(Command::kWriteZeroes, 0, kMiB).error, 0U);
    }
  }
}

TEST_F(StructuredTest, zeroes_of_a_read_leave_as_holes_unless_fragments_are_forbidden) {
  for (const Form form : {Form::kStructured, Form::kExtended}) {
    NbdSession session = open("disk", form);
    ASSERT_EQ(session.put(16384, ByteVector(5000, std::byte{9})).error, 0U);
    const auto parts = session.ask_for(Command::kRead, 0, 65536);
    ASSERT_TRUE(parts.ok && parts.error == 0);
    EXPECT_EQ(parts.chunks, 3U);
    EXPECT_EQ(parts.holes, 2U);
    const auto whole = session.ask_for(Command::kRead, 0, 65536, kFlagDontFragment);
    EXPECT_TRUE(whole.ok && whole.chunks == 1 && whole.holes == 0);
    EXPECT_TRUE(whole.data == parts.data);
    const auto zeroes = session.ask_for(Command::kRead, kMiB, 4096);
    EXPECT_TRUE(zeroes.ok && zeroes.chunks == 1 && zeroes.holes == 1);
  }
}

TEST_F(StructuredTest, a_read_of_more_runs_than_chunks_is_still_whole) {
  NbdSession session = open("disk", Form::kStructured);
  ByteVector data(4 * kMiB);
  for (size_t at = 0; at < data.size(); at += 8192) data[at] = std::byte{1};
  data.back() = std::byte{2};
  ASSERT_EQ(session.put(0, data).error, 0U);
  const auto got = session.ask_for(Command::kRead, 0, data.size());
  ASSERT_TRUE(got.ok && got.error == 0);
  EXPECT_TRUE(got.data == data);
  EXPECT_GT(got.holes, 10U);
}

TEST_F(StructuredTest, errors_say_what_is_wrong_and_where) {
  for (const Form form : {Form::kStructured, Form::kExtended}) {
    NbdSession session = open("bad", form);
    const auto bad = session.ask_for(Command::kRead, 4096, 16384);
    ASSERT_TRUE(bad.ok);
    EXPECT_EQ(bad.error, kErrorIo);
    EXPECT_EQ(bad.error_offset, BadBlockDevice::kBad);
    EXPECT_FALSE(bad.problem.empty());
    const auto past = session.ask_for(Command::kRead, kMiB, 512);
    EXPECT_TRUE(past.ok && past.error == kErrorInvalid);
    EXPECT_NE(past.problem.find("past the end"), std::string::npos);
    EXPECT_EQ(session.put(kMiB, ByteVector(512)).error, kErrorNoSpace);
    EXPECT_EQ(session.ask_for(Command::kRead, 0, 512).error, 0U);
  }
}

TEST_F(StructuredTest, block_status_tells_data_zeroes_and_holes_of_the_image) {
  for (const Form form : {Form::kStructured, Form::kExtended}) {
    NbdSession session = open("image", form);
    ASSERT_EQ(session.ask_for(Command::kTrim, 0, kImageBytes).error, 0U);
    ASSERT_EQ(session.put(kMiB, ByteVector(kMiB, std::byte{5})).error, 0U);
    ASSERT_EQ(session.ask_for(Command::kWriteZeroes, 4 * kMiB, kMiB, kFlagNoHole).error, 0U);
    const auto all = session.ask_for(Command::kBlockStatus, 0, kImageBytes);
    ASSERT_TRUE(all.ok && all.error == 0);
    const std::vector<Extent> expected = {{kMiB, kStateHole | kStateZero},
                                          {kMiB, 0},
                                          {2 * kMiB, kStateHole | kStateZero},
                                          {kMiB, kStateZero},
                                          {3 * kMiB, kStateHole | kStateZero}};
    EXPECT_EQ(all.extents, expected);
    const auto one = session.ask_for(Command::kBlockStatus, kMiB + 512, 4 * kMiB, kFlagOne);
    EXPECT_EQ(one.extents, (std::vector<Extent>{{kMiB - 512, 0}}));
    // A device that cannot tell has data everywhere.
    NbdSession memory = open("disk", form);
    EXPECT_EQ(memory.ask_for(Command::kBlockStatus, 512, kMiB).extents,
              (std::vector<Extent>{{kMiB, 0}}));
  }
}

TEST_F(StructuredTest, block_status_of_a_shredded_image_is_bounded_and_makes_progress) {
  NbdSession session = open("image", Form::kStructured);
  ASSERT_EQ(session.ask_for(Command::kTrim, 0, kImageBytes).error, 0U);
  constexpr uint64_t kTogether = 16;
  for (uint64_t at = 0; at < kImageBytes; at += kTogether * 8192) {
    for (uint64_t i = 0; i < kTogether; ++i) {
      ASSERT_TRUE(session.send_all(session.make_request(Command::kWrite, at + i * 8192, 4096)));
      ASSERT_TRUE(session.send_all(ByteVector(4096, std::byte{1})));
    }
    for (uint64_t i = 0; i < kTogether; ++i) ASSERT_EQ(session.answer().error, 0U);
  }
  uint64_t at = 0;
  uint32_t questions = 0;
  while (at < kImageBytes) {
    const auto answer = session.ask_for(Command::kBlockStatus, at, kImageBytes - at);
    ASSERT_TRUE(answer.ok && answer.error == 0 && !answer.extents.empty());
    EXPECT_LE(answer.extents.size(), 1024U);
    for (const Extent& extent : answer.extents) {
      EXPECT_EQ(extent.state != 0, at % 8192 != 0) << at;
      at += extent.length;
    }
    ASSERT_LT(++questions, 100U);
  }
  EXPECT_EQ(at, kImageBytes);
}

TEST_F(StructuredTest, block_status_needs_a_context_that_was_agreed_on_for_this_export) {
  NbdSession session(socket_path());
  ASSERT_TRUE(session.greet());
  EXPECT_FALSE(session.contexts(Option::kSetMetaContext, "image", {"base:allocation"}));
  ASSERT_EQ(session.ask(Option::kStructuredReply), static_cast<uint32_t>(OptionReply::kAck));
  EXPECT_EQ(session.contexts(Option::kListMetaContext, "image", {}),
            (std::vector<std::string>{"base:allocation"}));
  EXPECT_EQ(session.contexts(Option::kListMetaContext, "image", {"base:", "other:x"}),
            (std::vector<std::string>{"base:allocation"}));
  EXPECT_EQ(session.contexts(Option::kListMetaContext, "image", {"other:x"}),
            (std::vector<std::string>{}));
  EXPECT_EQ(session.contexts(Option::kSetMetaContext, "image", {"base:"}),
            (std::vector<std::string>{}));
  EXPECT_FALSE(session.contexts(Option::kSetMetaContext, "nosuch", {"base:allocation"}));
  EXPECT_EQ(session.contexts(Option::kSetMetaContext, "image",
                             {"base:allocation", "x", "base:allocation"}),
            (std::vector<std::string>{"base:allocation"}));
  // Another export than the one that was asked about.
  ASSERT_TRUE(session.send_option(Option::kGo, NbdSession::info_data("disk")));
  while (session.option_reply().first != static_cast<uint32_t>(OptionReply::kAck)) {
  }
  ASSERT_TRUE(session.send_all(NbdSession::request(7, 0, 512)));
  ByteVector header(20);
  ASSERT_TRUE(session.receive_all(header));
  EXPECT_EQ(load_big<uint16_t>(header.data() + 6), static_cast<uint16_t>(Chunk::kError));
}

TEST_F(StructuredTest, a_set_that_fails_has_selected_nothing) {
  NbdSession session(socket_path());
  ASSERT_TRUE(session.greet());
  ASSERT_EQ(session.ask(Option::kStructuredReply), static_cast<uint32_t>(OptionReply::kAck));
  ASSERT_TRUE(session.contexts(Option::kSetMetaContext, "image", {"base:allocation"}));
  ByteVector bad = NbdSession::meta_context_data("image", {"base:allocation"});
  bad.push_back(std::byte{0});
  EXPECT_EQ(session.ask(Option::kSetMetaContext, bad),
            static_cast<uint32_t>(OptionReply::kErrorInvalid));
  ASSERT_TRUE(session.send_option(Option::kGo, NbdSession::info_data("image")));
  while (session.option_reply().first != static_cast<uint32_t>(OptionReply::kAck)) {
  }
  ASSERT_TRUE(session.send_all(NbdSession::request(7, 0, 512)));
  ByteVector header(20);
  ASSERT_TRUE(session.receive_all(header));
  EXPECT_EQ(load_big<uint16_t>(header.data() + 6), static_cast<uint16_t>(Chunk::kError));
}

TEST_F(StructuredTest, every_length_of_a_meta_context_option_that_lies_is_invalid) {
  NbdSession session(socket_path());
  ASSERT_TRUE(session.greet());
  ASSERT_EQ(session.ask(Option::kStructuredReply), static_cast<uint32_t>(OptionReply::kAck));
  const ByteVector good = NbdSession::meta_context_data("image", {"base:allocation", "other:x"});
  for (const Option option : {Option::kListMetaContext, Option::kSetMetaContext}) {
    for (size_t length = 0; length < good.size(); ++length) {
      EXPECT_EQ(session.ask(option, Bytes(good).first(length)),
                static_cast<uint32_t>(OptionReply::kErrorInvalid));
    }
    for (const size_t place : {size_t{0}, size_t{9}, size_t{13}}) {
      for (const uint32_t value : {257U, 4096U, 0x7fffffffU, 0xffffffffU}) {
        ByteVector bad = good;
        store_big(bad.data() + place, value);
        EXPECT_EQ(session.ask(option, bad), static_cast<uint32_t>(OptionReply::kErrorInvalid));
      }
    }
    EXPECT_EQ(session.ask(option, NbdSession::meta_context_data(std::string(4097, 'x'), {})),
              static_cast<uint32_t>(OptionReply::kErrorTooBig));
    EXPECT_EQ(session.ask(option, NbdSession::meta_context_data("image", {std::string(4097, 'x')})),
              static_cast<uint32_t>(OptionReply::kErrorTooBig));
  }
}

TEST_F(StructuredTest, agreeing_twice_is_refused) {
  NbdSession session(socket_path());
  ASSERT_TRUE(session.greet());
  const auto number = [](OptionReply reply) { return static_cast<uint32_t>(reply); };
  EXPECT_EQ(session.ask(Option::kStructuredReply, as_bytes("x")),
            number(OptionReply::kErrorInvalid));
  EXPECT_EQ(session.ask(Option::kStructuredReply), number(OptionReply::kAck));
  EXPECT_EQ(session.ask(Option::kStructuredReply), number(OptionReply::kErrorInvalid));
  EXPECT_EQ(session.ask(Option::kExtendedHeaders, as_bytes("x")),
            number(OptionReply::kErrorInvalid));
  EXPECT_EQ(session.ask(Option::kExtendedHeaders), number(OptionReply::kAck));
  EXPECT_EQ(session.ask(Option::kExtendedHeaders), number(OptionReply::kErrorInvalid));
  EXPECT_EQ(session.ask(Option::kStructuredReply),
            number(OptionReply::kErrorExtendedHeadersRequired));
}

TEST_F(StructuredTest, extended_requests_have_64_bits_of_length) {
  serve("large", device::MemoryDevice::create(16 * kGiB).value());
  NbdSession session = open("large", Form::kExtended);
  ASSERT_EQ(session.put(5 * kGiB, ByteVector(4096, std::byte{3})).error, 0U);
  EXPECT_EQ(session.ask_for(Command::kBlockStatus, 0, 16 * kGiB).extents,
            (std::vector<Extent>{{16 * kGiB, 0}}));
  EXPECT_EQ(session.ask_for(Command::kWriteZeroes, 4096, 10 * kGiB).error, 0U);
  const auto got = session.ask_for(Command::kRead, 5 * kGiB, 4096);
  EXPECT_TRUE(got.ok && got.data == ByteVector(4096));
  EXPECT_EQ(session.ask_for(Command::kCache, 0, 16 * kGiB).error, 0U);
  EXPECT_EQ(session.ask_for(Command::kTrim, 0, 16 * kGiB + 1).error, kErrorInvalid);
  EXPECT_EQ(session.ask_for(Command::kRead, 0, kGiB).error, kErrorInvalid);
}

TEST_F(StructuredTest, a_block_status_may_carry_its_range_as_payload) {
  NbdSession session = open("image", Form::kExtended);
  const auto ask = [&](uint64_t effect, uint32_t id, size_t bytes) {
    ByteVector payload(bytes);
    if (bytes >= 8) store_big(payload.data(), effect);
    if (bytes >= 12) store_big(payload.data() + 8, id);
    EXPECT_TRUE(
        session.send_all(session.make_request(Command::kBlockStatus, 0, bytes, kFlagPayload)));
    EXPECT_TRUE(session.send_all(payload));
    return session.answer();
  };
  ASSERT_EQ(session.ask_for(Command::kTrim, 0, kImageBytes).error, 0U);
  const auto good = ask(kImageBytes, kAllocationContextId, 12);
  EXPECT_EQ(good.extents, (std::vector<Extent>{{kImageBytes, kStateHole | kStateZero}}));
  for (const size_t bytes :
       {size_t{0}, size_t{4}, size_t{8}, size_t{11}, size_t{16}, size_t{4096}}) {
    EXPECT_EQ(ask(512, kAllocationContextId, bytes).error, kErrorInvalid) << bytes;
  }
  EXPECT_EQ(ask(kImageBytes + 1, kAllocationContextId, 12).error, kErrorInvalid);
  EXPECT_EQ(ask(0, kAllocationContextId, 12).error, kErrorInvalid);
  EXPECT_EQ(ask(512, 99, 12).error, kErrorInvalid);
  // A payload where none belongs is dropped, and the stream stays in step.
  ASSERT_TRUE(session.send_all(session.make_request(Command::kRead, 0, 5, kFlagPayload)));
  ASSERT_TRUE(session.send_all(as_bytes("bytes")));
  EXPECT_EQ(session.answer().error, kErrorInvalid);
  EXPECT_EQ(session.ask_for(Command::kRead, 0, 512).error, 0U);
}

TEST_F(StructuredTest, a_disk_that_grew_is_reached_by_who_is_connected) {
  NbdSession session = open("bad", Form::kStructured);
  EXPECT_EQ(session.ask_for(Command::kRead, kMiB, 512).error, kErrorInvalid);
  bad_.size.store(2 * kMiB);
  EXPECT_EQ(session.ask_for(Command::kRead, kMiB, 512).error, 0U);
  EXPECT_EQ(session.ask_for(Command::kRead, 2 * kMiB, 512).error, kErrorInvalid);
}

TEST_F(StructuredTest, cache_and_fast_zero_are_served_by_a_direct_image) {
  NbdSession session = open("image", Form::kStructured);
  EXPECT_EQ(session.ask_for(Command::kCache, 100, kMiB).error, 0U);
  EXPECT_EQ(session.ask_for(Command::kWriteZeroes, 0, kMiB, kFlagFastZero).error, 0U);
  EXPECT_EQ(session.ask_for(Command::kWriteZeroes, 0, kMiB, kFlagFastZero | kFlagNoHole).error, 0U);
  // Nothing of this can be deallocated: it would be written.
  EXPECT_EQ(session.ask_for(Command::kWriteZeroes, 512, 512, kFlagFastZero).error,
            kErrorNotSupported);
  EXPECT_EQ(session.ask_for(Command::kWriteZeroes, 512, 512).error, 0U);
}

}  // namespace
}  // namespace strata::nbd
