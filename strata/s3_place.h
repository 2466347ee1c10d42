// S3Place: snapshots in a bucket of any S3 endpoint, by a small client of our own.
//
// Thread rule: from any thread; calls block. One connection a call.
#pragma once

#include <memory>
#include <string>

#include "blockdev/chunks/object_place.h"
#include "common/base/parse.h"
#include "common/io/clock.h"
#include "common/sigv4/client.h"

namespace strata::roof {

struct S3Endpoint {
  HostPort address;  // of an http:// URL
  std::string region = "us-east-1";
  std::string bucket;  // there already
  std::string prefix;  // "" or "team/"
  sigv4::Keys keys;    // secret: never printed
};

// "s3://BUCKET[/PREFIX]?endpoint=http://HOST[:PORT][&region=REGION]", without the keys.
// kUnsupported for an https:// endpoint.
[[nodiscard]] Result<S3Endpoint> parse_s3_endpoint(std::string_view url);

// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else from the profile that
// AWS_PROFILE names ("default") in AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials.
[[nodiscard]] Result<sigv4::Keys> find_s3_keys();

// The clock outlives it.
[[nodiscard]] std::unique_ptr<chunks::ObjectPlace> make_s3_place(S3Endpoint endpoint,
                                                                 const io::Clock& clock);

}  // namespace strata::roof
