// KeptRoom: memory for the blocks that a snapshot in progress keeps, up to a limit.
//
// Pieces are of 1, 2, 4 or 8 blocks. Memory is taken in slabs as it is needed; a slab is cut into
// pieces of one size, which are used again, and all of it goes back when the room does.
//
// Thread rule: from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace strata::snapshot {

class KeptRoom : public std::enable_shared_from_this<KeptRoom> {
 public:
  static constexpr size_t kBlockBytes = 4096;
  static constexpr size_t kPieceBlocksMax = 8;
  static constexpr size_t kSlabBytes = size_t{256} * 1024;
  // 64 MiB.
  static constexpr size_t kSlabsMax = 256;

  struct GiveBack {
    std::shared_ptr<KeptRoom> room;
    size_t size_class = 0;
    void operator()(std::byte* piece) const noexcept { room->give_back(piece, size_class); }
  };
  // Aligned for direct I/O. It keeps the room alive.
  using Piece = std::unique_ptr<std::byte, GiveBack>;

  // Of at most slabs_max slabs.
  [[nodiscard]] static std::shared_ptr<KeptRoom> create(size_t slabs_max = kSlabsMax);
  ~KeptRoom();
  KeptRoom(const KeptRoom&) = delete;
  KeptRoom& operator=(const KeptRoom&) = delete;

  // Room for 1 to kPieceBlocksMax blocks; nullptr if there is none left.
  [[nodiscard]] Piece take(size_t blocks);

 private:
  static constexpr size_t kSizeClasses = 4;
  explicit KeptRoom(size_t slabs_max) : slabs_max_(slabs_max) {}
  [[nodiscard]] bool add_slab(size_t size_class);
  void give_back(std::byte* piece, size_t size_class) noexcept;

  const size_t slabs_max_;
  std::mutex mutex_;
  std::vector<std::byte*> slabs_;                             // under mutex_
  std::array<std::vector<std::byte*>, kSizeClasses> unused_;  // under mutex_
};

}  // namespace strata::snapshot
