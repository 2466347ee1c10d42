#include "objstore/encryption/envelope.h"

#include <array>
#include <cstring>

#include "common/base/check.h"
#include "common/crypto/aes_gcm.h"
#include "common/digest/checksum.h"

namespace strata::encryption {
namespace {

constexpr uint8_t kEnvelopeVersion = 1;
constexpr std::string_view kWrapLabel = "strata wrap key 1";
constexpr size_t kWrapSaltBytes = 16;
constexpr size_t kWrappedBytes = kWrapSaltBytes + crypto::kKeyBytes + crypto::kTagBytes;
constexpr size_t kGenerationBytesMax = 32;
constexpr size_t kMd5TextBytesMax = 24;

void put_text(std::string& out, std::string_view text) {
  CHECK(text.size() <= UINT16_MAX);
  std::array<std::byte, 2> length;
  store_big(length.data(), static_cast<uint16_t>(text.size()));
  out += as_text(length);
  out += text;
}

// Reads what put_text wrote; fails for good at the first thing that is not there.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : left_(bytes) {}
  uint8_t u8() noexcept {
    const std::string_view byte = raw(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
  }
  std::string text(size_t bytes_max) {
    const std::string_view length = raw(2);
    if (length.empty()) return {};
    const auto bytes = load_big<uint16_t>(as_bytes(length).data());
    if (bytes > bytes_max) ok_ = false;
    return std::string(raw(bytes));
  }
  [[nodiscard]] bool done() const noexcept { return ok_ && left_.empty(); }

 private:
  std::string_view raw(size_t bytes) noexcept {
    if (!ok_ || left_.size() < bytes) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }
  std::string_view left_;
  bool ok_ = true;
};

// What the wrapping vouches for: each field with its length, so that none can flow into the next.
std::string vouched(const Envelope& envelope, std::string_view bucket, std::string_view key) {
  std::string text(1, static_cast<char>(envelope.method));
  put_text(text, envelope.key_name);
  put_text(text, envelope.generation);
  put_text(text, envelope.context);
  put_text(text, bucket);
  put_text(text, key);
  return text;
}

crypto::Secret wrap_key(const crypto::Secret& wrapping_key, std::string_view salt) {
  std::string message(kWrapLabel);
  message += salt;
  std::string derived = digest::hmac_sha256(wrapping_key.bytes(), as_bytes(message));
  const crypto::Secret key(as_bytes(derived));
  crypto::wipe(std::as_writable_bytes(std::span(derived)));
  return key;
}

}  // namespace

std::string encode(const Envelope& envelope) {
  std::string out;
  out += static_cast<char>(kEnvelopeVersion);
  out += static_cast<char>(envelope.method);
  out += static_cast<char>(envelope.bucket_key ? 1 : 0);
  put_text(out, envelope.key_name);
  put_text(out, envelope.generation);
  put_text(out, envelope.key_text);
  put_text(out, envelope.context);
  put_text(out, envelope.customer_md5);
  put_text(out, envelope.wrapped);
  return out;
}

Result<Envelope> decode_envelope(std::string_view bytes) {
  Reader in(bytes);
  const uint8_t version = in.u8();
  if (version > kEnvelopeVersion) {
    return Error(Code::kUnsupported,
                 "an object was encrypted by a newer program: start that program");
  }
  Envelope envelope;
  const uint8_t method = in.u8();
  const uint8_t flags = in.u8();
  envelope.method = static_cast<Method>(method);
  envelope.bucket_key = flags == 1;
  envelope.key_name = in.text(kKeyNameBytesMax);
  envelope.generation = in.text(kGenerationBytesMax);
  envelope.key_text = in.text(kKeyTextBytesMax);
  envelope.context = in.text(kContextBytesMax);
  envelope.customer_md5 = in.text(kMd5TextBytesMax);
  envelope.wrapped = in.text(kWrappedBytes);
  const bool known = method >= 1 && method <= 3 && flags <= 1 && version == kEnvelopeVersion;
  if (!in.done() || !known || envelope.wrapped.size() != kWrappedBytes) {
    return Error(Code::kCorrupt, "an object's encryption record does not decode");
  }
  return envelope;
}

crypto::Secret make_data_key(Envelope& envelope, const crypto::Secret& wrapping_key,
                             std::string_view bucket, std::string_view key, RandomSource& random) {
  crypto::Secret data_key;
  random.fill(data_key.room());
  std::array<std::byte, kWrappedBytes> wrapped{};
  const MutableBytes salt = MutableBytes(wrapped).first(kWrapSaltBytes);
  random.fill(salt);
  crypto::AesGcm cipher(wrap_key(wrapping_key, as_text(salt)));
  // The key was derived for this one message: its nonce needs not be another's.
  cipher.seal(crypto::Nonce{}, as_bytes(vouched(envelope, bucket, key)), data_key.bytes(),
              MutableBytes(wrapped).subspan(kWrapSaltBytes));
  envelope.wrapped = as_text(wrapped);
  return data_key;
}

Result<crypto::Secret> open_data_key(const Envelope& envelope, const crypto::Secret& wrapping_key,
                                     std::string_view bucket, std::string_view key) {
  CHECK(envelope.wrapped.size() == kWrappedBytes);
  const std::string_view wrapped = envelope.wrapped;
  crypto::AesGcm cipher(wrap_key(wrapping_key, wrapped.substr(0, kWrapSaltBytes)));
  crypto::Secret data_key;
  if (!cipher.open(crypto::Nonce{}, as_bytes(vouched(envelope, bucket, key)),
                   as_bytes(wrapped.substr(kWrapSaltBytes)), data_key.room())) {
    return Error(Code::kPermissionDenied, kWrongKeyReason,
                 "the encryption key is not the one that the object was stored with");
  }
  return data_key;
}

}  // namespace strata::encryption
