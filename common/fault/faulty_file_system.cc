#include "common/fault/faulty_file_system.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/fault/fault_engine.h"
#include "common/io/memory_file_system.h"

namespace strata::fault {
namespace {

constexpr uint64_t kMisdirection = 4096;

class FaultyFile final : public io::File {
 public:
  FaultyFile(std::unique_ptr<io::File> below, std::shared_ptr<FaultEngine> engine, std::string path)
      : below_(std::move(below)), engine_(std::move(engine)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, MutableBytes out) override {
    const std::optional<FaultRule> rule = engine_->decide(Operation::kRead, path_);
    if (rule.has_value() && rule->effect == Effect::kError) {
      return injected_error(*rule, Operation::kRead, path_);
    }
    TRY_ASSIGN(const size_t got, below_->read_at(offset, out));
    if (rule.has_value() && rule->effect == Effect::kFlipBit && got > 0) {
      const uint64_t bit = engine_->random_below(uint64_t{got} * 8);
      out[static_cast<size_t>(bit / 8)] ^= static_cast<std::byte>(1u << (bit % 8));
    }
    return got;
  }

  Status write_at(uint64_t offset, Bytes data) override {
    const std::optional<FaultRule> rule = engine_->decide(Operation::kWrite, path_);
    if (!rule.has_value()) return below_->write_at(offset, data);
    switch (rule->effect) {
      case Effect::kTornWrite:
        TRY(write_some(offset, data, rule->bytes.value_or(random_part(data.size()))));
        return injected_error(*rule, Operation::kWrite, path_);
      case Effect::kLostWrite:
        return write_some(offset, data, rule->bytes.value_or(0));
      case Effect::kMisdirectedWrite:
        return below_->write_at(offset + rule->bytes.value_or(kMisdirection), data);
      default:
        return injected_error(*rule, Operation::kWrite, path_);
    }
  }

  Status sync_data() override {
    return flush([this] { return below_->sync_data(); });
  }
  Status sync() override {
    return flush([this] { return below_->sync(); });
  }

  Status truncate(uint64_t size_bytes) override {
    TRY(engine_->pass(Operation::kTruncate, path_));
    return below_->truncate(size_bytes);
  }
  Status allocate(uint64_t offset, uint64_t length) override {
    TRY(engine_->pass(Operation::kAllocate, path_));
    return below_->allocate(offset, length);
  }
  Result<uint64_t> size() override {
    TRY(engine_->pass(Operation::kSize, path_));
    return below_->size();
  }

 private:
  uint64_t random_part(size_t size) { return size == 0 ? 0 : engine_->random_below(size); }

  Status write_some(uint64_t offset, Bytes data, uint64_t bytes) {
    const auto part = static_cast<size_t>(std::min<uint64_t>(bytes, data.size()));
    if (part == 0) return {};
    return below_->write_at(offset, data.first(part));
  }

  template <typename Flush>
  Status flush(Flush flush_below) {
    const std::optional<FaultRule> rule = engine_->decide(Operation::kSync, path_);
    if (!rule.has_value()) return flush_below();
    if (rule->effect == Effect::kLostFlush) return {};
    if (auto* forgetful = dynamic_cast<io::ForgetfulFile*>(below_.get())) {
      forgetful->forget_unflushed();
    }
    return injected_error(*rule, Operation::kSync, path_);
  }

  std::unique_ptr<io::File> below_;
  std::shared_ptr<FaultEngine> engine_;
  std::string path_;
};

}  // namespace

FaultyFileSystem::FaultyFileSystem(io::FileSystem& below)
    : below_(below), engine_(std::make_shared<FaultEngine>()) {}
FaultyFileSystem::~FaultyFileSystem() = default;

Status FaultyFileSystem::set_plan(FaultPlan plan) {
  TRY(check_plan(plan));
  engine_->set_plan(std::move(plan));
  return {};
}

void FaultyFileSystem::clear_plan() {
  engine_->set_plan({});
}

uint64_t FaultyFileSystem::injected() const {
  return engine_->injected();
}
uint64_t FaultyFileSystem::injected(Effect effect) const {
  return engine_->injected(effect);
}
std::vector<uint64_t> FaultyFileSystem::rule_hits() const {
  return engine_->rule_hits();
}

Result<std::unique_ptr<io::File>> FaultyFileSystem::open(const std::string& path,
                                                         io::OpenOptions options) {
  TRY(engine_->pass(Operation::kOpen, path));
  TRY_ASSIGN(auto file, below_.open(path, options));
  return std::unique_ptr<io::File>(std::make_unique<FaultyFile>(std::move(file), engine_, path));
}

Status FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  TRY(engine_->pass(Operation::kRename, from, to));
  return below_.rename(from, to);
}

Status FaultyFileSystem::link(const std::string& from, const std::string& to) {
  TRY(engine_->pass(Operation::kLink, from, to));
  return below_.link(from, to);
}

Status FaultyFileSystem::remove_file(const std::string& path) {
  TRY(engine_->pass(Operation::kRemove, path));
  return below_.remove_file(path);
}

Status FaultyFileSystem::create_directory(const std::string& path) {
  TRY(engine_->pass(Operation::kCreateDirectory, path));
  return below_.create_directory(path);
}

Status FaultyFileSystem::remove_directory(const std::string& path) {
  TRY(engine_->pass(Operation::kRemove, path));
  return below_.remove_directory(path);
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  TRY(engine_->pass(Operation::kList, path));
  return below_.list(path);
}

Result<io::FileInfo> FaultyFileSystem::info(const std::string& path) {
  TRY(engine_->pass(Operation::kInfo, path));
  return below_.info(path);
}

Status FaultyFileSystem::sync_directory(const std::string& path) {
  const std::optional<FaultRule> rule = engine_->decide(Operation::kSyncDirectory, path);
  if (!rule.has_value()) return below_.sync_directory(path);
  if (rule->effect == Effect::kLostFlush) return {};
  return injected_error(*rule, Operation::kSyncDirectory, path);
}

Result<std::unique_ptr<io::FileLock>> FaultyFileSystem::lock(const std::string& path) {
  TRY(engine_->pass(Operation::kLock, path));
  return below_.lock(path);
}

Result<io::Space> FaultyFileSystem::space(const std::string& path) {
  TRY(engine_->pass(Operation::kSpace, path));
  return below_.space(path);
}

}  // namespace strata::fault
