#include "common/crypto/aes_gcm.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>

#include "common/base/check.h"

namespace strata::crypto {
namespace {

constexpr size_t kMessageBytesMax = kGiB;

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

// Fetched once per process: fetching takes a lock and a search.
const EVP_CIPHER* cipher() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  CHECK(fetched != nullptr, "OpenSSL does not offer AES-256-GCM");
  return fetched;
}

const unsigned char* in(Bytes bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* out(MutableBytes bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

Context make_context(const Secret& key, bool encrypt) {
  Context context(EVP_CIPHER_CTX_new());
  CHECK(context != nullptr, "out of memory");
  CHECK(EVP_CipherInit_ex(context.get(), cipher(), nullptr, in(key.bytes()), nullptr,
                          encrypt ? 1 : 0) == 1);
  return context;
}

}  // namespace

void wipe(MutableBytes bytes) noexcept {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

Secret::Secret(Bytes bytes) {
  CHECK(bytes.size() == kKeyBytes, "a key has 32 bytes");
  std::memcpy(bytes_.data(), bytes.data(), bytes.size());
}

Secret::~Secret() {
  wipe(bytes_);
}

// The key's schedule is computed once for each direction that is used.
struct AesGcm::Impl {
  Secret key;
  Context sealing;
  Context opening;
};

AesGcm::AesGcm(const Secret& key) : impl_(std::make_unique<Impl>()) {
  impl_->key = key;
}
AesGcm::~AesGcm() = default;

void AesGcm::seal(const Nonce& nonce, Bytes vouched, Bytes plain, MutableBytes sealed) {
  CHECK(plain.size() <= kMessageBytesMax && vouched.size() <= kMessageBytesMax);
  CHECK(sealed.size() == plain.size() + kTagBytes);
  if (!impl_->sealing) impl_->sealing = make_context(impl_->key, true);
  EVP_CIPHER_CTX* const context = impl_->sealing.get();
  CHECK(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, in(nonce), -1) == 1);
  int written = 0;
  if (!vouched.empty()) {
    CHECK(EVP_CipherUpdate(context, nullptr, &written, in(vouched),
                           static_cast<int>(vouched.size())) == 1);
  }
  if (!plain.empty()) {
    CHECK(EVP_CipherUpdate(context, out(sealed), &written, in(plain),
                           static_cast<int>(plain.size())) == 1);
  }
  unsigned char nothing[kTagBytes];  // the last block of a counter mode is empty
  CHECK(EVP_CipherFinal_ex(context, nothing, &written) == 1 && written == 0);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                            out(sealed.last(kTagBytes))) == 1);
}

bool AesGcm::open(const Nonce& nonce, Bytes vouched, Bytes sealed, MutableBytes plain) {
  CHECK(sealed.size() >= kTagBytes && plain.size() == sealed.size() - kTagBytes);
  CHECK(plain.size() <= kMessageBytesMax && vouched.size() <= kMessageBytesMax);
  if (!impl_->opening) impl_->opening = make_context(impl_->key, false);
  EVP_CIPHER_CTX* const context = impl_->opening.get();
  CHECK(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, in(nonce), -1) == 1);
  int written = 0;
  if (!vouched.empty()) {
    CHECK(EVP_CipherUpdate(context, nullptr, &written, in(vouched),
                           static_cast<int>(vouched.size())) == 1);
  }
  if (!plain.empty()) {
    CHECK(EVP_CipherUpdate(context, out(plain), &written, in(sealed),
                           static_cast<int>(plain.size())) == 1);
  }
  std::array<std::byte, kTagBytes> tag;
  std::memcpy(tag.data(), sealed.last(kTagBytes).data(), kTagBytes);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  unsigned char nothing[kTagBytes];
  if (EVP_CipherFinal_ex(context, nothing, &written) == 1) return true;
  wipe(plain);
  return false;
}

}  // namespace strata::crypto
