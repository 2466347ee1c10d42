#include "objstore/encryption/vault.h"

#include "common/base/check.h"

namespace strata::encryption {
namespace {

Error no_key_file() {
  return Error(Code::kUnsupported, "this store has no key file: only customer keys work");
}

Error key_needed() {
  return Error(Code::kInvalidArgument, kKeyNeededReason,
               "The object was stored using a form of Server Side Encryption. The correct "
               "parameters must be provided to retrieve the object.");
}

Error key_not_applicable() {
  return Error(Code::kInvalidArgument, kKeyNotApplicableReason,
               "The encryption parameters are not applicable to this object.");
}

}  // namespace

Result<Vault::Protection> Vault::protect(const Choice& choice, std::string_view bucket,
                                         std::string_view key) const {
  Envelope envelope;
  envelope.method = choice.method;
  crypto::Secret wrapping_key;
  if (choice.method == Method::kCustomer) {
    CHECK(choice.customer.has_value());
    envelope.customer_md5 = choice.customer->md5_base64;
    wrapping_key = choice.customer->secret;
  } else {
    if (keys_ == nullptr) return no_key_file();
    const bool kms = choice.method == Method::kKms;
    TRY_ASSIGN(MasterKey master, keys_->newest(kms ? choice.key_name : kS3KeyName));
    envelope.key_name = std::move(master.name);
    envelope.generation = std::move(master.generation);
    if (kms) {
      envelope.key_text = choice.key_text;
      envelope.context = choice.context;
      envelope.bucket_key = choice.bucket_key;
    }
    wrapping_key = master.secret;
  }
  Protection protection;
  protection.data_key = make_data_key(envelope, wrapping_key, bucket, key, random_);
  protection.envelope = encode(envelope);
  protection.etag_is_md5 = choice.method == Method::kS3;
  return protection;
}

Result<std::optional<crypto::Secret>> Vault::unlock(std::string_view bytes,
                                                    const std::optional<CustomerKey>& customer,
                                                    std::string_view bucket,
                                                    std::string_view key) const {
  if (bytes.empty()) {
    if (customer) return key_not_applicable();
    return std::optional<crypto::Secret>();
  }
  TRY_ASSIGN(const Envelope envelope, decode_envelope(bytes));
  if (envelope.method == Method::kCustomer) {
    if (!customer) return key_needed();
    TRY_ASSIGN(const crypto::Secret opened, open_data_key(envelope, customer->secret, bucket, key));
    return std::optional<crypto::Secret>(opened);
  }
  if (customer) return key_not_applicable();
  if (keys_ == nullptr) return no_key_file();
  TRY_ASSIGN(const MasterKey master, keys_->find(envelope.key_name, envelope.generation));
  Result<crypto::Secret> opened = open_data_key(envelope, master.secret, bucket, key);
  if (!opened.ok()) {
    // The right key was found by its name: what does not open was damaged or moved.
    return Error(Code::kCorrupt, "the data key of an encrypted object does not open");
  }
  return std::optional<crypto::Secret>(*opened);
}

}  // namespace strata::encryption
