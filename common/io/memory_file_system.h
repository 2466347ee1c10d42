// A disk in memory that knows what has been flushed: for tests of what survives a power cut.
//
// What is durable:
// - The bytes of a file (its size too) once sync or sync_data of it has returned.
// - An entry (a file or directory made, renamed, linked, removed) once sync_directory of its parent
//   has returned. Flushing a file does NOT make its entry durable, though ext4 would: a program
//   that relies on that is wrong elsewhere.
// What a power cut does to the rest, by CrashPlan:
// - Of the unflushed changes of a file (writes, resizes, reservations) any subset survives, applied
//   in order; a write that survives may be torn at sector borders of the file.
// - Of the unflushed changes of a directory any prefix survives, chosen for each directory by
//   itself. A journal keeps their order; this is what rename-based protocols may rely on.
// - A rename is whole or absent, across two directories too: flushing either of them flushes the
//   rename in both, with what was changed before it. The removal of a directory survives only with
//   every change that was made in it.
// - Handles opened before the cut fail with kIo for ever, and locks are gone.
// Directories are renamed as files are; a chain of unflushed renames of directories into each other
// may be taken apart by a crash, which a journal would not do.
//
// Paths start at the disk's root whether they begin with '/' or not; ".." is resolved by text.
#pragma once

#include <memory>

#include "common/base/random.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"

namespace strata::io {

namespace memory {
class State;
}  // namespace memory

// What a power cut leaves of the changes that were not flushed.
enum class Survival { kNothing, kRandom, kEverything };

struct CrashPlan {
  Survival survival = Survival::kRandom;
  // Where a surviving write tears, in bytes: 512 or 4096; 0 for writes that are whole or lost.
  uint32_t sector_bytes = 512;
};

struct MemoryDiskOptions {
  // Counted in pages of 4 KiB of the files that have a name or are open.
  uint64_t capacity_bytes = 64 * kGiB;
  // Gives modification times; must outlive the disk. Without one they stay 0.
  const Clock* clock = nullptr;
};

// The handle of a simulated file can lose what is not flushed, as a kernel does when a flush fails:
// reads still see it, no later flush writes it.
class ForgetfulFile : public File {
 public:
  virtual void forget_unflushed() = 0;
};

// Any thread. Files and locks may outlive the disk object.
class MemoryFileSystem final : public FileSystem {
 public:
  explicit MemoryFileSystem(MemoryDiskOptions options = {});
  ~MemoryFileSystem() override;

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path,
                                                   OpenOptions options) override;
  [[nodiscard]] Status rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status link(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status remove_file(const std::string& path) override;
  [[nodiscard]] Status create_directory(const std::string& path) override;
  [[nodiscard]] Status remove_directory(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override;
  [[nodiscard]] Result<FileInfo> info(const std::string& path) override;
  [[nodiscard]] Status sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  [[nodiscard]] Result<Space> space(const std::string& path) override;

  // Operations since the disk was made that change it or flush it: a test runs once, reads this,
  // and then runs again with a cut after each count from 0 to it.
  [[nodiscard]] uint64_t mutations() const;
  // Lets that many more mutations happen, then turns the power off: every further call fails with
  // kIo (reason "power_off"), reads too, until crash(). 0 turns it off at once.
  void cut_after(uint64_t further_mutations);
  [[nodiscard]] bool powered() const;

  // Cuts the power, if it is still on, and turns it on again: the disk goes on with what survived.
  // A cut point that was not reached is forgotten.
  void crash(RandomSource& random, CrashPlan plan = {});
  // Another disk, with what would survive if the power were cut now; this one stays as it is. So
  // that many outcomes of one cut can be looked at. Works with the power off too.
  [[nodiscard]] std::unique_ptr<MemoryFileSystem> crash_copy(RandomSource& random,
                                                             CrashPlan plan = {}) const;

  void set_capacity(uint64_t capacity_bytes);

 private:
  std::shared_ptr<memory::State> state_;
};

}  // namespace strata::io
