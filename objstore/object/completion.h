// How stored parts become the record of one object: the rules of CompleteMultipartUpload, without
// any reading or writing.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "objstore/object/object_store.h"
#include "objstore/object/record_format.h"

namespace strata::object {

// kInvalidArgument: no part or too many; with invalid_part_order unless the numbers ascend.
[[nodiscard]] Status check_part_order(const std::vector<CompletePart>& parts);

// The MD5 of the parts' MD5s (raw), in hex, "-" and their number.
[[nodiscard]] std::string multipart_etag(std::span<const std::string> part_md5s);

struct Assembly {
  ObjectRecord record;                   // without stamp, time and upload id
  std::vector<replica::BlobRef> unused;  // of parts that the client left out
};

// The named parts out of the rows that the upload has. Errors, kInvalidArgument with
//   invalid_part      a part that is not there, or whose ETag or checksum is another
//   entity_too_small  a part but the last under kPartBytesMin
// and kTooLarge/entity_too_large past kObjectBytesMax.
[[nodiscard]] Result<Assembly> assemble(const UploadRecord& upload,
                                        const std::vector<CompletePart>& parts,
                                        std::span<const replica::Row> part_rows);

}  // namespace strata::object
