#include <fmt/format.h>

#include "common/http/server.h"

namespace strata::http {

async::Task<Result<std::string>> read_all(async::ByteSource& body, size_t limit) {
  std::string text;
  for (;;) {
    Result<Bytes> piece = co_await body.next();
    if (!piece.ok()) co_return std::move(piece).error();
    if (piece->empty()) co_return std::move(text);
    if (piece->size() > limit - text.size()) {
      co_return Error(Code::kTooLarge, fmt::format("the body is larger than {} bytes", limit));
    }
    text += as_text(*piece);
  }
}

}  // namespace strata::http
