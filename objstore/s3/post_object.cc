// PostObject: a PUT by form. The upload itself is PutObject's; only the answer differs.
#include "objstore/s3/post_object.h"

#include <algorithm>
#include <utility>

#include "common/base/parse.h"
#include "common/codec/text.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {

namespace {

// Fields that are headers under the same name.
constexpr std::string_view kHeaderFields[] = {
    "cache-control", "content-disposition", "content-encoding", "content-language",
    "content-type",  "content-md5",         "expires"};
// Headers of the POST itself that say something of its sender.
constexpr std::string_view kKeptHeaders[] = {"host", "origin", "referer", "user-agent",
                                             "x-amz-expected-bucket-owner"};
// What signs the form is not part of what it uploads.
constexpr std::string_view kSigningFields[] = {"x-amz-algorithm", "x-amz-credential", "x-amz-date",
                                               "x-amz-security-token", "x-amz-signature"};

template <typename Names>
bool names_contain(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

bool has_control_byte(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

Error malformed_tagging() {
  return {Code::kInvalidArgument, code::kMalformedXml,
          "The XML you provided was not well-formed or did not validate "
          "against our published "
          "schema"};
}

// The "tagging" field holds the XML of PutObjectTagging; a PUT says the same in
// a query string.
Result<std::string> tagging_header(std::string_view xml) {
  const Result<codec::XmlElement> root = codec::parse_xml(xml);
  const codec::XmlElement* set = root.ok() ? root->child("TagSet") : nullptr;
  if (set == nullptr || root->name != "Tagging") return malformed_tagging();
  std::string text;
  for (const codec::XmlElement& tag : set->children) {
    if (tag.name != "Tag" || tag.child("Key") == nullptr || tag.child("Value") == nullptr) {
      return malformed_tagging();
    }
    if (!text.empty()) text += '&';
    codec::append_uri_encoded(text, tag.child_text("Key"), true);
    text += '=';
    codec::append_uri_encoded(text, tag.child_text("Value"), true);
  }
  return text;
}

// The header that a field stands for; empty if it is none.
std::string header_of_field(std::string_view name) {
  if (name == "acl") return "x-amz-acl";
  if (names_contain(kHeaderFields, name)) return std::string(name);
  if (name.starts_with("x-amz-") && !names_contain(kSigningFields, name)) return std::string(name);
  return {};
}

bool is_redirect_target(std::string_view url) {
  return (url.starts_with("http://") || url.starts_with("https://")) && !has_control_byte(url) &&
         url.find(' ') == std::string_view::npos;
}

std::string location_of(const VerifiedRequest& request) {
  std::string url = request.head().secure ? "https://" : "http://";
  url += request.fields().get("host");
  if (!request.parsed().virtual_host()) url += "/" + request.bucket();
  url += '/';
  codec::append_uri_encoded(url, request.key(), false);
  return url;
}

// The page that the form wants shown, told what became of it.
std::string redirect_url(std::string_view target, const VerifiedRequest& request,
                         std::string_view etag) {
  std::string url(target);
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += "bucket=";
  codec::append_uri_encoded(url, request.bucket(), true);
  url += "&key=";
  codec::append_uri_encoded(url, request.key(), true);
  url += "&etag=";
  codec::append_uri_encoded(url, etag, true);
  return url;
}

// What PutObject's answer becomes for a form.
Answer answer_of_post(const VerifiedRequest& request, Answer stored) {
  const PostFields& fields = request.form()->fields();
  const std::string etag(stored.head.fields.get("etag"));
  const std::string location = location_of(request);
  std::string_view target = fields.get("success_action_redirect");
  if (target.empty()) target = fields.get("redirect");
  Answer answer = empty_answer(204);
  if (!target.empty() && is_redirect_target(target)) {
    answer.head.status = 303;
    stored.head.fields.set("location", redirect_url(target, request, etag));
  } else {
    const std::string_view status = fields.get("success_action_status");
    if (status == "200") answer.head.status = 200;
    if (status == "201") {
      codec::XmlWriter xml("PostResponse", "");
      xml.element("Location", location).element("Bucket", request.bucket());
      xml.element("Key", request.key()).element("ETag", etag);
      answer = xml_answer(201, xml.finish());
    }
    stored.head.fields.set("location", location);
  }
  for (const auto& [name, value] : stored.head.fields.all()) answer.head.fields.add(name, value);
  return answer;
}

}  // namespace

Result<std::string> boundary_of_post(const http::Fields& fields) {
  Result<std::string> boundary = http::form_data_boundary(fields.get("content-type"));
  if (boundary.ok()) return boundary;
  return Error(Code::kPreconditionFailed,
               "Bucket POST must be of the enclosure-type multipart/form-data");
}

Result<ParsedRequest> request_of_form(const ParsedRequest& post, const PostForm& form) {
  http::Fields fields;
  for (const auto& [name, value] : post.head().fields.all()) {
    if (names_contain(kKeptHeaders, name)) fields.add(name, value);
  }
  const std::string* key = form.fields().find("key");
  if (key == nullptr || key->empty()) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Bucket POST must contain a field named 'key'.  If it is "
                 "specified, please check "
                 "the order of the fields.");
  }
  for (const auto& [name, value] : form.fields().all()) {
    if (name == "tagging") {
      TRY_ASSIGN(std::string tagging, tagging_header(value));
      fields.add("x-amz-tagging", std::move(tagging));
      continue;
    }
    std::string header = header_of_field(name);
    if (header.empty()) continue;
    if (has_control_byte(header) || has_control_byte(value)) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "The field '" + std::string(name) + "' holds a control character.");
    }
    fields.add(std::move(header), value);
  }
  return ParsedRequest::of_form(post, key_of_form(*key, form.file_name()), std::move(fields));
}

AnswerTask post_object(const Call& call) {
  CO_TRY_ASSIGN(Answer stored, co_await put_object(call));
  co_return answer_of_post(call.request, std::move(stored));
}

}  // namespace strata::s3
