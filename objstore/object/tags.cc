#include "objstore/object/tags.h"

#include <fmt/format.h>

#include <set>

#include "common/codec/text.h"

namespace strata::object {
namespace {

Error invalid_tag(std::string why) {
  return {Code::kInvalidArgument, reason::kInvalidTag, std::move(why)};
}

// Letters and digits of other scripts are beyond ASCII; which of those they are is not looked up.
bool is_allowed(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80) return true;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view(" +-=._:/@").find(c) != std::string_view::npos;
}

size_t characters(std::string_view text) noexcept {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

Status check_text(std::string_view text, size_t characters_max, std::string_view what) {
  if (!codec::is_utf8(text) || characters(text) > characters_max) {
    return invalid_tag(fmt::format("The Tag{} you have provided is invalid: at most {} characters",
                                   what, characters_max));
  }
  for (const char c : text) {
    if (!is_allowed(c)) {
      return invalid_tag(
          fmt::format("The Tag{} you have provided is invalid: use letters, digits, "
                      "spaces and + - = . _ : / @",
                      what));
    }
  }
  return {};
}

}  // namespace

Status check_tags(const Tags& tags, size_t tags_max) {
  if (tags.size() > tags_max) {
    return Error(
        Code::kTooLarge, reason::kTooManyTags,
        fmt::format("{} cannot be greater than {}",
                    tags_max == kBucketTagsMax ? "Bucket tag count" : "Object tags", tags_max));
  }
  std::set<std::string_view> keys;
  for (const auto& [key, value] : tags) {
    if (key.empty()) return invalid_tag("The TagKey you have provided is invalid: it is empty");
    TRY(check_text(key, kTagKeyCharactersMax, "Key"));
    TRY(check_text(value, kTagValueCharactersMax, "Value"));
    if (key.starts_with("aws:")) {
      return invalid_tag("System tags cannot be added/updated by requester");
    }
    if (!keys.insert(key).second) {
      return invalid_tag("Cannot provide multiple Tags with the same key");
    }
  }
  return {};
}

}  // namespace strata::object
