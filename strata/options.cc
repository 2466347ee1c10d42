#include "strata/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "common/io/file_system.h"

namespace strata::roof {
namespace {

Error bad_options(std::string text) {
  return Error(Code::kInvalidArgument, std::move(text));
}

// Whoever must show a certificate or a key must not come in without: what lets clients be told
// apart makes TLS required, and no two of them may undo each other.
Status derive_nbd_tls(ServeOptions& options) {
  TlsFiles& files = options.nbd_tls_files;
  if (files.certificate.empty() != files.key.empty()) {
    return bad_options("TLS for NBD needs both --nbd-tls-cert and --nbd-tls-key");
  }
  if (files.certificate.empty() && files.psk.empty()) {
    files.certificate = options.tls_files.certificate;
    files.key = options.tls_files.key;
  }
  const bool has_certificate = !files.certificate.empty();
  if (!files.client_ca.empty() && !has_certificate) {
    return bad_options(
        "--nbd-tls-client-ca needs a certificate of the server: give --nbd-tls-cert and "
        "--nbd-tls-key");
  }
  if (!files.psk.empty() && has_certificate && files.client_ca.empty()) {
    return bad_options(
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
    return bad_options(
        "--nbd-tls needs --nbd-tls-cert and --nbd-tls-key, or --nbd-tls-psk; ./dev cert makes a "
        "certificate to try");
  }
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

Status derive(ServeOptions& options) {
  if (options.data.empty()) return bad_options("--data: the name of the data folder is empty");
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
    return bad_options("TLS needs both --tls-cert and --tls-key");
  }
  TRY(derive_nbd_tls(options));
  const auto drives = static_cast<uint32_t>(options.drives.size());
  options.replicas_given = options.replicas != 0;
  if (options.replicas == 0) options.replicas = std::min<uint32_t>(drives, 3);
  if (options.replicas > drives) {
    return bad_options(
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

std::optional<size_t> find_option_by_key(std::string_view key) noexcept {
  for (size_t i = 0; i < option_table().size(); ++i) {
    if (option_table()[i].key() == key) return i;
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
  for (size_t i = 0; i < option_table().size(); ++i) {
    const char* value = get_variable(option_table()[i].variable().c_str());
    if (value == nullptr || *value == '\0') continue;
    set(i, Layer::kEnvironment,
        option_table()[i].list ? split_list(value) : std::vector<std::string>{value});
  }
}

std::string OptionValues::origin(size_t option) const {
  switch (entries_.at(option).layer) {
    case Layer::kCommandLine:
      return fmt::format("--{}", option_table()[option].name);
    case Layer::kEnvironment:
      return option_table()[option].variable();
    case Layer::kFile:
      return fmt::format("key '{}' of the configuration file", option_table()[option].key());
    case Layer::kDefault:
      break;
  }
  return fmt::format("the default of --{}", option_table()[option].name);
}

Result<ServeOptions> OptionValues::resolve() const {
  ServeOptions options;
  options.threads = std::clamp<uint32_t>(std::thread::hardware_concurrency(), 1, 4);
  for (size_t i = 0; i < option_table().size(); ++i) {
    const Entry& entry = entries_.at(i);
    std::vector<std::string> values = entry.values;
    if (!entry.given && !option_table()[i].default_value.empty()) {
      values.emplace_back(option_table()[i].default_value);
    }
    if (values.empty()) continue;
    for (const std::string& value : values) {
      if (value.size() > kOptionBytesMax || value.find('\0') != std::string::npos) {
        return bad_options(fmt::format("{}: the value is longer than {} bytes or holds a zero byte",
                                       origin(i), kOptionBytesMax));
      }
    }
    if (const Status applied = option_table()[i].apply(options, values); !applied.ok()) {
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
  for (const OptionSpec& spec : option_table()) {
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
