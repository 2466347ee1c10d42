#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/base/parse.h"
#include "strata/control_client.h"
#include "strata/control_verify.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

// A single object may be read for long; a server that ends closes the connection.
constexpr std::chrono::seconds kVerifyTimeout = std::chrono::hours(24);
// Requests of one bucket: a hundred objects each, at least one.
constexpr uint64_t kRequestsMax = 1'000'000'000;

struct VerifyArguments {
  std::string data;
  std::string name;
  bool json = false;
};

constexpr const char* kVerifyFooter =
    "Reads every copy of the object, or of every object of the bucket, from the drives and prints\n"
    "a receipt: where each copy is, whether its record and its data are good, their XXH3\n"
    "checksums, the place of the write in the order of changes, with relaxed durability whether "
    "it\n"
    "is flushed yet, and since when a scrub has verified it. The checksum of the data is that of\n"
    "`xxhsum -H3`. Nothing is repaired: that is the scrub's work.\n"
    "With --json each object is one line.\n"
    "Exit status: 0 all copies are good, 1 some copy is bad, missing or on a drive that is out.\n"
    "Examples:\n"
    "  strata verify photos/2024/cat.jpg\n"
    "  strata verify photos --json";

struct Tally {
  uint64_t objects = 0;
  uint64_t bytes = 0;
  uint64_t copies = 0;
  uint64_t bad_objects = 0;
};

std::string copy_text(const nlohmann::json& copy) {
  const auto verified = copy.value("verified_ms", int64_t{0});
  std::string out = fmt::format(
      "  {}\n    drive      {}\n    record     {}  xxh3 {}\n    data       {}  xxh3 {}\n"
      "    sequence   {}{}\n    scrubbed   {}\n",
      copy.value("drive", ""), copy.value("drive_id", ""), copy.value("row", ""),
      copy.value("row_xxh3", "-"), copy.value("data", ""), copy.value("data_xxh3", "-"),
      copy.value("sequence", uint64_t{0}),
      copy.value("flushed", true) ? "" : ", NOT flushed yet: a power cut may take it",
      verified == 0 ? "not since it was written" : "after " + utc_time(verified));
  if (const std::string error = copy.value("error", ""); !error.empty()) {
    out += fmt::format("    error      {}\n", error);
  }
  return out;
}

std::string receipt_text(const nlohmann::json& receipt) {
  std::string out = fmt::format(
      "{}/{}\n  etag {}, {} bytes: {}{}\n", receipt.value("bucket", ""), receipt.value("key", ""),
      receipt.value("etag", ""), receipt.value("size_bytes", uint64_t{0}),
      receipt.value("good", false) ? "all copies are good" : "NOT all copies are good",
      receipt.value("durability", "strict") == "relaxed"
          ? "; relaxed durability: a success is flushed within 1 s"
          : "");
  if (const std::string error = receipt.value("error", ""); !error.empty()) {
    out += "  error: " + error + "\n";
  }
  for (const nlohmann::json& copy : receipt.value("copies", nlohmann::json::array())) {
    out += copy_text(copy);
  }
  return out;
}

// The receipts as text, counted.
std::string receipts_text(const nlohmann::json& answer, bool json, bool whole_bucket,
                          Tally& tally) {
  std::string out;
  for (const nlohmann::json& receipt : answer.value("objects", nlohmann::json::array())) {
    const bool good = receipt.value("good", false);
    ++tally.objects;
    tally.bytes += receipt.value("size_bytes", uint64_t{0});
    tally.copies += receipt.value("copies", nlohmann::json::array()).size();
    if (!good) ++tally.bad_objects;
    if (json) {
      out += dump_json(receipt) + "\n";
    } else if (!whole_bucket || !good) {
      out += receipt_text(receipt);  // of a bucket only what needs attention
    }
  }
  return out;
}

ExitCode print_receipts(const VerifyArguments& arguments) {
  const size_t slash = arguments.name.find('/');
  const bool whole_bucket = slash == std::string::npos || slash + 1 == arguments.name.size();
  nlohmann::json request;
  request["bucket"] = arguments.name.substr(0, slash);
  if (!whole_bucket) request["key"] = arguments.name.substr(slash + 1);
  Tally tally;
  for (uint64_t i = 0; i < kRequestsMax; ++i) {
    const Result<nlohmann::json> answer = ask_server(
        find_data_folder(arguments.data), "POST", kVerifyPath, dump_json(request), kVerifyTimeout);
    if (!answer.ok()) return report(answer.error());
    const ExitCode printed = print_answer(*answer, [&](const nlohmann::json& receipts) {
      return receipts_text(receipts, arguments.json, whole_bucket, tally);
    });
    if (printed != ExitCode::kOk) return printed;
    std::cout << std::flush;
    const auto next = answer->find("next");
    if (next == answer->end() || !next->is_string()) break;
    request["after"] = *next;
  }
  if (whole_bucket && !arguments.json) {
    std::cout << fmt::format("{} objects, {}, {} copies read: {}\n", tally.objects,
                             format_size(tally.bytes), tally.copies,
                             tally.bad_objects == 0
                                 ? "all are good"
                                 : fmt::format("{} objects need attention", tally.bad_objects));
  }
  return tally.bad_objects == 0 ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

void add_verify_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand(
      "verify", "Read every copy of an object or a bucket and print a durability receipt");
  verb->footer(kVerifyFooter);
  const auto arguments = std::make_shared<VerifyArguments>();
  make_server_verb(*verb, arguments, chosen, print_receipts);
  verb->add_option("NAME", arguments->name, "BUCKET or BUCKET/KEY")->required();
  verb->add_flag("--json", arguments->json, "Print JSON, one line an object");
}

}  // namespace strata::roof
