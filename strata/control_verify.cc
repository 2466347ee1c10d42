#include "strata/control_verify.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "objstore/object/receipt.h"
#include "strata/json.h"

namespace strata::roof {
namespace {

using State = replica::CopyReport::State;

std::string_view state_name(State state) {
  switch (state) {
    case State::kGood:
      return "good";
    case State::kBad:
      return "bad";
    case State::kMissing:
      return "missing";
    case State::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

nlohmann::json copy_json(const object::CopyReceipt& copy) {
  nlohmann::json out = {{"drive", copy.drive_path},
                        {"drive_id", copy.drive_id},
                        {"row", std::string(state_name(copy.row))},
                        {"data", std::string(state_name(copy.data))},
                        {"error", copy.error},
                        {"sequence", copy.sequence},
                        {"flushed", copy.flushed},
                        {"verified_ms", copy.verified_ms}};
  if (copy.row_checksum != 0) out["row_xxh3"] = fmt::format("{:016x}", copy.row_checksum);
  if (copy.data == State::kGood) out["data_xxh3"] = fmt::format("{:016x}", copy.data_checksum);
  return out;
}

nlohmann::json receipt_json(const replica::Inspector& inspector,
                            const object::ObjectReceipt& receipt) {
  nlohmann::json out = {{"bucket", receipt.bucket},
                        {"key", receipt.key},
                        {"etag", receipt.etag},
                        {"size_bytes", receipt.size_bytes},
                        {"good", receipt.good()},
                        {"error", receipt.error},
                        {"durability", inspector.is_relaxed() ? "relaxed" : "strict"},
                        {"copies", nlohmann::json::array()}};
  for (const object::CopyReceipt& copy : receipt.copies) out["copies"].push_back(copy_json(copy));
  return out;
}

// An object whose receipt could not be written; the others of its bucket are not held up by it.
nlohmann::json failed_receipt(const std::string& bucket, const std::string& key,
                              const Error& error) {
  return {{"bucket", bucket},
          {"key", key},
          {"etag", ""},
          {"size_bytes", 0},
          {"good", false},
          {"error", error.message},
          {"copies", nlohmann::json::array()}};
}

Result<nlohmann::json> verify_bucket(replica::Inspector& inspector, const std::string& bucket,
                                     const std::string& after, const object::GoOn& go_on) {
  TRY_ASSIGN(const std::vector<std::string> keys,
             object::keys_for_receipts(inspector, bucket, after, kReceiptsMax));
  nlohmann::json body = {{"objects", nlohmann::json::array()}, {"next", nullptr}};
  const Deadline enough = Deadline::after(kReceiptTime);
  uint64_t bytes = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto receipt = object::make_receipt(inspector, bucket, keys[i], go_on);
    if (receipt.ok()) {
      body["objects"].push_back(receipt_json(inspector, *receipt));
      bytes += receipt->bytes_read;
    } else if (receipt.error().code == Code::kClosed) {
      return receipt.error();
    } else if (receipt.error().code != Code::kNotFound) {  // it may be deleted meanwhile
      body["objects"].push_back(failed_receipt(bucket, keys[i], receipt.error()));
    }
    const bool last = i + 1 == keys.size();
    if (last && keys.size() < kReceiptsMax) break;
    if (last || bytes >= kReceiptBytesMax || enough.passed(std::chrono::steady_clock::now())) {
      body["next"] = keys[i];
      break;
    }
  }
  return body;
}

Result<nlohmann::json> verify(replica::Inspector& inspector, const std::string& text,
                              const object::GoOn& go_on) {
  TRY_ASSIGN(const nlohmann::json request, parse_json(text, kJsonRequestBytesMax));
  TRY_ASSIGN(const std::string bucket, json_string(request, "bucket"));
  if (request.contains("key")) {
    TRY_ASSIGN(const std::string key, json_string(request, "key"));
    TRY_ASSIGN(const object::ObjectReceipt receipt,
               object::make_receipt(inspector, bucket, key, go_on));
    nlohmann::json body = {{"objects", nlohmann::json::array()}, {"next", nullptr}};
    body["objects"].push_back(receipt_json(inspector, receipt));
    return body;
  }
  std::string after;
  if (request.contains("after")) {
    TRY_ASSIGN(after, json_string(request, "after"));
  }
  return verify_bucket(inspector, bucket, after, go_on);
}

}  // namespace

ControlRoute verify_route(replica::Inspector& inspector, const std::atomic<bool>& stopping) {
  // It holds a thread of the pool and reads as fast as the drives give: one at a time.
  const auto busy = std::make_shared<std::mutex>();
  return [&inspector, &stopping, busy](const std::string& method, const std::string&,
                                       const std::string& body) -> ControlAnswer {
    if (method != "POST") {
      return control_error(Error(Code::kUnsupported, "a receipt is asked for with POST"));
    }
    const std::unique_lock lock(*busy, std::try_to_lock);
    if (!lock.owns_lock()) {
      return control_error(Error(Code::kBusy, "another verification is under way; try again"));
    }
    const object::GoOn go_on = [&stopping] { return !stopping.load(); };
    const Result<nlohmann::json> answer = verify(inspector, body, go_on);
    if (!answer.ok()) return control_error(answer.error());
    return {200, dump_json(*answer)};
  };
}

}  // namespace strata::roof
