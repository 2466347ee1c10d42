#include "strata/nbd_uri.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "strata/control_client.h"

namespace strata::roof {
namespace {

// Percent-encoded, but for what means nothing in a URI.
std::string encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '_' || c == '-' || c == ':';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

Result<std::string> nbd_uri(const std::string& data, const std::string& export_name) {
  TRY_ASSIGN(const nlohmann::json status, ask_server(data, "GET", "/v1/status", ""));
  const nlohmann::json listeners = status.value("listeners", nlohmann::json::object());
  if (const std::string socket = listeners.value("nbd_socket", ""); !socket.empty()) {
    return fmt::format("nbd+unix:///{}?socket={}", encoded(export_name), encoded(socket));
  }
  if (const std::string address = listeners.value("nbd", ""); !address.empty()) {
    if (status.value("nbd_tls", "") == "required") {
      return Error(Code::kUnsupported,
                   "the server takes NBD over TCP with TLS only; start it with --nbd-socket to use "
                   "its volumes from this machine");
    }
    return fmt::format("nbd://{}/{}", address, encoded(export_name));
  }
  return Error(Code::kNotFound,
               "the server serves no NBD; start it with --nbd or --nbd-socket to use its volumes");
}

}  // namespace strata::roof
