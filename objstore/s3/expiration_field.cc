#include "objstore/s3/expiration_field.h"

#include "objstore/settings/lifecycle_due.h"

namespace strata::s3 {

async::Task<Status> add_expiration_field(const Call& call, const object::ObjectInfo& info,
                                         Answer& answer) {
  CO_TRY_ASSIGN(const object::BucketInfo bucket,
                co_await call.service.store.bucket(call.request.bucket()));
  const std::shared_ptr<const ParsedSettings> parsed = call.service.settings->of(bucket);
  if (!parsed->lifecycle) co_return Status();
  settings::VersionFacts facts;
  facts.key = call.request.key();
  facts.size_bytes = info.size_bytes;
  facts.modified = info.modified;
  facts.tags = info.extras.tags;
  facts.storage_class = info.attributes.storage_class;
  const std::optional<settings::Expiry> expiry =
      settings::expiry_of(*parsed->lifecycle, facts, call.service.lifecycle_day);
  if (expiry) answer.head.fields.add("x-amz-expiration", settings::expiration_header(*expiry));
  co_return Status();
}

}  // namespace strata::s3
