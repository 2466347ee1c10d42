#include "strata/banner.h"

#include <fmt/format.h>

#include "strata/server_status.h"

namespace strata::roof {
namespace {

// An address that a client on this machine can use: "every address" is reached over loopback.
std::string reachable(const HostPort& address) {
  if (address.host == "0.0.0.0") return HostPort{"127.0.0.1", address.port}.to_string();
  if (address.host == "::") return HostPort{"::1", address.port}.to_string();
  return address.to_string();
}

std::string_view scheme(const BannerFacts& facts) {
  return facts.s3_tls ? "https://" : "http://";
}

// Shell words: what is not plain goes into single quotes.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out.push_back(c);
    }
  }
  return out + "'";
}

std::string endpoints(const BannerFacts& facts) {
  std::string out;
  out += facts.s3 ? fmt::format("  S3           {}{}  (region {})\n", scheme(facts),
                                reachable(*facts.s3), facts.region)
                  : "  S3           off\n";
  if (facts.website) {
    out +=
        fmt::format("  Websites     http://{}/  (a bucket by the Host header: BUCKET.localhost)\n",
                    reachable(*facts.website));
  }
  const bool tls = facts.nbd_tls == nbd::TlsMode::kRequired;
  out += facts.nbd ? fmt::format("  NBD          {}://{}/NAME\n", tls ? "nbds" : "nbd",
                                 reachable(*facts.nbd))
                   : "  NBD          TCP off\n";
  if (facts.nbd_socket) {
    out += fmt::format("               nbd+unix:///NAME?socket={}\n", *facts.nbd_socket);
  }
  out += facts.admin ? fmt::format("  Admin        http://{0}/health/ready  http://{0}/metrics\n",
                                   reachable(*facts.admin))
                     : "  Admin        off\n";
  return out;
}

std::string credentials_line(const Credentials& credentials) {
  if (credentials.built_in) {
    return fmt::format(
        "  Credentials  {} / {}  (development pair: fine on loopback only;\n"
        "               set STRATA_ROOT_USER and STRATA_ROOT_PASSWORD for your own)\n",
        credentials.user, credentials.password);
  }
  return fmt::format("  Credentials  {} with the secret key you set ({})\n", credentials.user,
                     credentials.source);
}

std::string drive_lines(const BannerFacts& facts) {
  std::string out = fmt::format("  Data         {}\n", facts.data);
  out += fmt::format("  Drives       {} of {} in service, {} {} of each object\n",
                     facts.store.drives_in_service(), facts.store.members(), facts.store.replicas,
                     facts.store.replicas == 1 ? "copy" : "copies");
  out += fmt::format("  Durability   {}\n", durability_words(facts.store));
  for (const replica::DriveStatus& drive : facts.store.drives) {
    out += fmt::format("               {}  {}", drive.path, drive.state);
    out += drive.capacity_bytes == 0
               ? "\n"
               : fmt::format(", {} free\n", format_size(drive.available_bytes));
  }
  return out;
}

std::string paste_lines(const BannerFacts& facts) {
  std::string out = "\nTry:\n";
  const std::string program = shell_word(facts.program);
  const bool default_folder = facts.data == "./strata-data" || facts.data == "strata-data";
  const std::string data = default_folder ? "" : " --data " + shell_word(facts.data);
  if (facts.s3) {
    const std::string secret =
        facts.credentials.built_in ? facts.credentials.password : "YOUR_SECRET";
    out += fmt::format(
        "  AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} aws --region {} --endpoint-url {}{} "
        "s3 mb s3://demo\n",
        shell_word(facts.credentials.user), secret, facts.region, scheme(facts),
        reachable(*facts.s3));
  }
  const std::string volume = facts.volumes.empty() ? "demo" : facts.volumes.front();
  const std::string create =
      facts.volumes.empty() ? fmt::format("{} volume create demo 1G{} && ", program, data) : "";
  // With TLS required the client needs more than an address: what it has to trust or to show.
  if (facts.nbd && facts.nbd_tls != nbd::TlsMode::kRequired) {
    out += fmt::format("  {}nbdinfo nbd://{}/{}\n", create, reachable(*facts.nbd), volume);
  } else if (facts.nbd_socket) {
    out +=
        fmt::format("  {}nbdinfo {}\n", create,
                    shell_word(fmt::format("nbd+unix:///{}?socket={}", volume, *facts.nbd_socket)));
  }
  out += fmt::format("  {} compare --quick\n", program);
  return out;
}

}  // namespace

std::string banner(const BannerFacts& facts) {
  return fmt::format("strata {} is ready after {} ms\n", facts.version, facts.ready_ms) +
         endpoints(facts) + credentials_line(facts.credentials) + drive_lines(facts) +
         paste_lines(facts) + "\nStop it with Ctrl-C.\n";
}

}  // namespace strata::roof
