#include "blockdev/nbd/secure_channel.h"

#include <cstring>

namespace strata::nbd {

SecureChannel::SecureChannel(std::shared_ptr<const tls::Context> context)
    : session_(std::move(context)),
      cipher_(std::make_unique_for_overwrite<std::byte[]>(kCipherBytes)) {}

MutableBytes SecureChannel::space() noexcept {
  if (begin_ > 0) {
    std::memmove(cipher_.get(), cipher_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {cipher_.get() + end_, kCipherBytes - end_};
}

Status SecureChannel::handshake() {
  Bytes input(cipher_.get() + begin_, end_ - begin_);
  const Status status = session_.handshake(input);
  begin_ = end_ - input.size();
  return status;
}

Result<size_t> SecureChannel::read(MutableBytes into) {
  Bytes input(cipher_.get() + begin_, end_ - begin_);
  Result<size_t> got = session_.read(input, into);
  begin_ = end_ - input.size();
  return got;
}

Bytes SecureChannel::take_output() {
  const Bytes output = session_.output();
  sending_.assign(output.begin(), output.end());
  session_.consume(sending_.size());
  return sending_;
}

}  // namespace strata::nbd
