// The options themselves: their names, their help, and how each is parsed.
#include "strata/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "blockdev/nbd/protocol.h"
#include "objstore/replica/membership.h"

namespace strata::roof {
namespace {

using Values = std::span<const std::string>;

Error bad(std::string text) {
  return Error(Code::kInvalidArgument, std::move(text));
}

Result<uint32_t> number_between(const std::string& text, uint32_t low, uint32_t high) {
  const auto value = parse_u64(text);
  if (!value || *value < low || *value > high) {
    return bad(fmt::format("'{}' is not a number from {} to {}", text, low, high));
  }
  return static_cast<uint32_t>(*value);
}

template <auto Member>
Status apply_text(ServeOptions& into, Values values) {
  into.*Member = values.front();
  return {};
}

template <auto Files, auto Member>
Status apply_file(ServeOptions& into, Values values) {
  (into.*Files).*Member = values.front();
  return {};
}

template <auto Member>
Status apply_listener(ServeOptions& into, Values values) {
  if (values.front() == "off") {
    (into.*Member).reset();
    return {};
  }
  Result<HostPort> address = parse_host_port(values.front());
  if (!address.ok()) return bad(address.error().message + ", or 'off'");
  into.*Member = std::move(*address);
  return {};
}

template <auto Member>
Status apply_duration(ServeOptions& into, Values values) {
  if (values.front() == "off") {
    (into.*Member).reset();
    return {};
  }
  const Result<uint64_t> duration = parse_duration_ms(values.front());
  if (!duration.ok() || *duration == 0) {
    return bad(fmt::format("'{}' is neither a time, as in 12h or 7d, nor 'off'", values.front()));
  }
  into.*Member = std::chrono::milliseconds(*duration);
  return {};
}

Status apply_lifecycle_day(ServeOptions& into, Values values) {
  const Result<uint64_t> length = parse_duration_ms(values.front());
  constexpr uint64_t kDayMsMin = 100;
  constexpr uint64_t kDayMsMax = 86'400'000;
  if (!length.ok() || *length < kDayMsMin || *length > kDayMsMax) {
    return bad(fmt::format("'{}' is not a time from 100ms to 24h", values.front()));
  }
  into.lifecycle_day = std::chrono::milliseconds(*length);
  return {};
}

Status apply_nbd_socket(ServeOptions& into, Values values) {
  into.nbd_socket = values.front();  // "off" is resolved once the data folder is known
  return {};
}

Status apply_drives(ServeOptions& into, Values values) {
  if (values.size() > kDrivesMax) return bad(fmt::format("more than {} drives", kDrivesMax));
  into.drives.assign(values.begin(), values.end());
  for (size_t i = 0; i < into.drives.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (into.drives[i] == into.drives[j]) {
        return bad(fmt::format("drive '{}' is named twice", into.drives[i]));
      }
    }
  }
  return {};
}

Status apply_accept_loss(ServeOptions& into, Values values) {
  if (values.size() > kDrivesMax) return bad(fmt::format("more than {} drives", kDrivesMax));
  for (const std::string& id : values) {
    const bool good = id.size() >= replica::kIdPrefixMin && id.size() <= 32 &&
                      id.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!good) {
      return bad(
          fmt::format("'{}' is not the id of a drive, or the beginning of one: the message "
                      "that says which drives are missing has it",
                      id));
    }
  }
  into.accept_loss.assign(values.begin(), values.end());
  return {};
}

Status apply_replicas(ServeOptions& into, Values values) {
  TRY_ASSIGN(into.replicas, number_between(values.front(), 1, kDrivesMax));
  return {};
}

Status apply_durability(ServeOptions& into, Values values) {
  if (values.front() != "strict" && values.front() != "relaxed") {
    return bad(fmt::format("'{}' is neither strict nor relaxed", values.front()));
  }
  into.relaxed = values.front() == "relaxed";
  return {};
}

Status apply_threads(ServeOptions& into, Values values) {
  TRY_ASSIGN(into.threads, number_between(values.front(), 1, kThreadsMax));
  return {};
}

Status apply_region(ServeOptions& into, Values values) {
  const std::string& region = values.front();
  const bool good = region.size() <= 64 && std::all_of(region.begin(), region.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (!good) return bad(fmt::format("'{}' is not a region name, as in us-east-1", region));
  into.region = region;
  return {};
}

template <auto Member>
Status apply_switch(ServeOptions& into, Values values) {
  if (values.front() != "on" && values.front() != "off") {
    return bad(fmt::format("'{}' is neither on nor off", values.front()));
  }
  into.*Member = values.front() == "on";
  return {};
}

Status apply_new_buckets(ServeOptions& into, Values values) {
  if (values.front() != "closed" && values.front() != "open") {
    return bad(fmt::format("'{}' is neither closed nor open", values.front()));
  }
  into.new_buckets_open = values.front() == "open";
  return {};
}

Status apply_nbd_tls(ServeOptions& into, Values values) {
  for (const nbd::TlsMode mode :
       {nbd::TlsMode::kOff, nbd::TlsMode::kOptional, nbd::TlsMode::kRequired}) {
    if (values.front() != nbd_tls_name(mode)) continue;
    into.nbd_tls = mode;
    into.nbd_tls_given = true;
    return {};
  }
  return bad(fmt::format("'{}' is none of off, optional, required", values.front()));
}

Status apply_log_level(ServeOptions& into, Values values) {
  constexpr std::array<std::pair<std::string_view, log::Level>, 5> kLevels = {{
      {"debug", log::Level::kDebug},
      {"info", log::Level::kInfo},
      {"warning", log::Level::kWarning},
      {"error", log::Level::kError},
      {"off", log::Level::kOff},
  }};
  for (const auto& [name, level] : kLevels) {
    if (values.front() == name) {
      into.log_level = level;
      return {};
    }
  }
  return bad(fmt::format("'{}' is none of debug, info, warning, error, off", values.front()));
}

Status apply_log_format(ServeOptions& into, Values values) {
  if (values.front() == "human") {
    into.log_format = log::Format::kHuman;
  } else if (values.front() == "json") {
    into.log_format = log::Format::kJson;
  } else {
    return bad(fmt::format("'{}' is neither human nor json", values.front()));
  }
  return {};
}

Status apply_index_cache(ServeOptions& into, Values values) {
  TRY_ASSIGN(const uint64_t bytes, parse_size(values.front()));
  if (bytes < kIndexCacheBytesMin || bytes > kIndexCacheBytesMax) {
    return bad(fmt::format("'{}' is not between 8M and 1T", values.front()));
  }
  into.index_cache_bytes = bytes;
  return {};
}

Status apply_domains(ServeOptions& into, Values values) {
  if (values.size() > kListItemsMax) return bad(fmt::format("more than {} names", kListItemsMax));
  into.domains.assign(values.begin(), values.end());
  return {};
}

Status apply_buckets(ServeOptions& into, Values values) {
  if (values.size() > kListItemsMax) return bad(fmt::format("more than {} names", kListItemsMax));
  into.buckets.assign(values.begin(), values.end());
  return {};
}

template <auto Member>
Status apply_volumes(ServeOptions& into, Values values) {
  if (values.size() > kListItemsMax) return bad(fmt::format("more than {} volumes", kListItemsMax));
  (into.*Member).clear();
  for (const std::string& item : values) {
    const size_t colon = item.find(':');
    if (colon == std::string::npos || colon == 0) {
      return bad(fmt::format("'{}' is not NAME:SIZE, as in db:10G", item));
    }
    TRY_ASSIGN(const uint64_t size, parse_size(std::string_view(item).substr(colon + 1)));
    (into.*Member).push_back({item.substr(0, colon), size});
  }
  return {};
}

Status apply_volume_cache(ServeOptions& into, Values values) {
  if (values.front() != "direct" && values.front() != "page") {
    return bad(fmt::format("'{}' is neither direct nor page", values.front()));
  }
  into.volumes_direct = values.front() == "direct";
  return {};
}

template <auto Member>
Status apply_connections(ServeOptions& into, Values values) {
  TRY_ASSIGN(into.*Member, number_between(values.front(), 1, kNbdConnectionsMax));
  return {};
}

template <auto Member>
Status apply_nbd_memory(ServeOptions& into, Values values) {
  TRY_ASSIGN(into.*Member, parse_size(values.front()));
  if (into.*Member >= nbd::kPayloadBytesMax) return {};
  return bad("at least 32M, for one request may be so long");
}

Status apply_root_user(ServeOptions& into, Values values) {
  const std::string& user = values.front();
  const bool good = user.size() >= kUserBytesMin && user.size() <= 128 &&
                    user.find_first_of("/,=: \t") == std::string::npos;
  if (!good) return bad("an access key has 3 to 128 characters, none of them / , = : or a space");
  into.root_user = user;
  return {};
}

Status apply_root_password(ServeOptions& into, Values values) {
  if (values.front().size() < kPasswordBytesMin || values.front().size() > 128) {
    return bad("a secret key has 8 to 128 characters");
  }
  into.root_password = values.front();
  return {};
}

// clang-format off
constexpr std::array<OptionSpec, kOptionCount> kTable = {{
    {.name = "data", .value_name = "DIR", .default_value = "./strata-data", .default_note = "",
     .help = "Folder that holds everything: volumes, sockets, and the drives unless named",
     .apply = apply_text<&ServeOptions::data>},
    {.name = "drive", .value_name = "DIR", .default_value = "",
     .default_note = "`DIR/drive1` to `DIR/drive3`",
     .help = "Folder of one drive for objects; repeat it, one for each real disk", .list = true,
     .apply = apply_drives},
    {.name = "replicas", .value_name = "R", .default_value = "",
     .default_note = "the number of drives, at most 3",
     .help = "Copies of each object, each on another drive", .apply = apply_replicas},
    {.name = "durability", .value_name = "MODE", .default_value = "strict", .default_note = "",
     .help = "When a success is answered: once it is flushed on all its drives (strict), or up to "
             "1 s before that (relaxed)",
     .apply = apply_durability},
    {.name = "accept-loss", .value_name = "ID", .default_value = "", .default_note = "none",
     .help = "Drive that is gone for good: start without it, what only it had is lost",
     .list = true, .apply = apply_accept_loss},
    {.name = "s3", .value_name = "HOST:PORT", .default_value = "127.0.0.1:9000",
     .default_note = "", .help = "Where S3 is served; `off` serves none",
     .apply = apply_listener<&ServeOptions::s3>},
    {.name = "admin", .value_name = "HOST:PORT", .default_value = "127.0.0.1:9001",
     .default_note = "", .help = "Where health and metrics are served; `off` serves none",
     .apply = apply_listener<&ServeOptions::admin>},
    {.name = "nbd", .value_name = "HOST:PORT", .default_value = "127.0.0.1:10809",
     .default_note = "",
     .help = "Where volumes are served over TCP; `off` serves none",
     .apply = apply_listener<&ServeOptions::nbd>},
    {.name = "nbd-socket", .value_name = "PATH", .default_value = "",
     .default_note = "`DIR/nbd.sock`",
     .help = "Unix socket on which volumes are served; `off` serves none",
     .apply = apply_nbd_socket},
    {.name = "nbd-connections", .value_name = "N", .default_value = "256", .default_note = "",
     .help = "NBD connections at a time; more are closed at once",
     .apply = apply_connections<&ServeOptions::nbd_connections>},
    {.name = "nbd-export-connections", .value_name = "N", .default_value = "",
     .default_note = "as many as of all", .help = "NBD connections of one volume at a time",
     .apply = apply_connections<&ServeOptions::nbd_export_connections>},
    {.name = "nbd-memory", .value_name = "SIZE", .default_value = "1G", .default_note = "",
     .help = "Memory for the requests of all NBD connections, shared by the threads",
     .apply = apply_nbd_memory<&ServeOptions::nbd_memory_bytes>},
    {.name = "nbd-export-memory", .value_name = "SIZE", .default_value = "",
     .default_note = "as much as of all", .help = "The same for the connections of one volume",
     .apply = apply_nbd_memory<&ServeOptions::nbd_export_memory_bytes>},
    {.name = "region", .value_name = "NAME", .default_value = "us-east-1", .default_note = "",
     .help = "Region that buckets report and signatures name", .apply = apply_region},
    {.name = "domain", .value_name = "NAME", .default_value = "localhost", .default_note = "",
     .help = "Name under which `BUCKET.NAME` addresses a bucket; path style always works",
     .list = true, .apply = apply_domains},
    {.name = "tls-cert", .value_name = "FILE", .default_value = "", .default_note = "none: no TLS",
     .help = "Certificate of the S3 listener, with its chain, in PEM; read again when it changes",
     .apply = apply_file<&ServeOptions::tls_files, &TlsFiles::certificate>},
    {.name = "tls-key", .value_name = "FILE", .default_value = "", .default_note = "none",
     .help = "Private key of the certificate, in PEM, without a passphrase",
     .apply = apply_file<&ServeOptions::tls_files, &TlsFiles::key>},
    {.name = "nbd-tls", .value_name = "MODE", .default_value = "",
     .default_note = "as the files say, see TLS",
     .help = "Whether NBD over TCP is under TLS: off, optional (for who asks) or required",
     .apply = apply_nbd_tls},
    {.name = "nbd-tls-cert", .value_name = "FILE", .default_value = "",
     .default_note = "that of `--tls-cert`",
     .help = "Certificate of the NBD listeners, with its chain, in PEM; read again when it changes",
     .apply = apply_file<&ServeOptions::nbd_tls_files, &TlsFiles::certificate>},
    {.name = "nbd-tls-key", .value_name = "FILE", .default_value = "",
     .default_note = "that of `--tls-key`",
     .help = "Private key of the certificate, in PEM, without a passphrase",
     .apply = apply_file<&ServeOptions::nbd_tls_files, &TlsFiles::key>},
    {.name = "nbd-tls-client-ca", .value_name = "FILE", .default_value = "",
     .default_note = "none: any client",
     .help = "Authorities, in PEM, one of which must have signed a client's certificate",
     .apply = apply_file<&ServeOptions::nbd_tls_files, &TlsFiles::client_ca>},
    {.name = "nbd-tls-psk", .value_name = "FILE", .default_value = "", .default_note = "none",
     .help = "Pre-shared keys of NBD clients, one `identity:hexkey` a line, as psktool writes them",
     .apply = apply_file<&ServeOptions::nbd_tls_files, &TlsFiles::psk>},
    {.name = "sigv2", .value_name = "SWITCH", .default_value = "off", .default_note = "",
     .help = "Whether the old Signature Version 2 is believed (`on` or `off`)",
     .apply = apply_switch<&ServeOptions::sigv2>},
    {.name = "log-level", .value_name = "LEVEL", .default_value = "info", .default_note = "",
     .help = "Least level written: debug, info (one line a request), warning, error or off",
     .apply = apply_log_level},
    {.name = "log-format", .value_name = "FORMAT", .default_value = "human", .default_note = "",
     .help = "Log lines for people (human) or programs (json), on standard error",
     .apply = apply_log_format},
    {.name = "threads", .value_name = "N", .default_value = "",
     .default_note = "the number of cores, at most 4",
     .help = "Event loops for S3, and as many queue threads for volumes", .apply = apply_threads},
    {.name = "index-cache", .value_name = "SIZE", .default_value = "",
     .default_note = "1/16 of the memory, 64M to 1G",
     .help = "Memory for records and small objects that are read, over all drives",
     .apply = apply_index_cache},
    {.name = "buckets", .value_name = "NAME", .default_value = "", .default_note = "none",
     .help = "Buckets to make at start unless they are there", .list = true,
     .apply = apply_buckets},
    {.name = "new-buckets", .value_name = "MODE", .default_value = "closed", .default_note = "",
     .help = "New buckets are as on AWS since April 2023 (closed), or as before, with access "
             "control lists and without a public access block (open)",
     .apply = apply_new_buckets},
    {.name = "volumes", .value_name = "NAME:SIZE", .default_value = "", .default_note = "none",
     .help = "Volumes to make at start unless they are there", .list = true,
     .apply = apply_volumes<&ServeOptions::volumes>},
    {.name = "memory-volumes", .value_name = "NAME:SIZE", .default_value = "",
     .default_note = "none",
     .help = "Volumes in memory, kept nowhere, to measure what the wire costs", .list = true,
     .apply = apply_volumes<&ServeOptions::memory_volumes>},
    {.name = "volume-cache", .value_name = "MODE", .default_value = "direct", .default_note = "",
     .help = "How images are used: direct, or through the page cache (page)",
     .apply = apply_volume_cache},
    {.name = "scrub-period", .value_name = "TIME", .default_value = "7d", .default_note = "",
     .help = "Time in which every copy of everything is verified once; `off`: only when asked",
     .apply = apply_duration<&ServeOptions::scrub_period>},
    {.name = "multipart-expiry", .value_name = "TIME", .default_value = "7d", .default_note = "",
     .help = "Age at which unfinished multipart uploads are removed; `off` keeps them",
     .apply = apply_duration<&ServeOptions::multipart_expiry>},
    {.name = "website", .value_name = "HOST:PORT", .default_value = "off", .default_note = "",
     .help = "Where buckets are served as websites, to everybody; `off` serves none",
     .apply = apply_listener<&ServeOptions::website>},
    {.name = "kms-key-file", .value_name = "PATH", .default_value = "",
     .default_note = "`DIR/keys`",
     .help = "File of the master keys of encrypted objects, made if it is missing",
     .apply = apply_text<&ServeOptions::kms_key_file>},
    {.name = "lifecycle-day", .value_name = "TIME", .default_value = "24h", .default_note = "",
     .help = "How long a day of lifecycle rules is; less than 24h to try rules out",
     .apply = apply_lifecycle_day},
    {.name = "root-user", .value_name = "NAME", .default_value = "",
     .default_note = "see Credentials", .help = "Access key of the owner",
     .on_command_line = false, .apply = apply_root_user},
    {.name = "root-password", .value_name = "SECRET", .default_value = "",
     .default_note = "see Credentials", .help = "Secret key of the owner",
     .on_command_line = false, .apply = apply_root_password},
}};
// clang-format on

}  // namespace

std::span<const OptionSpec> option_table() noexcept {
  return kTable;
}

}  // namespace strata::roof
