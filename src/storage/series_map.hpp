// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "storage/stable_vector.hpp"

namespace tickstone::storage {

/// What an open chunk knows of one series. Plain members belong to the appending thread.
struct Series {
  std::atomic<std::uint32_t> last_row{UINT32_MAX};    // the row appended last: head of the chain of its rows
  std::atomic<std::uint32_t> newest_row{UINT32_MAX};  // the row with the greatest time and rest of the key
  std::atomic<std::uint32_t> row_count{0};
  std::atomic<bool> is_in_time_order{true};  // no row of the chain is older than the one before it
  std::atomic<bool> is_in_key_order{true};   // each row's time and rest of the key are past the one before
  std::int64_t min_time = INT64_MAX;
  std::int64_t max_time = INT64_MIN;
  std::atomic<std::int64_t> older_last_time{INT64_MIN};  // as OlderLayers gave it
  std::uint64_t older_version = 0;
};

/// From the codes of a series key to a number, counted from 0.
///
/// Threads: one adds; any find, and read series below a count published to them.
class SeriesMap {
 public:
  static constexpr std::uint32_t kNullCode = UINT32_MAX;

  explicit SeriesMap(std::size_t key_size) : key_size_(key_size) {}

  std::uint32_t add(const std::uint32_t* codes);
  std::optional<std::uint32_t> find(const std::uint32_t* codes) const;
  std::uint32_t size() const { return size_.load(std::memory_order_acquire); }
  std::size_t key_size() const { return key_size_; }
  std::uint32_t code(std::uint32_t series, std::size_t position) const {
    return codes_[series * key_size_ + position];
  }
  Series& operator[](std::uint32_t series) { return series_[series]; }
  const Series& operator[](std::uint32_t series) const { return series_[series]; }
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  std::optional<std::uint32_t> probe(const std::uint32_t* codes, std::uint64_t hash) const;
  std::uint64_t hash_of(const std::uint32_t* codes) const;

  std::size_t key_size_;
  StableVector<std::uint32_t, 16> codes_;
  StableVector<Series, 16> series_;
  std::atomic<std::uint32_t> size_{0};
  std::uint32_t last_ = 0;
  mutable std::shared_mutex slots_mutex_;  // the adding thread reads the slots without it
  std::vector<std::uint32_t> slots_;       // series + 1; 0: empty
  std::atomic<std::size_t> memory_bytes_{0};
};

}  // namespace tickstone::storage
