// PostObject before it is believed: what a browser's form makes of its POST.
#pragma once

#include "common/base/result.h"
#include "common/http/message.h"
#include "objstore/s3/post_form.h"
#include "objstore/s3/route.h"

namespace strata::s3 {

// The boundary of the request's form. PreconditionFailed for a body of another type.
[[nodiscard]] Result<std::string> boundary_of_post(const http::Fields& fields);

// The POST as the PUT that it stands for: key and headers out of the form's fields. InvalidArgument
// without a key, or for a value that no header could have. `post` outlives nothing: the result
// refers to its head only.
[[nodiscard]] Result<ParsedRequest> request_of_form(const ParsedRequest& post,
                                                    const PostForm& form);

}  // namespace strata::s3
