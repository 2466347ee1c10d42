#include "strata/s3_place.h"

#include <fmt/format.h>

#include <optional>

#include "blockdev/chunks/manifest.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "common/codec/xml.h"
#include "common/digest/checksum.h"
#include "common/http/client.h"

namespace strata::roof {
namespace {

constexpr std::chrono::seconds kCallTimeout{60};
constexpr std::string_view kScheme = "s3://";
constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

// One call that is to be made.
struct Wanted {
  std::string method;
  std::string key;    // with the prefix; empty: the bucket itself
  std::string query;  // encoded and sorted
  Bytes body;
  bool if_absent = false;
  size_t answer_bytes_max = 8 * kMiB;
};

class S3Place final : public chunks::ObjectPlace {
 public:
  S3Place(S3Endpoint endpoint, const io::Clock& clock)
      : endpoint_(std::move(endpoint)), clock_(clock) {}

  Status put(const std::string& key, Bytes bytes, bool if_absent) override {
    TRY_ASSIGN(const auto answer, call({.method = "PUT",
                                        .key = endpoint_.prefix + key,
                                        .query = {},
                                        .body = bytes,
                                        .if_absent = if_absent}));
    if (if_absent && (answer.status == 412 || answer.status == 409)) {
      return Error(Code::kAlreadyExists, fmt::format("{} is there already", key));
    }
    return answer.status == 200 ? Status() : refused(answer, key);
  }
  Result<ByteVector> get(const std::string& key, uint64_t bytes_max) override {
    TRY_ASSIGN(const auto answer, call({.method = "GET",
                                        .key = endpoint_.prefix + key,
                                        .query = {},
                                        .body = {},
                                        .answer_bytes_max = bytes_max}));
    if (answer.status != 200) return refused(answer, key);
    const Bytes body = as_bytes(answer.body);
    return ByteVector(body.begin(), body.end());
  }
  Result<bool> exists(const std::string& key) override {
    TRY_ASSIGN(const auto answer,
               call({.method = "HEAD", .key = endpoint_.prefix + key, .query = {}, .body = {}}));
    if (answer.status == 200) return true;
    if (answer.status == 404) return false;
    return refused(answer, key);
  }
  Result<std::vector<chunks::PlacedObject>> list(const std::string& prefix,
                                                 const std::string& after) override;
  Status remove(const std::string& key) override {
    TRY_ASSIGN(const auto answer,
               call({.method = "DELETE", .key = endpoint_.prefix + key, .query = {}, .body = {}}));
    const bool gone = answer.status == 204 || answer.status == 200 || answer.status == 404;
    return gone ? Status() : refused(answer, key);
  }
  [[nodiscard]] std::string name() const override {
    return fmt::format("s3://{}/{} at {}", endpoint_.bucket, endpoint_.prefix,
                       endpoint_.address.to_string());
  }

 private:
  [[nodiscard]] Result<http::ClientResponse> call(const Wanted& wanted);
  [[nodiscard]] Error refused(const http::ClientResponse& answer, const std::string& what) const;

  const S3Endpoint endpoint_;
  const io::Clock& clock_;
};

Result<http::ClientResponse> S3Place::call(const Wanted& wanted) {
  sigv4::ClientRequest request;
  request.method = wanted.method;
  request.path = "/" + endpoint_.bucket;
  if (!wanted.key.empty()) request.path += "/" + codec::uri_encode(wanted.key, false);
  request.query = wanted.query;
  request.headers = {{"host", endpoint_.address.to_string()}};
  if (wanted.if_absent) request.headers.emplace_back("if-none-match", "*");
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.wall_now());
  TRY_ASSIGN(const std::string signature,
             sigv4::sign_request(request, endpoint_.keys, endpoint_.region, now,
                                 codec::to_hex(digest::sha256(wanted.body))));
  (void)signature;
  const std::string target =
      request.query.empty() ? request.path : request.path + "?" + request.query;
  const Deadline deadline = Deadline::after(kCallTimeout);
  TRY_ASSIGN(UniqueFd socket, http::connect_tcp(endpoint_.address, deadline));
  return http::call_over(std::move(socket), {.method = request.method,
                                             .target = target,
                                             .fields = request.headers,
                                             .body = wanted.body,
                                             .deadline = deadline,
                                             .answer_bytes_max = wanted.answer_bytes_max});
}

Error S3Place::refused(const http::ClientResponse& answer, const std::string& what) const {
  const auto xml = codec::parse_xml(answer.body);
  std::string why = xml.ok()
                        ? fmt::format("{}: {}", xml->child_text("Code"), xml->child_text("Message"))
                        : std::string("no reason given");
  const std::string message =
      fmt::format("{} answered {} for {} ({})", name(), answer.status, what, why);
  if (answer.status == 404) return {Code::kNotFound, message};
  if (answer.status == 403 || answer.status == 401) return {Code::kPermissionDenied, message};
  if (answer.status == 503 || answer.status == 429) return {Code::kBusy, message};
  return {Code::kIo, message};
}

Result<std::vector<chunks::PlacedObject>> S3Place::list(const std::string& prefix,
                                                        const std::string& after) {
  Wanted wanted{.method = "GET", .key = {}, .query = "list-type=2&max-keys=1000", .body = {}};
  wanted.query += "&prefix=" + codec::uri_encode(endpoint_.prefix + prefix, true);
  if (!after.empty()) {
    wanted.query += "&start-after=" + codec::uri_encode(endpoint_.prefix + after, true);
  }
  TRY_ASSIGN(const auto answer, call(wanted));
  if (answer.status != 200) return refused(answer, "the listing");
  const auto xml = codec::parse_xml(answer.body);
  if (!xml.ok()) return Error(Code::kIo, name() + ": the listing is no XML");
  std::vector<chunks::PlacedObject> out;
  for (const codec::XmlElement& one : xml->children) {
    if (one.name != "Contents") continue;
    const std::string_view key = one.child_text("Key");
    const auto size = parse_u64(one.child_text("Size"));
    const auto modified = codec::parse_iso8601(one.child_text("LastModified"));
    if (!key.starts_with(endpoint_.prefix) || !size || !modified ||
        out.size() == chunks::kListedKeysMax) {
      return Error(Code::kIo, name() + ": the listing is not one of S3's");
    }
    out.push_back(
        {std::string(key.substr(endpoint_.prefix.size())), *size,
         std::chrono::duration_cast<std::chrono::milliseconds>(modified->time_since_epoch())
             .count()});
  }
  return out;
}

}  // namespace

Result<S3Endpoint> parse_s3_endpoint(std::string_view url) {
  const Error malformed(Code::kInvalidArgument,
                        "a bucket elsewhere is "
                        "'s3://BUCKET[/PREFIX]?endpoint=http://HOST[:PORT][&region=REGION]'");
  const size_t mark = url.find('?');
  if (!url.starts_with(kScheme) || mark == std::string_view::npos) return malformed;
  S3Endpoint out;
  const std::string_view where = url.substr(kScheme.size(), mark - kScheme.size());
  const size_t slash = where.find('/');
  out.bucket = std::string(where.substr(0, slash));
  if (slash != std::string_view::npos) out.prefix = std::string(where.substr(slash + 1));
  if (!out.prefix.empty() && !out.prefix.ends_with('/')) out.prefix += '/';
  std::string_view rest = url.substr(mark + 1);
  std::optional<std::string_view> endpoint;
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view option = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (option.starts_with("endpoint=")) {
      endpoint = option.substr(9);
    } else if (option.starts_with("region=") && option.size() > 7) {
      out.region = std::string(option.substr(7));
    } else {
      return malformed;
    }
  }
  if (!endpoint || out.bucket.empty()) return malformed;
  if (endpoint->starts_with(kHttps)) {
    return Error(Code::kUnsupported,
                 "an endpoint over TLS is not spoken to; put a proxy in front of it, and give its "
                 "http:// address");
  }
  if (!endpoint->starts_with(kHttp)) return malformed;
  std::string_view address = endpoint->substr(kHttp.size());
  while (address.ends_with('/')) address.remove_suffix(1);
  const bool has_port = address.rfind(':') != std::string_view::npos && !address.ends_with(']');
  TRY_ASSIGN(out.address,
             parse_host_port(has_port ? std::string(address) : std::string(address) + ":80"));
  if (out.address.host.empty()) return malformed;
  return out;
}

std::unique_ptr<chunks::ObjectPlace> make_s3_place(S3Endpoint endpoint, const io::Clock& clock) {
  return std::make_unique<S3Place>(std::move(endpoint), clock);
}

}  // namespace strata::roof
