#include "objstore/website/pages.h"

#include "common/http/message.h"

namespace strata::website {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

void append_item(std::string& out, std::string_view name, std::string_view value) {
  out += "<li>";
  out += name;
  out += ": ";
  append_escaped(out, value);
  out += "</li>\n";
}

std::string head_of(int status) {
  const std::string title = std::to_string(status) + " " + std::string(http::status_text(status));
  return "<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n";
}

}  // namespace

std::string error_page(const Failure& failure, const Failure* error_document,
                       std::string_view request_id, std::string_view host_id) {
  std::string page = head_of(failure.status);
  page += "<ul>\n";
  append_item(page, "Code", failure.code);
  append_item(page, "Message", failure.message);
  if (!failure.detail_name.empty()) append_item(page, failure.detail_name, failure.detail);
  append_item(page, "RequestId", request_id);
  append_item(page, "HostId", host_id);
  page += "</ul>\n";
  if (error_document != nullptr) {
    page +=
        "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n";
    append_item(page, "Code", error_document->code);
    append_item(page, "Message", error_document->message);
    if (!error_document->detail_name.empty()) {
      append_item(page, error_document->detail_name, error_document->detail);
    }
    page += "</ul>\n";
  }
  page += "<hr/>\n</body>\n</html>\n";
  return page;
}

std::string redirect_page(int status, std::string_view location) {
  std::string page = head_of(status);
  page += "<ul>\n";
  append_item(page, "Location", location);
  page += "</ul>\n<hr/>\n</body>\n</html>\n";
  return page;
}

}  // namespace strata::website
