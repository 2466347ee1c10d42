// The keys of another S3 endpoint, found as AWS's own tools find them.
#include <fmt/format.h>

#include <cstdlib>

#include "common/io/posix_file_system.h"
#include "strata/s3_place.h"

namespace strata::roof {
namespace {

constexpr uint64_t kFileBytesMax = 256 * kKiB;

std::string text_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The keys of one "[profile]" of the file.
sigv4::Keys read_profile(std::string_view text, std::string_view profile) {
  sigv4::Keys keys;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('[')) {
      inside = line == fmt::format("[{}]", profile);
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    const std::string_view name = trim(line.substr(0, equals));
    const std::string value(trim(line.substr(equals + 1)));
    if (name == "aws_access_key_id") keys.access_key = value;
    if (name == "aws_secret_access_key") keys.secret = value;
    if (name == "aws_session_token") keys.session_token = value;
  }
  return keys;
}

}  // namespace

Result<sigv4::Keys> find_s3_keys() {
  sigv4::Keys keys{.access_key = text_variable("AWS_ACCESS_KEY_ID"),
                   .secret = text_variable("AWS_SECRET_ACCESS_KEY"),
                   .session_token = text_variable("AWS_SESSION_TOKEN")};
  if (!keys.access_key.empty() && !keys.secret.empty()) return keys;
  std::string path = text_variable("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = text_variable("HOME") + "/.aws/credentials";
  std::string profile = text_variable("AWS_PROFILE");
  if (profile.empty()) profile = "default";
  io::PosixFileSystem files;
  const auto text = io::read_file(files, path, kFileBytesMax);
  if (text.ok()) keys = read_profile(as_text(*text), profile);
  if (!keys.access_key.empty() && !keys.secret.empty()) return keys;
  return Error(Code::kUnauthenticated,
               fmt::format("no keys for the endpoint: give the server AWS_ACCESS_KEY_ID and "
                           "AWS_SECRET_ACCESS_KEY, or the profile '{}' in {}",
                           profile, path));
}

}  // namespace strata::roof
