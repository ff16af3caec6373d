// SPDX-License-Identifier: Apache-2.0
#include "duck/asof_partners.hpp"

#include <algorithm>

namespace tickstone::duck {

namespace {

/// Of more rows than this, and where there would be more ranges than that, only the first time and the last
/// are told.
constexpr std::size_t kMostRowsWithRanges = 65'536;
constexpr std::size_t kMostRanges = 4096;
/// More runs than this are sorted as if there were no order in them.
constexpr std::size_t kMostRuns = 16;

std::int64_t minus(std::int64_t key, std::int64_t reach) {
  std::int64_t result = 0;
  return reach == INT64_MAX || __builtin_sub_overflow(key, reach, &result) ? INT64_MIN : result;
}

/// Rows mostly come as a few runs that are sorted: one of each thread that read them.
template <typename Iterator, typename Less>
void sort_runs(Iterator first, Iterator last, Less less) {
  std::vector<Iterator> bounds{first};
  for (auto at = first; at != last;) {
    at = std::is_sorted_until(at, last, less);
    bounds.push_back(at);
    if (bounds.size() > kMostRuns + 1) {
      std::stable_sort(first, last, less);
      return;
    }
  }
  while (bounds.size() > 2) {
    std::vector<Iterator> merged{first};
    for (std::size_t i = 2; i < bounds.size(); i += 2) {
      std::inplace_merge(bounds[i - 2], bounds[i - 1], bounds[i], less);
      merged.push_back(bounds[i]);
    }
    if (merged.back() != last) merged.push_back(last);
    bounds = std::move(merged);
  }
}

}  // namespace

void AsofPartners::clear() {
  rows_.clear();
  open_.clear();
  has_read_ = false;
}

void AsofPartners::add(std::uint32_t series, std::int64_t time) {
  std::int64_t key = key_of(time);
  if (is_strict_ && key == INT64_MIN) series = kNone;  // nothing comes before that
  if (is_strict_ && series != kNone) --key;
  rows_.push_back({key, series, static_cast<std::uint32_t>(rows_.size())});
}

void AsofPartners::arrange(std::size_t series_count) {
  starts_.assign(series_count + 1, 0);
  std::size_t count = 0;
  for (const Row& row : rows_) {
    if (row.series == kNone) continue;
    ++starts_[row.series + 1];
    ++count;
  }
  for (std::size_t i = 1; i <= series_count; ++i) starts_[i] += starts_[i - 1];
  std::vector<Row> sorted(count);
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  for (const Row& row : rows_) {
    if (row.series != kNone) sorted[next[row.series]++] = row;
  }
  for (std::size_t i = 0; i < series_count; ++i) {
    sort_runs(sorted.begin() + starts_[i], sorted.begin() + starts_[i + 1],
              [](const Row& a, const Row& b) { return a.key < b.key; });
  }
  places_.assign(rows_.size(), kNone);
  keys_.resize(count);
  series_.resize(count);
  for (std::size_t place = 0; place < count; ++place) {
    places_[sorted[place].number] = static_cast<std::uint32_t>(place);
    keys_[place] = sorted[place].key;
    series_[place] = sorted[place].series;
  }
  best_.resize(count);
  is_found_.assign(count, 0);
  taken_at_.assign(count, 0);
  cursor_ = 0;
}

bool AsofPartners::add_range(std::size_t place, std::int64_t reach, storage::TimeRanges& ranges) const {
  std::int64_t low = minus(keys_[place], reach);
  std::int64_t high = keys_[place];
  if (has_read_) {
    high = minus(high, read_);
    if (high == INT64_MIN) return false;
    --high;
  }
  if (!is_first(place)) {
    if (keys_[place - 1] == INT64_MAX) return false;
    low = std::max(low, keys_[place - 1] + 1);
  }
  if (is_found_[place] != 0) low = std::max(low, best_[place]);
  if (low > high) return false;
  const storage::TimeRange range = range_of(low, high);
  // Rows come in the order of time, or against it.
  if (!ranges.empty() && range.start <= ranges.back().end && range.end >= ranges.back().start) {
    ranges.back().start = std::min(ranges.back().start, range.start);
    ranges.back().end = std::max(ranges.back().end, range.end);
  } else {
    ranges.push_back(range);
  }
  return true;
}

storage::TimeRange AsofPartners::range_of(std::int64_t low, std::int64_t high) const {
  const std::int64_t first = looks_ahead_ ? ~high : low;
  const std::int64_t last = looks_ahead_ ? ~low : high;
  return {first, last == INT64_MAX ? INT64_MAX : last + 1};
}

storage::TimeRanges AsofPartners::whole_range(std::int64_t reach, std::vector<std::uint32_t>& series) const {
  std::int64_t low = INT64_MAX;
  std::int64_t high = INT64_MIN;
  for (std::uint32_t number = 0; number + 1 < starts_.size(); ++number) {
    if (starts_[number] == starts_[number + 1]) continue;
    series.push_back(number);
    low = std::min(low, minus(keys_[starts_[number]], reach));
    high = std::max(high, keys_[starts_[number + 1] - 1]);
  }
  return {range_of(low, high)};
}

storage::TimeRanges AsofPartners::next_ranges(std::int64_t reach, std::vector<std::uint32_t>& series) {
  series.clear();
  storage::TimeRanges ranges;
  if (!has_read_ && keys_.size() > kMostRowsWithRanges) {
    ranges = whole_range(reach, series);
    has_read_ = true;
    read_ = reach;
    return ranges;
  }
  // A partner further away than was read came because others asked: nearer ones are still to come.
  const auto is_done = [&](std::uint32_t place) {
    const std::int64_t low = minus(keys_[place], read_);
    return (is_found_[place] != 0 && best_[place] >= low) || (!is_first(place) && keys_[place - 1] >= low);
  };
  if (open_.empty()) {
    for (std::uint32_t place = 0; place < keys_.size(); ++place) {
      if (!has_read_ || !is_done(place)) open_.push_back(place);
    }
  } else {
    std::erase_if(open_, is_done);
  }
  for (const std::uint32_t place : open_) {
    if (!add_range(place, reach, ranges)) continue;
    if (series.empty() || series.back() != series_[place]) series.push_back(series_[place]);
    if (ranges.size() <= kMostRanges) continue;
    storage::normalize(ranges);
    ranges = {{ranges.front().start, ranges.back().end}};
  }
  storage::normalize(ranges);
  has_read_ = true;
  read_ = reach;
  return ranges;
}

std::uint32_t AsofPartners::place_of(std::uint32_t series, std::int64_t key) {
  const std::uint32_t first = starts_[series];
  const std::uint32_t last = starts_[series + 1];
  std::uint32_t low = first;
  std::uint32_t high = last;
  if (cursor_ >= first && cursor_ < last) {
    if (keys_[cursor_] < key) {
      // Not far ahead, mostly.
      low = cursor_ + 1;
      for (std::uint32_t step = 1; low < last; step *= 2) {
        const std::uint32_t probe = std::min(last - 1, low + step - 1);
        if (keys_[probe] >= key) {
          high = probe;
          break;
        }
        low = probe + 1;
      }
    } else {
      high = cursor_;
      for (std::uint32_t step = 1; high > first; step *= 2) {
        const std::uint32_t probe = high - first > step ? high - step : first;
        if (keys_[probe] < key) {
          low = probe + 1;
          break;
        }
        high = probe;
      }
    }
  }
  const auto begin = keys_.begin();
  const auto found = std::lower_bound(begin + low, begin + high, key) - begin;
  return cursor_ = static_cast<std::uint32_t>(found);
}

void AsofPartners::offer(const std::uint32_t* series, const std::int64_t* times, std::size_t count,
                         std::vector<Taken>& taken) {
  // The keys that go to the place of the row before, both ends included.
  std::uint32_t same_series = kNone;
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::uint32_t place = kNone;
  for (std::size_t i = 0; i < count; ++i) {
    // Ascending times become ascending keys.
    const std::size_t row = looks_ahead_ ? count - 1 - i : i;
    if (series[row] == kNone) continue;
    const std::int64_t key = key_of(times[row]);
    if (series[row] != same_series || key < low || key > high) {
      same_series = series[row];
      const std::uint32_t first = starts_[same_series];
      const std::uint32_t last = starts_[same_series + 1];
      place = place_of(same_series, key);
      low = place > first ? keys_[place - 1] : INT64_MIN;
      if (place > first && low != INT64_MAX) ++low;
      high = place < last ? keys_[place] : INT64_MAX;
      if (place == last) place = kNone;
    }
    if (place == kNone || (is_found_[place] != 0 && best_[place] >= key)) continue;
    is_found_[place] = 1;
    best_[place] = key;
    std::uint32_t& at = taken_at_[place];
    if (at < taken.size() && taken[at].place == place) {
      taken[at].row = static_cast<std::uint32_t>(row);
      continue;
    }
    at = static_cast<std::uint32_t>(taken.size());
    taken.push_back({place, static_cast<std::uint32_t>(row)});
  }
}

void AsofPartners::settle() {
  partners_.resize(keys_.size());
  std::uint32_t last = kNone;
  for (std::uint32_t place = 0; place < partners_.size(); ++place) {
    if (is_first(place)) last = kNone;
    if (is_found_[place] != 0) last = place;
    partners_[place] = last;
  }
}

std::uint32_t SeriesNumbers::add(std::string_view key) {
  const auto found = numbers_.find(key);
  if (found != numbers_.end()) return found->second;
  const auto number = static_cast<std::uint32_t>(numbers_.size());
  numbers_.emplace(std::string(key), number);
  return number;
}

std::uint32_t SeriesNumbers::find(std::string_view key) const {
  const auto found = numbers_.find(key);
  return found == numbers_.end() ? AsofPartners::kNone : found->second;
}

}  // namespace tickstone::duck
