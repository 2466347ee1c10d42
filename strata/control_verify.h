// Durability receipts over the control socket.
//
//   POST /v1/verify   {"bucket": "b", "key": "k"}: {"objects": [receipt], "next": null}
//                     {"bucket": "b", "after": "k"}: receipts of the bucket's next objects, as many
//                     as a moment allows; "next" is the "after" of the next request, or null at the
//                     end. Without "after": from the first.
// A receipt: {bucket, key, etag, size_bytes, good, error, copies: [{drive, drive_id, row, data,
// error, row_xxh3, data_xxh3, sequence, verified_ms}]}; row and data are good, bad, missing or
// unavailable; the checksums 16 hex digits, absent when there is nothing good to sum.
#pragma once

#include <atomic>

#include "objstore/replica/inspector.h"
#include "strata/control_api.h"

namespace strata::roof {

inline constexpr const char* kVerifyPath = "/v1/verify";
// Of one answer about a bucket: whichever is reached first ends it.
inline constexpr size_t kReceiptsMax = 100;
inline constexpr uint64_t kReceiptBytesMax = 256 * kMiB;
inline constexpr std::chrono::seconds kReceiptTime{2};

// Both outlive the route. One request at a time: kBusy for a second one. Ends early when stopping
// becomes true.
[[nodiscard]] ControlRoute verify_route(replica::Inspector& inspector,
                                        const std::atomic<bool>& stopping);

}  // namespace strata::roof
