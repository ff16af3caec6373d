// SPDX-License-Identifier: Apache-2.0
#include "storage/scan_plan.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "storage/changed_times.hpp"
#include "storage/row_order.hpp"
#include "storage/row_time.hpp"
#include "storage/series_ends.hpp"

namespace tickstone::storage {

namespace {

/// More combinations of series values than this are not looked up one by one.
constexpr std::size_t kMaxSeriesKeys = 4096;
/// The chain of a series' rows is followed when it is this many times shorter than the rows.
constexpr std::uint64_t kChainAdvantage = 16;
/// Longer lists are not looked up in filters nor compared one by one: one of so many is nearly everywhere.
constexpr std::size_t kMaxFilteredValues = 64;

bool comparable(const SqlType& type, const Value& value) {
  if (type.is_array || value.type.is_array) return false;
  const auto kind = [](const SqlType& of) {
    switch (physical_of(of)) {
      case Physical::Bytes:
        return 0;
      case Physical::Float32:
      case Physical::Float64:
        return 1;
      default:
        return of.id == TypeId::Interval || of.id == TypeId::Uuid ? 3 : 2;
    }
  };
  const auto is_time = [](TypeId id) {
    return id == TypeId::Date || id == TypeId::Time || id == TypeId::Timestamp || id == TypeId::TimestampTz ||
           id == TypeId::TimestampNs;
  };
  if ((is_time(type.id) || is_time(value.type.id)) && type.id != value.type.id) return false;
  return kind(type) == kind(value.type) && type.id != TypeId::Interval;
}

/// Of a predicate by `only_times`.
std::shared_ptr<const TimeRanges> times_of(const ColumnPredicate& predicate) {
  auto times = std::make_shared<TimeRanges>();
  for (std::size_t i = 0; i + 1 < predicate.in.size(); i += 2) {
    times->push_back({static_cast<std::int64_t>(predicate.in[i].integer),
                      static_cast<std::int64_t>(predicate.in[i + 1].integer)});
  }
  return times;
}

/// The moments that a list has, and those of another set at most.
std::shared_ptr<const TimeRanges> listed_times(const std::vector<Value>& list, const TimeRanges* within) {
  TimeRanges times;
  times.reserve(list.size());
  for (const Value& value : list) {
    const std::int64_t time = time_of(value);
    if (time == INT64_MAX) {
      times.push_back({INT64_MAX - 1, INT64_MAX});  // which is the end of time with its last instant
    } else {
      times.push_back({time, time + 1});
    }
  }
  normalize(times);
  if (within != nullptr) times = intersection(times, *within);
  return std::make_shared<const TimeRanges>(std::move(times));
}

ScanFilter filter_of(const TableSchema& schema, const ScanRequest& request) {
  ScanFilter filter;
  filter.series.resize(schema.series_key.size());
  for (const auto& predicate : request.predicates) {
    if (predicate.column == kTimesColumn) {
      const auto times = times_of(predicate);
      filter.times = filter.times == nullptr
                         ? times
                         : std::make_shared<const TimeRanges>(intersection(*filter.times, *times));
      continue;
    }
    const auto* column = schema.find(predicate.column);
    if (column == nullptr) continue;
    if (schema.time_column == predicate.column) {
      auto bound = [&](Int128 lower, Int128 upper_exclusive) {
        filter.has_time = true;
        if (lower > filter.time.start) {
          filter.time.start = lower > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(lower);
          filter.is_empty |= lower > INT64_MAX;
        }
        if (upper_exclusive < filter.time.end) {
          filter.time.end =
              upper_exclusive < INT64_MIN ? INT64_MIN : static_cast<std::int64_t>(upper_exclusive);
        }
      };
      if (predicate.lower && !predicate.lower->value.is_null &&
          comparable(column->type, predicate.lower->value)) {
        bound(least_time(*predicate.lower), Int128{INT64_MAX} + 1);
      }
      if (predicate.upper && !predicate.upper->value.is_null &&
          comparable(column->type, predicate.upper->value)) {
        bound(INT64_MIN, end_time(*predicate.upper));
      }
      if (!predicate.in.empty() &&
          std::all_of(predicate.in.begin(), predicate.in.end(), [&](const Value& value) {
            return !value.is_null && comparable(column->type, value);
          })) {
        const auto [least, most] =
            std::minmax_element(predicate.in.begin(), predicate.in.end(),
                                [](const Value& a, const Value& b) { return time_of(a) < time_of(b); });
        bound(time_of(*least), Int128{time_of(*most)} + 1);
        if (predicate.in.size() > 1) filter.times = listed_times(predicate.in, filter.times.get());
      }
    }
    const auto in_series = std::find(schema.series_key.begin(), schema.series_key.end(), predicate.column);
    if (in_series == schema.series_key.end()) continue;
    std::vector<Value> wanted;
    if (predicate.lower && predicate.upper && predicate.lower->inclusive && predicate.upper->inclusive &&
        !predicate.lower->value.is_null && comparable(column->type, predicate.lower->value) &&
        comparable(column->type, predicate.upper->value) &&
        order_values(predicate.lower->value, predicate.upper->value) == 0) {
      wanted.push_back(predicate.lower->value);
    } else {
      wanted.reserve(predicate.in.size());
      for (const auto& value : predicate.in) {
        if (!value.is_null) wanted.push_back(value);
      }
    }
    if (wanted.empty() || !std::all_of(wanted.begin(), wanted.end(),
                                       [&](const Value& value) { return comparable(column->type, value); })) {
      filter.is_empty |= !predicate.in.empty() && wanted.empty();
      continue;
    }
    // Each series is read once.
    if (wanted.size() > 1) {
      std::sort(wanted.begin(), wanted.end(),
                [](const Value& a, const Value& b) { return order_values(a, b) < 0; });
      const auto same = std::unique(wanted.begin(), wanted.end(),
                                    [](const Value& a, const Value& b) { return order_values(a, b) == 0; });
      wanted.erase(same, wanted.end());
    }
    auto& series = filter.series[static_cast<std::size_t>(in_series - schema.series_key.begin())];
    if (series.empty() || wanted.size() < series.size()) series = std::move(wanted);
    filter.has_series = true;
  }
  std::size_t combinations = 1;
  for (auto& series : filter.series) {
    combinations *= std::max<std::size_t>(1, series.size());
    if (combinations > kMaxSeriesKeys) series.clear();
  }
  filter.has_series =
      std::any_of(filter.series.begin(), filter.series.end(), [](const auto& s) { return !s.empty(); });
  if (filter.times != nullptr) {
    filter.has_time = true;
    if (filter.times->empty() || !schema.time_column) {
      filter.is_empty = true;
    } else {
      filter.time.start = std::max(filter.time.start, filter.times->front().start);
      filter.time.end = std::min(filter.time.end, filter.times->back().end);
    }
  }
  if (filter.time.start >= filter.time.end && filter.time.end != INT64_MAX) filter.is_empty = true;
  return filter;
}

bool overlaps(const ScanFilter& filter, std::int64_t min_time, std::int64_t max_time_inclusive) {
  const TimeRange& range = filter.time;
  if (max_time_inclusive < range.start || (min_time >= range.end && range.end != INT64_MAX)) return false;
  return filter.times == nullptr || overlaps(*filter.times, min_time, max_time_inclusive);
}
bool covers(const ScanFilter& filter, std::int64_t min_time, std::int64_t max_time_inclusive) {
  const TimeRange& range = filter.time;
  return filter.times == nullptr && min_time >= range.start &&
         (max_time_inclusive < range.end || range.end == INT64_MAX);
}

}  // namespace

bool is_in_range(const TableSchema& schema, const Segment& segment, std::size_t group,
                 const std::vector<ColumnPredicate>& predicates) {
  for (const auto& predicate : predicates) {
    const auto* column = schema.find(predicate.column);
    if (column == nullptr || !segment.has_column(predicate.column)) continue;
    const ColumnRange& range = segment.range(group, predicate.column);
    const bool wants_null = predicate.null_test == ColumnPredicate::NullTest::IsNull;
    if (wants_null && !range.has_nulls) return false;
    if (!wants_null && range.null_count == segment.row_groups()[group].row_count) return false;
    if (predicate.null_test != ColumnPredicate::NullTest::None || column->type.is_array) continue;
    if (!range.has_values) continue;
    auto below = [&](const Value& value) {  // value < minimum
      return !value.is_null && comparable(column->type, value) && order_values(value, range.minimum) < 0;
    };
    auto above = [&](const Value& value) {
      return !value.is_null && comparable(column->type, value) && order_values(value, range.maximum) > 0;
    };
    if (predicate.lower && above(predicate.lower->value)) return false;
    if (predicate.upper && below(predicate.upper->value)) return false;
    if (!predicate.in.empty() && predicate.in.size() <= kMaxFilteredValues &&
        std::all_of(predicate.in.begin(), predicate.in.end(),
                    [&](const Value& value) { return below(value) || above(value); })) {
      return false;
    }
  }
  return true;
}

namespace {

/// Whether a bound of time is one that the filter's half-open range is just like.
bool is_whole_time(const SqlType& type, const std::optional<ColumnPredicate::Bound>& bound) {
  if (!bound) return true;
  const bool is_plain = type.id == TypeId::Timestamp || type.id == TypeId::TimestampTz;
  return is_plain && !bound->value.is_null && bound->value.type.id == type.id &&
         bound->value.integer < INT64_MAX - 1 && bound->value.integer > -INT64_MAX;
}

/// Whether all rows of the row group that are in the filter's time meet the predicates, by minimum, maximum
/// and nulls.
bool meets_predicates(const TableSchema& schema, const Segment& segment, std::size_t group,
                      const std::vector<ColumnPredicate>& predicates) {
  for (const auto& predicate : predicates) {
    if (predicate.column == kTimesColumn) continue;  // nothing else is returned
    const auto* column = schema.find(predicate.column);
    if (column == nullptr || column->type.is_array || !segment.has_column(predicate.column) ||
        predicate.null_test != ColumnPredicate::NullTest::None || predicate.in.size() > 1 ||
        (!predicate.lower && !predicate.upper))
      return false;
    if (predicate.column == schema.time_column) {
      if (!is_whole_time(column->type, predicate.lower) || !is_whole_time(column->type, predicate.upper))
        return false;
      continue;
    }
    const ColumnRange& range = segment.range(group, predicate.column);
    if (!range.has_values || range.has_nulls) return false;
    const auto is_met = [&](const std::optional<ColumnPredicate::Bound>& bound, const Value& nearest,
                            int side) {
      if (!bound) return true;
      if (bound->value.is_null || !comparable(column->type, bound->value)) return false;
      const int order = order_values(nearest, bound->value) * side;
      return order > 0 || (order == 0 && bound->inclusive);
    };
    if (!is_met(predicate.lower, range.minimum, 1) || !is_met(predicate.upper, range.maximum, -1))
      return false;
  }
  return true;
}

/// Whether a row of the row group can match the equalities among the predicates, by filters of values.
bool may_have_values(const TableSchema& schema, const Segment& segment, std::size_t group,
                     const ScanRequest& request) {
  for (const auto& predicate : request.predicates) {
    const auto* column = schema.find(predicate.column);
    if (column == nullptr || !segment.has_column(predicate.column)) continue;
    if (predicate.in.empty() || predicate.in.size() > kMaxFilteredValues) continue;
    if (!segment.has_filter(group, predicate.column)) continue;
    const ColumnRange& range = segment.range(group, predicate.column);
    if (std::none_of(predicate.in.begin(), predicate.in.end(), [&](const Value& value) {
          if (value.is_null) return false;
          if (!comparable(column->type, value)) return true;
          if (range.has_values &&
              (order_values(value, range.minimum) < 0 || order_values(value, range.maximum) > 0))
            return false;
          return segment.may_contain(group, predicate.column, value);
        })) {
      return false;
    }
  }
  return true;
}

/// All combinations of the wanted values of the series key's first columns that have some.
std::vector<std::vector<Value>> leading_keys(const ScanFilter& filter) {
  std::vector<std::vector<Value>> keys(1);
  keys.front().reserve(filter.series.size());
  for (const auto& series : filter.series) {
    if (series.empty()) break;
    if (series.size() == 1) {
      for (auto& key : keys) key.push_back(series.front());
      continue;
    }
    std::vector<std::vector<Value>> longer;
    for (const auto& key : keys) {
      for (const auto& value : series) {
        longer.push_back(key);
        longer.back().push_back(value);
      }
    }
    keys = std::move(longer);
  }
  return keys;
}

}  // namespace

bool series_matches(const ScanFilter& filter, const std::vector<Value>& key) {
  for (std::size_t i = 0; i < filter.series.size(); ++i) {
    if (filter.series[i].empty()) continue;
    if (std::none_of(filter.series[i].begin(), filter.series[i].end(),
                     [&](const Value& value) { return order_values(value, key[i]) == 0; })) {
      return false;
    }
  }
  return true;
}

/// Makes the units of one chunk's layers.
class UnitPlanner {
 public:
  UnitPlanner(ScanPlanner& plan, std::vector<ScanUnit>& units)
      : schema_(*plan.view_.table->schema), request_(plan.request_), plan_(plan), units_(units) {}

  void add_segment(const std::shared_ptr<const ChunkState>& chunk, SealedSegment& sealed,
                   bool is_own = false) {
    is_own_ = is_own;
    const Segment& segment = sealed.segment();
    plan_.statistics_.row_groups_total += segment.row_groups().size();
    const bool by_series = !segment.series().empty() &&
                           (plan_.filter_.has_series || plan_.filter_.has_time) &&
                           segment.schema().series_key == schema_.series_key;
    if (!by_series) {
      const TableSchema& written = segment.schema();
      const bool is_sorted = written.series_key.empty() && schema_.time_column.has_value() &&
                             written.time_column == schema_.time_column;
      for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
        add_group(chunk, sealed, group, {{0, segment.row_groups()[group].row_count}}, plan_.filter_.has_time,
                  is_sorted, INT64_MIN, INT64_MAX);
      }
      return;
    }
    // Stretches of rows of matching series, ascending, split by row group.
    struct Stretch {
      std::uint64_t first, last;  // half-open
      std::int64_t min_time, max_time_inclusive;
    };
    std::vector<Stretch> stretches;
    const auto& entries = segment.series();
    const auto wanted = leading_keys(plan_.filter_);
    for (const auto& key : wanted) {
      const auto first = std::partition_point(entries.begin(), entries.end(), [&](const SeriesEntry& entry) {
        return order_prefix(entry.key, key) < 0;
      });
      for (auto entry = first; entry != entries.end() && order_prefix(entry->key, key) == 0; ++entry) {
        if (plan_.filter_.has_time && !overlaps(plan_.filter_, entry->min_time, entry->max_time_inclusive))
          continue;
        if (plan_.filter_.has_series && !series_matches(plan_.filter_, entry->key)) continue;
        if (plan_.filter_.has_time && !covers(plan_.filter_, entry->min_time, entry->max_time_inclusive))
          filters_ = true;
        stretches.push_back({entry->first_row, entry->first_row + entry->row_count, entry->min_time,
                             entry->max_time_inclusive});
      }
    }
    std::sort(stretches.begin(), stretches.end(),
              [](const Stretch& a, const Stretch& b) { return a.first < b.first; });
    const bool filters_time = std::exchange(filters_, false);
    const auto& groups = segment.row_groups();
    std::size_t at = 0;
    // From the group that the first stretch begins in.
    std::size_t group = 0;
    if (!stretches.empty()) {
      const auto after = std::partition_point(groups.begin(), groups.end(), [&](const RowGroupInfo& info) {
        return info.first_row + info.row_count <= stretches[0].first;
      });
      group = static_cast<std::size_t>(after - groups.begin());
    }
    for (; group < groups.size() && at < stretches.size(); ++group) {
      const std::uint64_t begin = groups[group].first_row;
      const std::uint64_t end = begin + groups[group].row_count;
      std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
      std::int64_t min_time = INT64_MAX;
      std::int64_t max_time = INT64_MIN;
      while (at < stretches.size() && stretches[at].last <= begin) ++at;
      for (std::size_t i = at; i < stretches.size() && stretches[i].first < end; ++i) {
        ranges.emplace_back(static_cast<std::uint32_t>(std::max(stretches[i].first, begin) - begin),
                            static_cast<std::uint32_t>(std::min(stretches[i].last, end) - begin));
        min_time = std::min(min_time, stretches[i].min_time);
        max_time = std::max(max_time, stretches[i].max_time_inclusive);
      }
      if (!ranges.empty())
        add_group(chunk, sealed, group, std::move(ranges), filters_time, true, min_time, max_time);
    }
  }

  void add_open(const std::shared_ptr<const ChunkState>& chunk, const std::shared_ptr<OpenChunk>& open,
                CommitSeq seq) {
    const RowNumber rows = open->visible_prefix(seq);
    if (rows == 0) return;
    std::vector<bool> matches;
    if (plan_.filter_.has_series) {
      const auto series = matching_series(*open);
      std::uint64_t chain_rows = 0;
      for (const std::uint32_t id : series)
        chain_rows += open->series()[id].row_count.load(std::memory_order_relaxed);
      if (series.empty()) return;
      if (request_.order == ScanOrder::TimeDescending && add_heads(chunk, open, rows, series)) return;
      if (chain_rows * kChainAdvantage <= rows) {
        add_chains(chunk, open, rows, series);
        return;
      }
      matches.resize(open->series().size());
      for (const std::uint32_t id : series) matches[id] = true;
    }
    for (std::size_t block = 0; OpenChunk::block_begin(block) < rows; ++block) {
      const RowNumber begin = OpenChunk::block_begin(block);
      const RowNumber end = std::min(rows, begin + OpenChunk::block_capacity(block));
      ScanUnit unit = open_unit(chunk, open, begin, end - begin);
      if (!limit_to_block(unit, block)) continue;
      if (matches.empty()) {
        unit.ranges.emplace_back(0, end - begin);
      } else {
        for (RowNumber row = begin; row < end; ++row) {
          const std::uint32_t series = open->series_of(row);
          if (series < matches.size() && matches[series]) add_row(unit, row - begin);
        }
      }
      add_unit(std::move(unit));
    }
  }

 private:
  static void add_row(ScanUnit& unit, std::uint32_t row) {
    if (!unit.ranges.empty() && unit.ranges.back().second == row) {
      ++unit.ranges.back().second;
    } else {
      unit.ranges.emplace_back(row, row + 1);
    }
  }

  std::vector<std::uint32_t> matching_series(const OpenChunk& open) const {
    std::vector<std::uint32_t> found;
    std::vector<const Value*> key(plan_.filter_.series.size(), nullptr);
    collect_series(open, 0, key, found);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  void collect_series(const OpenChunk& open, std::size_t position, std::vector<const Value*>& key,
                      std::vector<std::uint32_t>& found) const {
    if (position == key.size()) {
      const auto series = open.find_series(key);
      found.insert(found.end(), series.begin(), series.end());
      return;
    }
    if (plan_.filter_.series[position].empty()) {
      key[position] = nullptr;
      collect_series(open, position + 1, key, found);
      return;
    }
    for (const auto& value : plan_.filter_.series[position]) {
      key[position] = &value;
      collect_series(open, position + 1, key, found);
    }
  }

  void add_chains(const std::shared_ptr<const ChunkState>& chunk, const std::shared_ptr<OpenChunk>& open,
                  RowNumber rows, const std::vector<std::uint32_t>& series) {
    std::vector<RowNumber> chosen;
    for (const std::uint32_t id : series) {
      const auto part = open->series_rows(id, rows, plan_.filter_.time.start);
      chosen.insert(chosen.end(), part.begin(), part.end());
    }
    if (series.size() > 1) std::sort(chosen.begin(), chosen.end());
    for (std::size_t at = 0; at < chosen.size();) {
      const std::size_t block = OpenChunk::block_of(chosen[at]);
      const RowNumber begin = OpenChunk::block_begin(block);
      const RowNumber end = begin + OpenChunk::block_capacity(block);
      ScanUnit unit = open_unit(chunk, open, begin, std::min(rows, end) - begin);
      for (; at < chosen.size() && chosen[at] < end; ++at) add_row(unit, chosen[at] - begin);
      if (limit_to_block(unit, block)) add_unit(std::move(unit));
    }
  }

  /// One unit a series, to be followed from its newest row. False where rows of one came out of order.
  bool add_heads(const std::shared_ptr<const ChunkState>& chunk, const std::shared_ptr<OpenChunk>& open,
                 RowNumber rows, const std::vector<std::uint32_t>& series) {
    std::vector<RowNumber> heads;
    for (const std::uint32_t id : series) {
      const auto head = open->series_head(id);
      if (!head.is_ordered) return false;
      if (head.row != kNoRow) heads.push_back(head.row);
    }
    for (const RowNumber head : heads) {
      ScanUnit unit = open_unit(chunk, open, 0, rows);
      unit.chain_head = head;
      unit.max_time_inclusive = open->time(head);
      if (plan_.filter_.has_time && unit.max_time_inclusive < plan_.filter_.time.start) continue;
      const auto chain_rows = open->series()[open->series_of(head)].row_count.load(std::memory_order_relaxed);
      plan_.estimated_rows_ += chain_rows;
      plan_.statistics_.open_rows_read += chain_rows;
      units_.push_back(std::move(unit));
    }
    return true;
  }

  /// False where no row of the block is in the time range.
  bool limit_to_block(ScanUnit& unit, std::size_t block) const {
    if (!schema_.time_column) return true;
    std::tie(unit.min_time, unit.max_time_inclusive) = unit.open->block_times(block);
    if (!plan_.filter_.has_time) return true;
    unit.filters_time = !covers(plan_.filter_, unit.min_time, unit.max_time_inclusive);
    return overlaps(plan_.filter_, unit.min_time, unit.max_time_inclusive);
  }

  ScanUnit open_unit(const std::shared_ptr<const ChunkState>& chunk, const std::shared_ptr<OpenChunk>& open,
                     RowNumber first, RowNumber count) const {
    ScanUnit unit;
    unit.chunk = chunk;
    unit.open = open;
    unit.is_own = chunk == nullptr;
    unit.first_row = first;
    unit.row_count = count;
    return unit;
  }

  void add_group(const std::shared_ptr<const ChunkState>& chunk, SealedSegment& sealed, std::size_t group,
                 std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges, bool filters_time,
                 bool is_sorted, std::int64_t min_time, std::int64_t max_time_inclusive) {
    const Segment& segment = sealed.segment();
    if (!is_in_range(schema_, segment, group, request_.predicates)) {
      ++plan_.statistics_.row_groups_out_of_range;
      return;
    }
    if (!may_have_values(schema_, segment, group, request_)) {
      ++plan_.statistics_.row_groups_without_value;
      return;
    }
    const auto& info = segment.row_groups()[group];
    ScanUnit unit;
    unit.chunk = chunk;
    unit.sealed = &sealed;
    unit.is_own = is_own_;
    unit.row_group = group;
    unit.first_row = info.first_row;
    unit.row_count = info.row_count;
    unit.ranges = std::move(ranges);
    unit.filters_time = filters_time;
    unit.is_time_sorted = is_sorted;
    unit.min_time = min_time;
    unit.max_time_inclusive = max_time_inclusive;
    if (schema_.time_column && segment.has_column(*schema_.time_column)) {
      const ColumnRange& times = segment.range(group, *schema_.time_column);
      if (times.has_values && !times.minimum.is_null && !times.maximum.is_null) {
        unit.min_time = std::max(unit.min_time, time_of(times.minimum));
        unit.max_time_inclusive = std::min(unit.max_time_inclusive, time_of(times.maximum));
      }
    }
    unit.meets_predicates = meets_predicates(schema_, segment, group, request_.predicates);
    if (plan_.filter_.times != nullptr &&
        !overlaps(*plan_.filter_.times, unit.min_time, unit.max_time_inclusive)) {
      ++plan_.statistics_.row_groups_out_of_range;
      return;
    }
    ++plan_.statistics_.row_groups_read;
    add_unit(std::move(unit));
  }

  void add_unit(ScanUnit unit) {
    // Neighbours are read as one stretch, but where time is to be searched in each.
    const bool may_merge = !unit.filters_time && request_.order == ScanOrder::Any;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> merged;
    for (const auto& range : unit.ranges) {
      plan_.estimated_rows_ += range.second - range.first;
      if (unit.open != nullptr) plan_.statistics_.open_rows_read += range.second - range.first;
      if (may_merge && !merged.empty() && merged.back().second == range.first) {
        merged.back().second = range.second;
      } else {
        merged.push_back(range);
      }
    }
    unit.ranges = std::move(merged);
    if (!unit.ranges.empty()) units_.push_back(std::move(unit));
  }

  const TableSchema& schema_;
  const ScanRequest& request_;
  ScanPlanner& plan_;
  std::vector<ScanUnit>& units_;
  bool filters_ = false;
  bool is_own_ = false;  // the segment being added
};

ScanPlanner::ScanPlanner(const TableView& view, const ScanRequest& request)
    : view_(view), request_(request), filter_(filter_of(*view.table->schema, request)) {
  const auto& chunks = view.table->chunks;
  statistics_.chunks_total = chunks.size();
  first_ = last_ = chunks.end();
  if (filter_.is_empty) return;
  first_ = chunks.begin();
  last_ = chunks.end();
  if (view.table->schema->time_column && filter_.has_time) {
    // By start of range; the one before may reach into the filter's.
    first_ = chunks.upper_bound(filter_.time.start);
    if (first_ != chunks.begin()) --first_;
    if (filter_.time.end != INT64_MAX) last_ = chunks.lower_bound(filter_.time.end);
  }
  if (view.own == nullptr) return;
  (request.order == ScanOrder::TimeDescending ? is_own_next_ : is_own_last_) = true;
}

std::optional<const std::shared_ptr<const ChunkState>*> ScanPlanner::next_chunk() {
  if (std::exchange(is_own_next_, false)) return nullptr;
  if (first_ != last_) {
    return request_.order == ScanOrder::TimeDescending ? &(--last_)->second : &(first_++)->second;
  }
  if (std::exchange(is_own_last_, false)) return nullptr;
  return std::nullopt;
}

bool ScanPlanner::plan_ends(std::deque<ScanUnit>& units) {
  SeriesEnds ends(view_, request_.series_end, filter_);
  std::deque<ScanUnit> found;
  if (!ends.plan(found, statistics_)) return false;
  for (auto& unit : found) {
    for (const auto& [first, last] : unit.ranges) estimated_rows_ += last - first;
    units.push_back(std::move(unit));
  }
  first_ = last_;
  is_of_ends_ = true;
  return true;
}

bool ScanPlanner::plan_next(std::int64_t low, std::int64_t high_inclusive, std::deque<ScanUnit>& units) {
  if (request_.series_end != SeriesEnd::All && !is_of_ends_ && first_ != last_ &&
      SeriesEnds::is_known(view_, filter_) && plan_ends(units)) {
    return !units.empty();
  }
  const bool has_time = view_.table->schema->time_column.has_value();
  for (auto next = next_chunk(); next; next = next_chunk()) {
    const auto* chunk = *next;
    std::vector<ScanUnit> found;
    UnitPlanner planner(*this, found);
    if (chunk == nullptr) {
      if (view_.own->sealed != nullptr) {
        for (const auto& [start, own] : view_.own->sealed->chunks) {
          for (const auto& sealed : own->segments) planner.add_segment(own, *sealed, true);
        }
      }
      for (const auto& part : view_.own->parts) planner.add_open(nullptr, part.rows, view_.position);
    } else {
      const TimeRange& range = (*chunk)->range;
      const std::int64_t last = range.end == INT64_MAX ? INT64_MAX : range.end - 1;
      if (has_time && (last < low || range.start > high_inclusive)) continue;
      if (has_time && filter_.has_time && !overlaps(filter_, range.start, last)) continue;
      for (const auto& sealed : (*chunk)->segments) planner.add_segment(*chunk, *sealed);
      for (const auto& open : (*chunk)->open) planner.add_open(*chunk, open, view_.seq);
    }
    if (found.empty()) continue;
    if (chunk != nullptr) {
      ++statistics_.chunks_read;
      statistics_.chunk_numbers.push_back((*chunk)->label);
    }
    if (found.size() == 1) {
      // as it is; a sort would ask for memory
    } else if (request_.order == ScanOrder::TimeDescending) {
      std::stable_sort(found.begin(), found.end(), [](const ScanUnit& a, const ScanUnit& b) {
        return a.max_time_inclusive > b.max_time_inclusive;
      });
    } else if (request_.order == ScanOrder::TimeAscending) {
      std::stable_sort(found.begin(), found.end(),
                       [](const ScanUnit& a, const ScanUnit& b) { return a.min_time < b.min_time; });
    }
    for (auto& unit : found) units.push_back(std::move(unit));
    return true;
  }
  return false;
}

}  // namespace tickstone::storage
