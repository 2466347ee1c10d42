// What a front end may say wrong: each is refused with a reason, and the server goes on.
#include <sys/wait.h>

#include "tests/unit/vhost_user/server_fixture.h"

namespace strata::vhost_user {
namespace {

template <typename T>
ByteVector raw(Message kind, const T& payload, uint32_t flags = kVersion) {
  const MessageHeader header{static_cast<uint32_t>(kind), flags, sizeof payload};
  ByteVector out(sizeof header + sizeof payload);
  std::memcpy(out.data(), &header, sizeof header);
  std::memcpy(out.data() + sizeof header, &payload, sizeof payload);
  return out;
}

TEST_F(VhostUser, a_message_of_a_wrong_form_ends_the_connection) {
  start();
  const auto header = [](uint32_t request, uint32_t flags, uint32_t size) {
    const MessageHeader value{request, flags, size};
    ByteVector out(sizeof value);
    std::memcpy(out.data(), &value, sizeof value);
    return out;
  };
  const RegionWire region{0, 4096, 0, 0};
  const std::vector<ByteVector> wrong = {
      header(1, 0, 0),                            // no version
      header(1, 2, 0),                            // another version
      header(1, kVersion | kFlagReply, 0),        // a reply
      header(1, kVersion, kPayloadBytesMax + 1),  // too long
      header(1, kVersion, ~0U),                   //
      header(0, kVersion, 0),                     // unknown
      header(7777, kVersion, 0),                  //
      header(2, kVersion, 0),                     // features without features
      raw(Message::kSetFeatures, uint32_t{0}),    // too short
      raw(Message::kSetFeatures, ~uint64_t{0}),   // not offered
      raw(Message::kSetProtocolFeatures, ~uint64_t{0}),
      raw(Message::kSetVringNum, VringState{kQueuesMax, 128}),
      raw(Message::kSetVringNum, VringState{1, 128}),  // the disk has one
      raw(Message::kSetVringNum, VringState{~0U, 128}),
      raw(Message::kSetVringNum, VringState{0, 0}),
      raw(Message::kSetVringNum, VringState{0, 100}),
      raw(Message::kSetVringNum, VringState{0, 65536}),
      raw(Message::kSetVringBase, VringState{0, 65536}),
      raw(Message::kSetVringEnable, VringState{0, 2}),
      raw(Message::kSetVringAddr, VringAddress{0, 1, 0, 0, 0, 0}),  // logging
      raw(Message::kSetVringKick, uint64_t{0}),                     // no descriptor
      raw(Message::kSetVringKick, uint64_t{kVringNoFd}),
      raw(Message::kSetVringCall, uint64_t{0xff}),
      raw(Message::kSetMemTable, region),  // no descriptors
      raw(Message::kAddMemRegion, region),
      raw(Message::kSetInflightFd, InflightWire{64, 0, 1, 128}),
      raw(Message::kGetInflightFd, InflightWire{0, 0, 0, 128}),
      raw(Message::kGetInflightFd, InflightWire{0, 0, 1, 65535}),
      raw(Message::kGetConfig, ConfigWire{~0U, 2, 0}),
      raw(Message::kGetConfig, ConfigWire{0, 60, 0}),  // without room for it
      raw(Message::kSetBackendRequestFd, uint64_t{0}),
  };
  for (size_t i = 0; i < wrong.size(); ++i) {
    FrontEnd front({});
    ASSERT_TRUE(front.connect(path()));
    ASSERT_TRUE(front.negotiate());
    ASSERT_TRUE(front.ask_number(Message::kGetFeatures));
    ASSERT_TRUE(front.send_raw(wrong[i]));
    EXPECT_TRUE(front.closed()) << "message " << i;
  }
  expect_alive();
}

TEST_F(VhostUser, a_message_may_come_byte_by_byte_and_may_stop_anywhere) {
  start();
  const ByteVector whole = raw(Message::kSetVringNum, VringState{0, 128});
  for (size_t length = 1; length <= whole.size(); ++length) {
    FrontEnd front({});
    ASSERT_TRUE(front.connect(path()));
    for (size_t i = 0; i < length; ++i) ASSERT_TRUE(front.send_raw(Bytes(whole).subspan(i, 1)));
    if (length < whole.size()) continue;
    ASSERT_TRUE(front.ask_number(Message::kGetFeatures));
  }
  expect_alive();
}

TEST_F(VhostUser, too_many_descriptors_are_closed_and_refused) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.connect(path()));
  const std::vector<int> many(kFdsMax + 3, front.memory_fd());
  ASSERT_TRUE(front.send(Message::kGetFeatures, Bytes(), many));
  EXPECT_TRUE(front.closed());
  expect_alive();
}

TEST_F(VhostUser, refusals_are_told_to_a_front_end_that_asked_for_that) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  using P = VringState;
  EXPECT_EQ(front.acknowledged(Message::kSetVringNum, P{0, 64}), 1U);  // it runs
  EXPECT_EQ(front.acknowledged(Message::kSetVringBase, P{0, 64}), 1U);
  EXPECT_EQ(front.acknowledged(Message::kSetVringNum, P{3, 64}), 1U);
  // A ring outside the memory, or not aligned in it.
  VringAddress address = front.address(0);
  address.used += 2;
  EXPECT_EQ(front.acknowledged(Message::kSetVringAddr, address), 1U);
  address = front.address(0);
  address.available = 12;
  EXPECT_EQ(front.acknowledged(Message::kSetVringAddr, address), 1U);
  address = front.address(0);
  address.descriptors = FrontEnd::kUserBase + 16 * kMiB - 64;
  EXPECT_EQ(front.acknowledged(Message::kSetVringAddr, address), 1U);
  // It goes on as it was.
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
}

TEST_F(VhostUser, memory_that_is_not_what_it_is_said_to_be_is_refused) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  struct Padded {
    uint64_t padding = 0;
    RegionWire region;
  };
  const UniqueFd small(memfd_create("small", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(small.get(), 8192), 0);
  const UniqueFd sealed(memfd_create("read-only", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(sealed.get(), 8192), 0);
  ASSERT_EQ(fcntl(sealed.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  const UniqueFd zero(open("/dev/zero", O_RDWR | O_CLOEXEC));
  const UniqueFd event(eventfd(0, EFD_CLOEXEC));
  const auto add = [&](const RegionWire& region, int fd) {
    return front.acknowledged(Message::kAddMemRegion, Padded{0, region}, {fd});
  };
  EXPECT_EQ(add({0, 8192, 0, 0}, small.get()), 0U);
  EXPECT_EQ(add({8192, 12288, 8192, 0}, small.get()), 1U);  // longer than the file
  EXPECT_EQ(add({8192, 4096, 8192, 8192}, small.get()), 1U);
  EXPECT_EQ(add({8192, 4096, 8192, ~uint64_t{0} - 100}, small.get()), 1U);
  EXPECT_EQ(add({4096, 8192, 65536, 0}, small.get()), 1U);  // overlaps
  EXPECT_EQ(add({65536, 8192, 4096, 0}, small.get()), 1U);  // overlaps by the other addresses
  EXPECT_EQ(add({65536, 0, 65536, 0}, small.get()), 1U);
  EXPECT_EQ(add({~uint64_t{0} - 100, 4096, 65536, 0}, small.get()), 1U);
  EXPECT_EQ(add({65536, ~uint64_t{0}, 65536, 0}, small.get()), 1U);
  EXPECT_EQ(add({65536, 8192, 65536, 0}, sealed.get()), 1U);
  EXPECT_EQ(add({65536, 4096, 65536, 0}, zero.get()), 1U);
  EXPECT_EQ(add({65536, 4096, 65536, 0}, event.get()), 1U);
  const auto remove = [&](const RegionWire& region) {
    return front.acknowledged(Message::kRemoveMemRegion, Padded{0, region});
  };
  EXPECT_EQ(remove({0, 4096, 0, 0}), 1U);
  EXPECT_EQ(remove({0, 8192, 0, 0}), 0U);
  EXPECT_EQ(remove({0, 8192, 0, 0}), 1U);
  EXPECT_EQ(front.ask_number(Message::kGetMaxMemSlots), kRegionsMax);
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
}

TEST_F(VhostUser, a_ring_waits_for_its_memory_while_regions_are_changed) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  ASSERT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
  struct Padded {
    uint64_t padding = 0;
    RegionWire region;
  };
  const Padded whole{0, front.region()};
  ASSERT_EQ(front.acknowledged(Message::kRemoveMemRegion, whole), 0U);
  front.post_simple(0, BlockType::kIn, 0, front.data_at(), 512);
  front.kick(0, true);
  ASSERT_TRUE(front.ask_number(Message::kGetFeatures));
  EXPECT_FALSE(front.take_used(0));
  ASSERT_EQ(front.acknowledged(Message::kAddMemRegion, whole, {front.memory_fd()}), 0U);
  EXPECT_TRUE(front.wait_used(0));
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
}

TEST_F(VhostUser, the_configuration_is_read_in_any_parts_and_nothing_of_what_is_not_there) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  const auto part = [&](uint32_t offset, uint32_t size) {
    ByteVector payload(sizeof(ConfigWire) + size);
    const ConfigWire wire{offset, size, 0};
    std::memcpy(payload.data(), &wire, sizeof wire);
    EXPECT_TRUE(front.send(Message::kGetConfig, Bytes(payload)));
    return front.reply(Message::kGetConfig).value_or(ByteVector(1));
  };
  const auto whole = front.config();
  ASSERT_TRUE(whole);
  const Bytes bytes = std::as_bytes(std::span(&*whole, 1));
  for (const auto& [offset, size] : std::vector<std::pair<uint32_t, uint32_t>>{
           {0, 8}, {8, 4}, {20, 1}, {33, 7}, {59, 1}, {0, 60}}) {
    const ByteVector got = part(offset, size);
    ASSERT_EQ(got.size(), sizeof(ConfigWire) + size) << offset;
    EXPECT_EQ(std::memcmp(got.data() + sizeof(ConfigWire), bytes.data() + offset, size), 0)
        << offset;
  }
  EXPECT_EQ(part(200, 56).size(), sizeof(ConfigWire) + 56);
  for (const auto& [offset, size] : std::vector<std::pair<uint32_t, uint32_t>>{
           {0, 0}, {256, 1}, {200, 57}, {~0U, 2}, {0, 257}}) {
    EXPECT_TRUE(part(offset, size).empty()) << offset << " " << size;
  }
  EXPECT_EQ(front.run(0, BlockType::kIn, 0, front.data_at(), 512), kStatusOk);
}

TEST_F(VhostUser, a_front_end_may_wait_in_a_read_of_its_eventfds) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.open(path()));
  const UniqueFd call(eventfd(0, EFD_CLOEXEC));
  ASSERT_EQ(front.acknowledged(Message::kSetVringCall, uint64_t{0}, {call.get()}), 0U);
  EXPECT_EQ(fcntl(call.get(), F_GETFL) & O_NONBLOCK, 0);
  // One that is full is signalled already, and holds nobody.
  uint64_t count = 0;
  ASSERT_EQ(read(call.get(), &count, sizeof count), static_cast<ssize_t>(sizeof count));
  count = ~uint64_t{0} - 1;
  ASSERT_EQ(write(call.get(), &count, sizeof count), static_cast<ssize_t>(sizeof count));
  front.post_simple(0, BlockType::kIn, 0, front.data_at(), 512);
  front.kick(0, true);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!front.take_used(0)) ASSERT_LT(std::chrono::steady_clock::now(), end);
  EXPECT_TRUE(front.stop_queue(0));
}

TEST_F(VhostUser, what_could_block_the_server_is_no_kick) {
  start();
  FrontEnd front({});
  ASSERT_TRUE(front.connect(path()));
  ASSERT_TRUE(front.negotiate());
  std::array<int, 2> pipes{};
  ASSERT_EQ(pipe2(pipes.data(), O_CLOEXEC), 0);
  const UniqueFd out(pipes[0]);
  const UniqueFd in(pipes[1]);
  for (const int fd : {front.memory_fd(), in.get(), out.get()}) {
    EXPECT_EQ(front.acknowledged(Message::kSetVringCall, uint64_t{0}, {fd}), 1U);
    EXPECT_EQ(front.acknowledged(Message::kSetVringKick, uint64_t{0}, {fd}), 1U);
  }
  EXPECT_EQ(front.acknowledged(Message::kSetBackendRequestFd, Bytes(), {out.get()}), 1U);
}

// What a guest may put into its ring.
class Nonsense : public VhostUser {
 protected:
  // `fill` puts a chain that begins at descriptor 0 into the ring.
  template <typename Fill>
  void expect_broken(const Fill& fill, uint64_t without = 0) {
    FrontEnd front({.entries = 16, .without = without});
    ASSERT_TRUE(front.open(path()));
    fill(front);
    front.make_available(0, 0);
    front.kick(0, true);
    EXPECT_TRUE(front.wait_error(0));
    EXPECT_FALSE(front.take_used(0));
    // The ring is out of order, the connection is not.
    EXPECT_TRUE(front.stop_queue(0));
  }
  static constexpr uint64_t kBase = FrontEnd::kGuestBase;
  static constexpr uint16_t kNext = kDescriptorNext;
  static constexpr uint16_t kWrite = kDescriptorWrite;
  static constexpr uint16_t kIndirect = kDescriptorIndirect;
};

TEST_F(Nonsense, chains_that_lead_nowhere_break_their_ring_and_nothing_else) {
  start();
  const uint64_t at = kBase + FrontEnd::kRingBytes;
  const uint64_t end = kBase + 16 * kMiB;
  const std::vector<std::vector<Descriptor>> chains = {
      {{at, 16, kNext, 1}, {at, 512, kNext, 0}},      // a loop of two
      {{at, 16, kNext, 0}},                           // of one
      {{at, 16, kNext, 16}},                          // outside the table
      {{at, 16, kNext, 65535}},                       //
      {{at, 16, 0, 0}},                               // no status
      {{at, 15, kNext, 1}, {at, 1, kWrite, 0}},       // a short header
      {{at, 1, kWrite, 0}},                           // none
      {{at, 0, kNext, 1}, {at, 0, kWrite, 0}},        // nothing
      {{at, 1, kNext | kWrite, 1}, {at, 16, 0, 0}},   // read after written
      {{0, 16, kNext, 1}, {at, 1, kWrite, 0}},        // outside the memory
      {{end - 8, 16, kNext, 1}, {at, 1, kWrite, 0}},  // beyond its end
      {{at, 16, kNext, 1}, {end, 1, kWrite, 0}},      //
      {{at, 16, kNext, 1}, {at, ~0U, kNext | kWrite, 2}, {at, 1, kWrite, 0}},
      {{~uint64_t{0} - 4, 16, kNext, 1}, {at, 1, kWrite, 0}},  // wraps around
      {{at, 0, kIndirect, 0}},                                 // an empty table
      {{at, 17, kIndirect, 0}},                                // half a descriptor
      {{at, (kSegmentsMax + 1) * 16, kIndirect, 0}},           // too long
      {{at, 16, kIndirect | kNext, 1}, {at, 1, kWrite, 0}},    // with a next one
      {{0, 32, kIndirect, 0}},                                 // a table nowhere
      {{end - 16, 32, kIndirect, 0}},                          //
      {{~uint64_t{0} - 7, 32, kIndirect, 0}},                  //
  };
  for (size_t i = 0; i < chains.size(); ++i) {
    SCOPED_TRACE(i);
    expect_broken([&](FrontEnd& front) {
      for (size_t k = 0; k < chains[i].size(); ++k) {
        front.put_descriptor(0, static_cast<uint16_t>(k), chains[i][k]);
      }
    });
  }
  expect_alive();
}

TEST_F(Nonsense, tables_in_tables_and_loops_in_tables_are_refused) {
  start();
  const uint64_t table_at = FrontEnd::kRingBytes;
  const std::vector<std::array<Descriptor, 2>> tables = {
      {{{kBase + table_at, 32, kIndirect, 0}, {}}},
      {{{kBase + table_at, 16, kNext, 1}, {kBase + table_at, 16, kNext, 0}}},
      {{{kBase + table_at, 16, kNext, 2}, {}}},
  };
  for (const auto& table : tables) {
    expect_broken([&](FrontEnd& front) {
      std::memcpy(front.memory(table_at, sizeof table).data(), table.data(), sizeof table);
      front.put_descriptor(0, 0, {kBase + table_at, sizeof table, kIndirect, 0});
    });
  }
  expect_broken(
      [&](FrontEnd& front) { front.put_descriptor(0, 0, {kBase + table_at, 32, kIndirect, 0}); },
      kRingIndirect);
  expect_alive();
}

TEST_F(Nonsense, an_available_ring_that_makes_no_sense_is_refused) {
  start();
  {
    FrontEnd front({.entries = 16});
    ASSERT_TRUE(front.open(path()));
    front.make_available(0, 16);
    front.kick(0, true);
    EXPECT_TRUE(front.wait_error(0));
  }
  {
    FrontEnd front({.entries = 16});
    ASSERT_TRUE(front.open(path()));
    for (int i = 0; i < 17; ++i) front.make_available(0, 0);
    front.kick(0, true);
    EXPECT_TRUE(front.wait_error(0));
  }
  expect_alive();
}

TEST_F(VhostUser, memory_cut_short_under_the_server_ends_the_session_and_nothing_else) {
  start();
  for (const uint64_t left : {uint64_t{0}, FrontEnd::kRingBytes}) {
    FrontEnd front({});
    ASSERT_TRUE(front.open(path()));
    const uint64_t at = front.data_at();
    fill(front.memory(at + FrontEnd::kDataAt, 4096), 5);
    ASSERT_EQ(front.run(0, BlockType::kOut, 0, at, 4096), kStatusOk);
    // The ring stays, or goes too. This process must not touch what is gone either.
    if (left > 0) {
      front.post_simple(0, BlockType::kIn, 0, at, 4096);
      ASSERT_EQ(ftruncate(front.memory_fd(), static_cast<off_t>(left)), 0);
    } else {
      ASSERT_EQ(ftruncate(front.memory_fd(), 0), 0);
    }
    front.kick_blindly(0);
    EXPECT_TRUE(front.closed());
  }
  expect_alive();
}

TEST_F(VhostUser, a_bus_error_elsewhere_still_ends_the_process) {
  start();
  expect_alive();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const int fd = memfd_create("gone", MFD_CLOEXEC);
    if (ftruncate(fd, 4096) != 0) _exit(3);
    auto* const memory =
        static_cast<volatile char*>(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
    if (ftruncate(fd, 0) != 0) _exit(4);
    _exit(memory[0] + 5);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 5);
#else
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
#endif
}

}  // namespace
}  // namespace strata::vhost_user
