#include "objstore/iam/query_api.h"

#include "common/codec/text.h"
#include "objstore/access/authorize.h"
#include "objstore/iam/operation_table.h"
#include "objstore/iam/tags.h"

namespace strata::iam {

namespace {

constexpr std::string_view kIamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/";
constexpr std::string_view kStsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

std::string_view namespace_of(QueryService service) {
  return service == QueryService::kIam ? kIamNamespace : kStsNamespace;
}

// What a policy of the caller may ask about.
class CallContext final : public access::Context {
 public:
  // tags: of what the call is about; null: that has none. All outlive this.
  CallContext(const access::Caller& caller, const Parameters& parameters, const Tags* tags,
              io::WallTime now)
      : caller_(caller), parameters_(parameters), tags_(tags), now_(now) {}
  [[nodiscard]] std::optional<std::vector<std::string>> find(std::string_view key) const override {
    const access::Principal& who = *caller_.principal;
    if (key == "aws:username") return one(who.username);
    if (key == "aws:userid") return one(who.user_id);
    if (key == "aws:principalarn") return one(who.arn);
    if (key == "aws:principalaccount") return one(who.account);
    if (key == "aws:currenttime") return one(iso_time(now_.time_since_epoch().count()));
    if (key == "iam:policyarn") {
      const auto found = parameters_.find("PolicyArn");
      return found == parameters_.end() ? std::nullopt : one(found->second);
    }
    return of_tags(key);
  }

 private:
  [[nodiscard]] std::optional<std::vector<std::string>> of_tags(std::string_view key) const {
    const size_t slash = key.find('/');
    const std::string_view family = key.substr(0, slash);
    const std::string_view name = slash == std::string_view::npos ? "" : key.substr(slash + 1);
    const auto found = [](const std::string* value) -> std::optional<std::vector<std::string>> {
      if (value == nullptr) return std::nullopt;
      return std::vector<std::string>{*value};
    };
    if (family == "aws:principaltag") return found(access::principal_tag(*caller_.principal, name));
    if (family == "iam:resourcetag" || family == "aws:resourcetag") {
      return tags_ == nullptr ? std::nullopt : found(find_tag(*tags_, name));
    }
    const Tags asked = requested_tags(parameters_);
    if (family == "aws:requesttag") return found(find_tag(asked, name));
    if (family != "aws:tagkeys") return std::nullopt;
    std::vector<std::string> keys = requested_tag_keys(parameters_);
    return keys.empty() ? std::nullopt : std::optional(std::move(keys));
  }
  static std::optional<std::vector<std::string>> one(const std::string& value) {
    if (value.empty()) return std::nullopt;
    return std::vector<std::string>{value};
  }
  const access::Caller& caller_;
  const Parameters& parameters_;
  const Tags* tags_;
  io::WallTime now_;
};

Status check_allowed(const QueryOperation& operation, const access::Caller& caller,
                     const Parameters& parameters, const State& state, io::WallTime now) {
  if (caller.is_anonymous()) {
    return Error(Code::kPermissionDenied, "MissingAuthenticationToken",
                 "Request is missing Authentication Token");
  }
  if (operation.for_everybody) return {};
  const std::string resource = resource_of(operation, caller, parameters, state);
  const Tags* const tags = tags_of_resource(operation, caller, parameters, state);
  const CallContext context(caller, parameters, tags, now);
  const std::string action =
      (operation.service == QueryService::kIam ? "iam:" : "sts:") + std::string(operation.name);
  const access::Decision decision = access::authorize_own(caller, action, resource, context);
  if (decision.allowed) return {};
  return Error(Code::kPermissionDenied, code::kAccessDenied,
               "User: " + caller.principal->arn + " is not authorized to perform: " + action +
                   " on resource: " + resource);
}

// What a call may ask for and nobody here does: passed over, somebody would have more rights than
// the caller meant.
Status refuse_unserved(const Parameters& parameters) {
  constexpr std::string_view kUnserved[] = {"PermissionsBoundary",
                                            "SerialNumber",
                                            "TokenCode",
                                            "SourceIdentity",
                                            "TransitiveTagKeys.member.1",
                                            "ProvidedContexts.member.1.ProviderArn"};
  for (const std::string_view name : kUnserved) {
    if (parameters.find(name) == parameters.end()) continue;
    return error(code::kValidationError,
                 "The parameter " + std::string(name) + " is not supported by this server.");
  }
  return {};
}

// What the room of signatures says with words of its own.
bool is_of_signatures(const Error& error) {
  return !error.reason.empty() && error.reason.front() >= 'a' && error.reason.front() <= 'z';
}

int http_status_of(const Error& error) {
  if (error.reason == "SignatureDoesNotMatch" || error.reason == "InvalidToken" ||
      error.reason == "ExpiredToken") {
    return 403;
  }
  if (error.reason == code::kNoSuchEntity) return 404;
  if (error.reason == code::kEntityAlreadyExists || error.reason == code::kDeleteConflict ||
      error.reason == code::kLimitExceeded) {
    return 409;
  }
  switch (error.code) {
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return 403;
    case Code::kInvalidArgument:
    case Code::kUnsupported:
    case Code::kTooLarge:
      return 400;
    case Code::kBusy:
    case Code::kClosed:
    case Code::kNoSpace:
      return 503;
    default:
      return 500;
  }
}

std::string_view code_of(const Error& error, int status) {
  if (status == 503) return "ServiceUnavailable";
  if (status >= 500) return "ServiceFailure";
  if (error.reason == "InvalidAccessKeyId" || error.reason == "InvalidToken") {
    return "InvalidClientTokenId";
  }
  if (error.reason == "AuthorizationHeaderMalformed") return "IncompleteSignature";
  if (is_of_signatures(error)) {
    return status == 403 ? "SignatureDoesNotMatch" : "IncompleteSignature";
  }
  if (!error.reason.empty()) return error.reason;
  return status == 403 ? code::kAccessDenied : code::kValidationError;
}

}  // namespace

Result<Parameters> parse_form(std::string_view form) {
  if (form.size() > kFormBytesMax) {
    return Error(Code::kTooLarge, code::kValidationError, "A request has at most 256 KiB.");
  }
  Parameters parameters;
  while (!form.empty()) {
    const size_t end = form.find('&');
    const std::string_view pair = form.substr(0, end);
    form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const auto name = codec::uri_decode(pair.substr(0, equals), true);
    const auto value = equals == std::string_view::npos
                           ? std::optional<std::string>("")
                           : codec::uri_decode(pair.substr(equals + 1), true);
    if (!name || !value || !codec::is_utf8(*name) || !codec::is_utf8(*value)) {
      return error(code::kValidationError, "The request is not a percent-encoded UTF-8 form.");
    }
    if (parameters.size() == kFormParametersMax || !parameters.emplace(*name, *value).second) {
      return error(code::kValidationError,
                   "The parameter " + name->substr(0, 64) + " comes twice, or there are too many.");
    }
  }
  return parameters;
}

QueryService service_of(const Parameters& parameters) noexcept {
  const auto version = parameters.find("Version");
  return version != parameters.end() && version->second.starts_with("2011-") ? QueryService::kSts
                                                                             : QueryService::kIam;
}

QueryAnswer QueryApi::error_answer(QueryService service, const Error& failure,
                                   std::string_view request_id) {
  const int status = http_status_of(failure);
  codec::XmlWriter xml("ErrorResponse", namespace_of(service));
  xml.open("Error").element("Type", status >= 500 ? "Receiver" : "Sender");
  xml.element("Code", code_of(failure, status));
  xml.element("Message", status >= 500 ? std::string("The request could not be carried out.")
                                       : failure.message);
  xml.close().element("RequestId", request_id);
  return {status, xml.finish()};
}

async::Task<Result<std::string>> QueryApi::carry_out(const Parameters& parameters,
                                                     const access::Caller& caller,
                                                     const std::string& request_id) {
  const auto action = parameters.find("Action");
  if (action == parameters.end()) {
    co_return error("MissingAction", "The request names no Action.");
  }
  const QueryOperation* operation = find_operation(action->second, service_of(parameters));
  if (operation == nullptr) {
    co_return error(code::kInvalidAction, "Could not find operation " +
                                              action->second.substr(0, 64) +
                                              " for this version of the API.");
  }
  CO_TRY(refuse_unserved(parameters));
  const io::WallTime now = clock_.wall_now();
  const std::string name(operation->name);
  std::string body;
  const auto run = [&](const State& state, State* draft) -> Status {
    TRY(check_allowed(*operation, caller, parameters, state, now));
    codec::XmlWriter xml(name + "Response", namespace_of(operation->service));
    if (operation->has_result) xml.open(name + "Result");
    ApiCall call{parameters, caller, now, random_, state, draft, xml};
    TRY(operation->run(call));
    if (operation->has_result) xml.close();
    xml.open("ResponseMetadata").element("RequestId", request_id).close();
    body = xml.finish();
    return {};
  };
  if (!operation->changes) {
    const std::shared_ptr<const State> state = directory_.state();
    CO_TRY(run(*state, nullptr));
    co_return std::move(body);
  }
  Directory::Edit edit = [&run](State& draft) { return run(draft, &draft); };
  CO_TRY(co_await directory_.change(std::move(edit)));
  co_return std::move(body);
}

async::Task<QueryAnswer> QueryApi::answer(Parameters parameters, access::Caller caller,
                                          std::string request_id) {
  Result<std::string> done = co_await carry_out(parameters, caller, request_id);
  if (done.ok()) co_return QueryAnswer{200, std::move(*done)};
  co_return error_answer(service_of(parameters), done.error(), request_id);
}

}  // namespace strata::iam
