#include "blockdev/snapshot/bitmap.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

namespace strata::snapshot {
namespace {

constexpr uint64_t kBytes = Bitmap::kBits / 8;

}  // namespace

Result<std::unique_ptr<Bitmap>> Bitmap::create() {
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return Error(Code::kNoSpace, "no memory for a bitmap of chunks");
  return std::unique_ptr<Bitmap>(new Bitmap(static_cast<std::atomic<uint64_t>*>(memory)));
}

Bitmap::~Bitmap() {
  munmap(words_, kBytes);
}

void Bitmap::set_range(ChunkRange range) noexcept {
  reach(range.end);
  for (uint64_t bit = range.first; bit < range.end;) {
    if (bit % 64 == 0 && range.end - bit >= 64) {
      words_[bit / 64].store(~uint64_t{0}, std::memory_order_release);
      bit += 64;
    } else {
      set(bit++);
    }
  }
}

std::optional<uint64_t> Bitmap::find(ChunkRange range, bool is_set) const noexcept {
  uint64_t bit = range.first;
  if (is_set) range.end = std::min(range.end, end_.load(std::memory_order_acquire));
  while (bit < range.end) {
    uint64_t word = words_[bit / 64].load(std::memory_order_acquire);
    if (!is_set) word = ~word;
    word &= ~uint64_t{0} << (bit % 64);
    if (word != 0) {
      const uint64_t found = bit / 64 * 64 + static_cast<uint64_t>(std::countr_zero(word));
      if (found < range.end) return found;
      return std::nullopt;
    }
    bit = (bit / 64 + 1) * 64;
  }
  return std::nullopt;
}

uint64_t Bitmap::count(ChunkRange range) const noexcept {
  uint64_t total = 0;
  for (auto bit = find(range, true); bit; bit = find({*bit + 1, range.end}, true)) ++total;
  return total;
}

void Bitmap::add(const Bitmap& other, uint64_t bits) noexcept {
  bits = std::min(bits, other.end_.load(std::memory_order_acquire));
  for (uint64_t i = 0; i < (bits + 63) / 64; ++i) or_word(i, other.word(i));
}

void Bitmap::clear_all() noexcept {
  // Gives the pages back: what is touched again is zero.
  end_.store(0, std::memory_order_release);
  (void)madvise(words_, kBytes, MADV_DONTNEED);
}

}  // namespace strata::snapshot
