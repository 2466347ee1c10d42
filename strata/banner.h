// The lines that `strata serve` prints when it is ready: where everything is, and what to paste.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blockdev/nbd/negotiation.h"
#include "common/base/parse.h"
#include "objstore/replica/store.h"
#include "strata/credentials.h"

namespace strata::roof {

struct BannerFacts {
  std::string program = "strata";  // as it was called, so that the lines can be pasted
  std::string version;
  std::string data;
  std::optional<HostPort> s3;  // with the ports that were really bound
  bool s3_tls = false;
  std::optional<HostPort> website;  // where buckets are websites; absent: off, and no line
  std::optional<HostPort> admin;
  std::optional<HostPort> nbd;
  nbd::TlsMode nbd_tls = nbd::TlsMode::kOff;  // of NBD over TCP
  std::optional<std::string> nbd_socket;
  std::vector<std::string> volumes;  // names
  std::string region;
  Credentials credentials;
  replica::StoreStatus store;
  int64_t ready_ms = 0;
};

// Whole lines. Holds the secret key only if it is the built-in one.
[[nodiscard]] std::string banner(const BannerFacts& facts);

}  // namespace strata::roof
