// CertificateWatch: the TLS context made of a listener's files, renewed when they change, so that a
// certificate can be replaced, and a key added or taken away, without a restart.
//
// Thread rule: made and destroyed on the owner's thread; current() from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/io/file_system.h"
#include "common/tls/current_context.h"
#include "strata/tls_files.h"

namespace strata::roof {

class CertificateWatch {
 public:
  // Reads the files now (an error names the file and what is wrong with it) and looks for changes
  // every `period` from then on. Files that do not fit together are logged and change nothing. The
  // filesystem outlives this.
  [[nodiscard]] static Result<std::unique_ptr<CertificateWatch>> start(
      io::FileSystem& files, TlsFiles paths, std::vector<std::string> alpn,
      std::chrono::milliseconds period = std::chrono::seconds(2));
  ~CertificateWatch();
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  [[nodiscard]] const tls::CurrentContext& current() const noexcept { return current_; }

  // One look, as the thread does it; whether there is a new context.
  bool look();

 private:
  CertificateWatch(io::FileSystem& files, TlsFiles paths, std::vector<std::string> alpn,
                   std::shared_ptr<const tls::Context> first);
  void run(std::chrono::milliseconds period);

  io::FileSystem& files_;
  const TlsFiles paths_;
  const std::vector<std::string> alpn_;
  tls::CurrentContext current_;
  std::string seen_;  // what the files looked like when they were last read
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace strata::roof
