#include "strata/house.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/async/socket.h"
#include "common/base/log.h"
#include "common/io/posix_file_system.h"
#include "strata/control_access.h"
#include "strata/control_drives.h"
#include "strata/control_exports.h"
#include "strata/control_keys.h"
#include "strata/control_scrub.h"
#include "strata/control_snapshots.h"
#include "strata/control_ublk.h"
#include "strata/control_verify.h"
#include "strata/control_volumes.h"
#include "strata/control_workers.h"
#include "strata/process.h"
#include "strata/snapshot_places.h"
#include "strata/version.h"

namespace strata::roof {
namespace {

// Threads for code that blocks: drives wait for flushes, so more of them than cores.
constexpr size_t kPoolThreads = 16;
// Workers' steps are short; one that is not ends before the drives are closed.
constexpr std::chrono::seconds kCrewStop{5};

}  // namespace

House::House(ServeOptions options, Credentials credentials)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      files_(std::make_unique<io::PosixFileSystem>()) {}

House::~House() = default;

Result<std::unique_ptr<House>> House::start(ServeOptions options, Credentials credentials) {
  std::unique_ptr<House> self(new House(std::move(options), std::move(credentials)));
  TRY(self->open_rooms());
  self->add_gauges();
  TRY(self->open_servers());
  self->ready_ms_.store(process_age().count(), std::memory_order_relaxed);
  return self;
}

Status House::open_rooms() {
  TRY_ASSIGN(data_folder_, DataFolder::open(*files_, options_.data, getpid()));
  pool_ = std::make_unique<async::BlockingPool>("pool", kPoolThreads);
  TRY_ASSIGN(loops_, LoopThreads::start(options_.threads));
  TRY_ASSIGN(drive_list_,
             DriveList::open(*files_, options_.data, options_.drives, !options_.drives_given));
  const ObjectHalf::Ground ground{*files_, clock_,    random_,     *pool_,
                                  *loops_, registry_, *drive_list_};
  ServeOptions options = options_;
  options.drives = drive_list_->paths();
  TRY_ASSIGN(objects_, ObjectHalf::open(options, credentials_, ground));
  crew_ = std::make_unique<worker::Crew>(*files_, workers_path(options_.data), clock_);
  for (const worker::Job& job : objects_->workers()) crew_->add(*job.worker, job.default_rate);
  TRY_ASSIGN(blocks_,
             BlockHalf::open(options_, *files_, clock_, random_, registry_,
                             snapshot_places(*objects_, *loops_, clock_, options_.region)));
  for (const worker::Job& job : blocks_->snapshots().workers()) {
    crew_->add(*job.worker, job.default_rate);
  }
  return {};
}

Result<std::unique_ptr<WebServer>> House::open_web(const char* wire, const HostPort& address,
                                                   http::Handler& handler,
                                                   const tls::CurrentContext* tls) {
  Result<async::Listener> listener = async::Listener::tcp(address);
  if (!listener.ok()) return listen_error(listener.error(), wire);
  return std::make_unique<WebServer>(wire, *loops_, std::move(*listener), handler, registry_,
                                     http::ServerLimits{}, tls);
}

Status House::open_servers() {
  admin_handler_ = std::make_unique<AdminHandler>(registry_, [this] { return readiness(); });
  control_handler_ =
      std::make_unique<ControlHandler>(*pool_, [this] { return status_json(status()); });
  control_handler_->mount(kVolumesPath, with_ublk(with_exports(volumes_route(blocks_->catalog()),
                                                               blocks_->vhost_exports()),
                                                  blocks_->ublk_devices()));
  control_handler_->mount(kUblkPath, ublk_route(blocks_->ublk_devices()));
  control_handler_->mount(kExportsPath, exports_route(blocks_->vhost_exports()));
  control_handler_->mount(kSnapshotsPath, snapshots_route(blocks_->snapshots(), *crew_));
  control_handler_->mount(kWorkersPath, workers_route(*crew_));
  control_handler_->mount(kVerifyPath, verify_route(objects_->inspector(), draining_));
  control_handler_->mount(kScrubPath, scrub_route(*crew_, objects_->scrub()));
  const AccessGround access{objects_->directory(), objects_->objects(), *loops_, clock_, random_};
  control_handler_->mount(kExplainAccessPath, explain_access_route(access));
  control_handler_->mount(kAccountsPath, accounts_route(access));
  control_handler_->mount(kUsersPath, users_route(access));
  control_handler_->mount(kDrivesPath, drives_route(objects_->drives(), *files_, *drive_list_));
  control_handler_->mount(kKeysPath, keys_route(objects_->keys()));
  // Every port is bound before the first is served: a start that fails has answered nobody.
  if (!options_.tls_files.certificate.empty()) {
    TRY_ASSIGN(certificate_, CertificateWatch::start(*files_, options_.tls_files, {"http/1.1"}));
  }
  if (options_.s3) {
    const tls::CurrentContext* tls = certificate_ ? &certificate_->current() : nullptr;
    TRY_ASSIGN(s3_server_, open_web("s3", *options_.s3, objects_->handler(), tls));
  }
  if (options_.website) {
    TRY_ASSIGN(website_server_,
               open_web("website", *options_.website, objects_->website(), nullptr));
  }
  if (options_.admin) {
    TRY_ASSIGN(admin_server_, open_web("admin", *options_.admin, *admin_handler_, nullptr));
  }
  TRY_ASSIGN(async::Listener control,
             async::Listener::unix_socket(control_socket_path(options_.data), 0600));
  control_server_ = std::make_unique<WebServer>("control", *loops_, std::move(control),
                                                *control_handler_, registry_, http::ServerLimits{});
  TRY(blocks_->start(options_));
  if (s3_server_) s3_server_->start();
  if (website_server_) website_server_->start();
  if (admin_server_) admin_server_->start();
  control_server_->start();
  crew_->start();
  return {};
}

void House::stop(Deadline deadline) {
  draining_.store(true, std::memory_order_release);
  if (const Status stopped = crew_->stop(deadline.earlier(Deadline::after(kCrewStop)));
      !stopped.ok()) {
    log::warning("workers.stop", {{"error", stopped.error().to_string()}});
  }
  if (s3_server_) s3_server_->stop(deadline);
  if (website_server_) website_server_->stop(deadline);
  blocks_->stop(deadline);
  // Last, so that health and status answer while the others drain.
  control_server_->stop(deadline);
  if (admin_server_) admin_server_->stop(deadline);
}

Readiness House::readiness() const {
  if (draining_.load(std::memory_order_acquire)) return {false, "shutting down"};
  const replica::StoreStatus store = objects_->status();
  const uint32_t in_service = store.drives_in_service();
  if (in_service < store.write_quorum) {
    return {false, std::to_string(in_service) + " drives in service, " +
                       std::to_string(store.write_quorum) + " needed to write"};
  }
  return {true, "ready"};
}

std::vector<ListenerStatus> House::listeners() const {
  const BannerFacts bound = facts();
  std::vector<ListenerStatus> out;
  if (bound.s3) out.push_back({"s3", bound.s3->to_string()});
  if (bound.website) out.push_back({"website", bound.website->to_string()});
  if (bound.admin) out.push_back({"admin", bound.admin->to_string()});
  if (bound.nbd) out.push_back({"nbd", bound.nbd->to_string()});
  if (bound.nbd_socket) out.push_back({"nbd_socket", *bound.nbd_socket});
  out.push_back({"control", control_socket_path(options_.data)});
  return out;
}

ServerStatus House::status() const {
  ServerStatus out;
  out.version = kVersion;
  out.process_id = getpid();
  out.data = options_.data;
  out.resident_bytes = resident_bytes();
  out.ready_ms = ready_ms_.load(std::memory_order_relaxed);
  out.uptime_ms = process_age().count();
  out.store = objects_->status();
  out.durability = durability_words(out.store);
  out.volumes = blocks_->catalog().list();
  out.listeners = listeners();
  out.nbd_tls = nbd_tls_name(options_.nbd_tls);
  for (const WebServer* server : {s3_server_.get(), website_server_.get(), admin_server_.get()}) {
    if (server != nullptr) out.http_connections += server->connections();
  }
  out.nbd_connections = blocks_->connections();
  return out;
}

BannerFacts House::facts() const {
  BannerFacts out;
  out.version = kVersion;
  out.data = options_.data;
  if (s3_server_) out.s3 = HostPort{options_.s3->host, s3_server_->port()};
  if (website_server_) out.website = HostPort{options_.website->host, website_server_->port()};
  if (admin_server_) out.admin = HostPort{options_.admin->host, admin_server_->port()};
  out.s3_tls = certificate_ != nullptr;
  out.nbd = blocks_->tcp();
  out.nbd_tls = options_.nbd_tls;
  out.nbd_socket = blocks_->socket();
  for (const device::ExportInfo& volume : blocks_->catalog().exports()) {
    out.volumes.push_back(volume.name);
  }
  out.region = options_.region;
  out.credentials = credentials_;
  out.store = objects_->status();
  out.ready_ms = ready_ms_.load(std::memory_order_relaxed);
  return out;
}

void House::add_gauges() {
  registry_.gauge("strata_resident_memory_bytes", "Physical memory in use.", {},
                  [] { return static_cast<double>(resident_bytes()); });
  registry_.gauge("strata_drives_in_service", "Drives that serve objects.", {},
                  [this] { return static_cast<double>(objects_->status().drives_in_service()); });
  registry_.gauge("strata_durability_relaxed",
                  "1 while a success may be answered before it is flushed (--durability relaxed).",
                  {}, [this] { return objects_->status().relaxed ? 1.0 : 0.0; });
  registry_.gauge("strata_corrupt_found", "Bad copies met since the start.", {},
                  [this] { return static_cast<double>(objects_->status().corrupt_found); });
  registry_.gauge("strata_corrupt_healed", "Bad copies replaced from a good one.", {},
                  [this] { return static_cast<double>(objects_->status().corrupt_healed); });
  registry_.gauge("strata_hedged_reads", "Reads that were asked of another drive too.", {},
                  [this] { return static_cast<double>(objects_->status().hedged_reads); });
  add_worker_gauges(registry_, *crew_, objects_->scrub());
  for (const std::string& path : drive_list_->paths()) {
    const auto drive = [this, path]() {
      for (const replica::DriveStatus& one : objects_->status().drives) {
        if (one.path == path) return one;
      }
      return replica::DriveStatus{};
    };
    const metrics::Labels labels = {{"drive", path}};
    registry_.gauge("strata_drive_capacity_bytes", "Size of the drive's filesystem.", labels,
                    [drive] { return static_cast<double>(drive().capacity_bytes); });
    registry_.gauge("strata_drive_available_bytes", "Bytes free for this program.", labels,
                    [drive] { return static_cast<double>(drive().available_bytes); });
    registry_.gauge("strata_drive_in_service", "1 while the drive serves.", labels,
                    [drive] { return drive().in_service ? 1.0 : 0.0; });
    registry_.gauge("strata_drive_suspect", "1 while the drive is asked last: its reads take long.",
                    labels, [drive] { return drive().suspect ? 1.0 : 0.0; });
  }
}

}  // namespace strata::roof
