#include "objstore/s3/listing_parameters.h"

#include "common/codec/text.h"
#include "objstore/object/types.h"
#include "objstore/s3/errors.h"

namespace strata::s3 {

namespace {
// The first byte of a token before encoding: another form of token gets another number.
constexpr char kTokenForm = '1';
constexpr size_t kTokenBytesMax = 4 * object::kKeyBytesMax;
}  // namespace

std::string encode_token(std::string_view after) {
  std::string plain(1, kTokenForm);
  plain += after;
  return codec::to_base64(plain);
}

Result<std::string> decode_token(std::string_view token) {
  const auto plain = token.size() > kTokenBytesMax ? std::nullopt : codec::from_base64(token);
  if (!plain || plain->size() < 2 || plain->front() != kTokenForm) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "The continuation token provided is incorrect");
  }
  return plain->substr(1);
}

Result<NameEncoding> NameEncoding::parse(const Query& query) {
  NameEncoding encoding;
  const std::string* type = query.find("encoding-type");
  if (type == nullptr) return encoding;
  if (*type != "url") {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "Invalid Encoding Method specified in Request");
  }
  encoding.url_ = true;
  return encoding;
}

std::string NameEncoding::operator()(std::string_view name) const {
  return url_ ? codec::uri_encode(name, false) : std::string(name);
}

}  // namespace strata::s3
