#include "common/tls/context.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "common/tls/context_state.h"

namespace strata::tls {
namespace {

// What TLS 1.2 may use: forward secrecy and authenticated encryption; plain PSK for the tools that
// have nothing else. TLS 1.3 has only good ones.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kPskCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384:"
    "DHE-PSK-AES128-GCM-SHA256:DHE-PSK-CHACHA20-POLY1305:PSK-AES256-GCM-SHA384:"
    "PSK-AES128-GCM-SHA256";

Error bad(std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("{}: {}", what, take_openssl_error()));
}

// A key with a passphrase must fail instead of asking the terminal for it.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return -1;
}

Result<BioHandle> open_pem(std::string_view pem, std::string_view what) {
  if (pem.size() > kPemBytesMax) {
    return Error(Code::kTooLarge, fmt::format("{} is larger than 1 MiB", what));
  }
  BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(bio != nullptr, "out of memory");
  return bio;
}

CertificateHandle next_certificate(BIO* pem) {
  return CertificateHandle(PEM_read_bio_X509(pem, nullptr, &no_passphrase, nullptr));
}

int64_t end_of_validity(const X509* certificate) {
  tm broken_down{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken_down) != 1) return 0;
  return timegm(&broken_down);
}

Status use_identity(ContextState& state, const Identity& identity) {
  SSL_CTX* const handle = state.handle.get();
  TRY_ASSIGN(const BioHandle certificates, open_pem(identity.certificate_pem, "the certificate"));
  const CertificateHandle leaf = next_certificate(certificates.get());
  if (!leaf) return bad("there is no certificate in PEM form");
  if (SSL_CTX_use_certificate(handle, leaf.get()) != 1) return bad("the certificate");
  state.expires = end_of_validity(leaf.get());
  for (;;) {
    const CertificateHandle link = next_certificate(certificates.get());
    if (!link) break;
    if (SSL_CTX_add1_chain_cert(handle, link.get()) != 1) return bad("the certificate's chain");
  }
  ERR_clear_error();  // the end of the file counts as an error
  TRY_ASSIGN(const BioHandle key_text, open_pem(identity.private_key_pem, "the private key"));
  const KeyHandle key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, &no_passphrase, nullptr));
  if (!key) return bad("there is no private key in PEM form without a passphrase");
  if (SSL_CTX_use_PrivateKey(handle, key.get()) != 1 || SSL_CTX_check_private_key(handle) != 1) {
    return bad("the private key is not the certificate's");
  }
  return {};
}

Status trust(ContextState& state, std::string_view ca_pem) {
  TRY_ASSIGN(const BioHandle text, open_pem(ca_pem, "the authorities"));
  X509_STORE* const store = SSL_CTX_get_cert_store(state.handle.get());
  size_t count = 0;
  for (;; ++count) {
    const CertificateHandle authority = next_certificate(text.get());
    if (!authority) break;
    if (X509_STORE_add_cert(store, authority.get()) != 1) return bad("an authority");
    if (state.is_server) SSL_CTX_add_client_CA(state.handle.get(), authority.get());
  }
  ERR_clear_error();
  if (count == 0) return Error(Code::kInvalidArgument, "there is no authority in PEM form");
  return {};
}

Result<std::string> alpn_list(const std::vector<std::string>& names) {
  if (names.size() > kAlpnNamesMax) return Error(Code::kInvalidArgument, "too many ALPN protocols");
  std::string list;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > kAlpnNameBytesMax) {
      return Error(Code::kInvalidArgument, "an ALPN protocol's name has 1 to 255 bytes");
    }
    list += static_cast<char>(static_cast<unsigned char>(name.size()));
    list += name;
  }
  return list;
}

const ContextState& state_of(SSL* session) {
  return *static_cast<const ContextState*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
}

int choose_protocol(SSL* session, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* offered, unsigned int offered_bytes, void* /*user*/) {
  const std::string& ours = state_of(session).alpn;
  unsigned char* chosen = nullptr;
  const int outcome =
      SSL_select_next_proto(&chosen, out_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned int>(ours.size()), offered, offered_bytes);
  *out = chosen;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

unsigned int find_psk(SSL* session, const char* identity, unsigned char* key, unsigned int bytes) {
  const PskKeys& keys = state_of(session).psk;
  const auto found = keys.find(std::string_view(identity));
  if (found == keys.end() || found->second.size() > bytes) return 0;
  std::ranges::copy(found->second, key);
  return static_cast<unsigned int>(found->second.size());
}

unsigned int offer_psk(SSL* session, const char* /*hint*/, char* identity,
                       unsigned int identity_bytes, unsigned char* key, unsigned int key_bytes) {
  const ContextState& state = state_of(session);
  if (state.psk_identity.size() + 1 > identity_bytes || state.psk_key.size() > key_bytes) return 0;
  std::memcpy(identity, state.psk_identity.c_str(), state.psk_identity.size() + 1);
  std::ranges::copy(state.psk_key, key);
  return static_cast<unsigned int>(state.psk_key.size());
}

// What both ends have in common.
std::unique_ptr<ContextState> make_state(bool is_server) {
  auto state = std::make_unique<ContextState>();
  state->is_server = is_server;
  state->handle.reset(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* const handle = state->handle.get();
  CHECK(handle != nullptr, "OpenSSL makes no context");
  SSL_CTX_set_app_data(handle, state.get());
  CHECK(SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION) == 1);
  SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // An idle session gives its buffers back; a write that was cut short may be repeated elsewhere.
  SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);  // tickets need no memory here
  CHECK(SSL_CTX_set_cipher_list(handle, kCiphers) == 1);
  return state;
}

}  // namespace

Context::Context(std::unique_ptr<ContextState> state) : state_(std::move(state)) {}
Context::~Context() = default;

std::optional<int64_t> Context::expires() const noexcept {
  return state_->expires;
}

Result<std::shared_ptr<const Context>> Context::server(ServerOptions options) {
  if (!options.identity && options.psk.empty()) {
    return Error(Code::kInvalidArgument, "a TLS server needs a certificate or pre-shared keys");
  }
  std::unique_ptr<ContextState> state = make_state(true);
  SSL_CTX* const handle = state->handle.get();
  // Resumption is bound to this program's life and to this context.
  constexpr unsigned char kResumptionScope[] = "strata";
  CHECK(SSL_CTX_set_session_id_context(handle, kResumptionScope, sizeof kResumptionScope) == 1);
  if (options.identity) TRY(use_identity(*state, *options.identity));
  if (!options.psk.empty()) {
    state->psk = std::move(options.psk);
    SSL_CTX_set_psk_server_callback(handle, &find_psk);
    CHECK(SSL_CTX_set_cipher_list(handle, kPskCiphers) == 1);
    CHECK(SSL_CTX_set_dh_auto(handle, 1) == 1);
  }
  if (!options.client_ca_pem.empty()) {
    TRY(trust(*state, options.client_ca_pem));
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  TRY_ASSIGN(state->alpn, alpn_list(options.alpn));
  if (!state->alpn.empty()) SSL_CTX_set_alpn_select_cb(handle, &choose_protocol, nullptr);
  return std::shared_ptr<const Context>(new Context(std::move(state)));
}

Result<std::shared_ptr<const Context>> Context::client(ClientOptions options) {
  std::unique_ptr<ContextState> state = make_state(false);
  SSL_CTX* const handle = state->handle.get();
  if (options.identity) TRY(use_identity(*state, *options.identity));
  if (!options.ca_pem.empty()) {
    TRY(trust(*state, options.ca_pem));
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nullptr);
    state->checks_server = true;
  }
  state->server_name = std::move(options.server_name);
  if (!options.psk_key.empty()) {
    state->psk_identity = std::move(options.psk_identity);
    state->psk_key = std::move(options.psk_key);
    SSL_CTX_set_psk_client_callback(handle, &offer_psk);
    CHECK(SSL_CTX_set_cipher_list(handle, kPskCiphers) == 1);
  }
  TRY_ASSIGN(state->alpn, alpn_list(options.alpn));
  if (!state->alpn.empty()) {
    // This function alone of OpenSSL's returns 0 for success.
    CHECK(SSL_CTX_set_alpn_protos(handle,
                                  reinterpret_cast<const unsigned char*>(state->alpn.data()),
                                  static_cast<unsigned int>(state->alpn.size())) == 0);
  }
  return std::shared_ptr<const Context>(new Context(std::move(state)));
}

}  // namespace strata::tls
