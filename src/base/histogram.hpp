// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace tickstone {

/// How many values were at most each bound, at one moment.
struct HistogramCounts {
  std::vector<std::uint64_t> bounds;  // ascending
  std::vector<std::uint64_t> counts;  // one more than bounds: those above the last
  std::uint64_t sum = 0;
  std::uint64_t total() const {
    std::uint64_t all = 0;
    for (const auto count : counts) all += count;
    return all;
  }
};

inline constexpr std::array<std::uint64_t, 18> kLatencyBoundsNs = {
    25'000,      50'000,      100'000,       250'000,       500'000,        1'000'000,
    2'500'000,   5'000'000,   10'000'000,    25'000'000,    50'000'000,     100'000'000,
    250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 10'000'000'000, 60'000'000'000};
inline constexpr std::array<std::uint64_t, 8> kGroupSizeBounds = {1, 2, 4, 8, 16, 32, 64, 128};

/// Counts values by size. Cost: a few nanoseconds. Threads: any.
template <const auto& Bounds>
class Histogram {
 public:
  void record(std::uint64_t value) {
    const auto at = std::lower_bound(Bounds.begin(), Bounds.end(), value) - Bounds.begin();
    counts_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  HistogramCounts counts() const {
    HistogramCounts copy;
    copy.bounds.assign(Bounds.begin(), Bounds.end());
    for (const auto& count : counts_) copy.counts.push_back(count.load(std::memory_order_relaxed));
    copy.sum = sum_.load(std::memory_order_relaxed);
    return copy;
  }

 private:
  std::array<std::atomic<std::uint64_t>, Bounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

using LatencyHistogram = Histogram<kLatencyBoundsNs>;  // of nanoseconds

}  // namespace tickstone
