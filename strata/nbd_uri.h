// Where the running server's volumes are, for programs that speak NBD.
#pragma once

#include <string>

#include "common/base/result.h"

namespace strata::roof {

// The URI of the export on the server of the data folder: by its Unix socket, else by TCP.
// kNotFound if it serves no NBD, kUnsupported if only under TLS.
[[nodiscard]] Result<std::string> nbd_uri(const std::string& data, const std::string& export_name);

}  // namespace strata::roof
