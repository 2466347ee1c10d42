// CORS on the wire: preflight requests, and the fields that other answers get.
//
// Source: Amazon S3 user guide, "Using cross-origin resource sharing (CORS)".
#pragma once

#include <string_view>

#include "common/http/message.h"
#include "objstore/s3/operations.h"
#include "objstore/s3/route.h"

namespace strata::s3 {

// Answers OPTIONS, which nobody signs. Errors: BadRequest for a request that lacks what a preflight
// says; AccessForbidden where no rule allows it. Both outlive the task.
[[nodiscard]] AnswerTask preflight(Service& service, const ParsedRequest& request);

// What a browser has to be told with any answer to a request that has an Origin: nothing if the
// bucket has no rule for it. Everything passed outlives the task.
[[nodiscard]] async::Task<void> add_cors_fields(Service& service, const ParsedRequest& request,
                                                http::Fields& answer);

}  // namespace strata::s3
