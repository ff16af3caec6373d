// SPDX-License-Identifier: Apache-2.0
#include "storage/scan_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "storage/row_order.hpp"

namespace tickstone::storage {

namespace {

/// More combinations of series values than this are not looked up one by one.
constexpr std::size_t kMaxSeriesKeys = 4096;
/// The chain of a series' rows is followed when it is this many times shorter than the rows.
constexpr std::uint64_t kChainAdvantage = 16;
/// Longer lists are not looked up in filters: one of so many is nearly everywhere.
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

ScanFilter filter_of(const TableSchema& schema, const ScanRequest& request) {
  ScanFilter filter;
  filter.series.resize(schema.series_key.size());
  for (const auto& predicate : request.predicates) {
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
        bound(predicate.lower->value.integer + (predicate.lower->inclusive ? 0 : 1), Int128{INT64_MAX} + 1);
      }
      if (predicate.upper && !predicate.upper->value.is_null &&
          comparable(column->type, predicate.upper->value)) {
        bound(INT64_MIN, predicate.upper->value.integer + (predicate.upper->inclusive ? 1 : 0));
      }
      if (!predicate.in.empty() &&
          std::all_of(predicate.in.begin(), predicate.in.end(), [&](const Value& value) {
            return !value.is_null && comparable(column->type, value);
          })) {
        const auto [least, most] =
            std::minmax_element(predicate.in.begin(), predicate.in.end(),
                                [](const Value& a, const Value& b) { return a.integer < b.integer; });
        bound(least->integer, most->integer + 1);
      }
    }
    const auto in_series = std::find(schema.series_key.begin(), schema.series_key.end(), predicate.column);
    if (in_series == schema.series_key.end()) continue;
    std::vector<Value> wanted;
    for (const auto& value : predicate.in) {
      if (!value.is_null) wanted.push_back(value);
    }
    if (predicate.lower && predicate.upper && predicate.lower->inclusive && predicate.upper->inclusive &&
        !predicate.lower->value.is_null && comparable(column->type, predicate.lower->value) &&
        comparable(column->type, predicate.upper->value) &&
        order_values(predicate.lower->value, predicate.upper->value) == 0) {
      wanted = {predicate.lower->value};
    }
    if (wanted.empty() || !std::all_of(wanted.begin(), wanted.end(),
                                       [&](const Value& value) { return comparable(column->type, value); })) {
      filter.is_empty |= !predicate.in.empty() && wanted.empty();
      continue;
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
  if (filter.time.start >= filter.time.end && filter.time.end != INT64_MAX) filter.is_empty = true;
  return filter;
}

bool overlaps(const TimeRange& range, std::int64_t min_time, std::int64_t max_time_inclusive) {
  return max_time_inclusive >= range.start && (min_time < range.end || range.end == INT64_MAX);
}
bool covers(const TimeRange& range, std::int64_t min_time, std::int64_t max_time_inclusive) {
  return min_time >= range.start && (max_time_inclusive < range.end || range.end == INT64_MAX);
}

/// Whether a row of the row group can match the predicates, by minimum, maximum and nulls.
bool is_in_range(const TableSchema& schema, const Segment& segment, std::size_t group,
                 const ScanRequest& request) {
  for (const auto& predicate : request.predicates) {
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
    if (!predicate.in.empty() &&
        std::all_of(predicate.in.begin(), predicate.in.end(),
                    [&](const Value& value) { return below(value) || above(value); })) {
      return false;
    }
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
  std::vector<std::vector<Value>> keys{{}};
  for (const auto& series : filter.series) {
    if (series.empty()) break;
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

class Planner {
 public:
  Planner(const TableView& view, const ScanRequest& request, ScanPlan& plan)
      : schema_(*view.table->schema), request_(request), plan_(plan) {}

  void add_segment(const std::shared_ptr<const ChunkState>& chunk, SealedSegment& sealed,
                   bool is_own = false) {
    is_own_ = is_own;
    const Segment& segment = sealed.segment();
    plan_.statistics.row_groups_total += segment.row_groups().size();
    const bool by_series = !segment.series().empty() && (plan_.filter.has_series || plan_.filter.has_time) &&
                           segment.schema().series_key == schema_.series_key;
    if (!by_series) {
      for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
        add_group(chunk, sealed, group, {{0, segment.row_groups()[group].row_count}}, plan_.filter.has_time,
                  false);
      }
      return;
    }
    // Stretches of rows of matching series, ascending, split by row group.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> stretches;
    const auto& entries = segment.series();
    const auto wanted = leading_keys(plan_.filter);
    for (const auto& key : wanted) {
      const auto first = std::partition_point(entries.begin(), entries.end(), [&](const SeriesEntry& entry) {
        return order_prefix(entry.key, key) < 0;
      });
      for (auto entry = first; entry != entries.end() && order_prefix(entry->key, key) == 0; ++entry) {
        if (plan_.filter.has_time && !overlaps(plan_.filter.time, entry->min_time, entry->max_time_inclusive))
          continue;
        if (plan_.filter.has_series && !series_matches(plan_.filter, entry->key)) continue;
        if (plan_.filter.has_time && !covers(plan_.filter.time, entry->min_time, entry->max_time_inclusive))
          filters_ = true;
        stretches.emplace_back(entry->first_row, entry->first_row + entry->row_count);
      }
    }
    std::sort(stretches.begin(), stretches.end());
    const bool filters_time = std::exchange(filters_, false);
    const auto& groups = segment.row_groups();
    std::size_t at = 0;
    for (std::size_t group = 0; group < groups.size() && at < stretches.size(); ++group) {
      const std::uint64_t begin = groups[group].first_row;
      const std::uint64_t end = begin + groups[group].row_count;
      std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
      while (at < stretches.size() && stretches[at].second <= begin) ++at;
      for (std::size_t i = at; i < stretches.size() && stretches[i].first < end; ++i) {
        ranges.emplace_back(static_cast<std::uint32_t>(std::max(stretches[i].first, begin) - begin),
                            static_cast<std::uint32_t>(std::min(stretches[i].second, end) - begin));
      }
      if (!ranges.empty()) add_group(chunk, sealed, group, std::move(ranges), filters_time, true);
    }
  }

  void add_open(const std::shared_ptr<const ChunkState>& chunk, const std::shared_ptr<OpenChunk>& open,
                CommitSeq seq) {
    const RowNumber rows = open->visible_prefix(seq);
    if (rows == 0) return;
    plan_.statistics.open_rows_read += rows;
    std::vector<bool> matches;
    if (plan_.filter.has_series) {
      const auto series = matching_series(*open);
      std::uint64_t chain_rows = 0;
      for (const std::uint32_t id : series)
        chain_rows += open->series()[id].row_count.load(std::memory_order_relaxed);
      if (series.empty()) return;
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
      if (plan_.filter.has_time) {
        const auto [least, most] = open->block_times(block);
        if (!overlaps(plan_.filter.time, least, most)) continue;
        unit.filters_time = !covers(plan_.filter.time, least, most);
      }
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
    std::vector<const Value*> key(plan_.filter.series.size(), nullptr);
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
    if (plan_.filter.series[position].empty()) {
      key[position] = nullptr;
      collect_series(open, position + 1, key, found);
      return;
    }
    for (const auto& value : plan_.filter.series[position]) {
      key[position] = &value;
      collect_series(open, position + 1, key, found);
    }
  }

  void add_chains(const std::shared_ptr<const ChunkState>& chunk, const std::shared_ptr<OpenChunk>& open,
                  RowNumber rows, const std::vector<std::uint32_t>& series) {
    std::vector<RowNumber> chosen;
    for (const std::uint32_t id : series) {
      const auto part = open->series_rows(id, rows);
      chosen.insert(chosen.end(), part.begin(), part.end());
    }
    if (series.size() > 1) std::sort(chosen.begin(), chosen.end());
    for (std::size_t at = 0; at < chosen.size();) {
      const std::size_t block = OpenChunk::block_of(chosen[at]);
      const RowNumber begin = OpenChunk::block_begin(block);
      const RowNumber end = begin + OpenChunk::block_capacity(block);
      ScanUnit unit = open_unit(chunk, open, begin, std::min(rows, end) - begin);
      unit.filters_time = plan_.filter.has_time;
      for (; at < chosen.size() && chosen[at] < end; ++at) add_row(unit, chosen[at] - begin);
      if (plan_.filter.has_time) {
        const auto [least, most] = open->block_times(block);
        if (!overlaps(plan_.filter.time, least, most)) continue;
      }
      add_unit(std::move(unit));
    }
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
                 bool is_sorted) {
    const Segment& segment = sealed.segment();
    if (!is_in_range(schema_, segment, group, request_)) {
      ++plan_.statistics.row_groups_out_of_range;
      return;
    }
    if (!may_have_values(schema_, segment, group, request_)) {
      ++plan_.statistics.row_groups_without_value;
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
    ++plan_.statistics.row_groups_read;
    add_unit(std::move(unit));
  }

  void add_unit(ScanUnit unit) {
    // Neighbours read as one stretch.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> merged;
    for (const auto& range : unit.ranges) {
      plan_.estimated_rows += range.second - range.first;
      if (!unit.filters_time && !merged.empty() && merged.back().second == range.first) {
        merged.back().second = range.second;
      } else {
        merged.push_back(range);
      }
    }
    unit.ranges = std::move(merged);
    if (!unit.ranges.empty()) plan_.units.push_back(std::move(unit));
  }

  const TableSchema& schema_;
  const ScanRequest& request_;
  ScanPlan& plan_;
  bool filters_ = false;
  bool is_own_ = false;  // the segment being added
};

}  // namespace

ScanPlan plan_scan(const TableView& view, const ScanRequest& request) {
  ScanPlan plan;
  const auto& table = *view.table;
  plan.filter = filter_of(*table.schema, request);
  plan.statistics.chunks_total = table.chunks.size();
  Planner planner(view, request, plan);
  if (plan.filter.is_empty) return plan;
  auto add_chunk = [&](const std::shared_ptr<const ChunkState>& chunk) {
    const bool has_time = table.schema->time_column.has_value() && plan.filter.has_time;
    const std::int64_t last = chunk->range.end == INT64_MAX ? INT64_MAX : chunk->range.end - 1;
    if (has_time && !overlaps(plan.filter.time, chunk->range.start, last)) return;
    const std::size_t before = plan.units.size();
    for (const auto& sealed : chunk->segments) planner.add_segment(chunk, *sealed);
    for (const auto& open : chunk->open) planner.add_open(chunk, open, view.seq);
    if (plan.units.size() == before) return;
    ++plan.statistics.chunks_read;
    plan.statistics.chunk_names.push_back(fmt::format("_hyper_{}_{}_chunk", table.schema->id, chunk->number));
  };
  auto add_own = [&] {
    if (view.own == nullptr) return;
    if (view.own->sealed != nullptr) {
      for (const auto& [start, chunk] : view.own->sealed->chunks) {
        for (const auto& sealed : chunk->segments) planner.add_segment(chunk, *sealed, true);
      }
    }
    for (const auto& part : view.own->parts) planner.add_open(nullptr, part.rows, view.position);
  };
  if (request.order == ScanOrder::TimeDescending) {
    add_own();
    for (auto chunk = table.chunks.rbegin(); chunk != table.chunks.rend(); ++chunk) add_chunk(chunk->second);
  } else {
    for (const auto& [start, chunk] : table.chunks) add_chunk(chunk);
    add_own();
  }
  return plan;
}

}  // namespace tickstone::storage
