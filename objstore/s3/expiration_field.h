// x-amz-expiration: when a lifecycle rule will remove the object.
#pragma once

#include "objstore/s3/operations.h"

namespace strata::s3 {

// Adds the field, if a rule of the request's bucket expires the object. Everything passed outlives
// the task.
[[nodiscard]] async::Task<Status> add_expiration_field(const Call& call,
                                                       const object::ObjectInfo& info,
                                                       Answer& answer);

}  // namespace strata::s3
