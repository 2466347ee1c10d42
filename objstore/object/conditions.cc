#include "objstore/object/conditions.h"

#include <fmt/format.h>

#include "common/base/parse.h"

namespace strata::object {
namespace {

using Seconds = std::chrono::sys_seconds;

Seconds in_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

Error failed(std::string_view condition) {
  return Error(Code::kPreconditionFailed,
               fmt::format("the condition {} does not hold for the current version", condition));
}

Error not_modified(std::string_view condition) {
  return Error(Code::kNotModified, fmt::format("nothing newer by {}", condition));
}

struct EntityTag {
  std::string_view value;
  bool weak = false;
};

// Takes one tag off the front of the list; nullopt at its end.
std::optional<EntityTag> next_tag(std::string_view& list) noexcept {
  while (!list.empty() && (list.front() == ',' || list.front() == ' ' || list.front() == '\t')) {
    list.remove_prefix(1);
  }
  if (list.empty()) return std::nullopt;
  EntityTag tag;
  if (list.starts_with("W/\"")) {
    tag.weak = true;
    list.remove_prefix(2);
  }
  const bool quoted = list.front() == '"';
  if (quoted) list.remove_prefix(1);
  const size_t end = std::min(list.find(quoted ? '"' : ','), list.size());
  tag.value = quoted ? list.substr(0, end) : trim(list.substr(0, end));
  list.remove_prefix(std::min(end + 1, list.size()));
  return tag;
}

}  // namespace

bool etag_list_matches(std::string_view list, std::string_view etag, bool weak_counts) noexcept {
  if (trim(list) == "*") return true;
  while (const std::optional<EntityTag> tag = next_tag(list)) {
    if (tag->value == etag && (weak_counts || !tag->weak)) return true;
  }
  return false;
}

Status check_read_conditions(const Conditions& conditions, const Validators& current) {
  if (conditions.if_match) {
    if (!etag_list_matches(*conditions.if_match, current.etag, false)) return failed("If-Match");
  } else if (conditions.if_unmodified_since) {
    if (in_seconds(current.modified) > in_seconds(*conditions.if_unmodified_since)) {
      return failed("If-Unmodified-Since");
    }
  }
  if (conditions.if_none_match) {
    if (etag_list_matches(*conditions.if_none_match, current.etag, true)) {
      return not_modified("If-None-Match");
    }
  } else if (conditions.if_modified_since) {
    if (in_seconds(current.modified) <= in_seconds(*conditions.if_modified_since)) {
      return not_modified("If-Modified-Since");
    }
  }
  return {};
}

Error as_source_error(Error error) {
  if (error.code != Code::kNotModified) return error;
  return Error(Code::kPreconditionFailed,
               fmt::format("a condition on the source does not hold: {}", error.message));
}

bool if_range_holds(const IfRange& condition, const Validators& current) noexcept {
  if (condition.etag) return etag_list_matches(*condition.etag, current.etag, false);
  return condition.modified && in_seconds(*condition.modified) == in_seconds(current.modified);
}

Status check_write_conditions(const Conditions& conditions,
                              const std::optional<Validators>& current) {
  if (conditions.if_match) {
    // As S3: what is not there is missing, rather than another than expected.
    if (!current) {
      return Error(Code::kNotFound, reason::kNoSuchKey, "there is no object for If-Match to match");
    }
    if (!etag_list_matches(*conditions.if_match, current->etag, false)) return failed("If-Match");
  } else if (conditions.if_unmodified_since && current) {
    if (in_seconds(current->modified) > in_seconds(*conditions.if_unmodified_since)) {
      return failed("If-Unmodified-Since");
    }
  }
  if (conditions.if_none_match && current &&
      etag_list_matches(*conditions.if_none_match, current->etag, true)) {
    return failed("If-None-Match");
  }
  if (conditions.if_match_modified && current &&
      in_seconds(current->modified) != in_seconds(*conditions.if_match_modified)) {
    return failed("x-amz-if-match-last-modified-time");
  }
  if (conditions.if_match_size_bytes && current &&
      current->size_bytes != *conditions.if_match_size_bytes) {
    return failed("x-amz-if-match-size");
  }
  return {};
}

}  // namespace strata::object
