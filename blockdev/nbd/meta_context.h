// The data of LIST_META_CONTEXT and SET_META_CONTEXT: which metadata of which export is asked for.
#pragma once

#include <optional>
#include <string_view>

#include "blockdev/nbd/protocol.h"

namespace strata::nbd {

// Views into the option's data.
struct MetaContextQuery {
  std::string_view export_name{};
  bool any = false;         // there was at least one query
  bool allocation = false;  // base:allocation was named
  bool base = false;        // "base:" was: all contexts of that namespace
};

struct MetaContextParse {
  std::optional<MetaContextQuery> query;  // nothing: refuse with `error` and `problem`
  OptionReply error = OptionReply::kErrorInvalid;
  std::string_view problem{};
};

// Queries of namespaces that do not exist are passed over, as the protocol asks.
[[nodiscard]] MetaContextParse parse_meta_context(Bytes data) noexcept;

}  // namespace strata::nbd
