// A volume on disk, described for people. Reads only.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/description.h"
#include "common/io/file_system.h"

namespace strata::volume {

[[nodiscard]] Description describe_metadata(Bytes file);

// A volume's folder: its metadata, and whether the folder's name and the image fit it. An error if
// there is no metadata file to read.
[[nodiscard]] Result<Description> describe_volume(io::FileSystem& files, const std::string& folder);

}  // namespace strata::volume
