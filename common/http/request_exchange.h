// RequestExchange: one request on a connection and its answer.
//
// Thread rule: the connection's loop.
#pragma once

#include <memory>
#include <string>

#include "common/http/request_body.h"
#include "common/http/server.h"
#include "common/http/shard.h"

namespace strata::http {

class RequestExchange final : public Exchange {
 public:
  // Everything outlives the exchange. `scratch` holds the response's head while it is sent.
  RequestExchange(Shard& shard, Channel& channel, const RequestHead& head,
                  const std::string& request_id, std::string_view peer, std::string& scratch);

  [[nodiscard]] const RequestHead& request() const noexcept override { return head_; }
  [[nodiscard]] const std::string& request_id() const noexcept override { return request_id_; }
  [[nodiscard]] std::string_view peer() const noexcept override { return peer_; }
  [[nodiscard]] async::ByteSource& body() noexcept override { return body_; }
  [[nodiscard]] async::Task<Status> respond(ResponseHead head, std::string body) override;
  [[nodiscard]] async::Task<Status> respond_head(ResponseHead head, uint64_t length) override;
  [[nodiscard]] async::Task<Status> respond_stream(ResponseHead head, uint64_t length,
                                                   async::ByteSource& body) override;
  [[nodiscard]] bool responded() const noexcept override { return responded_; }
  void set_operation(std::string_view static_name) noexcept override { operation_ = static_name; }

  // Once the handler is done: passes over what it left of the body, if that is little. Whether
  // the connection can serve another request.
  [[nodiscard]] async::Task<bool> finish();

  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] std::string_view operation() const noexcept { return operation_; }

 private:
  // Decides whether the connection stays open and writes the head into scratch_.
  void begin(const ResponseHead& head, std::optional<uint64_t> length);
  // Takes back a begin() of which no byte was sent, so that the handler may answer otherwise.
  void take_back() noexcept;
  [[nodiscard]] async::Task<Status> send(Bytes first, Bytes second);
  [[nodiscard]] async::Task<Status> send_last(Bytes head, Bytes piece, async::ByteSource& body);
  [[nodiscard]] Error break_off(Error error) noexcept;
  [[nodiscard]] bool must_close() const noexcept;

  Shard& shard_;
  Channel& channel_;
  const RequestHead& head_;
  const std::string& request_id_;
  std::string_view peer_;
  std::string& scratch_;
  RequestBody body_;
  std::string_view operation_;
  int status_ = 0;
  bool responded_ = false;
  bool sent_any_ = false;  // of the final response
  bool closing_ = false;   // the response said so, or the connection is beyond use
};

}  // namespace strata::http
