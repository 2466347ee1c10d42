// The text of the key file: see key_ring.h for its grammar.
#include <fmt/format.h>

#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/encryption/envelope.h"
#include "objstore/encryption/key_ring.h"

namespace strata::encryption {
namespace {

constexpr std::string_view kFirstLine = "strata keys 1";
constexpr std::string_view kKeyWord = "key ";
constexpr std::string_view kCheckWord = "check ";
constexpr size_t kGenerationBytes = 16;

Error damaged(std::string_view what) {
  return Error(Code::kCorrupt,
               fmt::format("the key file {}: restore it from a copy. Objects that were encrypted "
                           "with its keys cannot be read without it",
                           what));
}

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
         c == '_' || c == '-';
}

// The text up to the next separator, which is removed too; all of it if there is none.
std::string_view take(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return taken;
}

Result<MasterKey> parse_line(std::string_view line) {
  if (!line.starts_with(kKeyWord)) return damaged("has a line that is no key");
  line.remove_prefix(kKeyWord.size());
  MasterKey key;
  key.name = take(line, ' ');
  key.generation = take(line, ' ');
  const std::optional<codec::Time> created = codec::parse_iso8601(take(line, ' '));
  std::optional<std::string> secret = codec::from_base64(line);
  if (!check_key_name(key.name).ok() || key.generation.size() != kGenerationBytes || !created ||
      !secret || secret->size() != crypto::kKeyBytes) {
    return damaged("has a line that does not parse");
  }
  key.created = *created;
  key.secret = crypto::Secret(as_bytes(*secret));
  crypto::wipe(std::as_writable_bytes(std::span(*secret)));
  return key;
}

std::string check_of(std::string_view text) {
  return codec::to_hex(std::string_view(digest::sha256(as_bytes(text))));
}

}  // namespace

Status check_key_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= kKeyNameBytesMax;
  for (const char c : name) good = good && is_name_character(c);
  if (good) return {};
  return Error(Code::kInvalidArgument,
               "the name of an encryption key has 1 to 256 characters of a-z A-Z 0-9 / _ -");
}

std::string render_keys(const std::vector<MasterKey>& keys) {
  std::string text(kFirstLine);
  text += '\n';
  for (const MasterKey& key : keys) {
    text += fmt::format("{}{} {} {} {}\n", kKeyWord, key.name, key.generation,
                        codec::format_iso8601(key.created),
                        codec::to_base64(as_text(key.secret.bytes())));
  }
  const std::string check = check_of(text);
  return text + std::string(kCheckWord) + check + "\n";
}

Result<std::vector<MasterKey>> parse_keys(std::string_view text) {
  if (text.size() > kKeyFileBytesMax) return damaged("is too large");
  if (!text.ends_with('\n')) return damaged("is cut off");
  const std::string_view all = text;
  if (take(text, '\n') != kFirstLine) {
    return damaged("does not begin as this program writes it");
  }
  std::vector<MasterKey> keys;
  while (!text.empty()) {
    const size_t at = all.size() - text.size();
    std::string_view line = take(text, '\n');
    if (line.starts_with(kCheckWord)) {
      line.remove_prefix(kCheckWord.size());
      if (!text.empty() || line != check_of(all.substr(0, at))) {
        return damaged("is damaged: its checksum does not hold");
      }
      return keys;
    }
    if (keys.size() == kKeysMax) return damaged("holds too many keys");
    TRY_ASSIGN(MasterKey key, parse_line(line));
    keys.push_back(std::move(key));
  }
  return damaged("is cut off");
}

}  // namespace strata::encryption
