// WebsiteHandler: S3's website endpoints.
//
// Source: Amazon S3 user guide, "Website endpoints" and "Configuring a webpage redirect". Thread
// rule: as http::Handler, on any number of loops at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/http/server.h"
#include "common/io/clock.h"
#include "objstore/object/object_store.h"
#include "objstore/s3/bucket_rules.h"
#include "objstore/s3/parsed_settings.h"
#include "objstore/settings/website.h"
#include "objstore/website/pages.h"
#include "objstore/website/site_address.h"
#include "objstore/website/visitor.h"

namespace strata::website {

struct Config {
  std::string region = "us-east-1";
  std::vector<std::string> domains;  // lower case, without port
  std::string protocol = "http";     // what clients speak with this port
};

class WebsiteHandler final : public http::Handler {
 public:
  // Store and clock outlive the handler; random is used during construction only.
  WebsiteHandler(object::ObjectStore& store, Config config, const io::Clock& clock,
                 RandomSource& random);

  [[nodiscard]] async::Task<void> handle(http::Exchange& exchange) override;
  [[nodiscard]] std::string refusal(int status, std::string_view why, std::string_view request_id,
                                    http::Fields& fields) override;

 private:
  // A request that found its site.
  struct Visit {
    http::Exchange& exchange;
    const object::BucketInfo& bucket;
    const Visitor& visitor;
    const settings::WebsiteConfiguration& website;
    SiteAddress site;
  };
  // What goes back. A stream, or a body, or (to HEAD) neither.
  struct Reply {
    http::ResponseHead head;
    std::string body{};
    std::unique_ptr<async::ByteSource> stream{};
    uint64_t length = 0;
  };
  using ReplyTask = async::Task<Result<Reply>>;

  // An error of these is a failure of the server; what a visitor is told is a Reply.
  [[nodiscard]] ReplyTask reply(http::Exchange& exchange);
  [[nodiscard]] ReplyTask visit(Visit& visit);
  // The object with these conditions; a Failure that says why there is none to show.
  struct Found {
    std::optional<object::OpenObject> open;
    Failure failure;
    bool missing = false;                         // the key is not there
    std::optional<object::ObjectInfo> refused{};  // it is, but not as the request wants it
  };
  [[nodiscard]] async::Task<Result<Found>> find(const Visit& visit, std::string key,
                                                bool with_conditions);
  [[nodiscard]] async::Task<bool> is_folder(const Visit& visit, const std::string& key);
  [[nodiscard]] ReplyTask fail(Visit& visit, Failure failure);
  [[nodiscard]] Reply page(const http::Exchange& exchange, const Failure& failure,
                           const Failure* error_document) const;
  [[nodiscard]] static Reply redirect(int status, std::string location);
  [[nodiscard]] static Reply document(object::OpenObject open, int status);
  async::Task<void> send(http::Exchange& exchange, Reply reply);

  object::ObjectStore& store_;
  const Config config_;
  const io::Clock& clock_;
  std::string host_id_;
  s3::SettingsCache settings_;
  s3::BucketRulesCache rules_;
};

}  // namespace strata::website
