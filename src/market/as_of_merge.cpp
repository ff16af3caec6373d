// SPDX-License-Identifier: Apache-2.0
#include "market/as_of_merge.hpp"

#include <algorithm>
#include <numeric>

#include <tickstone/error.hpp>

namespace tickstone::market {

SortedLabels::SortedLabels(std::span<const Label> labels) {
  if (labels.size() > UINT32_MAX)
    throw Error(ErrorCode::ProgramLimitExceeded, "a training set has at most 4294967295 labels");
  std::vector<std::vector<std::uint32_t>> rows;
  for (std::uint32_t row = 0; row < labels.size(); ++row) {
    const auto [at, is_new] =
        numbers_.try_emplace(labels[row].symbol, static_cast<std::int32_t>(rows.size()));
    if (is_new) {
      rows.emplace_back();
      series_.push_back({labels[row].symbol, {}, {}});
    }
    rows[static_cast<std::size_t>(at->second)].push_back(row);
  }
  const auto time_us = [&](std::uint32_t row) { return labels[row].time.time_since_epoch().count(); };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::stable_sort(rows[i], {}, time_us);
    series_[i].times_us.reserve(rows[i].size());
    for (const auto row : rows[i]) series_[i].times_us.push_back(time_us(row));
    first_us_ = i == 0 ? series_[i].times_us.front() : std::min(first_us_, series_[i].times_us.front());
    last_us_ = i == 0 ? series_[i].times_us.back() : std::max(last_us_, series_[i].times_us.back());
    series_[i].rows = std::move(rows[i]);
  }
}

std::int32_t SortedLabels::find(std::string_view symbol) const {
  const auto found = numbers_.find(symbol);
  return found == numbers_.end() ? -1 : found->second;
}

void FeatureSeries::sort() {
  if (is_sorted) return;
  std::vector<std::uint32_t> order(times_us.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t row) { return times_us[row]; });
  FeatureSeries sorted;
  sorted.times_us.reserve(order.size());
  sorted.values.reserve(order.size());
  for (const auto row : order) sorted.add(times_us[row], values[row]);
  *this = std::move(sorted);
}

std::size_t merge_as_of(const SortedLabels::Series& labels, const FeatureSeries& series,
                        std::int64_t max_age_us, std::span<double> values, std::span<std::int64_t> ages_us) {
  std::size_t found = 0, next = 0;
  const std::size_t count = series.times_us.size();
  for (std::size_t i = 0; i < labels.rows.size(); ++i) {
    const std::int64_t time_us = labels.times_us[i];
    while (next < count && series.times_us[next] <= time_us) ++next;
    if (next == 0) continue;
    const std::int64_t age_us = time_us - series.times_us[next - 1];
    if (max_age_us > 0 && age_us > max_age_us) continue;
    values[labels.rows[i]] = series.values[next - 1];
    if (!ages_us.empty()) ages_us[labels.rows[i]] = age_us;
    ++found;
  }
  return found;
}

}  // namespace tickstone::market
