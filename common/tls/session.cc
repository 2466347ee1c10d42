#include "common/tls/session.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "common/tls/context_state.h"
#include "common/tls/openssl_handles.h"

namespace strata::tls {
namespace {

// Output beyond this is not kept by an idle session.
constexpr size_t kIdleOutputBytes = 1024;

// What OpenSSL reads from and writes to: views and a string of the session's.
struct Wire {
  Bytes input;
  std::string output;
  size_t output_begin = 0;  // before it: sent already
};

int read_wire(BIO* bio, char* into, size_t bytes, size_t* done) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (wire.input.empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *done = std::min(bytes, wire.input.size());
  std::memcpy(into, wire.input.data(), *done);
  wire.input = wire.input.subspan(*done);
  return 1;
}

int write_wire(BIO* bio, const char* from, size_t bytes, size_t* done) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  wire.output.append(from, bytes);
  *done = bytes;
  return 1;
}

long control_wire(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* wire_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "strata session");
    CHECK(made != nullptr, "out of memory");
    BIO_meth_set_read_ex(made, &read_wire);
    BIO_meth_set_write_ex(made, &write_wire);
    BIO_meth_set_ctrl(made, &control_wire);
    return made;
  }();
  return method;
}

// The first byte of the record that every client begins with.
constexpr std::byte kHandshakeRecord{22};

}  // namespace

struct Session::Impl {
  std::shared_ptr<const Context> context;
  Wire wire;
  SessionHandle ssl;
  uint64_t handshake_bytes = 0;
  bool broken = false;  // an error was reported: OpenSSL must not be called again
  bool closed = false;
};

Session::Session(std::shared_ptr<const Context> context) : impl_(std::make_unique<Impl>()) {
  const ContextState& state = *context->state_;
  impl_->context = std::move(context);
  impl_->ssl.reset(SSL_new(state.handle.get()));
  SSL* const ssl = impl_->ssl.get();
  CHECK(ssl != nullptr, "out of memory");
  BIO* const bio = BIO_new(wire_method());
  CHECK(bio != nullptr, "out of memory");
  BIO_set_data(bio, &impl_->wire);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  if (state.is_server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  if (state.server_name.empty()) return;
  CHECK(SSL_set_tlsext_host_name(ssl, state.server_name.c_str()) == 1);
  if (!state.checks_server) return;
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, state.server_name.c_str()) != 1) {
    ERR_clear_error();
    CHECK(SSL_set1_host(ssl, state.server_name.c_str()) == 1);
  }
}

Session::~Session() = default;

Error Session::failed(std::string_view reason, std::string_view doing) {
  impl_->broken = true;
  return {Code::kInvalidArgument, reason, fmt::format("{}: {}", doing, take_openssl_error())};
}

Status Session::handshake(Bytes& input) {
  Impl& impl = *impl_;
  if (established_) return {};
  if (impl.broken) return Error(Code::kClosed, "the TLS session has failed before");
  if (impl.context->state_->is_server && impl.handshake_bytes == 0 && !input.empty() &&
      input.front() != kHandshakeRecord) {
    impl.broken = true;
    return Error(Code::kInvalidArgument, kReasonNotTls, "the peer does not speak TLS");
  }
  ERR_clear_error();
  impl.wire.input = input;
  const int outcome = SSL_do_handshake(impl.ssl.get());
  impl.handshake_bytes += input.size() - impl.wire.input.size();
  input = impl.wire.input;
  impl.wire.input = {};
  if (outcome == 1) {
    established_ = true;
    return {};
  }
  if (SSL_get_error(impl.ssl.get(), outcome) != SSL_ERROR_WANT_READ) {
    return failed(kReasonHandshakeFailed, "the TLS handshake failed");
  }
  if (impl.handshake_bytes > kHandshakeBytesMax) {
    impl.broken = true;
    return Error(Code::kTooLarge, kReasonHandshakeFailed, "the TLS handshake does not end");
  }
  return {};
}

Result<size_t> Session::read(Bytes& input, MutableBytes into) {
  Impl& impl = *impl_;
  CHECK(established_ && !into.empty(), "data comes after the handshake");
  if (impl.broken) return Error(Code::kClosed, "the TLS session has failed before");
  if (ended_) return size_t{0};
  ERR_clear_error();
  impl.wire.input = input;
  size_t total = 0;
  int outcome = 1;
  while (total < into.size() && outcome == 1) {
    size_t got = 0;
    outcome = SSL_read_ex(impl.ssl.get(), into.data() + total, into.size() - total, &got);
    if (outcome == 1) total += got;
  }
  const int why = outcome == 1 ? SSL_ERROR_NONE : SSL_get_error(impl.ssl.get(), outcome);
  input = impl.wire.input;
  impl.wire.input = {};
  if (why == SSL_ERROR_ZERO_RETURN) {
    ended_ = true;
  } else if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
    return failed(kReasonBadRecord, "what the peer sent is not TLS data");
  }
  return total;
}

Result<size_t> Session::write(Bytes plain) {
  Impl& impl = *impl_;
  CHECK(established_ && !impl.closed, "data is written between the handshake and close()");
  if (impl.broken) return Error(Code::kClosed, "the TLS session has failed before");
  size_t total = 0;
  while (total < plain.size() && output().size() < kOutputBytesMax) {
    ERR_clear_error();
    size_t taken = 0;
    if (SSL_write_ex(impl.ssl.get(), plain.data() + total, plain.size() - total, &taken) != 1) {
      return failed(kReasonBadRecord, "TLS could not encrypt");
    }
    total += taken;
  }
  return total;
}

void Session::close() {
  if (impl_->closed || impl_->broken || !established_) return;
  impl_->closed = true;
  ERR_clear_error();
  (void)SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

Bytes Session::output() const noexcept {
  return as_bytes(std::string_view(impl_->wire.output).substr(impl_->wire.output_begin));
}

void Session::consume(size_t sent) noexcept {
  Wire& wire = impl_->wire;
  CHECK(sent <= wire.output.size() - wire.output_begin);
  wire.output_begin += sent;
  if (wire.output_begin < wire.output.size()) return;
  wire.output.clear();
  wire.output_begin = 0;
}

void Session::shrink() {
  if (output().empty() && impl_->wire.output.capacity() > kIdleOutputBytes) {
    impl_->wire.output = std::string();
  }
}

std::string_view Session::version() const noexcept {
  return SSL_get_version(impl_->ssl.get());
}

std::string Session::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int bytes = 0;
  SSL_get0_alpn_selected(impl_->ssl.get(), &name, &bytes);
  return {reinterpret_cast<const char*>(name), bytes};
}

std::string Session::server_name() const {
  const char* name = SSL_get_servername(impl_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string() : std::string(name);
}

}  // namespace strata::tls
