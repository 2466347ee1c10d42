// Which drives hold what: shares by weight, and that a drive which comes or goes moves only its
// own.
#include "objstore/replica/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "common/io/memory_file_system.h"
#include "objstore/replica/inspector.h"
#include "tests/support/replica_fixture.h"

namespace strata::replica {
namespace {

using tests::ReplicaFixture;

constexpr size_t kNames = 20'000;
// Draws are a fair hash: a count lies further off than this many standard deviations once in
// millions. The ids are fixed, so a run that passes passes always.
constexpr double kDeviationsMax = 5;

std::vector<Slot> slots_of(const std::vector<uint64_t>& weights) {
  SeededRandom random(11);
  std::vector<Slot> slots;
  for (const uint64_t weight : weights) {
    Slot slot{.id = {}, .weight = weight};
    random.fill(slot.id.bytes);
    slots.push_back(slot);
  }
  return slots;
}

uint64_t name_of(size_t number) {
  return Placement::hash("bucket/object-" + std::to_string(number));
}

std::vector<size_t> counts(const Placement& placement) {
  std::vector<size_t> found(placement.slots());
  for (size_t i = 0; i < kNames; ++i) {
    for (const size_t slot : placement.targets(name_of(i))) ++found[slot];
  }
  return found;
}

void expect_share(size_t found, size_t tries, double share, const std::string& what) {
  const double expected = share * static_cast<double>(tries);
  const double deviation = std::sqrt(expected * (1 - share));
  EXPECT_NEAR(static_cast<double>(found), expected, kDeviationsMax * deviation) << what;
}

std::set<size_t> as_set(const std::vector<size_t>& list) {
  return {list.begin(), list.end()};
}

TEST(Placement, drives_of_one_two_and_four_parts_hold_one_two_and_four_sevenths) {
  const std::vector<size_t> found = counts(Placement(slots_of({1024, 2048, 4096}), 1));
  expect_share(found[0], kNames, 1.0 / 7, "the small drive");
  expect_share(found[1], kNames, 2.0 / 7, "the middle drive");
  expect_share(found[2], kNames, 4.0 / 7, "the large drive");
}

TEST(Placement, drives_of_one_size_hold_equal_shares_whatever_the_number_of_copies) {
  for (size_t replicas = 1; replicas <= 5; ++replicas) {
    const std::vector<size_t> found = counts(Placement(slots_of({7, 7, 7, 7, 7}), replicas));
    for (const size_t one : found) {
      expect_share(one, kNames, static_cast<double>(replicas) / 5, std::to_string(replicas));
    }
  }
}

// Two different drives out of 1 : 2 : 4, the first by its weight, the second by its weight among
// those that are left.
TEST(Placement, several_copies_follow_the_weights_as_far_as_different_drives_allow) {
  const std::vector<double> weights = {1, 2, 4};
  const std::vector<size_t> found = counts(Placement(slots_of({1024, 2048, 4096}), 2));
  for (size_t one = 0; one < weights.size(); ++one) {
    double share = weights[one] / 7;
    for (size_t other = 0; other < weights.size(); ++other) {
      if (other != one) share += weights[other] / 7 * weights[one] / (7 - weights[other]);
    }
    expect_share(found[one], kNames, share, "drive " + std::to_string(one));
  }
  EXPECT_EQ(found[0] + found[1] + found[2], 2 * kNames);
}

TEST(Placement, a_drive_that_comes_takes_its_share_and_nothing_else_moves) {
  for (const size_t replicas : {1u, 2u, 3u}) {
    SCOPED_TRACE(std::to_string(replicas) + " copies");
    const std::vector<Slot> after_slots = slots_of({1024, 2048, 4096, 2048});
    const std::vector<Slot> before_slots(after_slots.begin(), after_slots.end() - 1);
    const Placement before(before_slots, replicas);
    const Placement after(after_slots, replicas);
    size_t moved = 0;
    for (size_t i = 0; i < kNames; ++i) {
      const std::set<size_t> old = as_set(before.targets(name_of(i)));
      const std::set<size_t> now = as_set(after.targets(name_of(i)));
      std::vector<size_t> came;
      std::ranges::set_difference(now, old, std::back_inserter(came));
      if (came.empty()) continue;
      ++moved;
      ASSERT_EQ(came, std::vector<size_t>{3}) << "a copy moved between drives that stayed";
    }
    EXPECT_EQ(moved, counts(after)[3]);
    if (replicas == 1) expect_share(moved, kNames, 2.0 / 9, "what moved");
  }
}

TEST(Placement, a_drive_that_goes_moves_only_what_it_held) {
  const std::vector<Slot> before_slots = slots_of({1024, 2048, 4096, 2048});
  const std::vector<Slot> after_slots(before_slots.begin(), before_slots.end() - 1);
  const Placement before(before_slots, 2);
  const Placement after(after_slots, 2);
  for (size_t i = 0; i < kNames; ++i) {
    std::set<size_t> stayed = as_set(before.targets(name_of(i)));
    const bool held = stayed.erase(3) > 0;
    const std::set<size_t> now = as_set(after.targets(name_of(i)));
    ASSERT_TRUE(std::ranges::includes(now, stayed)) << "a copy moved between drives that stayed";
    if (!held) {
      ASSERT_EQ(now, stayed);
    }
  }
}

TEST(Placement, does_not_depend_on_the_order_in_which_the_drives_are_listed) {
  std::vector<Slot> slots = slots_of({3, 9, 5, 12});
  const Placement one(slots, 2);
  std::ranges::reverse(slots);
  const Placement other(slots, 2);
  for (size_t i = 0; i < kNames / 10; ++i) {
    std::vector<size_t> reversed;
    for (const size_t slot : other.targets(name_of(i))) reversed.push_back(3 - slot);
    ASSERT_EQ(one.targets(name_of(i)), reversed);
  }
}

// The same with real drives: what the filesystems' sizes say is what the drives hold.
TEST(Placement,
     a_store_fills_drives_of_different_size_in_proportion_and_an_added_one_takes_only_its_share) {
  constexpr size_t kRows = 700;
  io::MemoryFileSystem small({.capacity_bytes = 8 * kGiB});
  io::MemoryFileSystem middle({.capacity_bytes = 16 * kGiB});
  io::MemoryFileSystem large({.capacity_bytes = 32 * kGiB});
  io::MemoryFileSystem added({.capacity_bytes = 16 * kGiB});
  ReplicaFixture fixture({&small, &middle, &large}, 1, 23);
  ASSERT_TRUE(fixture.start().ok());
  const auto key_of = [](size_t number) { return "key" + std::to_string(number); };
  for (size_t i = 0; i < kRows; ++i) ASSERT_TRUE(fixture.put(key_of(i), "v").ok());
  const auto holder_of = [&](size_t number) {
    const std::string key = key_of(number);
    const auto copies = fixture.store().inspector().row("p/" + key, key).value();
    EXPECT_EQ(copies.size(), 1u);
    EXPECT_EQ(copies.front().state, CopyReport::State::kGood) << key;
    return copies.front().drive_path;
  };
  std::map<std::string, size_t> held;
  std::vector<std::string> before;
  for (size_t i = 0; i < kRows; ++i) {
    before.push_back(holder_of(i));
    ++held[before.back()];
  }
  expect_share(held["/d0"], kRows, 1.0 / 7, "8 GiB");
  expect_share(held["/d1"], kRows, 2.0 / 7, "16 GiB");
  expect_share(held["/d2"], kRows, 4.0 / 7, "32 GiB");
  ASSERT_TRUE(fixture.store().add_drive({&added, "/added"}).ok());
  ASSERT_TRUE(fixture.resync().ok());
  size_t moved = 0;
  for (size_t i = 0; i < kRows; ++i) {
    const std::string now = holder_of(i);
    if (now == before[i]) continue;
    ++moved;
    EXPECT_EQ(now, "/added") << key_of(i) << " moved between drives that stayed";
    EXPECT_EQ(fixture.get(key_of(i)).value()->value, "v");
  }
  expect_share(moved, kRows, 2.0 / 9, "what moved");
}

}  // namespace
}  // namespace strata::replica
