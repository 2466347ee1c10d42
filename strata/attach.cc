#include "strata/attach.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "blockdev/volume/export_name.h"
#include "common/base/deadline.h"
#include "common/base/random.h"
#include "common/base/unique_fd.h"
#include "common/io/posix_file_system.h"
#include "strata/attach_ublk.h"
#include "strata/blank.h"
#include "strata/command.h"
#include "strata/control_client.h"
#include "strata/nbd_uri.h"

namespace strata::roof {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kReadyTime{20};
constexpr int kNbdDevices = 16;

// Asks until it is true or the time is over.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::seconds limit) {
  const Deadline deadline = Deadline::after(limit);
  while (!condition()) {
    if (deadline.passed(std::chrono::steady_clock::now())) return false;
    poll(nullptr, 0, 20);
  }
  return true;
}

std::string new_token() {
  std::array<std::byte, volume::kTokenBytes / 2> bytes;
  SystemRandom().fill(bytes);
  std::string out;
  for (const std::byte byte : bytes) out += fmt::format("{:02x}", std::to_integer<int>(byte));
  return out;
}

bool readable(const std::string& device) {
  const UniqueFd fd(open(device.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  if (!fd.valid()) return false;
  alignas(4096) std::array<std::byte, 4096> block;
  return pread(fd.get(), block.data(), block.size(), 0) == static_cast<ssize_t>(block.size());
}

// With ublk the server does it, and mount says by itself that it needs root.
Status check_rights(const std::string& method) {
  if (geteuid() == 0 || method == "ublk") return {};
  return Error(Code::kPermissionDenied,
               "attaching and detaching block devices needs root; use sudo");
}

// One attach or detach of one volume.
class Job {
 public:
  Job(io::FileSystem& files, std::string data, std::string volume)
      : files_(files), store_(files, data), data_(std::move(data)), volume_(std::move(volume)) {}

  [[nodiscard]] Status begin() {
    TRY_ASSIGN(lock_, store_.lock(volume_));
    TRY_ASSIGN(known_, store_.load(volume_));
    return known_ ? check_rights(known_->method) : Status();
  }
  [[nodiscard]] const std::optional<Attachment>& known() const noexcept { return known_; }

  void remember(const Attachment& attachment) { known_ = attachment; }

  // The device is there, and the server is connected to it. That a read succeeds says neither: what
  // the page cache holds can be read long after the server died. `shown` is what the server says of
  // the volume.
  [[nodiscard]] bool alive(const nlohmann::json& shown) const {
    if (!known_ || known_->device.empty()) return false;
    const auto connected = shown.value("attachments", std::vector<std::string>());
    const auto own = volume::short_token(known_->token);
    if (std::find(connected.begin(), connected.end(), own) == connected.end()) return false;
    if (known_->method == "fuse") {
      const auto loops = loops_over(store_.disk_path(volume_));
      if (std::find(loops.begin(), loops.end(), known_->device) == loops.end()) return false;
    }
    return readable(known_->device);
  }

  [[nodiscard]] Status connect(Attachment& attachment, const UblkOptions& options,
                               std::string& why) {
    TRY(store_.save(attachment));
    if (attachment.method == "ublk") {
      TRY_ASSIGN(attachment.device, connect_ublk(data_, attachment, options, why));
      TRY(store_.save(attachment));
      if (wait_until([&] { return fs::exists(attachment.device); }, kReadyTime)) return {};
      return Error(Code::kTimeout, fmt::format("{} does not appear", attachment.device));
    }
    TRY_ASSIGN(
        const std::string uri,
        nbd_uri(data_, volume::attachment_export(volume_, attachment.token, attachment.read_only)));
    if (attachment.method == "nbd") {
      TRY(connect_nbd(attachment, uri));
    } else {
      TRY(connect_fuse(attachment, uri));
    }
    return store_.save(attachment);
  }

  [[nodiscard]] Status mount(Attachment& attachment, const std::string& folder) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed || !fs::is_directory(folder)) {
      return Error(Code::kInvalidArgument, fmt::format("{} is not a folder to mount on", folder));
    }
    if (is_mounted(folder)) {
      return Error(Code::kConflict, fmt::format("something is mounted on {} already", folder));
    }
    if (!fs::is_empty(folder, failed)) {
      return Error(Code::kConflict, fmt::format("the folder {} is not empty", folder));
    }
    attachment.mount = folder;
    TRY(store_.save(attachment));
    std::vector<std::string> command = {"mount"};
    if (attachment.read_only) command.insert(command.end(), {"-o", "ro"});
    command.insert(command.end(), {attachment.device, folder});
    const auto mounted = run_or_fail(command);
    if (mounted.ok()) return {};
    attachment.mount.clear();
    TRY(store_.save(attachment));
    return mounted.error();
  }

  // Undoes everything. With `force` also what is in use: only for a device that is dead anyway.
  [[nodiscard]] Status undo(bool force) {
    if (known_ && known_->method == "ublk") {
      TRY(undo_ublk(force));
      TRY(store_.forget(volume_));
      known_.reset();
      return {};
    }
    if (known_ && !known_->mount.empty()) TRY(unmount(known_->mount, force));
    const std::string disk = store_.disk_path(volume_);
    std::vector<std::string> devices = loops_over(disk);
    if (known_ && known_->method == "nbd" && !known_->device.empty()) {
      devices.push_back(known_->device);
    }
    for (const std::string& device : devices) TRY(release_device(device, force));
    if (is_mounted(disk)) {
      const auto gone = run_command({"umount", disk});
      if (is_mounted(disk)) (void)run_command({"umount", "-l", disk});
      if (is_mounted(disk)) {
        return Error(Code::kConflict, fmt::format("{} cannot be unmounted: {}", disk,
                                                  gone.ok() ? gone->errors : gone.error().message));
      }
    }
    TRY(wait_for_nbdfuse());
    TRY(store_.forget(volume_));
    known_.reset();
    return {};
  }

 private:
  [[nodiscard]] Status connect_fuse(Attachment& attachment, const std::string& uri) {
    const std::string disk = store_.disk_path(volume_);
    const UniqueFd made(open(disk.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!made.valid()) return errno_error(errno, "making " + disk);
    std::vector<std::string> serve = {"nbdfuse"};
    if (attachment.read_only) serve.emplace_back("-r");
    serve.insert(serve.end(), {disk, uri});
    TRY_ASSIGN(const pid_t daemon, start_daemon(serve, store_.log_path(volume_)));
    const std::string process = fmt::format("/proc/{}", daemon);
    const bool ready = wait_until(
        [&] {
          struct stat info{};
          const bool served =
              is_mounted(disk) && stat(disk.c_str(), &info) == 0 && info.st_size > 0;
          return served || !fs::exists(process);
        },
        kReadyTime);
    if (!ready || !is_mounted(disk)) {
      return Error(Code::kIo, fmt::format("nbdfuse did not serve the volume: {}", log_end()));
    }
    std::vector<std::string> loop = {"losetup", "--find", "--show"};
    if (attachment.read_only) loop.emplace_back("--read-only");
    loop.push_back(disk);
    TRY_ASSIGN(attachment.device, run_or_fail(loop));
    return {};
  }

  [[nodiscard]] Status connect_nbd(Attachment& attachment, const std::string& uri) {
    for (int i = 0; i < kNbdDevices; ++i) {
      const std::string device = fmt::format("/dev/nbd{}", i);
      if (!fs::exists(device) || fs::exists(fmt::format("/sys/block/nbd{}/pid", i))) continue;
      std::vector<std::string> command = {"nbd-client"};
      const size_t socket = uri.find("?socket=");
      if (socket != std::string::npos) {
        command.insert(command.end(), {"-unix", uri.substr(socket + 8), device});
      } else {
        const std::string address = uri.substr(6, uri.find('/', 6) - 6);
        const size_t colon = address.rfind(':');
        command.insert(command.end(),
                       {address.substr(0, colon), address.substr(colon + 1), device});
      }
      command.insert(
          command.end(),
          {"-N", volume::attachment_export(volume_, attachment.token, attachment.read_only), "-b",
           "4096"});
      attachment.device = device;
      TRY(store_.save(attachment));
      TRY(run_or_fail(command));
      return {};
    }
    return Error(Code::kBusy, "every /dev/nbdN is in use; load the module with a larger nbds_max");
  }

  [[nodiscard]] Status unmount(const std::string& folder, bool force) {
    if (!is_mounted(folder)) return {};
    const auto tried = run_command({"umount", folder});
    if (!is_mounted(folder)) return {};
    if (force) (void)run_command({"umount", "-l", folder});
    if (!is_mounted(folder)) return {};
    const auto holders = holders_of(folder);
    return Error(
        Code::kConflict,
        fmt::format("{} is in use{}{}; the volume stays attached", folder,
                    holders.empty() ? "" : " by ",
                    holders.empty() ? (tried.ok() ? ": " + tried->errors : "") : joined(holders)));
  }

  [[nodiscard]] Status undo_ublk(bool force) {
    TRY_ASSIGN(const std::string device, find_ublk(files_, data_, volume_));
    if (device.empty()) return {};
    if (!force) {
      if (!known_->mount.empty()) TRY(unmount(known_->mount, false));
      TRY(check_unused(device));
      return release_ublk(files_, data_, volume_, false);
    }
    // Who uses a device that nobody serves waits, and goes on when the server is there again.
    if (const Status unused = check_unused(device); !unused.ok() && !server_answers()) {
      return Error(Code::kConflict,
                   fmt::format("{}. It waits for the server: start that, and it goes on",
                               unused.error().message));
    }
    Status gone = release_ublk(files_, data_, volume_, false);
    if (!gone.ok() && gone.error().code == Code::kConflict) {
      gone = release_ublk(files_, data_, volume_, true);
    }
    TRY(std::move(gone));
    // Only now: unmounting would have waited for it.
    for (const std::string& point : mounts_of(device)) (void)run_command({"umount", "-l", point});
    return {};
  }

  [[nodiscard]] bool server_answers() const {
    return ask_server(data_, "GET", "/v1/status", "").ok();
  }

  [[nodiscard]] static Status check_unused(const std::string& device) {
    const auto mounts = mounts_of(device);
    if (!mounts.empty()) {
      return Error(Code::kConflict,
                   fmt::format("{} is mounted on {}; unmount it first", device, joined(mounts)));
    }
    const auto holders = holders_of(device);
    if (holders.empty()) return {};
    return Error(Code::kConflict, fmt::format("{} is open in {}; the volume stays attached", device,
                                              joined(holders)));
  }

  [[nodiscard]] Status release_device(const std::string& device, bool force) {
    if (!force) TRY(check_unused(device));
    for (const std::string& point : mounts_of(device)) (void)run_command({"umount", "-l", point});
    if (device.starts_with("/dev/nbd")) {
      TRY(run_command({"nbd-client", "-d", device}));
      return {};
    }
    (void)run_command({"blockdev", "--flushbufs", device});
    TRY(run_command({"losetup", "--detach", device}));
    const std::string disk = store_.disk_path(volume_);
    if (wait_until([&] { return loops_over(disk).empty(); }, kReadyTime)) return {};
    return Error(Code::kConflict, fmt::format("{} is still held by the kernel", device));
  }

  // What nbdfuse has not sent yet it sends before it ends.
  [[nodiscard]] Status wait_for_nbdfuse() {
    const std::string disk = store_.disk_path(volume_);
    const auto gone = [&] { return process_with_argument(disk) == 0; };
    if (wait_until(gone, kReadyTime)) return {};
    const pid_t process = process_with_argument(disk);
    if (process != 0) kill(process, SIGKILL);
    if (wait_until(gone, kReadyTime)) return {};
    return Error(Code::kTimeout, fmt::format("nbdfuse (process {}) does not end", process));
  }

  // The nbdfuse that serves exactly this file, or 0.
  [[nodiscard]] static pid_t process_with_argument(const std::string& argument) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
      const std::string name = entry.path().filename();
      if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::array<char, 8192> text{};
      const UniqueFd fd(open((entry.path() / "cmdline").c_str(), O_RDONLY | O_CLOEXEC));
      const ssize_t bytes = fd.valid() ? read(fd.get(), text.data(), text.size()) : 0;
      if (bytes <= 0) continue;
      const std::string_view line(text.data(), static_cast<size_t>(bytes));
      const bool nbdfuse = line.substr(0, line.find('\0')).ends_with("nbdfuse");
      const std::string whole = '\0' + argument + '\0';
      if (nbdfuse && line.find(whole) != std::string_view::npos) return std::stoi(name);
    }
    return 0;
  }

  [[nodiscard]] std::string log_end() const {
    io::PosixFileSystem files;
    const auto text = io::read_file(files, store_.log_path(volume_), 64 * kKiB);
    return text.ok() && !text->empty() ? to_string(*text) : "it said nothing";
  }

  io::FileSystem& files_;
  AttachmentStore store_;
  const std::string data_;
  const std::string volume_;
  std::unique_ptr<io::FileLock> lock_;
  std::optional<Attachment> known_;
};

Status check_same(const Attachment& known, const AttachRequest& request) {
  if (known.read_only != request.read_only) {
    return Error(Code::kConflict,
                 fmt::format("the volume '{}' is attached {} as {}; detach it first", known.volume,
                             known.read_only ? "read-only" : "for writing", known.device));
  }
  if (!request.mount.empty() && !known.mount.empty() && known.mount != request.mount) {
    return Error(Code::kConflict, fmt::format("the volume '{}' is mounted on {} already",
                                              known.volume, known.mount));
  }
  if (!request.mkfs.empty() && !known.mount.empty()) {
    return Error(Code::kConflict, fmt::format("the volume '{}' has a filesystem, mounted on {}",
                                              known.volume, known.mount));
  }
  return {};
}

// The filesystem and the mount that are asked for.
Status equip(Job& job, Attachment& attachment, const AttachRequest& request,
             uint64_t allocated_bytes) {
  if (!request.mkfs.empty()) {
    TRY(check_blank(attachment.device, allocated_bytes));
    TRY(run_or_fail({"mkfs." + request.mkfs, "-q", attachment.device}, std::chrono::minutes(10)));
  }
  if (request.mount.empty() || attachment.mount == request.mount) return {};
  return job.mount(attachment, request.mount);
}

}  // namespace

Result<std::string> choose_method(const std::string& wanted, std::string& why,
                                  std::string no_ublk) {
  if (no_ublk.empty()) no_ublk = ublk_lacks();
  if (wanted == "ublk" || wanted == "auto") {
    if (no_ublk.empty()) {
      why = "the kernel's ublk is here";
      return std::string("ublk");
    }
    if (wanted == "ublk") {
      return Error(Code::kUnsupported, no_ublk + "; the next best ways are --as nbd and --as fuse");
    }
  }
  std::string nbd_lacks;
  if (!fs::exists("/sys/module/nbd") && !fs::exists("/dev/nbd0")) {
    nbd_lacks = "this kernel has no NBD client (try: modprobe nbd)";
  } else if (!has_program("nbd-client")) {
    nbd_lacks = "nbd-client is not installed (Debian: nbd-client)";
  }
  std::string fuse_lacks;
  if (!fs::exists("/dev/fuse")) fuse_lacks = "this kernel has no FUSE";
  if (!fs::exists("/dev/loop-control")) fuse_lacks = "this kernel has no loop devices";
  if (!has_program("nbdfuse")) fuse_lacks = "nbdfuse is not installed (Debian: libnbd-bin, fuse3)";
  if (wanted != "fuse" && nbd_lacks.empty()) {
    why = "the kernel's own NBD client is here";
    return std::string("nbd");
  }
  if (wanted == "nbd") return Error(Code::kUnsupported, nbd_lacks);
  if (!fuse_lacks.empty()) {
    return Error(Code::kUnsupported, wanted == "fuse" ? fuse_lacks : nbd_lacks + "; " + fuse_lacks);
  }
  why = wanted == "fuse" ? "as asked" : nbd_lacks + "; FUSE and a loop device do it anywhere";
  return std::string("fuse");
}

Result<Attached> attach_volume(io::FileSystem& files, const AttachRequest& given) {
  AttachRequest request = given;
  if (!request.mount.empty()) {
    request.mount = fs::absolute(request.mount).lexically_normal().string();
    if (request.mount.size() > 1 && request.mount.ends_with('/')) request.mount.pop_back();
  }
  if (request.read_only && !request.mkfs.empty()) {
    return Error(Code::kInvalidArgument, "a filesystem cannot be made read-only");
  }
  Job job(files, request.data, request.volume);
  TRY(job.begin());
  TRY_ASSIGN(const nlohmann::json volume,
             ask_server(request.data, "GET", "/v1/volumes/" + request.volume, ""));
  const auto allocated = volume.value("allocated_bytes", uint64_t{0});
  Attached out;
  if (job.alive(volume)) {
    out.attachment = *job.known();
    out.already = true;
    out.why = "it was attached already";
    TRY(check_same(out.attachment, request));
    TRY(equip(job, out.attachment, request, allocated));
    return out;
  }
  if (job.known()) {
    // Left by a server or a program that was killed. What was mounted is mounted again.
    if (request.mount.empty() && request.mkfs.empty()) request.mount = job.known()->mount;
    TRY(job.undo(true));
  }
  TRY_ASSIGN(const std::string method, choose_method(request.method, out.why));
  TRY(check_rights(method));
  const std::string writer = volume.value("writer", "");
  if (!writer.empty() && !request.read_only) {
    return Error(
        Code::kConflict,
        fmt::format("the volume '{}' is in use for writing by {}; disconnect it, or attach "
                    "with --read-only",
                    request.volume, writer));
  }
  out.attachment = {.volume = request.volume,
                    .volume_id = volume.value("id", ""),
                    .token = new_token(),
                    .method = method,
                    .read_only = request.read_only,
                    .device = {},
                    .mount = {}};
  Status done = job.connect(out.attachment, request.ublk, out.why);
  const bool refused = !done.ok() && (done.error().code == Code::kUnsupported ||
                                      done.error().code == Code::kPermissionDenied);
  if (refused && request.method == "auto" && method == "ublk") {
    TRY_ASSIGN(out.attachment.method, choose_method("auto", out.why, done.error().message));
    done = check_rights(out.attachment.method);
    if (done.ok()) done = job.connect(out.attachment, request.ublk, out.why);
  }
  if (done.ok()) done = equip(job, out.attachment, request, allocated);
  if (done.ok()) return out;
  // Nothing stays behind of an attach that failed.
  job.remember(out.attachment);
  (void)job.undo(true);
  return done.error();
}

Result<bool> detach_volume(io::FileSystem& files, const std::string& data,
                           const std::string& volume) {
  Job job(files, data, volume);
  TRY(job.begin());
  if (!job.known()) return false;
  const auto shown = ask_server(data, "GET", "/v1/volumes/" + volume, "");
  TRY(job.undo(!shown.ok() || !job.alive(*shown)));
  return true;
}

}  // namespace strata::roof
