#include "strata/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "common/io/file_system.h"

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

Status apply_replicas(ServeOptions& into, Values values) {
  TRY_ASSIGN(into.replicas, number_between(values.front(), 1, kDrivesMax));
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

// A sixteenth of the machine's memory, within bounds: what a million small objects need, and not so
// much that it would be missed.
uint64_t default_index_cache() {
  constexpr uint64_t kLeast = 64 * kMiB;
  constexpr uint64_t kMost = kGiB;
  constexpr uint64_t kShare = 16;
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return kLeast;
  const uint64_t memory = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
  return std::clamp(memory / kShare, kLeast, kMost);
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

Status apply_volumes(ServeOptions& into, Values values) {
  if (values.size() > kListItemsMax) return bad(fmt::format("more than {} volumes", kListItemsMax));
  into.volumes.clear();
  for (const std::string& item : values) {
    const size_t colon = item.find(':');
    if (colon == std::string::npos || colon == 0) {
      return bad(fmt::format("'{}' is not NAME:SIZE, as in db:10G", item));
    }
    TRY_ASSIGN(const uint64_t size, parse_size(std::string_view(item).substr(colon + 1)));
    into.volumes.push_back({item.substr(0, colon), size});
  }
  return {};
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
    {.name = "volumes", .value_name = "NAME:SIZE", .default_value = "", .default_note = "none",
     .help = "Volumes to make at start unless they are there", .list = true,
     .apply = apply_volumes},
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

// Whoever must show a certificate or a key must not come in without: what lets clients be told
// apart makes TLS required, and no two of them may undo each other.
Status derive_nbd_tls(ServeOptions& options) {
  TlsFiles& files = options.nbd_tls_files;
  if (files.certificate.empty() != files.key.empty()) {
    return bad("TLS for NBD needs both --nbd-tls-cert and --nbd-tls-key");
  }
  if (files.certificate.empty() && files.psk.empty()) {
    files.certificate = options.tls_files.certificate;
    files.key = options.tls_files.key;
  }
  const bool has_certificate = !files.certificate.empty();
  if (!files.client_ca.empty() && !has_certificate) {
    return bad(
        "--nbd-tls-client-ca needs a certificate of the server: give --nbd-tls-cert and "
        "--nbd-tls-key");
  }
  if (!files.psk.empty() && has_certificate && files.client_ca.empty()) {
    return bad(
        "with --nbd-tls-psk and a certificate a client without a key could connect all the same: "
        "leave out --nbd-tls-cert, or add --nbd-tls-client-ca");
  }
  const bool authenticates = !files.psk.empty() || !files.client_ca.empty();
  if (!options.nbd_tls_given) {
    options.nbd_tls = authenticates     ? nbd::TlsMode::kRequired
                      : has_certificate ? nbd::TlsMode::kOptional
                                        : nbd::TlsMode::kOff;
  }
  if (options.nbd_tls != nbd::TlsMode::kOff && !has_certificate && files.psk.empty()) {
    return bad(
        "--nbd-tls needs --nbd-tls-cert and --nbd-tls-key, or --nbd-tls-psk; ./dev cert makes a "
        "certificate to try");
  }
  return {};
}

Status derive(ServeOptions& options) {
  if (options.data.empty()) return bad("--data: the name of the data folder is empty");
  options.drives_given = !options.drives.empty();
  if (!options.drives_given) {
    for (const char* name : {"drive1", "drive2", "drive3"}) {
      options.drives.push_back(io::join_path(options.data, name));
    }
  }
  if (options.kms_key_file.empty()) options.kms_key_file = io::join_path(options.data, "keys");
  if (options.index_cache_bytes == 0) options.index_cache_bytes = default_index_cache();
  if (!options.nbd_socket) {
    options.nbd_socket = io::join_path(options.data, "nbd.sock");
  } else if (*options.nbd_socket == "off") {
    options.nbd_socket.reset();
  }
  if (options.tls_files.certificate.empty() != options.tls_files.key.empty()) {
    return bad("TLS needs both --tls-cert and --tls-key");
  }
  TRY(derive_nbd_tls(options));
  const auto drives = static_cast<uint32_t>(options.drives.size());
  options.replicas_given = options.replicas != 0;
  if (options.replicas == 0) options.replicas = std::min<uint32_t>(drives, 3);
  if (options.replicas > drives) {
    return bad(
        fmt::format("{} replicas need {} drives, but there are {}: give more --drive "
                    "options or a smaller --replicas",
                    options.replicas, options.replicas, drives));
  }
  return {};
}

}  // namespace

bool ServeOptions::only_loopback() const {
  for (const std::optional<HostPort>* listener : {&s3, &admin, &nbd, &website}) {
    if (listener->has_value() && !(*listener)->is_loopback()) return false;
  }
  return true;
}

std::string OptionSpec::variable() const {
  std::string out = "STRATA_";
  for (const char c : name) {
    out.push_back(c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c));
  }
  return out;
}

std::string OptionSpec::key() const {
  std::string out(name);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

std::span<const OptionSpec> option_table() noexcept {
  return kTable;
}

std::optional<size_t> find_option_by_key(std::string_view key) noexcept {
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].key() == key) return i;
  }
  return std::nullopt;
}

Error listen_error(const Error& error, std::string_view option) {
  return Error(
      error.code, error.reason,
      fmt::format("{}; stop what listens there, or name another address with --{} HOST:PORT",
                  error.message, option));
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

void OptionValues::set(size_t option, Layer layer, std::vector<std::string> values) {
  Entry& entry = entries_.at(option);
  if (entry.given && entry.layer > layer) return;
  entry = {layer, std::move(values), true};
}

void OptionValues::read_environment(const std::function<const char*(const char*)>& get_variable) {
  for (size_t i = 0; i < kTable.size(); ++i) {
    const char* value = get_variable(kTable[i].variable().c_str());
    if (value == nullptr || *value == '\0') continue;
    set(i, Layer::kEnvironment,
        kTable[i].list ? split_list(value) : std::vector<std::string>{value});
  }
}

std::string OptionValues::origin(size_t option) const {
  switch (entries_.at(option).layer) {
    case Layer::kCommandLine:
      return fmt::format("--{}", kTable.at(option).name);
    case Layer::kEnvironment:
      return kTable.at(option).variable();
    case Layer::kFile:
      return fmt::format("key '{}' of the configuration file", kTable.at(option).key());
    case Layer::kDefault:
      break;
  }
  return fmt::format("the default of --{}", kTable.at(option).name);
}

Result<ServeOptions> OptionValues::resolve() const {
  ServeOptions options;
  options.threads = std::clamp<uint32_t>(std::thread::hardware_concurrency(), 1, 4);
  for (size_t i = 0; i < kTable.size(); ++i) {
    const Entry& entry = entries_.at(i);
    std::vector<std::string> values = entry.values;
    if (!entry.given && !kTable[i].default_value.empty()) {
      values.emplace_back(kTable[i].default_value);
    }
    if (values.empty()) continue;
    for (const std::string& value : values) {
      if (value.size() > kOptionBytesMax || value.find('\0') != std::string::npos) {
        return bad(fmt::format("{}: the value is longer than {} bytes or holds a zero byte",
                               origin(i), kOptionBytesMax));
      }
    }
    if (const Status applied = kTable[i].apply(options, values); !applied.ok()) {
      return applied.error().with_context(origin(i));
    }
  }
  TRY(derive(options));
  return options;
}

std::string_view nbd_tls_name(nbd::TlsMode mode) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"off", "optional", "required"};
  return kNames.at(static_cast<size_t>(mode));
}

std::string options_markdown() {
  std::string out =
      "| Option | Variable | TOML key | Default | Meaning |\n"
      "|---|---|---|---|---|\n";
  for (const OptionSpec& spec : kTable) {
    const std::string option =
        spec.on_command_line ? fmt::format("`--{} {}`", spec.name, spec.value_name) : "none";
    const std::string fallback = spec.default_note.empty() ? fmt::format("`{}`", spec.default_value)
                                                           : std::string(spec.default_note);
    out += fmt::format("| {} | `{}` | `{}` | {} | {}{} |\n", option, spec.variable(), spec.key(),
                       fallback, spec.help, spec.list ? " (a list)" : "");
  }
  return out;
}

}  // namespace strata::roof
