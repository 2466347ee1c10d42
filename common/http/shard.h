// Shard: what a server keeps for each of its event loops, shared by the connections there.
//
// Thread rule: everything belongs to the shard's loop, except `common`, whose members say.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_set>

#include "common/async/event_loop.h"
#include "common/async/gate.h"
#include "common/http/read_buffer.h"
#include "common/http/response_head.h"
#include "common/http/server.h"

namespace strata::http {

class Connection;

// What all shards of a server share.
struct ServerCommon {
  Handler& handler;    // called on the connection's loop
  Observer* observer;  // called on the connection's loop; may be null
  const ServerLimits limits;
  const tls::CurrentContext* tls = nullptr;  // null: in the clear
  std::atomic<size_t> connections{0};
  std::atomic<bool> stopping{false};
};

// Request ids: a bijection of a counter that starts at a random place, so that no two are the same
// in one server and two servers are unlikely to share one.
class RequestIds {
 public:
  // Shards of one server get the same seed, their own offset and the number of shards as step.
  RequestIds(uint64_t seed, uint64_t offset, uint64_t step) noexcept
      : next_(seed + offset), step_(step) {}
  void next(std::string& out);  // sixteen upper-case hex digits

 private:
  uint64_t next_;
  uint64_t step_;
};

struct Shard {
  Shard(async::EventLoop& event_loop, ServerCommon& server, RequestIds request_ids)
      : loop(event_loop), common(server), ids(request_ids) {}

  async::EventLoop& loop;
  ServerCommon& common;
  RequestIds ids;
  async::Gate gate;  // every connection is inside
  BlockPool blocks;
  DateText date;
  std::unordered_set<Connection*> connections;
  bool stopping = false;  // exchanges under way end, their connections close after them
};

}  // namespace strata::http
