#include "objstore/website/website_handler.h"

#include <array>
#include <utility>

#include "common/base/log.h"
#include "common/codec/http_date.h"
#include "common/codec/text.h"
#include "objstore/access/caller.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/request_fields.h"
#include "objstore/settings/website_routing.h"

namespace strata::website {
namespace {

constexpr int kMovedPermanently = 301;
constexpr int kFound = 302;
constexpr std::string_view kRead = "s3:GetObject";
constexpr std::string_view kList = "s3:ListBucket";

std::string random_host_id(RandomSource& random) {
  std::array<std::byte, 24> bytes{};
  random.fill(bytes);
  return codec::to_base64(as_text(bytes));
}

bool is_head(const http::Exchange& exchange) {
  return exchange.request().method == "HEAD";
}

Failure access_denied() {
  return {403, "AccessDenied", "Access Denied"};
}

Failure failure_of(const Error& error, std::string_view bucket, std::string_view key) {
  const s3::WireError wire = s3::to_wire(error);
  Failure failure{wire.status, std::string(wire.code), wire.message};
  if (wire.code == "NoSuchKey") {
    failure.detail_name = "Key";
    failure.detail = key;
  } else if (wire.code == "NoSuchBucket" || wire.code == "NoSuchWebsiteConfiguration") {
    failure.detail_name = "BucketName";
    failure.detail = bucket;
  }
  return failure;
}

void add_if_set(http::Fields& fields, const char* name, const std::string& value) {
  if (!value.empty()) fields.add(name, value);
}

void add_validators(http::Fields& fields, const object::ObjectInfo& info) {
  fields.add("last-modified", codec::format_http_date(info.modified));
  fields.add("etag", "\"" + info.etag + "\"");
}

// A location inside this site may be given as a path: it is relative to the site's base.
std::string site_path(const SiteAddress& site, std::string_view location) {
  std::string path = site.base;
  path += location.substr(1);
  return path;
}

settings::WebsiteRequest request_of(const http::Exchange& exchange, const Config& config,
                                    std::string_view key) {
  return {config.protocol, exchange.request().fields.get("host"), key};
}

// The rules know hosts and keys; under the path form the bucket stands between them.
std::string located(settings::Redirect redirect, const SiteAddress& site, std::string_view host,
                    std::string_view protocol) {
  if (site.base == "/") return std::move(redirect.location);
  const std::string own = std::string(protocol) + "://" + std::string(host) + "/";
  if (!redirect.location.starts_with(own)) return std::move(redirect.location);
  return own + site.base.substr(1) + redirect.location.substr(own.size());
}

}  // namespace

WebsiteHandler::WebsiteHandler(object::ObjectStore& store, Config config, const io::Clock& clock,
                               RandomSource& random)
    : store_(store),
      config_(std::move(config)),
      clock_(clock),
      host_id_(random_host_id(random)),
      rules_(std::string(access::kRootAccount)) {}

WebsiteHandler::Reply WebsiteHandler::redirect(int status, std::string location) {
  Reply reply;
  reply.head.status = status;
  reply.head.fields.add("content-type", "text/html; charset=utf-8");
  reply.body = redirect_page(status, location);
  reply.head.fields.add("location", std::move(location));
  return reply;
}

WebsiteHandler::Reply WebsiteHandler::page(const http::Exchange& exchange, const Failure& failure,
                                           const Failure* error_document) const {
  Reply reply;
  reply.head.status = failure.status;
  reply.head.fields.add("content-type", "text/html; charset=utf-8");
  reply.head.fields.add("x-amz-error-code", failure.code);
  reply.head.fields.add("x-amz-error-message", failure.message);
  reply.body = error_page(failure, error_document, exchange.request_id(), host_id_);
  return reply;
}

WebsiteHandler::Reply WebsiteHandler::document(object::OpenObject open, int status) {
  const object::ObjectInfo& info = open.info;
  Reply reply;
  const bool partial = status == 200 && open.partial && info.size_bytes > 0;
  reply.head.status = partial ? 206 : status;
  http::Fields& fields = reply.head.fields;
  add_validators(fields, info);
  fields.add("accept-ranges", "bytes");
  const object::Attributes& attributes = info.attributes;
  fields.add("content-type", attributes.content_type.empty() ? std::string("binary/octet-stream")
                                                             : attributes.content_type);
  add_if_set(fields, "content-encoding", attributes.content_encoding);
  add_if_set(fields, "content-language", attributes.content_language);
  add_if_set(fields, "content-disposition", attributes.content_disposition);
  add_if_set(fields, "cache-control", attributes.cache_control);
  add_if_set(fields, "expires", attributes.expires);
  for (const auto& [name, value] : attributes.user_metadata) {
    fields.add("x-amz-meta-" + name, value);
  }
  if (partial) {
    fields.add("content-range", "bytes " + std::to_string(open.first) + "-" +
                                    std::to_string(open.first + open.length - 1) + "/" +
                                    std::to_string(info.size_bytes));
  }
  reply.length = open.length;
  reply.stream = std::move(open.body);
  return reply;
}

async::Task<Result<WebsiteHandler::Found>> WebsiteHandler::find(const Visit& visit, std::string key,
                                                                bool with_conditions) {
  Found found;
  object::GetRequest get;
  get.bucket = visit.bucket.name;
  get.key = key;
  if (with_conditions) {
    const http::Fields& fields = visit.exchange.request().fields;
    CO_TRY_ASSIGN(get.conditions, s3::read_conditions(fields));
    const std::string* const range = fields.find("range");
    if (range != nullptr && fields.find("if-range") == nullptr) {
      get.range = s3::parse_range(*range);
    }
  }
  Result<object::OpenObject> open = co_await store_.get(std::move(get));
  if (open.ok()) {
    if (visit.visitor.may(kRead, key, &open->info)) {
      found.open = std::move(*open);
    } else {
      found.failure = access_denied();
    }
    co_return std::move(found);
  }
  found.failure = failure_of(open.error(), visit.bucket.name, key);
  if (found.failure.status >= 500) co_return std::move(open).error();
  found.missing = open.error().code == Code::kNotFound;
  // Neither what is there nor what is not may be found out by who may not look.
  if (found.missing) {
    if (!visit.visitor.may(kList, {}, nullptr)) found.failure = access_denied();
    co_return std::move(found);
  }
  object::VersionName name{visit.bucket.name, key, {}};
  Result<object::ObjectInfo> info = co_await store_.describe(std::move(name));
  if (info.ok() && visit.visitor.may(kRead, key, &*info)) {
    found.refused = std::move(*info);
  } else {
    found.failure = access_denied();
  }
  co_return std::move(found);
}

// Whether the key, which is not there, is a folder with an index document in it.
async::Task<bool> WebsiteHandler::is_folder(const Visit& visit, const std::string& key) {
  if (key.empty() || key.ends_with('/')) co_return false;
  object::GetRequest get;
  get.bucket = visit.bucket.name;
  get.key = settings::website_key(visit.website, key + "/");
  const Result<object::OpenObject> open = co_await store_.head(std::move(get));
  co_return open.ok();
}

WebsiteHandler::ReplyTask WebsiteHandler::fail(Visit& visit, Failure failure) {
  const std::string_view host = visit.exchange.request().fields.get("host");
  std::optional<settings::Redirect> routed = settings::route_website(
      visit.website, request_of(visit.exchange, config_, visit.site.key), failure.status);
  if (routed) {
    const int status = routed->status;
    co_return redirect(status, located(std::move(*routed), visit.site, host, config_.protocol));
  }
  const bool client_error = failure.status >= 400 && failure.status < 500;
  if (!visit.website.error_key || !client_error) co_return page(visit.exchange, failure, nullptr);
  CO_TRY_ASSIGN(Found found, co_await find(visit, *visit.website.error_key, false));
  if (!found.open) co_return page(visit.exchange, failure, &found.failure);
  Reply reply = document(std::move(*found.open), failure.status);
  reply.head.fields.add("x-amz-error-code", failure.code);
  reply.head.fields.add("x-amz-error-message", failure.message);
  co_return std::move(reply);
}

WebsiteHandler::ReplyTask WebsiteHandler::visit(Visit& visit) {
  const std::string_view host = visit.exchange.request().fields.get("host");
  const settings::WebsiteRequest request = request_of(visit.exchange, config_, visit.site.key);
  if (visit.website.redirect_all) {
    settings::Redirect all = settings::redirect_everything(*visit.website.redirect_all, request);
    co_return redirect(all.status, std::move(all.location));
  }
  std::optional<settings::Redirect> routed =
      settings::route_website(visit.website, request, std::nullopt);
  if (routed) {
    const int status = routed->status;
    co_return redirect(status, located(std::move(*routed), visit.site, host, config_.protocol));
  }
  std::string key = settings::website_key(visit.website, visit.site.key);
  CO_TRY_ASSIGN(Found found, co_await find(visit, key, true));
  if (!found.open) {
    if (found.missing) {
      const bool folder = co_await is_folder(visit, visit.site.key);
      if (folder) {
        std::string location = visit.site.base;
        codec::append_uri_encoded(location, visit.site.key, false);
        co_return redirect(kFound, location + "/");
      }
    }
    if (found.failure.status == 304) {
      Reply reply;
      reply.head.status = 304;
      add_validators(reply.head.fields, *found.refused);
      co_return std::move(reply);
    }
    Result<Reply> failed = co_await fail(visit, std::move(found.failure));
    co_return std::move(failed);
  }
  const std::string& elsewhere = found.open->info.attributes.website_redirect_location;
  if (!elsewhere.empty()) {
    co_return redirect(kMovedPermanently,
                       elsewhere.starts_with('/') ? site_path(visit.site, elsewhere) : elsewhere);
  }
  co_return document(std::move(*found.open), 200);
}

WebsiteHandler::ReplyTask WebsiteHandler::reply(http::Exchange& exchange) {
  const http::RequestHead& head = exchange.request();
  if (head.method != "GET" && head.method != "HEAD") {
    Reply refused =
        page(exchange,
             {405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
              "Method", head.method},
             nullptr);
    refused.head.fields.add("allow", "GET, HEAD");
    co_return std::move(refused);
  }
  std::optional<SiteAddress> site =
      site_address(head.fields.get("host"), head.path, config_.domains, config_.region);
  if (!site) {
    co_return page(exchange, {400, "InvalidURI", "Couldn't parse the specified URI."}, nullptr);
  }
  Result<object::BucketInfo> bucket = co_await store_.bucket(site->bucket);
  if (!bucket.ok()) {
    const Failure failure = failure_of(bucket.error(), site->bucket, "");
    if (failure.status >= 500) co_return std::move(bucket).error();
    co_return page(exchange, failure, nullptr);
  }
  const std::string* const document = bucket->settings->find(object::BucketSetting::kWebsite);
  if (document == nullptr) {
    co_return page(
        exchange,
        {404, "NoSuchWebsiteConfiguration",
         "The specified bucket does not have a website configuration", "BucketName", site->bucket},
        nullptr);
  }
  const std::shared_ptr<const s3::ParsedSettings> parsed = settings_.of(*bucket);
  if (!parsed->website) co_return settings::parse_website(*document).error();
  CO_TRY_ASSIGN(s3::BucketRules rules, rules_.rules_of(*bucket));
  const Visitor visitor(*bucket, std::move(rules), exchange, clock_.wall_now());
  Visit guest{exchange, *bucket, visitor, *parsed->website, std::move(*site)};
  Result<Reply> answered = co_await visit(guest);
  co_return std::move(answered);
}

async::Task<void> WebsiteHandler::send(http::Exchange& exchange, Reply reply) {
  reply.head.fields.add("x-amz-request-id", exchange.request_id());
  reply.head.fields.add("x-amz-id-2", host_id_);
  Status sent;
  if (reply.stream && is_head(exchange)) {
    sent = co_await exchange.respond_head(std::move(reply.head), reply.length);
  } else if (reply.stream) {
    sent = co_await exchange.respond_stream(std::move(reply.head), reply.length, *reply.stream);
  } else {
    sent = co_await exchange.respond(std::move(reply.head), std::move(reply.body));
  }
  if (sent.ok() || exchange.responded()) co_return;
  log::error("website.request_failed",
             {{"request_id", exchange.request_id()}, {"error", sent.error().to_string()}});
  Reply failure = page(exchange, failure_of(sent.error(), "", ""), nullptr);
  Status told = co_await exchange.respond(std::move(failure.head), std::move(failure.body));
  if (!told.ok()) log::debug("website.unanswered", {{"error", told.error().to_string()}});
}

async::Task<void> WebsiteHandler::handle(http::Exchange& exchange) {
  exchange.set_operation("Website");
  Result<Reply> answered = co_await reply(exchange);
  if (!answered.ok()) {
    log::error("website.request_failed",
               {{"request_id", exchange.request_id()}, {"error", answered.error().to_string()}});
  }
  Reply out = answered.ok() ? std::move(*answered)
                            : page(exchange, failure_of(answered.error(), "", ""), nullptr);
  co_await send(exchange, std::move(out));
}

std::string WebsiteHandler::refusal(int status, std::string_view why, std::string_view request_id,
                                    http::Fields& fields) {
  fields.set("content-type", "text/html; charset=utf-8");
  const Failure failure{status, std::string(s3::code_of_status(status)), std::string(why)};
  return error_page(failure, nullptr, request_id, host_id_);
}

}  // namespace strata::website
