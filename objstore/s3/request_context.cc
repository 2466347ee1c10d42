#include "objstore/s3/request_context.h"

#include <algorithm>
#include <chrono>

#include "common/base/parse.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "objstore/s3/object_extras.h"

namespace strata::s3 {

namespace {

using Values = std::optional<std::vector<std::string>>;

// x-amz-tagging is a query string; as many tags as S3 allows on an object, and some to spare.
constexpr size_t kTagsMax = 50;

Values one(std::string value) {
  std::vector<std::string> values;
  values.push_back(std::move(value));
  return values;
}

Values if_any(const std::string& value) {
  return value.empty() ? std::nullopt : one(value);
}

Values if_there(const std::string* value) {
  return value == nullptr ? std::nullopt : one(*value);
}

// Keys of S3 that are a header of the same name, after "s3:".
constexpr std::string_view kHeaderKeys[] = {
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "if-match",
    "if-none-match",
};

struct Renamed {
  std::string_view key;
  std::string_view name;
};
constexpr Renamed kQueryKeys[] = {
    {"prefix", "prefix"},
    {"delimiter", "delimiter"},
    {"max-keys", "max-keys"},
    {"versionid", "versionId"},
};

struct Tag {
  std::string name;
  std::string value;
};

std::vector<Tag> request_tags(const http::Fields& fields) {
  std::vector<Tag> tags;
  std::string_view text = fields.get("x-amz-tagging");
  while (!text.empty() && tags.size() < kTagsMax) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t equals = pair.find('=');
    auto name = codec::uri_decode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos
                     ? std::optional<std::string>("")
                     : codec::uri_decode(pair.substr(equals + 1), true);
    if (name && value && !name->empty()) tags.push_back({std::move(*name), std::move(*value)});
  }
  return tags;
}

}  // namespace

std::string_view address_of_peer(std::string_view peer) noexcept {
  const size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return peer;
  std::string_view address = peer.substr(0, colon);
  if (address.size() >= 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  }
  return address;
}

Values RequestContext::of_caller(std::string_view key) const {
  const access::Principal& who = *request_.caller().principal;
  if (key == "aws:username") return if_any(who.username);
  if (key == "aws:userid") return if_any(who.user_id);
  if (key == "aws:principalarn") {
    return if_any(who.role_arn.empty() ? who.arn : who.role_arn);
  }
  if (key == "aws:principalaccount") return if_any(who.account);
  if (key == "aws:principaltype") {
    switch (who.kind) {
      case access::CallerKind::kRoot:
        return one("Account");
      case access::CallerKind::kUser:
        return one("User");
      case access::CallerKind::kRole:
        return one("AssumedRole");
      case access::CallerKind::kAnonymous:
        return one("Anonymous");
    }
  }
  constexpr std::string_view kTag = "aws:principaltag/";
  if (key.starts_with(kTag)) return if_there(access::principal_tag(who, key.substr(kTag.size())));
  if (key == "aws:principalisawsservice" || key == "aws:viaawsservice") return one("false");
  if (key == "aws:multifactorauthpresent" && who.token_issued_ms != 0) return one("false");
  if (key == "aws:tokenissuetime" && who.token_issued_ms != 0) {
    return one(codec::format_iso8601(io::WallTime(std::chrono::milliseconds(who.token_issued_ms))));
  }
  return std::nullopt;
}

Values RequestContext::of_connection(std::string_view key) const {
  const http::RequestHead& head = request_.head();
  if (key == "aws:sourceip") {
    const std::string_view address = address_of_peer(request_.parsed().peer());
    return address.empty() ? std::nullopt : one(std::string(address));
  }
  if (key == "aws:securetransport") return one(head.secure ? "true" : "false");
  if (key == "aws:useragent") return if_there(head.fields.find("user-agent"));
  if (key == "aws:referer") return if_there(head.fields.find("referer"));
  if (key == "aws:currenttime") return one(codec::format_iso8601(now_));
  if (key == "aws:epochtime") {
    return one(std::to_string(now_.time_since_epoch().count() / 1000));
  }
  if (key == "aws:requestedregion") return one(std::string(region_));
  if (key == "aws:resourceaccount" && !owner_.empty()) return one(std::string(owner_));
  return std::nullopt;
}

Values RequestContext::of_signature(std::string_view key) const {
  const Mechanism mechanism = request_.mechanism();
  if (mechanism == Mechanism::kAnonymous) return std::nullopt;
  const bool version2 = mechanism == Mechanism::kHeaderV2 || mechanism == Mechanism::kQueryV2;
  if (key == "s3:signatureversion") return one(version2 ? "AWS" : "AWS4-HMAC-SHA256");
  if (key == "s3:authtype") {
    if (mechanism == Mechanism::kForm) return one("POST");
    const bool query = mechanism == Mechanism::kQuery || mechanism == Mechanism::kQueryV2;
    return one(query ? "REST-QUERY-STRING" : "REST-HEADER");
  }
  if (key == "s3:signatureage" && mechanism == Mechanism::kQuery) {
    const auto signed_at = codec::parse_iso8601_basic(request_.query().get("X-Amz-Date"));
    if (!signed_at) return std::nullopt;
    return one(std::to_string((now_ - *signed_at).count()));
  }
  return std::nullopt;
}

Values RequestContext::of_request_tags(std::string_view key) const {
  constexpr std::string_view kTag = "s3:requestobjecttag/";
  std::vector<Tag> tags = request_tags(request_.fields());
  if (stated_.tags != nullptr) {
    for (const auto& [name, value] : *stated_.tags) tags.push_back({name, value});
  }
  if (key == "s3:requestobjecttagkeys") {
    if (tags.empty()) return std::nullopt;
    std::vector<std::string> names;
    names.reserve(tags.size());
    for (const Tag& tag : tags) names.push_back(tag.name);
    return names;
  }
  if (!key.starts_with(kTag)) return std::nullopt;
  for (const Tag& tag : tags) {
    if (ascii_iequals(tag.name, key.substr(kTag.size()))) return one(tag.value);
  }
  return std::nullopt;
}

Values RequestContext::of_object_tags(std::string_view key) const {
  constexpr std::string_view kTag = "s3:existingobjecttag/";
  if (tags_ == nullptr || !key.starts_with(kTag)) return std::nullopt;
  for (const auto& [name, value] : *tags_) {
    if (ascii_iequals(name, key.substr(kTag.size()))) return one(value);
  }
  return std::nullopt;
}

Values RequestContext::of_object_lock(std::string_view key) const {
  const http::Fields& fields = request_.fields();
  if (key == "s3:object-lock-legal-hold") {
    if (stated_.legal_hold) return one(*stated_.legal_hold ? "ON" : "OFF");
    return if_there(fields.find("x-amz-object-lock-legal-hold"));
  }
  if (key == "s3:object-lock-mode") {
    if (stated_.retention) return one(std::string(retention_mode_text(stated_.retention->mode)));
    return if_there(fields.find("x-amz-object-lock-mode"));
  }
  const std::string* const text = fields.find("x-amz-object-lock-retain-until-date");
  if (key == "s3:object-lock-retain-until-date") {
    if (stated_.retention) return one(codec::format_iso8601(stated_.retention->until));
    return if_there(text);
  }
  if (key != "s3:object-lock-remaining-retention-days") return std::nullopt;
  auto until = text == nullptr ? std::nullopt : codec::parse_iso8601(*text);
  if (stated_.retention) until = stated_.retention->until;
  if (!until) return std::nullopt;
  // A day that has begun counts, so that a limit holds for what goes beyond it by any time.
  const auto days = std::chrono::ceil<std::chrono::days>(*until - now_).count();
  return one(std::to_string(std::max<int64_t>(days, 0)));
}

Values RequestContext::of_creation() const {
  const bool of_upload = request_.query().has("uploadId");
  const std::string& method = request_.head().method;
  const bool form = request_.mechanism() == Mechanism::kForm;
  return one(form || (method == "PUT" && !of_upload) || (method == "POST" && of_upload) ? "true"
                                                                                        : "false");
}

Values RequestContext::find(std::string_view key) const {
  if (key.starts_with("aws:")) {
    Values found = of_caller(key);
    return found ? found : of_connection(key);
  }
  constexpr std::string_view kS3 = "s3:";
  if (!key.starts_with(kS3)) return std::nullopt;
  if (Values found = of_signature(key)) return found;
  if (Values found = of_request_tags(key)) return found;
  if (Values found = of_object_tags(key)) return found;
  if (Values found = of_object_lock(key)) return found;
  const std::string_view name = key.substr(kS3.size());
  if (std::find(std::begin(kHeaderKeys), std::end(kHeaderKeys), name) != std::end(kHeaderKeys)) {
    return if_there(request_.fields().find(name));
  }
  for (const Renamed& parameter : kQueryKeys) {
    if (parameter.key == name) return if_there(request_.query().find(parameter.name));
  }
  if (name == "resourceaccount") {
    return owner_.empty() ? std::nullopt : one(std::string(owner_));
  }
  if (name == "objectcreationoperation") return of_creation();
  // Where it is not stated, the bucket is to be in this region.
  if (name == "locationconstraint") return one(std::string(region_));
  return std::nullopt;
}

}  // namespace strata::s3
