#include "objstore/s3/s3_handler.h"

#include <array>
#include <utility>

#include "common/base/log.h"
#include "common/base/parse.h"
#include "common/codec/text.h"
#include "common/digest/checksum.h"
#include "objstore/s3/cors.h"
#include "objstore/s3/encryption_fields.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/permission.h"
#include "objstore/s3/post_object.h"
#include "objstore/s3/request_fields.h"
#include "objstore/s3/versions.h"

namespace strata::s3 {

namespace {

std::string random_host_id(RandomSource& random) {
  std::array<std::byte, 24> bytes{};
  random.fill(bytes);
  return codec::to_base64(as_text(bytes));
}

std::vector<std::string> lower_all(std::vector<std::string> names) {
  for (std::string& name : names) name = ascii_lower(name);
  return names;
}

// What must hold of any request before its operation runs. Both outlive the task.
async::Task<Status> admit(Service& service, const OperationInfo& operation,
                          const VerifiedRequest& request, const BucketRules& rules) {
  // A list of keys to delete, tags, a retention: asked about when they are known.
  if (!asks_when_read(operation.handler)) {
    CO_TRY(co_await admit_action(service, operation, request, rules));
  }
  if (operation.handler == nullptr) co_return not_implemented(operation.name);
  CO_TRY(check_supported(request.fields(), operation, rules.owner));
  CO_TRY(check_version_use(operation, request));
  if (!request.bucket().empty()) CO_TRY(object::check_bucket_name(request.bucket()));
  if (!request.key().empty()) CO_TRY(object::check_key(request.key()));
  co_return Status();
}

// IAM and STS take forms where S3 takes nothing at all, and the same in a URL.
bool is_query_call(const ParsedRequest& request) {
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  if (request.level() != Level::kService) return false;
  const std::string& method = request.head().method;
  if (method != "GET" && method != "POST") return false;
  if (request.query().has("Action")) return true;
  return method == "POST" &&
         ascii_lower(request.head().fields.get("content-type")).starts_with(kForm);
}

// The call in a URL: what signs the URL is not part of it.
std::string form_of_url(std::string_view query) {
  std::string form;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (piece.starts_with("X-Amz-")) continue;
    if (!form.empty()) form += '&';
    form += piece;
  }
  return form;
}

Answer query_answer(iam::QueryAnswer told) {
  Answer answer = empty_answer(told.status);
  answer.head.fields.add("content-type", "text/xml");
  answer.body = std::move(told.body);
  return answer;
}

// S3 takes customers' keys over a secure connection only. What stays in this machine is one.
Status check_customer_key_transport(const http::Exchange& exchange, const http::Fields& fields) {
  if (!carries_customer_key(fields) || exchange.request().secure) return {};
  const std::string_view peer = exchange.peer();
  if (peer.starts_with("127.") || peer.starts_with("[::1]") || peer.starts_with("::1")) return {};
  return Error(
      Code::kInvalidArgument, code::kInvalidRequest,
      "Requests specifying Server Side Encryption with Customer provided keys must be made "
      "over a secure connection.");
}

bool is_our_fault(Code error_code) {
  return error_code == Code::kIo || error_code == Code::kCorrupt || error_code == Code::kInternal;
}

}  // namespace

S3Handler::S3Handler(object::ObjectStore& store, const iam::Directory& directory,
                     iam::QueryApi& query_api, Config config, const io::Clock& clock,
                     RandomSource& random)
    : domains_(lower_all(std::move(config.domains))),
      authenticator_(directory, clock, {config.region, config.signature_version2}),
      service_{.store = store,
               .directory = directory,
               .region = config.region,
               .clock = clock,
               .rules = BucketRulesCache(directory.owner_account()),
               .keys = config.keys,
               .new_buckets = config.new_buckets,
               .lifecycle_day = config.lifecycle_day},
      query_api_(query_api),
      host_id_(random_host_id(random)) {}

async::Task<void> S3Handler::handle(http::Exchange& exchange) {
  Result<Answer> result = co_await answer(exchange);
  Answer reply = result.ok() ? std::move(*result) : error_answer(exchange, result.error());
  if (reply.error) {
    Answer explained = error_answer(exchange, *reply.error, reply.head.fields);
    for (const auto& [name, value] : reply.head.fields.all()) {
      explained.head.fields.add(name, value);
    }
    reply = std::move(explained);
  }
  co_await tell_browser(exchange, reply);
  add_ids(reply.head.fields, exchange.request_id());
  Status sent;
  if (reply.stream) {
    sent = co_await exchange.respond_stream(std::move(reply.head), *reply.length, *reply.stream);
  } else if (reply.length) {
    sent = co_await exchange.respond_head(std::move(reply.head), *reply.length);
  } else {
    sent = co_await exchange.respond(std::move(reply.head), std::move(reply.body));
  }
  if (sent.ok() || exchange.responded()) co_return;
  // The stream failed before its first byte left: there is still time for an error.
  Answer failure = error_answer(exchange, sent.error());
  add_ids(failure.head.fields, exchange.request_id());
  Status told = co_await exchange.respond(std::move(failure.head), std::move(failure.body));
  if (!told.ok()) log::debug("s3.unanswered", {{"error", told.error().to_string()}});
}

AnswerTask S3Handler::answer_query_call(http::Exchange& exchange, ParsedRequest parsed) {
  exchange.set_operation("QueryCall");
  Result<std::string> body = co_await http::read_all(exchange.body(), iam::kFormBytesMax);
  const std::string& request_id = exchange.request_id();
  // Whatever is wrong is told in this wire's own words, so from here on nothing fails.
  const auto refused = [&](iam::QueryService service, const Error& why) {
    iam::QueryAnswer told = iam::QueryApi::error_answer(service, why, request_id);
    return query_answer(std::move(told));
  };
  if (!body.ok()) co_return refused(iam::QueryService::kIam, body.error());
  const std::string form = body->empty() ? form_of_url(exchange.request().query) : *body;
  Result<iam::Parameters> parameters = iam::parse_form(form);
  if (!parameters.ok()) co_return refused(iam::QueryService::kIam, parameters.error());
  const std::string digest = codec::to_hex(digest::sha256(as_bytes(*body)));
  Result<access::Caller> caller = authenticator_.verify_query_call(parsed, digest);
  if (!caller.ok()) co_return refused(iam::service_of(*parameters), caller.error());
  iam::QueryAnswer told =
      co_await query_api_.answer(std::move(*parameters), std::move(*caller), request_id);
  co_return query_answer(std::move(told));
}

// Pages of other origins may read an answer, an error too, only if it says so.
async::Task<void> S3Handler::tell_browser(const http::Exchange& exchange, Answer& reply) {
  if (exchange.request().fields.find("origin") == nullptr) co_return;
  if (exchange.request().method == "OPTIONS") co_return;
  const Result<ParsedRequest> parsed = ParsedRequest::parse(exchange.request(), domains_);
  if (parsed.ok()) co_await add_cors_fields(service_, *parsed, reply.head.fields);
}

AnswerTask S3Handler::answer(http::Exchange& exchange) {
  CO_TRY_ASSIGN(ParsedRequest parsed, ParsedRequest::parse(exchange.request(), domains_));
  parsed.set_peer(exchange.peer());
  if (is_query_call(parsed)) {
    Result<Answer> answered = co_await answer_query_call(exchange, std::move(parsed));
    co_return std::move(answered);
  }
  if (exchange.request().method == "OPTIONS") {
    exchange.set_operation("OptionsObject");
    Result<Answer> allowed = co_await preflight(service_, parsed);
    co_return std::move(allowed);
  }
  CO_TRY_ASSIGN(const OperationInfo* const operation, route(parsed));
  exchange.set_operation(operation->name);
  if (operation->handler == &post_object) {
    Result<Answer> done = co_await answer_form(exchange, parsed, *operation);
    co_return std::move(done);
  }
  CO_TRY_ASSIGN(const VerifiedRequest request, authenticator_.verify(std::move(parsed)));
  CO_TRY(check_customer_key_transport(exchange, request.fields()));
  Result<Answer> done = co_await carry_out(*operation, request, exchange.body());
  co_return std::move(done);
}

AnswerTask S3Handler::carry_out(const OperationInfo& operation, const VerifiedRequest& request,
                                async::ByteSource& body) {
  BucketRules rules;
  if (!request.bucket().empty() && operation.handler != create_bucket) {
    CO_TRY_ASSIGN(rules, co_await find_rules(service_, request.bucket()));
  }
  CO_TRY(co_await admit(service_, operation, request, rules));
  const Call call{service_, operation, request, body, rules};
  Result<Answer> done = co_await operation.handler(call);
  // Whoever may not list a bucket does not learn what is missing in it.
  if (operation.level == Level::kObject && operation.header.empty() && says_missing(done)) {
    CO_TRY(require(call, "s3:ListBucket", request.bucket(), {}));
  }
  co_return std::move(done);
}

AnswerTask S3Handler::answer_form(http::Exchange& exchange, const ParsedRequest& post,
                                  const OperationInfo& operation) {
  CO_TRY_ASSIGN(const std::string boundary, boundary_of_post(post.head().fields));
  PostForm form(exchange.body(), boundary);
  CO_TRY(co_await form.read_fields());
  CO_TRY_ASSIGN(ParsedRequest parsed, request_of_form(post, form));
  CO_TRY_ASSIGN(const VerifiedRequest request, authenticator_.verify_form(std::move(parsed), form));
  CO_TRY(check_customer_key_transport(exchange, request.fields()));
  Result<Answer> done = co_await carry_out(operation, request, form);
  co_return std::move(done);
}

Answer S3Handler::error_answer(const http::Exchange& exchange, const Error& error,
                               const http::Fields& told) const {
  const http::RequestHead& head = exchange.request();
  if (is_our_fault(error.code)) {
    log::error("s3.request_failed",
               {{"request_id", exchange.request_id()}, {"error", error.to_string()}});
  }
  const WireError wire = to_wire(error);
  if (wire.status == 304) return empty_answer(304);
  ErrorContext context;
  context.resource = head.path;
  context.request_id = exchange.request_id();
  context.host_id = host_id_;
  if (wire.code == code::kAuthorizationHeaderMalformed) context.region = service_.region;
  const std::string_view range = told.get("content-range");
  if (!range.empty()) {
    context.range = head.fields.get("range");
    context.object_size = range.substr(range.rfind('/') + 1);
  }
  const Result<ParsedRequest> parsed = ParsedRequest::parse(head, domains_);
  if (parsed.ok()) {
    if (wire.code == "NoSuchBucket" || wire.status == 409) context.bucket = parsed->bucket();
    if (wire.code == "NoSuchKey") context.key = parsed->key();
    if (wire.code == code::kAccessForbidden) {
      context.method = head.fields.get("access-control-request-method");
      context.resource_type = parsed->key().empty() ? "BUCKET" : "OBJECT";
    }
  }
  return xml_answer(wire.status, render_error(wire, context));
}

void S3Handler::add_ids(http::Fields& fields, std::string_view request_id) const {
  fields.add("x-amz-request-id", std::string(request_id));
  fields.add("x-amz-id-2", host_id_);
}

std::string S3Handler::refusal(int status, std::string_view why, std::string_view request_id,
                               http::Fields& fields) {
  fields.set("content-type", "application/xml");
  add_ids(fields, request_id);
  ErrorContext context;
  context.request_id = request_id;
  context.host_id = host_id_;
  return render_error(WireError{code_of_status(status), status, std::string(why)}, context);
}

}  // namespace strata::s3
