// fuzz-deps: common_tls common_base
//
// What a peer sends before and in the handshake, and the file of pre-shared keys.
#include "common/tls/psk.h"
#include "common/tls/session.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes all(reinterpret_cast<const std::byte*>(data), size);
  const auto keys = tls::parse_psk_file(as_text(all));
  if (keys.ok()) CHECK(!keys->empty());
  static const std::shared_ptr<const tls::Context> context = [] {
    tls::ServerOptions options;
    options.psk.emplace("fuzz", std::string(32, 'k'));
    options.alpn = {"http/1.1"};
    return tls::Context::server(std::move(options)).value();
  }();
  tls::Session session(context);
  Bytes input = all;
  while (!input.empty()) {
    const size_t before = input.size();
    const Status status = session.handshake(input);
    CHECK(!session.established(), "without the key nobody gets in");
    if (!status.ok() || input.size() == before) break;
  }
  return 0;
}
