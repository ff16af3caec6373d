// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tickstone/training.hpp>

namespace tickstone::market {

/// Labels by symbol, each symbol's in the order of time.
class SortedLabels {
 public:
  explicit SortedLabels(std::span<const Label> labels);

  struct Series {
    std::string symbol;
    std::vector<std::int64_t> times_us;
    std::vector<std::uint32_t> rows;  // where each is in the request
  };
  const std::vector<Series>& series() const { return series_; }
  /// Number of the symbol's series; -1 where no label is of it.
  std::int32_t find(std::string_view symbol) const;
  std::int64_t first_us() const { return first_us_; }
  std::int64_t last_us() const { return last_us_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::vector<Series> series_;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> numbers_;
  std::int64_t first_us_ = 0, last_us_ = 0;
};

/// One symbol's values of a feature, gathered in any order.
struct FeatureSeries {
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  bool is_sorted = true;

  void add(std::int64_t time_us, double value) {
    if (!times_us.empty() && time_us < times_us.back()) is_sorted = false;
    times_us.push_back(time_us);
    values.push_back(value);
  }
  void clear() {
    times_us.clear();
    values.clear();
    is_sorted = true;
  }
  void sort();
};

/// For each label of `labels` the newest value of `series`, which is sorted, that is not later, and at most
/// `max_age_us` older (0: any): into `values` (and `ages_us`, unless empty) at the label's row. Rows without
/// one are left as they are. Returns how many labels found one.
std::size_t merge_as_of(const SortedLabels::Series& labels, const FeatureSeries& series,
                        std::int64_t max_age_us, std::span<double> values, std::span<std::int64_t> ages_us);

}  // namespace tickstone::market
