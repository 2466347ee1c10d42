// KeyRing: the master keys that wrap the data keys of objects, kept in a file.
//
// A key has a name and generations; the newest wraps, all of them open. Nothing is ever taken out:
// an object may still need it. The file is lost means the objects are lost: keep a copy of it.
//
//   file := "strata keys 1" NL (line NL)* "check " sha256-hex NL
//   line := "key " name " " generation " " created " " base64-of-32-bytes
//
// The generation has 16 hex digits, the time is ISO 8601, the check is over all lines before it.
// The file is replaced as a whole and flushed before a new key is used.
//
// Thread rule: any thread. A change blocks on the file; it happens once in a key's life.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"

namespace strata::encryption {

inline constexpr size_t kKeysMax = 4000;  // generations of all names together
inline constexpr size_t kKeyFileBytesMax = 2 * kMiB;
// The key of SSE-S3, which clients do not name, and the one of SSE-KMS when none is named.
inline constexpr std::string_view kS3KeyName = "sse-s3";
inline constexpr std::string_view kDefaultKmsKeyName = "aws/s3";
inline constexpr std::string_view kNoSuchKeyReason = "no_such_encryption_key";

struct MasterKey {
  std::string name;
  std::string generation;
  io::WallTime created{};
  crypto::Secret secret;
};

// What may be told of a key.
struct KeyInfo {
  std::string name;
  std::string generation;  // the newest
  io::WallTime created{};  // the newest generation
  size_t generations = 0;
};

class KeyRing {
 public:
  // Reads the file, or makes one with the keys for SSE-S3 and for SSE-KMS by default. kCorrupt with
  // advice for a file that is damaged: nothing is made over it. files and clock outlive this,
  // random too and is fit for secrets.
  [[nodiscard]] static Result<std::unique_ptr<KeyRing>> open(io::FileSystem& files,
                                                             std::string path,
                                                             const io::Clock& clock,
                                                             RandomSource& random);

  // The generation that wraps. kNotFound/no_such_encryption_key.
  [[nodiscard]] Result<MasterKey> newest(std::string_view name) const;
  [[nodiscard]] Result<MasterKey> find(std::string_view name, std::string_view generation) const;
  [[nodiscard]] bool has(std::string_view name) const;

  // A new name. kAlreadyExists; kInvalidArgument for a name outside 1 to 256 of a-z A-Z 0-9 / _ -;
  // kTooLarge past kKeysMax.
  [[nodiscard]] Status create(std::string_view name);
  // A new generation of a name that is there.
  [[nodiscard]] Status rotate(std::string_view name);
  // By name.
  [[nodiscard]] std::vector<KeyInfo> list() const;

 private:
  KeyRing(io::FileSystem& files, std::string path, const io::Clock& clock, RandomSource& random);
  [[nodiscard]] Status add(std::string_view name);  // mutex_ is held

  io::FileSystem& files_;
  const std::string path_;
  const io::Clock& clock_;
  RandomSource& random_;
  mutable std::mutex mutex_;
  std::vector<MasterKey> keys_;  // guarded by mutex_; in the order in which they were made
};

// Exposed for the fuzzer and tests.
[[nodiscard]] std::string render_keys(const std::vector<MasterKey>& keys);
[[nodiscard]] Result<std::vector<MasterKey>> parse_keys(std::string_view text);
[[nodiscard]] Status check_key_name(std::string_view name);

}  // namespace strata::encryption
