#include "strata/certificate_watch.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/log.h"

namespace strata::roof {
namespace {

Result<std::string> read_text(io::FileSystem& files, const std::string& path, size_t bytes_max) {
  Result<ByteVector> text = io::read_file(files, path, bytes_max);
  if (!text.ok()) return text.error().with_context("cannot read " + path);
  return to_string(*text);
}

// The files' names, for messages.
std::string names_of(const TlsFiles& paths) {
  std::string out;
  for (const std::string* path : {&paths.certificate, &paths.key, &paths.client_ca}) {
    if (!path->empty()) out += (out.empty() ? "" : " with ") + *path;
  }
  return out.empty() ? paths.psk : out;
}

Result<std::shared_ptr<const tls::Context>> load(io::FileSystem& files, const TlsFiles& paths,
                                                 const std::vector<std::string>& alpn) {
  tls::ServerOptions options;
  if (!paths.certificate.empty()) {
    tls::Identity identity;
    TRY_ASSIGN(identity.certificate_pem, read_text(files, paths.certificate, tls::kPemBytesMax));
    TRY_ASSIGN(identity.private_key_pem, read_text(files, paths.key, tls::kPemBytesMax));
    options.identity = std::move(identity);
  }
  if (!paths.client_ca.empty()) {
    TRY_ASSIGN(options.client_ca_pem, read_text(files, paths.client_ca, tls::kPemBytesMax));
    if (options.client_ca_pem.empty()) {
      return Error(Code::kInvalidArgument, paths.client_ca + " holds no authority in PEM form");
    }
  }
  if (!paths.psk.empty()) {
    TRY_ASSIGN(const std::string text, read_text(files, paths.psk, tls::kPskFileBytesMax));
    auto keys = tls::parse_psk_file(text);
    if (!keys.ok()) return keys.error().with_context(paths.psk);
    options.psk = std::move(*keys);
  }
  options.alpn = alpn;
  auto made = tls::Context::server(std::move(options));
  if (made.ok()) return made;
  return made.error().with_context(names_of(paths));
}

// Changes whenever a file is written, replaced or renamed over.
std::string look_of(io::FileSystem& files, const std::string& path) {
  const Result<io::FileInfo> info = files.info(path);
  if (!info.ok()) return "missing";
  return fmt::format("{} {} {}", info->inode, info->size_bytes, info->modified_ms);
}

std::string look_of_all(io::FileSystem& files, const TlsFiles& paths) {
  std::string out;
  for (const std::string* path : {&paths.certificate, &paths.key, &paths.client_ca, &paths.psk}) {
    if (!path->empty()) out += look_of(files, *path) + ", ";
  }
  return out;
}

}  // namespace

CertificateWatch::CertificateWatch(io::FileSystem& files, TlsFiles paths,
                                   std::vector<std::string> alpn,
                                   std::shared_ptr<const tls::Context> first)
    : files_(files), paths_(std::move(paths)), alpn_(std::move(alpn)), current_(std::move(first)) {}

Result<std::unique_ptr<CertificateWatch>> CertificateWatch::start(
    io::FileSystem& files, TlsFiles paths, std::vector<std::string> alpn,
    std::chrono::milliseconds period) {
  // Looked at before they are read, so that a change in between is noticed.
  std::string seen = look_of_all(files, paths);
  TRY_ASSIGN(auto first, load(files, paths, alpn));
  std::unique_ptr<CertificateWatch> self(
      new CertificateWatch(files, std::move(paths), std::move(alpn), std::move(first)));
  self->seen_ = std::move(seen);
  if (period.count() > 0) {
    self->thread_ = std::thread([watch = self.get(), period] { watch->run(period); });
  }
  return self;
}

CertificateWatch::~CertificateWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CertificateWatch::run(std::chrono::milliseconds period) {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, period, [this] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

bool CertificateWatch::look() {
  std::string now = look_of_all(files_, paths_);
  if (now == seen_) return false;
  seen_ = std::move(now);
  auto renewed = load(files_, paths_, alpn_);
  if (!renewed.ok()) {
    // One file may be there before the other; the next change is looked at again.
    log::warning("tls.certificate_not_renewed", {{"error", renewed.error().to_string()}});
    return false;
  }
  current_.set(std::move(*renewed));
  log::info("tls.certificate_renewed", {{"path", names_of(paths_)}});
  return true;
}

}  // namespace strata::roof
