// The managed policies that AWS keeps for every account, as far as they mean something here.
#pragma once

#include <string_view>
#include <vector>

#include "objstore/iam/entities.h"

namespace strata::iam {

// By ARN ("arn:aws:iam::aws:policy/AmazonS3FullAccess"); null for others.
[[nodiscard]] const ManagedPolicy* aws_policy(std::string_view arn);
[[nodiscard]] const std::vector<ManagedPolicy>& aws_policies();

}  // namespace strata::iam
