// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>

namespace tickstone::storage {

/// A growing array whose elements never move.
///
/// Threads: one grows it; any may use elements below a count that was published to them after `grow_to`.
template <typename T, std::size_t kFirstSize = 64>
class StableVector {
  static_assert(std::has_single_bit(kFirstSize));
  static constexpr std::size_t kFirstBits = std::bit_width(kFirstSize) - 1;
  static constexpr std::size_t kBlocks = 34 - kFirstBits;

 public:
  StableVector() = default;
  StableVector(const StableVector&) = delete;
  StableVector& operator=(const StableVector&) = delete;
  ~StableVector() {
    for (auto& block : blocks_) delete[] block.load(std::memory_order_relaxed);
  }

  /// Makes indexes below `size` usable; new elements are value-initialised.
  void grow_to(std::size_t size) {
    while (capacity_ < size) {
      const std::size_t block = block_of(capacity_);
      blocks_[block].store(new T[kFirstSize << block](), std::memory_order_release);
      capacity_ += kFirstSize << block;
    }
  }
  std::size_t capacity() const { return capacity_; }

  T& operator[](std::size_t index) {
    const std::size_t block = block_of(index);
    return blocks_[block].load(std::memory_order_acquire)[index + kFirstSize - (kFirstSize << block)];
  }
  const T& operator[](std::size_t index) const { return const_cast<StableVector&>(*this)[index]; }

 private:
  static std::size_t block_of(std::size_t index) {
    return static_cast<std::size_t>(std::bit_width(index + kFirstSize)) - 1 - kFirstBits;
  }

  std::array<std::atomic<T*>, kBlocks> blocks_{};
  std::size_t capacity_ = 0;
};

}  // namespace tickstone::storage
