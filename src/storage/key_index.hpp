// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone::storage {

class OpenChunk;

/// From keys to the rows of an open chunk that have them, newest first. Built at the first question, then
/// kept up by the questions.
///
/// Threads: any.
class KeyIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// Calls `visit(row)` for the rows with this key below `limit`, newest first, until it returns true. All
  /// rows below `limit` must be published to the caller.
  template <typename Visit>
  void find(const OpenChunk& rows, std::string_view key, std::uint64_t hash, std::uint32_t limit,
            Visit&& visit) {
    if (indexed_.load(std::memory_order_acquire) < limit) catch_up(rows, limit);
    const std::shared_lock lock(mutex_);
    std::string scratch;
    for (std::uint32_t row = head(rows, key, hash, scratch); row != kNone; row = previous_[row]) {
      if (row < limit && visit(row)) return;
    }
  }
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  void catch_up(const OpenChunk& rows, std::uint32_t limit);
  std::uint32_t head(const OpenChunk& rows, std::string_view key, std::uint64_t hash,
                     std::string& scratch) const;
  std::size_t slot_of(const OpenChunk& rows, std::string_view key, std::uint64_t hash,
                      std::string& scratch) const;
  void enter(const OpenChunk& rows, std::uint32_t row, std::string_view key, std::uint64_t hash,
             std::string& scratch);
  void grow(std::uint32_t rows);

  mutable std::shared_mutex mutex_;
  std::atomic<std::uint32_t> indexed_{0};
  std::vector<std::uint64_t> slots_;  // high half of the hash << 32 | row + 1; 0: empty
  std::uint32_t used_ = 0;
  std::vector<std::uint32_t> previous_;  // by row: the next older one with its key
  std::atomic<std::size_t> memory_bytes_{0};
};

}  // namespace tickstone::storage
