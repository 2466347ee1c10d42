// Files that no record owns go; files that somebody owns, writes or reads stay.
#include "objstore/replica/orphan_sweep.h"

#include "tests/unit/replica/scrub_fixture.h"

namespace strata::replica {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using tests::random_text;

class Orphans : public ScrubTest {
 protected:
  void SetUp() override {
    ScrubTest::SetUp();
    ref_ = fixture_.put_blob("owned", random_text(1, 300'000)).value();
  }
  [[nodiscard]] worker::Worker& sweep() { return *fixture_.store().workers().at(1).worker; }
  void run_pass() {
    for (size_t steps = 0; steps < 10'000; ++steps) {
      const Result<worker::Step> step = sweep().step();
      ASSERT_TRUE(step.ok()) << step.error().to_string();
      if (!step->more) return;
    }
    FAIL() << "the pass does not end";
  }
  void make_file(size_t drive, const std::string& name) {
    const std::string path =
        folder(drive) + "/blobs/" + (name.size() < 32 ? std::string("aa") : name.substr(30, 2));
    ASSERT_TRUE(io::create_directories(disks_[drive], path).ok());
    auto file = disks_[drive].open(path + "/" + name, {.write = true, .create = true}).value();
    ASSERT_TRUE(file->write_at(0, as_bytes("abandoned")).ok());
  }
  BlobRef ref_;
};

TEST_F(Orphans, a_file_that_nothing_owns_goes_once_it_is_old) {
  make_file(0, std::string(32, 'a'));
  make_file(2, std::string(32, '7') + ".new");
  make_file(1, "not-ours");
  clock_.advance(minutes(59));
  run_pass();
  EXPECT_EQ(files(0).size() + files(1).size() + files(2).size(), 6U) << "too young";
  clock_.advance(minutes(2));
  run_pass();
  EXPECT_EQ(sweep().progress().findings, 2U);
  EXPECT_EQ(files(0).size(), 1U);
  EXPECT_EQ(files(1).size(), 2U);
  EXPECT_EQ(files(2).size(), 1U);
  EXPECT_EQ(fixture_.read_blob("owned", ref_).value(), random_text(1, 300'000));
}

TEST_F(Orphans, a_file_that_is_being_written_stays_however_old) {
  async::Task<Result<std::unique_ptr<BlobWriter>>> making =
      fixture_.store().create_blob("p/slow", std::nullopt);
  std::unique_ptr<BlobWriter> writer = fixture_.run(std::move(making)).value();
  const std::string content = random_text(2, 2'000'000);
  ASSERT_TRUE(fixture_.run(writer->append(as_bytes(content))).ok());
  const BlobRef ref = fixture_.run(writer->finish()).value();
  clock_.advance(hours(100));
  run_pass();
  EXPECT_EQ(sweep().progress().findings, 0U);
  Mutation mutation;
  mutation.placement = "p/slow";
  mutation.puts.push_back({"slow", "value"});
  mutation.adopts.push_back(std::move(writer));
  ASSERT_TRUE(fixture_.run(fixture_.store().commit(std::move(mutation))).ok());
  clock_.advance(hours(100));
  run_pass();
  EXPECT_EQ(sweep().progress().findings, 0U);
  EXPECT_EQ(fixture_.read_blob("slow", ref).value(), content);
}

TEST_F(Orphans, a_dropped_file_that_somebody_reads_stays) {
  std::unique_ptr<ReadPin> pin = fixture_.store().pin();
  ASSERT_TRUE(fixture_.drop_blob("owned", ref_).ok());
  clock_.advance(hours(100));
  run_pass();
  EXPECT_EQ(fixture_.read_blob("owned", ref_).value(), random_text(1, 300'000));
  pin.reset();
  fixture_.store().settle();
  EXPECT_EQ(files(0).size(), 0U);
}

}  // namespace
}  // namespace strata::replica
