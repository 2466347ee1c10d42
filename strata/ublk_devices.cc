#include "strata/ublk_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <thread>

#include "blockdev/volume/catalog.h"
#include "blockdev/volume/export_name.h"
#include "common/base/log.h"

namespace strata::roof {
namespace {

constexpr uint32_t kQueuesByItself = 4;
// For all devices together: the end of the last server is noticed within milliseconds.
constexpr std::chrono::seconds kTakeUpTime{15};

uint16_t queues_for(uint32_t wanted) {
  if (wanted != 0) return static_cast<uint16_t>(std::min<uint32_t>(wanted, UINT16_MAX));
  const uint32_t processors = std::max(1U, std::thread::hardware_concurrency());
  return static_cast<uint16_t>(std::min(processors, kQueuesByItself));
}

}  // namespace

UblkDevices::UblkDevices(const Ground& ground, const std::string& data)
    : ground_(ground), path_(ublk_list_path(data)), instruments_(ground.registry) {
  ground_.registry.gauge("strata_ublk_devices", "Volumes that are ublk devices.", {}, [this] {
    return static_cast<double>(count_.load(std::memory_order_relaxed));
  });
}

UblkDevices::~UblkDevices() = default;

Result<std::unique_ptr<UblkDevices>> UblkDevices::open(const Ground& ground,
                                                       const std::string& data) {
  std::unique_ptr<UblkDevices> self(new UblkDevices(ground, data));
  TRY_ASSIGN(std::vector<UblkRecord> records, load_ublk_list(ground.files, self->path_));
  for (UblkRecord& record : records) {
    self->entries_.push_back(std::make_unique<Entry>());
    self->entries_.back()->record = std::move(record);
  }
  self->count_ = self->entries_.size();
  return self;
}

Status UblkDevices::save() {
  count_.store(entries_.size(), std::memory_order_relaxed);
  std::vector<UblkRecord> records;
  records.reserve(entries_.size());
  for (const auto& entry : entries_) records.push_back(entry->record);
  const Status saved = save_ublk_list(ground_.files, path_, records);
  return saved.ok() ? saved : saved.error().with_context("the list of ublk devices");
}

void UblkDevices::save_or_log() {
  const Status saved = save();
  if (!saved.ok()) log::error("ublk.list_not_saved", {{"error", saved.error().message}});
}

Status UblkDevices::ensure_driver() {
  if (driver_ != nullptr) return {};
  TRY_ASSIGN(driver_, ground_.open_driver());
  return {};
}

Result<std::unique_ptr<device::ExportLease>> UblkDevices::lease(const UblkRecord& record) const {
  std::string name = record.volume;
  if (!record.token.empty()) {
    name = volume::attachment_export(record.volume, record.token, record.read_only);
  } else if (record.read_only) {
    name += ":ro";
  }
  return ground_.exports.lease_for(name, device::kThisMachine);
}

Result<bool> UblkDevices::take_up(Entry& entry, Deadline deadline) {
  TRY(ensure_driver());
  const UblkRecord& record = entry.record;
  TRY_ASSIGN(const bool there, ublk::Device::exists(*driver_, record.number, record.identity));
  if (!there) return false;
  // A volume that is gone leaves its device waiting: what the kernel holds of it may be the last
  // copy.
  TRY_ASSIGN(auto held, lease(record));
  auto device = ublk::Device::recover(*driver_, record.number, record.identity, std::move(held),
                                      instruments_, deadline);
  if (!device.ok() && device.error().code == Code::kNotFound) return false;
  TRY_ASSIGN(entry.device, std::move(device));
  return true;
}

void UblkDevices::start() {
  const std::lock_guard lock(mutex_);
  const Deadline deadline = Deadline::after(kTakeUpTime);
  const auto is_gone = [&](const std::unique_ptr<Entry>& entry) {
    const std::string& volume = entry->record.volume;
    const std::string path = ublk::block_path(entry->record.number);
    const Result<bool> taken = take_up(*entry, deadline);
    if (!taken.ok()) {
      entry->problem = taken.error().message;
      log::error("ublk.not_taken_up",
                 {{"volume", volume}, {"device", path}, {"error", entry->problem}});
      return false;
    }
    if (*taken) {
      log::info("ublk.taken_up", {{"volume", volume}, {"device", path}});
    } else {
      log::warning("ublk.gone", {{"volume", volume},
                                 {"device", path},
                                 {"advice", "attach the volume again if the host needs it"}});
    }
    return !*taken;
  };
  if (std::erase_if(entries_, is_gone) > 0) save_or_log();
}

void UblkDevices::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  const auto ends = [](const std::unique_ptr<Entry>& entry) {
    const std::unique_ptr<ublk::Device> device = std::move(entry->device);
    if (device == nullptr || device->recoverable()) return false;
    // In use or not: it would end with this process in any case.
    const Status done = device->end(true);
    if (!done.ok()) {
      log::error("ublk.not_ended",
                 {{"volume", entry->record.volume}, {"error", done.error().message}});
    }
    return done.ok();
  };
  if (std::erase_if(entries_, ends) > 0) save_or_log();
}

UblkStatus UblkDevices::status_of(const Entry& entry) {
  UblkStatus out;
  out.record = entry.record;
  out.problem = entry.problem;
  if (entry.device == nullptr) return out;
  out.queues = entry.device->queues();
  out.recoverable = entry.device->recoverable();
  out.zero_copy = entry.device->zero_copy();
  return out;
}

Result<UblkStatus> UblkDevices::add(const UblkWish& wanted) {
  TRY(volume::check_volume_name(wanted.volume));
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error(Code::kClosed, "the server is stopping");
  for (const auto& entry : entries_) {
    if (entry->record.volume != wanted.volume) continue;
    return Error(Code::kConflict,
                 fmt::format("the volume '{}' is {} already; detach it first", wanted.volume,
                             ublk::block_path(entry->record.number)));
  }
  if (entries_.size() >= kUblkDevicesMax) {
    return Error(Code::kTooLarge, fmt::format("at most {} ublk devices", kUblkDevicesMax));
  }
  TRY(ensure_driver());
  auto entry = std::make_unique<Entry>();
  entry->record.volume = wanted.volume;
  entry->record.token = wanted.token;
  entry->record.read_only = wanted.read_only;
  while (entry->record.identity == 0) {
    ground_.random.fill(std::as_writable_bytes(std::span(&entry->record.identity, 1)));
  }
  Entry& made = *entry;
  entries_.push_back(std::move(entry));
  const Status done = make(made, wanted);
  if (done.ok()) return status_of(made);
  entries_.pop_back();
  save_or_log();
  return done.error();
}

Status UblkDevices::make(Entry& entry, const UblkWish& wanted) {
  TRY_ASSIGN(auto held, lease(entry.record));
  ublk::DeviceOptions options;
  options.queues = queues_for(wanted.queues);
  options.zero_copy = !wanted.copy;
  options.identity = entry.record.identity;
  options.added = [&](uint32_t number) {
    entry.record.number = number;
    return save();
  };
  TRY_ASSIGN(entry.device, ublk::Device::create(*driver_, std::move(held), instruments_, options));
  log::info("ublk.made", {{"volume", entry.record.volume},
                          {"device", ublk::block_path(entry.record.number)},
                          {"recoverable", entry.device->recoverable()},
                          {"zero_copy", entry.device->zero_copy()}});
  return {};
}

Status UblkDevices::remove(const std::string& volume, bool force) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry->record.volume == volume; });
  if (found == entries_.end()) {
    return Error(Code::kNotFound, fmt::format("the volume '{}' is no ublk device", volume));
  }
  Entry& entry = **found;
  TRY(ensure_driver());
  Status ended = entry.device != nullptr
                     ? entry.device->end(force)
                     : ublk::Device::discard(*driver_, entry.record.number, entry.record.identity);
  if (!ended.ok() && ended.error().code == Code::kBusy) {
    return Error(Code::kConflict, ended.error().message + "; the volume stays attached");
  }
  TRY(std::move(ended));
  entries_.erase(found);
  return save();
}

std::vector<UblkStatus> UblkDevices::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<UblkStatus> out;
  out.reserve(entries_.size());
  for (const auto& entry : entries_) out.push_back(status_of(*entry));
  return out;
}

std::string UblkDevices::path_of(const std::string& volume) const {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    if (entry->record.volume == volume) return ublk::block_path(entry->record.number);
  }
  return {};
}

void UblkDevices::refresh(const std::string& volume) {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    if (entry->record.volume != volume || entry->device == nullptr) continue;
    if (const Status told = entry->device->refresh(); !told.ok()) {
      log::warning("ublk.resize_not_told", {{"volume", volume}, {"reason", told.error().message}});
    }
  }
}

}  // namespace strata::roof
