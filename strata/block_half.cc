#include "strata/block_half.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "common/async/socket.h"
#include "common/codec/text.h"
#include "strata/data_folder.h"
#include "strata/socket_activation.h"

namespace strata::roof {
namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

constexpr std::string_view kServerIdFile = "server.id";
constexpr size_t kServerIdBytes = 8;

Status ensure_volume(volume::Catalog& catalog, const VolumeWish& wish) {
  const Result<volume::VolumeInfo> there = catalog.show(wish.name);
  if (there.ok()) {
    if (there->size_bytes == wish.size_bytes) return {};
    return Error(Code::kConflict,
                 fmt::format("volume {} is there with {} bytes, not {}: name its size, or take it "
                             "off the list of volumes to make at start",
                             wish.name, there->size_bytes, wish.size_bytes));
  }
  if (there.error().code != Code::kNotFound) return there.error();
  const Result<volume::VolumeInfo> made = catalog.create(wish.name, wish.size_bytes);
  if (!made.ok()) return made.error().with_context(fmt::format("cannot make volume {}", wish.name));
  return {};
}

bool is_unix_socket(int fd) {
  int domain = 0;
  socklen_t bytes = sizeof domain;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 && domain == AF_UNIX;
}

// What this server's claims on the chunks of snapshots are called: made once, the same at every
// start.
Result<std::string> server_id_of(io::FileSystem& files, const std::string& data,
                                 RandomSource& random) {
  const std::string path = io::join_path(data, kServerIdFile);
  const auto there = io::read_file(files, path, kServerIdBytes * 2);
  if (there.ok() && codec::from_hex(as_text(*there))) return to_string(*there);
  if (!there.ok() && there.error().code != Code::kNotFound) return there.error();
  std::array<std::byte, kServerIdBytes> raw;
  random.fill(raw);
  std::string id = codec::to_hex(Bytes(raw));
  TRY(io::write_file_atomic(files, path, as_bytes(id)));
  return id;
}

}  // namespace

BlockHalf::BlockHalf(io::FileSystem& files, metrics::Registry& registry,
                     std::unique_ptr<volume::Catalog> catalog)
    : files_(files), registry_(registry), catalog_(std::move(catalog)) {}

BlockHalf::~BlockHalf() = default;

Result<std::unique_ptr<BlockHalf>> BlockHalf::open(const ServeOptions& options,
                                                   io::FileSystem& files, const io::Clock& clock,
                                                   RandomSource& random,
                                                   metrics::Registry& registry,
                                                   MakeSnapshotPlace make_place) {
  TRY_ASSIGN(std::unique_ptr<volume::Catalog> catalog,
             volume::Catalog::open(files, volumes_path(options.data), clock, random,
                                   {.registry = &registry, .direct = options.volumes_direct}));
  for (const VolumeWish& wish : options.volumes) TRY(ensure_volume(*catalog, wish));
  volume::Catalog* volumes = catalog.get();
  std::unique_ptr<BlockHalf> self(new BlockHalf(files, registry, std::move(catalog)));
  TRY_ASSIGN(std::string server_id, server_id_of(files, options.data, random));
  self->snapshots_ = std::make_unique<snapshot::SnapshotService>(
      snapshot::SnapshotService::Ground{.files = files,
                                        .catalog = *volumes,
                                        .clock = clock,
                                        .server_id = std::move(server_id),
                                        .make_place = std::move(make_place)});
  volumes->set_hooks(self->snapshots_.get());
  TRY(self->snapshots_->start());
  self->exports_ = std::make_unique<SnapshotExports>(*volumes, *self->snapshots_);
  TRY_ASSIGN(self->vhost_, VhostExports::open({.files = files,
                                               .catalog = *volumes,
                                               .exports = *self->exports_,
                                               .registry = registry,
                                               .random = random},
                                              options.data));
  TRY_ASSIGN(self->all_exports_, MemoryExports::create(*self->exports_, options.memory_volumes));
  TRY_ASSIGN(
      self->ublk_,
      UblkDevices::open(
          {.files = files, .exports = *self->all_exports_, .registry = registry, .random = random},
          options.data));
  registry.gauge("strata_volumes", "Volumes in the catalogue.", {},
                 [volumes] { return static_cast<double>(volumes->exports().size()); });
  return self;
}

Status BlockHalf::start(const ServeOptions& options) {
  // First, for somebody may wait for them.
  ublk_->start();
  vhost_->start();
  std::vector<nbd::Listener> listeners;
  // Who may open a Unix socket is said by its file's mode; TLS is for who wants it.
  const nbd::TlsMode unix_tls =
      options.nbd_tls == nbd::TlsMode::kOff ? nbd::TlsMode::kOff : nbd::TlsMode::kOptional;
  if (options.nbd) {
    Result<async::Listener> listener = async::Listener::tcp(*options.nbd);
    if (!listener.ok()) return listen_error(listener.error(), "nbd");
    tcp_ = HostPort{options.nbd->host, listener->port()};
    listeners.push_back({listener->take(), options.nbd_tls});
  }
  if (options.nbd_socket) {
    TRY_ASSIGN(async::Listener listener, async::Listener::unix_socket(*options.nbd_socket));
    // Absolute, so that the URI that is shown works from any folder.
    socket_ = std::filesystem::absolute(*options.nbd_socket).lexically_normal().string();
    listeners.push_back({listener.take(), unix_tls});
  }
  TRY_ASSIGN(std::vector<UniqueFd> activated,
             take_activated_sockets({variable("LISTEN_PID"), variable("LISTEN_FDS")}, getpid()));
  for (UniqueFd& one : activated) {
    const nbd::TlsMode tls = is_unix_socket(one.get()) ? unix_tls : options.nbd_tls;
    listeners.push_back({std::move(one), tls});
  }
  if (listeners.empty()) return {};
  nbd::ServerOptions server_options;
  if (options.nbd_tls != nbd::TlsMode::kOff) {
    TRY_ASSIGN(certificate_, CertificateWatch::start(files_, options.nbd_tls_files, {}));
    server_options.tls = &certificate_->current();
  }
  server_options.threads = options.threads;
  server_options.connections_max = options.nbd_connections;
  server_options.export_connections_max = options.nbd_export_connections;
  server_options.memory_bytes_max = options.nbd_memory_bytes;
  server_options.export_bytes_max = options.nbd_export_memory_bytes;
  TRY_ASSIGN(server_,
             nbd::Server::start(std::move(listeners), *all_exports_, registry_, server_options));
  return {};
}

void BlockHalf::stop(Deadline deadline) {
  // What waits for a limit is answered at once: the drain has a deadline.
  catalog_->release_layers();
  ublk_->stop();
  vhost_->stop(deadline);
  if (server_) server_->stop(deadline);
  snapshots_->stop();
}

uint32_t BlockHalf::connections() const noexcept {
  return server_ ? server_->connections() : 0;
}

}  // namespace strata::roof
