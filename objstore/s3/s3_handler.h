// S3Handler: the S3 wire. Route, authenticate, authorize, refuse what is not served, carry out,
// answer: in that order, each once.
//
// Thread rule: as http::Handler, on any number of loops at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/http/server.h"
#include "common/io/clock.h"
#include "objstore/iam/directory.h"
#include "objstore/iam/query_api.h"
#include "objstore/object/object_store.h"
#include "objstore/s3/authenticator.h"
#include "objstore/s3/operations.h"

namespace strata::s3 {

struct Config {
  std::string region = "us-east-1";
  // Names below which "bucket.NAME" addresses a bucket, without port; path style always works.
  std::vector<std::string> domains;
  bool signature_version2 = false;      // whether Signature Version 2 is believed
  encryption::KeyRing* keys = nullptr;  // outlives the handler; null: only customers' keys encrypt
  NewBuckets new_buckets = NewBuckets::kClosed;
  settings::DayLength lifecycle_day = settings::kRealDay;
};

class S3Handler final : public http::Handler {
 public:
  // All but random outlive the handler; random is used during construction only. query_api: what
  // answers IAM's and STS's calls.
  S3Handler(object::ObjectStore& store, const iam::Directory& directory, iam::QueryApi& query_api,
            Config config, const io::Clock& clock, RandomSource& random);

  [[nodiscard]] async::Task<void> handle(http::Exchange& exchange) override;
  [[nodiscard]] std::string refusal(int status, std::string_view why, std::string_view request_id,
                                    http::Fields& fields) override;

 private:
  [[nodiscard]] AnswerTask answer(http::Exchange& exchange);
  // A call of IAM or STS: a form posted to "/".
  [[nodiscard]] AnswerTask answer_query_call(http::Exchange& exchange, ParsedRequest parsed);
  // What is known to be asked by whom: may they, then the operation. All outlives the task.
  [[nodiscard]] AnswerTask carry_out(const OperationInfo& operation, const VerifiedRequest& request,
                                     async::ByteSource& body);
  // A form carries its signature inside, so it is read up to its file before its sender is known.
  [[nodiscard]] AnswerTask answer_form(http::Exchange& exchange, const ParsedRequest& post,
                                       const OperationInfo& operation);
  [[nodiscard]] async::Task<void> tell_browser(const http::Exchange& exchange, Answer& reply);
  // told: fields that go with it.
  [[nodiscard]] Answer error_answer(const http::Exchange& exchange, const Error& error,
                                    const http::Fields& told = {}) const;
  void add_ids(http::Fields& fields, std::string_view request_id) const;

  std::vector<std::string> domains_;
  Authenticator authenticator_;
  Service service_;
  iam::QueryApi& query_api_;
  std::string host_id_;  // x-amz-id-2: which server answered
};

}  // namespace strata::s3
