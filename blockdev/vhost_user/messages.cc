// Session: what each message does.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "blockdev/vhost_user/session.h"
#include "common/base/log.h"

namespace strata::vhost_user {
namespace {

// A descriptor that the ring waits for and that is written without waiting. Anything else could
// block the thread: a file on a slow filesystem, a full pipe.
// Its flags stay as they are: they are the front end's too, which may want to wait in a read.
Status check_event(int fd) {
  std::array<char, 64> target{};
  const std::string link = fmt::format("/proc/self/fd/{}", fd);
  const ssize_t length = readlink(link.c_str(), target.data(), target.size());
  const std::string_view found(target.data(), static_cast<size_t>(std::max<ssize_t>(length, 0)));
  if (found != "anon_inode:[eventfd]") {
    return Error(Code::kInvalidArgument, "a ring's descriptor is not an eventfd");
  }
  return {};
}

Status check_socket(int fd) {
  struct stat found{};
  if (fstat(fd, &found) != 0 || !S_ISSOCK(found.st_mode)) {
    return Error(Code::kInvalidArgument, "the back end's channel is not a socket");
  }
  return {};
}

Result<UniqueFd> make_inflight_memory(uint64_t bytes) {
  UniqueFd fd(memfd_create("strata-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return errno_error(errno, "memory for requests in flight");
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return errno_error(errno, "memory for requests in flight");
  }
  return fd;
}

}  // namespace

Status Session::carry_out(const Request& request, std::vector<UniqueFd>& fds) {
  switch (request.kind) {
    case Message::kSetMemTable:
    case Message::kAddMemRegion:
    case Message::kRemoveMemRegion:
    case Message::kGetMaxMemSlots:
    case Message::kGetInflightFd:
    case Message::kSetInflightFd:
      return carry_out_memory(request, fds);
    case Message::kSetVringNum:
    case Message::kSetVringAddr:
    case Message::kSetVringBase:
    case Message::kGetVringBase:
    case Message::kSetVringKick:
    case Message::kSetVringCall:
    case Message::kSetVringErr:
    case Message::kSetVringEnable:
      return carry_out_ring(request, fds);
    default:
      return carry_out_device(request, fds);
  }
}

Status Session::carry_out_device(const Request& request, std::vector<UniqueFd>& fds) {
  switch (request.kind) {
    case Message::kGetFeatures:
      answer_number(offered_features());
      return {};
    case Message::kSetFeatures:
      return set_features(request.number);
    case Message::kGetProtocolFeatures:
      answer_number(kProtocolOffered);
      return {};
    case Message::kSetProtocolFeatures:
      if ((request.number & ~kProtocolOffered) != 0) {
        return Error(Code::kUnsupported, fmt::format("the protocol features {:#x} were not offered",
                                                     request.number & ~kProtocolOffered));
      }
      protocol_features_ = request.number;
      return {};
    case Message::kGetQueueNum:
      answer_number(options_.queues);
      return {};
    case Message::kGetConfig:
      get_config(request);
      return {};
    case Message::kSetConfig:
      return set_config(request);
    case Message::kSetBackendRequestFd:
      TRY(check_socket(fds.front().get()));
      backend_channel_ = std::move(fds.front());
      return {};
    case Message::kResetDevice:
      reset_device();
      return {};
    case Message::kResetOwner:
      for (const auto& queue : queues_) queue->set_enabled(false);
      return {};
    default:  // SET_OWNER: there is one front end a connection anyway
      return {};
  }
}

Status Session::set_features(uint64_t features) {
  if ((features & ~offered_features()) != 0) {
    return Error(Code::kUnsupported, fmt::format("the features {:#x} were not offered",
                                                 features & ~offered_features()));
  }
  shared_.features = features;
  // Without protocol features there is no message that enables a ring.
  if ((features & kProtocolFeatures) == 0) {
    for (const auto& queue : queues_) queue->set_enabled(true);
  }
  return {};
}

void Session::get_config(const Request& request) {
  if (request.config.size == 0) return answer({});  // nothing, or not there
  (void)shared_.has_grown();
  told_bytes_ = shared_.device_bytes;
  // A front end that asks before its rings run is a new one, and its driver begins with this.
  if (!has_run_ && shared_.cache == CacheChoice::kUnknown) shared_.cache = CacheChoice::kWriteBack;
  const device::Geometry geometry = shared_.device->geometry();
  BlockConfig config;
  config.capacity = shared_.device_bytes / kSectorBytes;
  config.seg_max = kSegmentsOffered;
  config.block_bytes = kSectorBytes;
  const uint32_t blocks = std::max(geometry.block_bytes_preferred / kSectorBytes, 1U);
  config.physical_block_exponent = static_cast<uint8_t>(std::bit_width(blocks) - 1);
  config.io_blocks_min = static_cast<uint16_t>(std::min<uint32_t>(blocks, UINT16_MAX));
  config.writeback = shared_.cache == CacheChoice::kWriteBack ? 1 : 0;
  config.queues = static_cast<uint16_t>(options_.queues);
  config.discard_sectors_max = kDiscardSectorsMax;
  config.discard_ranges_max = kRangesMax;
  config.discard_alignment_sectors = blocks;
  config.write_zeroes_sectors_max = kWriteZeroesSectorsMax;
  config.write_zeroes_ranges_max = kRangesMax;
  config.write_zeroes_may_unmap = 1;
  // What lies behind the fields that this version knows is zero.
  std::array<std::byte, kConfigBytesMax> space{};
  std::memcpy(space.data(), &config, sizeof config);
  std::array<std::byte, sizeof(ConfigWire) + kConfigBytesMax> out{};
  std::memcpy(out.data(), &request.config, sizeof(ConfigWire));
  std::memcpy(out.data() + sizeof(ConfigWire), space.data() + request.config.offset,
              request.config.size);
  answer(Bytes(out).first(sizeof(ConfigWire) + request.config.size));
}

Status Session::set_config(const Request& request) {
  const ConfigWire& wire = request.config;
  const auto value = static_cast<uint8_t>(request.config_bytes.front());
  if (wire.offset != kConfigWceOffset || wire.size != 1 || value > 1) {
    return Error(Code::kInvalidArgument,
                 "of the configuration only the write cache may be set, to 0 or 1");
  }
  shared_.cache = value != 0 ? CacheChoice::kWriteBack : CacheChoice::kWriteThrough;
  note_cache(cache_note_, shared_.cache);
  return {};
}

void Session::reset_device() {
  for (const auto& queue : queues_) {
    if (queue->running()) queue->stop();
    queue->set_enabled(false);
  }
  shared_.features = 0;
  shared_.cache = CacheChoice::kWriteBack;
  note_cache(cache_note_, shared_.cache);
}

Status Session::carry_out_ring(const Request& request, std::vector<UniqueFd>& fds) {
  if (request.ring >= queues_.size()) {
    return Error(Code::kInvalidArgument, fmt::format("there is no ring {}; this disk has {}",
                                                     request.ring, queues_.size()));
  }
  Queue& queue = *queues_[request.ring];
  if (!fds.empty()) TRY(check_event(fds.front().get()));
  UniqueFd fd = fds.empty() ? UniqueFd() : std::move(fds.front());
  switch (request.kind) {
    case Message::kSetVringNum:
      return queue.set_entries(request.state.number);
    case Message::kSetVringAddr:
      return queue.set_address(request.address);
    case Message::kSetVringBase:
      return queue.set_base(request.state.number);
    case Message::kGetVringBase: {
      VringState state{request.ring, queue.stop()};
      answer(std::as_bytes(std::span(&state, 1)));
      return {};
    }
    case Message::kSetVringKick:
      if (!fd.valid()) {
        return Error(Code::kUnsupported, "rings are not polled: give an eventfd for kicks");
      }
      has_run_ = true;
      return queue.start(std::move(fd));
    case Message::kSetVringCall:
      queue.set_call(std::move(fd));
      return {};
    case Message::kSetVringErr:
      queue.set_error(std::move(fd));
      return {};
    default:
      if (request.state.number > 1) {
        return Error(Code::kInvalidArgument, "a ring is enabled by 1 and disabled by 0");
      }
      queue.set_enabled(request.state.number == 1);
      shared_.pump_wanted = true;
      return {};
  }
}

Status Session::carry_out_memory(const Request& request, std::vector<UniqueFd>& fds) {
  switch (request.kind) {
    case Message::kSetMemTable: {
      // The old table goes only when the new one is good.
      GuestMemory memory;
      for (uint32_t i = 0; i < request.region_count; ++i) {
        TRY(memory.add(request.region(i), fds[i].get()));
      }
      shared_.memory = std::move(memory);
      break;
    }
    case Message::kAddMemRegion:
      TRY(shared_.memory.add(request.region(0), fds.front().get()));
      break;
    case Message::kRemoveMemRegion:
      TRY(shared_.memory.remove(request.region(0)));
      break;
    case Message::kGetMaxMemSlots:
      answer_number(kRegionsMax);
      return {};
    case Message::kGetInflightFd:
      return get_inflight(request);
    default:
      return set_inflight(request, fds.front().get());
  }
  for (const auto& queue : queues_) queue->remap();
  return {};
}

Status Session::get_inflight(const Request& request) {
  InflightWire out = request.inflight;
  out.bytes = InflightLog::region_bytes(out.entries) * out.queues + kCacheNoteBytes;
  out.file_offset = 0;
  TRY_ASSIGN(const UniqueFd memory, make_inflight_memory(out.bytes));
  answer(std::as_bytes(std::span(&out, 1)).first(request.payload_bytes), memory.get());
  return {};
}

Status Session::set_inflight(const Request& request, int fd) {
  const InflightWire& wire = request.inflight;
  const uint64_t stride = InflightLog::region_bytes(wire.entries);
  const uint64_t logs = stride * wire.queues;
  // Without the note it is an earlier version's.
  const bool good = wire.bytes == logs || wire.bytes == logs + kCacheNoteBytes;
  if (!good || wire.file_offset % alignof(uint64_t) != 0) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} bytes at {} are no log of {} rings of {} requests in flight",
                             wire.bytes, wire.file_offset, wire.queues, wire.entries));
  }
  for (const auto& queue : queues_) {
    if (queue->running()) return Error(Code::kConflict, "a ring is running");
  }
  TRY_ASSIGN(inflight_, SharedMapping::map(fd, wire.file_offset, wire.bytes));
  for (size_t i = 0; i < queues_.size(); ++i) {
    InflightLog log;
    if (i < wire.queues)
      log = InflightLog(inflight_.bytes().subspan(i * stride, stride), wire.entries);
    queues_[i]->set_inflight(log);
  }
  cache_note_ = inflight_.bytes().subspan(logs);
  // Of two that differ, the one that loses nothing.
  const CacheChoice noted = noted_cache(cache_note_);
  const bool through = shared_.cache == CacheChoice::kWriteThrough;
  if (noted != CacheChoice::kUnknown && !through) shared_.cache = noted;
  note_cache(cache_note_, shared_.cache);
  return {};
}

}  // namespace strata::vhost_user
