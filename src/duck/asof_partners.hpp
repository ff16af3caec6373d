// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/time_ranges.hpp"

namespace tickstone::duck {

/// The rows on the left of an as-of join, each of a series and a time, and what is known of their partners
/// while rows of the right are offered in any order. A row of the right goes to the first row on the left
/// that may have it, where the nearest one stays; who has none of its own has that of the row before it. So
/// the cost of a row is that of finding its place, which for rows in order is the next one, and memory is
/// that of the left.
class AsofPartners {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// `looks_ahead`: the partner is not the last one before but the first one after. `is_strict`: not at the
  /// same time.
  AsofPartners(bool looks_ahead, bool is_strict) : looks_ahead_(looks_ahead), is_strict_(is_strict) {}

  void clear();
  /// The next row on the left; a `series` of kNone has no partner.
  void add(std::uint32_t series, std::int64_t time);
  /// After the last `add`. Series are numbers below `series_count`.
  void arrange(std::size_t series_count);
  std::size_t row_count() const { return rows_.size(); }

  /// Which times of the right are to be read next, so that partners up to `reach` away are found; those
  /// further away than that of the last call alone. Empty: all partners are known.
  /// `series`: whose rows they are.
  storage::TimeRanges next_ranges(std::int64_t reach, std::vector<std::uint32_t>& series);

  /// That row `row` of those offered is, so far, the partner at `place`.
  struct Taken {
    std::uint32_t place;
    std::uint32_t row;
  };
  /// Rows of the right; those of series kNone are passed by. Each place is in `taken` at most once.
  void offer(const std::uint32_t* series, const std::int64_t* times, std::size_t count,
             std::vector<Taken>& taken);

  std::size_t place_count() const { return keys_.size(); }
  /// Whether a row was taken for the place.
  bool is_found(std::size_t place) const { return is_found_[place] != 0; }

  /// After the last `offer`.
  void settle();
  /// The place whose row is the partner of a row on the left, or kNone.
  std::uint32_t partner_of(std::size_t row) const {
    const std::uint32_t place = places_[row];
    return place == kNone ? kNone : partners_[place];
  }

 private:
  struct Row {
    std::int64_t key;
    std::uint32_t series;
    std::uint32_t number;
  };

  // Times as keys: that of a partner is never larger, and larger is nearer. Inverting all bits turns the
  // order.
  std::int64_t key_of(std::int64_t time) const { return looks_ahead_ ? ~time : time; }
  bool is_first(std::size_t place) const { return place == 0 || series_[place - 1] != series_[place]; }
  /// Adds the keys at `place` that are not read up to `reach` away, and are no earlier row's. False: none.
  bool add_range(std::size_t place, std::int64_t reach, storage::TimeRanges& ranges) const;
  storage::TimeRanges whole_range(std::int64_t reach, std::vector<std::uint32_t>& series) const;
  /// Times of keys, both ends included.
  storage::TimeRange range_of(std::int64_t low, std::int64_t high) const;
  std::uint32_t place_of(std::uint32_t series, std::int64_t key);

  const bool looks_ahead_;
  const bool is_strict_;
  std::vector<Row> rows_;              // as they came, then by place
  std::vector<std::uint32_t> places_;  // by number of the row
  std::vector<std::uint32_t> starts_;  // by series: its first place; one more at the end
  // By place, in the order of series and key.
  std::vector<std::int64_t> keys_;
  std::vector<std::uint32_t> series_;
  std::vector<std::int64_t> best_;
  std::vector<std::uint8_t> is_found_;
  std::vector<std::uint32_t> taken_at_;  // where in the list of those offered last, if it is there
  std::vector<std::uint32_t> partners_;

  std::vector<std::uint32_t> open_;  // places whose partner may be further away than was read
  bool has_read_ = false;
  std::int64_t read_ = 0;     // how far
  std::uint32_t cursor_ = 0;  // where the last offered row went
};

/// Numbers for the values of series, given as bytes.
class SeriesNumbers {
 public:
  std::uint32_t add(std::string_view key);
  /// AsofPartners::kNone: it was not added.
  std::uint32_t find(std::string_view key) const;
  std::size_t size() const { return numbers_.size(); }
  void clear() { numbers_.clear(); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
};

}  // namespace tickstone::duck
