// The options of `strata serve`: one table, from which come the command line, the STRATA_*
// variables, the keys of the TOML file and the table in docs/configuration.md.
//
// Precedence: command line, then environment, then file, then default. A list given in a higher
// layer replaces the list of a lower one as a whole.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "blockdev/nbd/negotiation.h"
#include "common/base/bytes.h"
#include "common/base/log.h"
#include "common/base/parse.h"
#include "common/base/result.h"
#include "strata/tls_files.h"

namespace strata::roof {

inline constexpr size_t kDrivesMax = 32;
inline constexpr size_t kThreadsMax = 64;
inline constexpr size_t kListItemsMax = 1000;    // of any list but the drives
inline constexpr size_t kOptionBytesMax = 4096;  // one value
inline constexpr size_t kConfigBytesMax = kMiB;  // the TOML file
// Of the memory for what is read of the drives' indexes.
inline constexpr uint64_t kIndexCacheBytesMin = 8 * kMiB;
inline constexpr uint64_t kIndexCacheBytesMax = kTiB;
inline constexpr uint32_t kNbdConnectionsMax = 65536;
inline constexpr size_t kUserBytesMin = 3;
inline constexpr size_t kPasswordBytesMin = 8;

struct VolumeWish {
  std::string name;
  uint64_t size_bytes = 0;
};

// The options, parsed and complete. A listener that is absent is switched off.
struct ServeOptions {
  std::string data;
  std::vector<std::string> drives;       // folders; never empty
  bool drives_given = false;             // else they are the data folder's own
  uint32_t replicas = 0;                 // 1 to the number of drives
  bool replicas_given = false;           // else it is only for drives that are new
  std::vector<std::string> accept_loss;  // ids of drives that are gone for good
  bool relaxed = false;                  // a success need not be flushed yet
  std::optional<HostPort> s3;
  std::optional<HostPort> admin;
  std::optional<HostPort> website;
  std::optional<HostPort> nbd;
  std::optional<std::string> nbd_socket;
  std::string region;
  std::vector<std::string> domains;           // BUCKET.DOMAIN addresses a bucket
  TlsFiles tls_files;                         // for S3; certificate and key, or neither
  nbd::TlsMode nbd_tls = nbd::TlsMode::kOff;  // of the TCP listener
  bool nbd_tls_given = false;
  TlsFiles nbd_tls_files;
  uint32_t nbd_connections = 0;          // of all exports
  uint32_t nbd_export_connections = 0;   // of one; 0: those of all
  uint64_t nbd_memory_bytes = 0;         // buffers of all connections
  uint64_t nbd_export_memory_bytes = 0;  // of those of one export; 0: that of all
  std::vector<VolumeWish> memory_volumes;
  bool volumes_direct = true;  // images bypass the page cache
  bool sigv2 = false;
  bool new_buckets_open = false;  // access control lists count in them, nothing is blocked
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kHuman;
  uint32_t threads = 1;
  size_t index_cache_bytes = 0;
  std::vector<std::string> buckets;
  std::vector<VolumeWish> volumes;
  std::optional<std::chrono::milliseconds> scrub_period;      // absent: only when asked
  std::optional<std::chrono::milliseconds> multipart_expiry;  // absent: uploads stay
  std::string kms_key_file;                                   // master keys of encrypted objects
  std::chrono::milliseconds lifecycle_day{};                  // how long a lifecycle rule's day is
  std::string root_user;                                      // empty: not given under this name
  std::string root_password;                                  // secret: never printed

  // True while no TCP listener can be reached from another machine.
  [[nodiscard]] bool only_loopback() const;
};

// Where a value came from, lowest precedence first.
enum class Layer { kDefault, kFile, kEnvironment, kCommandLine };

struct OptionSpec {
  std::string_view name;           // "nbd-socket": --nbd-socket, STRATA_NBD_SOCKET, nbd_socket
  std::string_view value_name;     // "HOST:PORT"
  std::string_view default_value;  // as parsed; empty: derived, see default_note
  std::string_view default_note;   // what the docs say instead of default_value, if not empty
  std::string_view help;           // one sentence without a full stop
  bool list = false;               // repeated options, comma-separated variable, TOML array
  bool on_command_line = true;     // false for secrets: command lines are visible to every user
  // Parses the values into the options. The error says what is wrong with the value only.
  Status (*apply)(ServeOptions& into, std::span<const std::string> values) = nullptr;

  [[nodiscard]] std::string variable() const;  // "STRATA_NBD_SOCKET"
  [[nodiscard]] std::string key() const;       // "nbd_socket"
};

[[nodiscard]] std::span<const OptionSpec> option_table() noexcept;
// Position in the table, or nullopt. `key` is the TOML key.
[[nodiscard]] std::optional<size_t> find_option_by_key(std::string_view key) noexcept;

inline constexpr size_t kOptionCount = 39;

// Values as text, each from the highest layer that gave one.
class OptionValues {
 public:
  // Keeps the values unless a higher layer has already given some.
  void set(size_t option, Layer layer, std::vector<std::string> values);
  // Takes every STRATA_* variable of the table that is set and not empty.
  void read_environment(const std::function<const char*(const char*)>& get_variable);
  // Parses everything and derives what was left open. kInvalidArgument says where the bad value
  // came from and what would be good.
  [[nodiscard]] Result<ServeOptions> resolve() const;

 private:
  struct Entry {
    Layer layer = Layer::kDefault;
    std::vector<std::string> values;
    bool given = false;
  };
  [[nodiscard]] std::string origin(size_t option) const;
  std::array<Entry, kOptionCount> entries_;
};

// Reads the TOML text into the file layer. kInvalidArgument names the line for a syntax error, and
// the key for one that is unknown or has a value of the wrong type. `name` is the file's, for
// messages.
[[nodiscard]] Status read_toml(std::string_view text, std::string_view name, OptionValues& into);

// "off", "optional" or "required", as --nbd-tls takes it.
[[nodiscard]] std::string_view nbd_tls_name(nbd::TlsMode mode) noexcept;

// The table of docs/configuration.md, in Markdown.
[[nodiscard]] std::string options_markdown();

// The error of a listener that could not be opened, with which option names another address.
[[nodiscard]] Error listen_error(const Error& error, std::string_view option);

// "a,b , c" -> a b c; empty items are dropped.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

}  // namespace strata::roof
