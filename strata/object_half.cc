#include "strata/object_half.h"

#include <fmt/format.h>

#include "common/base/log.h"
#include "objstore/encryption/key_ring.h"
#include "objstore/iam/directory.h"
#include "objstore/iam/query_api.h"
#include "objstore/lifecycle/lifecycle_worker.h"
#include "objstore/object/object_store.h"
#include "objstore/object/upload_expiry.h"
#include "objstore/replica/replica_set.h"
#include "objstore/s3/s3_handler.h"
#include "objstore/website/website_handler.h"

namespace strata::roof {
namespace {

async::Task<Status> ensure_buckets(object::ObjectStore& objects, std::vector<std::string> names,
                                   std::string region, s3::NewBuckets kind) {
  for (const std::string& name : names) {
    object::CreateBucketRequest create;
    create.name = name;
    create.region = region;
    create.settings = s3::settings_of_new(kind);
    Status made = co_await objects.create_bucket(std::move(create));
    if (made.ok() || made.error().reason == object::reason::kBucketExists) continue;
    // It may well be there, on a drive that is not; the others are served meanwhile.
    if (made.error().reason == object::reason::kTooFewDrives) {
      log::warning("bucket", {{"name", name}, {"error", made.error().to_string()}});
      continue;
    }
    co_return made.error().with_context(fmt::format("cannot make bucket {}", name));
  }
  co_return Status();
}

// They lie together, as one object does: with one copy of everything on one drive.
Error without_accounts(const Error& error) {
  if (error.reason != object::reason::kTooFewDrives) {
    return error.with_context("the accounts and users cannot be read");
  }
  return error.with_context(
      "the accounts, users and policies are on a drive that is not there: bring it back, or, if it "
      "is gone for good and they with it, start with `--accept-loss ID`");
}

}  // namespace

// In the order in which they are made; destroyed the other way round.
struct ObjectHalf::Impl {
  std::unique_ptr<replica::ReplicaSet> replicas;
  std::unique_ptr<iam::Directory> directory;
  std::unique_ptr<iam::QueryApi> query_api;
  std::unique_ptr<encryption::KeyRing> keys;
  std::unique_ptr<object::ObjectStore> objects;
  std::unique_ptr<object::UploadExpiry> expiry;  // null: uploads stay
  std::unique_ptr<lifecycle::LifecycleWorker> lifecycle;
  std::unique_ptr<s3::S3Handler> handler;
  std::unique_ptr<website::WebsiteHandler> website;
};

ObjectHalf::ObjectHalf(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ObjectHalf::~ObjectHalf() = default;

Result<std::unique_ptr<ObjectHalf>> ObjectHalf::open(const ServeOptions& options,
                                                     const Credentials& credentials,
                                                     Ground ground) {
  auto impl = std::make_unique<Impl>();
  TRY(access::check_credential(credentials.user, credentials.password));
  replica::ReplicaSetOptions set_options;
  set_options.replicas = options.replicas;
  set_options.workers.clock = &ground.clock;
  set_options.workers.scrub_period = options.scrub_period.value_or(std::chrono::milliseconds(0));
  set_options.index_cache_bytes = options.index_cache_bytes;
  set_options.replicas_asked = options.replicas_given;
  set_options.accept_loss = options.accept_loss;
  set_options.durability =
      options.relaxed ? drive::Durability::kRelaxed : drive::Durability::kStrict;
  for (const std::string& path : options.drives) {
    set_options.drives.push_back({&ground.files, path});
  }
  set_options.drive_left = [&list = ground.drive_list](const std::string& path) {
    const Status forgotten = list.forget(path);
    if (forgotten.ok()) return;
    log::warning("drive.forget", {{"path", path}, {"error", forgotten.error().to_string()}});
  };
  TRY_ASSIGN(impl->replicas,
             replica::ReplicaSet::open(std::move(set_options), ground.pool, ground.random));
  TRY_ASSIGN(impl->keys, encryption::KeyRing::open(ground.files, options.kms_key_file, ground.clock,
                                                   ground.random));
  impl->objects = std::make_unique<object::ObjectStore>(*impl->replicas, ground.clock,
                                                        ground.random, impl->keys.get());
  impl->directory = std::make_unique<iam::Directory>(
      *impl->replicas, iam::OwnerKey{access::kRootAccount, credentials.user, credentials.password});
  const Status loaded = ground.loops.run(impl->directory->load());
  if (!loaded.ok()) return without_accounts(loaded.error());
  impl->query_api = std::make_unique<iam::QueryApi>(*impl->directory, ground.clock, ground.random);
  const auto run_on_loop = [&loops = ground.loops](async::Task<Result<worker::Step>> task) {
    return loops.run(std::move(task));
  };
  if (options.multipart_expiry) {
    impl->expiry = std::make_unique<object::UploadExpiry>(*impl->objects, ground.clock,
                                                          *options.multipart_expiry, run_on_loop);
  }
  impl->lifecycle = std::make_unique<lifecycle::LifecycleWorker>(
      *impl->objects, ground.clock, options.lifecycle_day, run_on_loop);
  s3::Config config;
  config.new_buckets = options.new_buckets_open ? s3::NewBuckets::kOpen : s3::NewBuckets::kClosed;
  TRY(ground.loops.run(
      ensure_buckets(*impl->objects, options.buckets, options.region, config.new_buckets)));
  config.region = options.region;
  config.domains = options.domains;
  config.signature_version2 = options.sigv2;
  config.keys = impl->keys.get();
  config.lifecycle_day = options.lifecycle_day;
  impl->handler =
      std::make_unique<s3::S3Handler>(*impl->objects, *impl->directory, *impl->query_api,
                                      std::move(config), ground.clock, ground.random);
  website::Config site;
  site.region = options.region;
  site.domains = options.domains;
  impl->website = std::make_unique<website::WebsiteHandler>(*impl->objects, std::move(site),
                                                            ground.clock, ground.random);
  return std::unique_ptr<ObjectHalf>(new ObjectHalf(std::move(impl)));
}

http::Handler& ObjectHalf::handler() noexcept {
  return *impl_->handler;
}

object::ObjectStore& ObjectHalf::objects() noexcept {
  return *impl_->objects;
}

encryption::KeyRing& ObjectHalf::keys() noexcept {
  return *impl_->keys;
}

http::Handler& ObjectHalf::website() noexcept {
  return *impl_->website;
}

std::vector<worker::Job> ObjectHalf::workers() {
  std::vector<worker::Job> jobs = impl_->replicas->workers();
  if (impl_->expiry) jobs.push_back({impl_->expiry.get(), 0});
  jobs.push_back({impl_->lifecycle.get(), 0});
  return jobs;
}

const replica::Scrub& ObjectHalf::scrub() const {
  return impl_->replicas->scrub();
}

iam::Directory& ObjectHalf::directory() noexcept {
  return *impl_->directory;
}

replica::Inspector& ObjectHalf::inspector() {
  return impl_->replicas->inspector();
}

replica::ReplicaSet& ObjectHalf::drives() noexcept {
  return *impl_->replicas;
}

replica::StoreStatus ObjectHalf::status() const {
  return impl_->replicas->status();
}

}  // namespace strata::roof
