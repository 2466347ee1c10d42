// QueryApi: the IAM and STS wire, AWS's query protocol: a form with Action=..., an XML document
// back.
//
// Source: IAM API reference (2010-05-08), STS API reference (2011-06-15). Thread rule: any loop.
#pragma once

#include <string>
#include <string_view>

#include "common/async/task.h"
#include "common/base/random.h"
#include "common/io/clock.h"
#include "objstore/iam/api_call.h"
#include "objstore/iam/directory.h"

namespace strata::iam {

inline constexpr size_t kFormBytesMax = 256 * kKiB;  // a policy of 20 KB, percent-encoded thrice
inline constexpr size_t kFormParametersMax = 512;

// The form as parameters. ValidationError for a bad escape, a name that comes twice, or too many.
[[nodiscard]] Result<Parameters> parse_form(std::string_view form);

// The service whose namespace answers have.
enum class QueryService : uint8_t { kIam, kSts };
[[nodiscard]] QueryService service_of(const Parameters& parameters) noexcept;

struct QueryAnswer {
  int status = 200;
  std::string body;  // XML
};

class QueryApi {
 public:
  // All outlive this. `random` is fit for secrets and used from any thread.
  QueryApi(Directory& directory, const io::Clock& clock, RandomSource& random)
      : directory_(directory), clock_(clock), random_(random) {}

  // The caller has been authenticated. Never fails: an error is an answer.
  [[nodiscard]] async::Task<QueryAnswer> answer(Parameters parameters, access::Caller caller,
                                                std::string request_id);

  // An error of this wire, whatever room it is from.
  [[nodiscard]] static QueryAnswer error_answer(QueryService service, const Error& error,
                                                std::string_view request_id);

 private:
  [[nodiscard]] async::Task<Result<std::string>> carry_out(const Parameters& parameters,
                                                           const access::Caller& caller,
                                                           const std::string& request_id);

  Directory& directory_;
  const io::Clock& clock_;
  RandomSource& random_;
};

}  // namespace strata::iam
