// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "storage/schema.hpp"

namespace tickstone::storage {

/// No commit has ended the row's life.
inline constexpr CommitSeq kNeverEnded = UINT64_MAX;
inline constexpr std::uint32_t kRowEndsBlock = 8192;

/// The commits that superseded or erased the rows of one block of up to `kRowEndsBlock` rows. Nothing is
/// allocated until a row ends.
///
/// Threads: one writes, any read. A reader whose commit number was published after the write sees it.
class RowEnds {
 public:
  RowEnds() = default;
  RowEnds(const RowEnds&) = delete;
  RowEnds& operator=(const RowEnds&) = delete;
  ~RowEnds() { delete[] ends_.load(std::memory_order_relaxed); }

  CommitSeq at(std::uint32_t offset) const {
    const auto* ends = ends_.load(std::memory_order_acquire);
    return ends == nullptr ? kNeverEnded : ends[offset].load(std::memory_order_relaxed);
  }
  /// Rows that have ended, whenever that was.
  std::uint32_t ended_count() const { return ended_.load(std::memory_order_acquire); }

  /// `capacity`: rows of the block, the same at every call. Returns the bytes that were allocated for it.
  std::size_t set(std::uint32_t offset, std::uint32_t capacity, CommitSeq end) {
    std::size_t allocated_bytes = 0;
    auto* ends = ends_.load(std::memory_order_relaxed);
    if (ends == nullptr) {
      if (end == kNeverEnded) return 0;
      ends = new std::atomic<CommitSeq>[capacity];
      for (std::uint32_t i = 0; i < capacity; ++i) ends[i].store(kNeverEnded, std::memory_order_relaxed);
      ends_.store(ends, std::memory_order_release);
      allocated_bytes = capacity * sizeof(*ends);
    }
    const CommitSeq before = ends[offset].exchange(end, std::memory_order_relaxed);
    if (before == kNeverEnded && end != kNeverEnded) ended_.fetch_add(1, std::memory_order_release);
    if (before != kNeverEnded && end == kNeverEnded) ended_.fetch_sub(1, std::memory_order_release);
    return allocated_bytes;
  }

 private:
  std::atomic<std::atomic<CommitSeq>*> ends_{nullptr};
  std::atomic<std::uint32_t> ended_{0};
};

}  // namespace tickstone::storage
