#include "objstore/s3/query.h"

#include <utility>

#include "common/codec/text.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"

namespace strata::s3 {

namespace {
// What a presigned URL has; more grow the list.
constexpr size_t kUsualParameters = 8;
}  // namespace

Result<Query> Query::parse(std::string_view raw) {
  if (raw.size() > kQueryBytesMax) {
    return Error(Code::kInvalidArgument, code::kInvalidUri, "The query string is too long.");
  }
  Query query;
  if (!raw.empty()) query.parameters_.reserve(kUsualParameters);
  while (!raw.empty()) {
    const size_t end = raw.find('&');
    const std::string_view piece = raw.substr(0, end);
    raw = end == std::string_view::npos ? std::string_view() : raw.substr(end + 1);
    if (piece.empty()) continue;
    if (query.parameters_.size() == kQueryParametersMax) {
      return Error(Code::kInvalidArgument, code::kInvalidUri,
                   "The query string has too many parameters.");
    }
    const size_t equals = piece.find('=');
    const bool has_value = equals != std::string_view::npos;
    auto name = codec::uri_decode(piece.substr(0, equals), true);
    auto value = codec::uri_decode(has_value ? piece.substr(equals + 1) : "", true);
    if (!name || !value) {
      return Error(Code::kInvalidArgument, code::kInvalidUri,
                   "The query string holds a bad percent escape.");
    }
    if (query.has(*name)) {
      return Error(Code::kInvalidArgument, code::kInvalidArgument,
                   "The query parameter " + *name + " is given more than once.");
    }
    query.parameters_.push_back({std::move(*name), std::move(*value), has_value});
  }
  return query;
}

const std::string* Query::find(std::string_view name) const noexcept {
  for (const QueryParameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

std::string_view Query::get(std::string_view name) const noexcept {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

}  // namespace strata::s3
