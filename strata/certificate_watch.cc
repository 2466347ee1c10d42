#include "strata/certificate_watch.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/log.h"

namespace strata::roof {
namespace {

Result<std::string> read_pem(io::FileSystem& files, const std::string& path) {
  Result<ByteVector> text = io::read_file(files, path, tls::kPemBytesMax);
  if (!text.ok()) return text.error().with_context("cannot read " + path);
  return to_string(*text);
}

Result<std::shared_ptr<const tls::Context>> load(io::FileSystem& files,
                                                 const std::string& certificate_path,
                                                 const std::string& key_path) {
  tls::Identity identity;
  TRY_ASSIGN(identity.certificate_pem, read_pem(files, certificate_path));
  TRY_ASSIGN(identity.private_key_pem, read_pem(files, key_path));
  tls::ServerOptions options;
  options.identity = std::move(identity);
  options.alpn = {"http/1.1"};
  auto made = tls::Context::server(std::move(options));
  if (made.ok()) return made;
  return made.error().with_context(fmt::format("{} with {}", certificate_path, key_path));
}

// Changes whenever a file is written, replaced or renamed over.
std::string look_of(io::FileSystem& files, const std::string& path) {
  const Result<io::FileInfo> info = files.info(path);
  if (!info.ok()) return "missing";
  return fmt::format("{} {} {}", info->inode, info->size_bytes, info->modified_ms);
}

std::string look_of_both(io::FileSystem& files, const std::string& certificate,
                         const std::string& key) {
  return look_of(files, certificate) + ", " + look_of(files, key);
}

}  // namespace

CertificateWatch::CertificateWatch(io::FileSystem& files, std::string certificate_path,
                                   std::string key_path, std::shared_ptr<const tls::Context> first)
    : files_(files),
      certificate_path_(std::move(certificate_path)),
      key_path_(std::move(key_path)),
      current_(std::move(first)) {}

Result<std::unique_ptr<CertificateWatch>> CertificateWatch::start(
    io::FileSystem& files, std::string certificate_path, std::string key_path,
    std::chrono::milliseconds period) {
  // Looked at before they are read, so that a change in between is noticed.
  std::string seen = look_of_both(files, certificate_path, key_path);
  TRY_ASSIGN(auto first, load(files, certificate_path, key_path));
  std::unique_ptr<CertificateWatch> self(new CertificateWatch(
      files, std::move(certificate_path), std::move(key_path), std::move(first)));
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
  std::string now = look_of_both(files_, certificate_path_, key_path_);
  if (now == seen_) return false;
  seen_ = std::move(now);
  auto renewed = load(files_, certificate_path_, key_path_);
  if (!renewed.ok()) {
    // One file may be there before the other; the next change is looked at again.
    log::warning("tls.certificate_not_renewed", {{"error", renewed.error().to_string()}});
    return false;
  }
  current_.set(std::move(*renewed));
  log::info("tls.certificate_renewed", {{"path", certificate_path_}});
  return true;
}

}  // namespace strata::roof
