// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "storage/row_order.hpp"
#include "storage/segment.hpp"
#include "storage/segment_range.hpp"
#include "storage/test/column_samples.hpp"
#include "storage/test/memory_file_system.hpp"
#include "storage/test/segment_fixture.hpp"

namespace tickstone::storage {
namespace {

const TypeId kPayloadTypes[] = {TypeId::Boolean, TypeId::SmallInt, TypeId::Integer,  TypeId::BigInt,
                                TypeId::Real,    TypeId::Double,   TypeId::Numeric,  TypeId::Text,
                                TypeId::Jsonb,   TypeId::Uuid,     TypeId::Interval, TypeId::Char,
                                TypeId::Bytea,   TypeId::Oid};

/// A table of any shape: with or without series, time and primary key.
TableSchema any_schema(ColumnSampler& sampler) {
  TableSchema schema;
  schema.id = 20001;
  schema.name = "any";
  ColumnId next = 1;
  const bool is_hypertable = sampler.one_in(2);
  const auto add = [&](TypeId type) {
    schema.columns.push_back({next, "c" + std::to_string(next), SqlType::of(type), false});
    return next++;
  };
  if (is_hypertable) {
    const TypeId series_types[] = {TypeId::Text, TypeId::Varchar, TypeId::Integer};
    for (std::uint64_t i = sampler.below(3); i > 0; --i)
      schema.series_key.push_back(add(series_types[sampler.below(3)]));
    const TypeId time_types[] = {TypeId::TimestampTz, TypeId::Timestamp, TypeId::Date, TypeId::BigInt,
                                 TypeId::TimestampNs};
    schema.time_column = add(time_types[sampler.below(5)]);
  }
  if (sampler.one_in(2)) {
    if (schema.time_column) schema.primary_key = {*schema.time_column};
    for (const ColumnId id : schema.series_key) schema.primary_key.push_back(id);
    if (schema.primary_key.empty() || sampler.one_in(3)) {
      const TypeId key_types[] = {TypeId::BigInt, TypeId::Text, TypeId::Numeric, TypeId::Uuid,
                                  TypeId::Double};
      schema.primary_key.push_back(add(key_types[sampler.below(5)]));
    }
  }
  for (std::uint64_t i = sampler.below(5); i > 0; --i)
    add(kPayloadTypes[sampler.below(std::size(kPayloadTypes))]);
  if (schema.columns.empty()) add(TypeId::Integer);
  return schema;
}

std::size_t index_of_id(const TableSchema& schema, ColumnId id) {
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (schema.columns[i].id == id) return i;
  }
  return schema.columns.size();
}

std::vector<std::size_t> sort_indexes(const TableSchema& schema) {
  std::vector<std::size_t> indexes;
  for (const ColumnId id : sort_columns(schema)) indexes.push_back(index_of_id(schema, id));
  return indexes;
}

std::vector<ColumnView> views_at(const Batch& batch, const std::vector<std::size_t>& indexes) {
  std::vector<ColumnView> views;
  for (const std::size_t index : indexes) views.push_back(batch.columns[index].view());
  return views;
}

/// Rows in segment order, unique by key.
Batch any_rows(ColumnSampler& sampler, const TableSchema& schema, std::size_t count) {
  Batch unsorted;
  const auto sorts = sort_columns(schema);
  for (const auto& column : schema.columns) {
    const bool is_key = std::find(sorts.begin(), sorts.end(), column.id) != sorts.end();
    const bool is_series =
        std::find(schema.series_key.begin(), schema.series_key.end(), column.id) != schema.series_key.end();
    const std::uint64_t null_periods[] = {0, 1, 3, 40};
    const auto layout = initial_layout(column.type);
    if (is_series) {
      // Few distinct values.
      const Column some =
          sampler.column(column.type, layout, 1 + sampler.below(6), sampler.one_in(4) ? 3 : 0);
      Column& values = unsorted.columns.emplace_back(column.type, layout);
      for (std::size_t row = 0; row < count; ++row)
        values.append_from(some.view(), sampler.below(some.size()));
    } else {
      unsorted.columns.push_back(
          sampler.column(column.type, layout, count, is_key ? 0 : null_periods[sampler.below(4)]));
    }
  }
  if (schema.primary_key.empty()) {
    Column& ids = unsorted.columns.emplace_back(SqlType::of(TypeId::BigInt));
    for (std::size_t row = 0; row < count; ++row)
      ids.append_fixed<std::int64_t>(static_cast<std::int64_t>(row) * 3);
  }
  const auto keys = views_at(unsorted, sort_indexes(schema));
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return order_rows(keys, a, keys, b).order < 0; });
  order.erase(
      std::unique(order.begin(), order.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return order_rows(keys, a, keys, b).order == 0; }),
      order.end());
  Batch rows = empty_batch(schema);
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    rows.columns[c].append_rows(unsorted.columns[c].view(), order.data(), order.size());
  }
  return rows;
}

/// Cuts rows into batches of any size.
std::vector<Batch> any_batches(ColumnSampler& sampler, const TableSchema& schema, const Batch& rows) {
  std::vector<Batch> batches;
  std::uint32_t at = 0;
  while (at < rows.row_count()) {
    std::vector<std::uint32_t> part(std::min<std::size_t>(1 + sampler.below(900), rows.row_count() - at));
    std::iota(part.begin(), part.end(), at);
    Batch& batch = batches.emplace_back(empty_batch(schema));
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
      batch.columns[c].append_rows(rows.columns[c].view(), part.data(), part.size());
    }
    at += static_cast<std::uint32_t>(part.size());
  }
  return batches;
}

void check_cells(const Segment& segment, ColumnId id, const ColumnView& source) {
  for (std::size_t g = 0; g < segment.row_groups().size(); ++g) {
    const auto& group = segment.row_groups()[g];
    const auto block = segment.read(g, id);
    const auto view = block->view();
    RC_ASSERT(view.size == group.row_count);
    RC_ASSERT(view.layout == segment.layout(id));
    const auto& range = segment.range(g, id);
    bool has_nulls = false;
    bool has_values = false;
    std::uint32_t null_count = 0;
    for (std::size_t row = 0; row < view.size; ++row) {
      RC_ASSERT(is_same_cell(view, row, source, group.first_row + row));
      if (view.is_null(row)) {
        has_nulls = true;
        ++null_count;
        continue;
      }
      has_values = true;
      RC_ASSERT(segment.may_contain(g, id, value_at(view, row)));
      if (!range.has_values) continue;
      const Value value = value_at(view, row);
      if (std::is_gt(compare_values(range.minimum, value)) ||
          std::is_gt(compare_values(value, range.maximum))) {
        RC_FAIL(to_sql(view.type) + ": " + to_text(value) + " is not between " + to_text(range.minimum) +
                " and " + to_text(range.maximum));
      }
    }
    RC_ASSERT(range.has_nulls == has_nulls);
    RC_ASSERT(range.null_count == null_count);
    if (range.has_values) RC_ASSERT(has_values);
  }
}

void check_series(const Segment& segment, const TableSchema& schema, const Batch& rows) {
  if (!schema.time_column) {
    RC_ASSERT(segment.series().empty());
    RC_ASSERT(segment.find_series({}) == (std::pair<std::uint64_t, std::uint64_t>{0, rows.row_count()}));
    return;
  }
  const auto time = rows.columns[index_of_id(schema, *schema.time_column)].view();
  std::uint64_t covered = 0;
  for (const auto& entry : segment.series()) {
    RC_ASSERT(entry.first_row == covered);
    covered += entry.row_count;
    for (std::uint64_t row = entry.first_row; row < entry.first_row + entry.row_count; ++row) {
      for (std::size_t i = 0; i < schema.series_key.size(); ++i) {
        const auto cells = rows.columns[index_of_id(schema, schema.series_key[i])].view();
        RC_ASSERT(order_values(entry.key[i], value_at(cells, row)) == 0);
      }
      RC_ASSERT(entry.min_time <= static_cast<std::int64_t>(time.integer(row)));
      RC_ASSERT(entry.max_time_inclusive >= static_cast<std::int64_t>(time.integer(row)));
    }
    RC_ASSERT(entry.min_time == static_cast<std::int64_t>(time.integer(entry.first_row)));
    RC_ASSERT(segment.find_series(entry.key) ==
              (std::pair<std::uint64_t, std::uint64_t>{entry.first_row, entry.first_row + entry.row_count}));
    RC_ASSERT(segment.last_time(entry.key) == entry.max_time_inclusive);
    RC_ASSERT(segment.time_range().start <= entry.min_time);
    RC_ASSERT(segment.time_range().end > entry.max_time_inclusive || segment.time_range().end == INT64_MAX);
    if (!schema.series_key.empty()) {
      const std::vector<Value> prefix(entry.key.begin(), entry.key.begin() + 1);
      const auto [first, end] = segment.find_series(prefix);
      RC_ASSERT(first <= entry.first_row);
      RC_ASSERT(end >= entry.first_row + entry.row_count);
    }
  }
  RC_ASSERT(covered == rows.row_count());
}

void check_find(ColumnSampler& sampler, const Segment& segment, const TableSchema& schema,
                const Batch& rows) {
  const auto indexes = sort_indexes(schema);
  // Keys that are there, mixed with keys of other rows of the same kind.
  const Batch others = any_rows(sampler, schema, 200);
  Batch candidates = empty_batch(schema);
  for (std::size_t row = 0; row < rows.row_count(); ++row) {
    if (!sampler.one_in(4)) continue;
    for (std::size_t c = 0; c < candidates.columns.size(); ++c) {
      candidates.columns[c].append_from(rows.columns[c].view(), row);
    }
  }
  for (std::size_t c = 0; c < candidates.columns.size(); ++c) {
    candidates.columns[c].append_all(others.columns[c].view());
  }
  const auto views = views_at(candidates, indexes);
  std::vector<std::uint32_t> order(candidates.row_count());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return order_rows(views, a, views, b).order < 0; });
  Batch keys;
  for (const std::size_t index : indexes) {
    Column& column =
        keys.columns.emplace_back(candidates.columns[index].type(), candidates.columns[index].layout());
    column.append_rows(candidates.columns[index].view(), order.data(), order.size());
  }
  const auto found = segment.find(keys);
  RC_ASSERT(found.size() == order.size());
  std::vector<ColumnView> wanted;
  for (const auto& column : keys.columns) wanted.push_back(column.view());
  const auto all = views_at(rows, indexes);
  std::size_t at = 0;  // both are sorted
  for (std::size_t key = 0; key < found.size(); ++key) {
    while (at < rows.row_count() && order_rows(all, at, wanted, key).order < 0) ++at;
    const bool is_there = at < rows.row_count() && order_rows(all, at, wanted, key).order == 0;
    RC_ASSERT(found[key] == (is_there ? static_cast<std::int64_t>(at) : -1));
  }
}

RC_GTEST_PROP(SegmentProperty, HoldsAnyTable, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  const auto schema = any_schema(sampler);
  const auto rows = any_rows(sampler, schema, sampler.row_count(3000));
  const std::uint32_t group_sizes[] = {1, 7, 100, 1024, 8192};
  const std::uint32_t group_rows =
      group_sizes[rows.row_count() > 300 ? 2 + sampler.below(3) : sampler.below(5)];
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", schema, group_rows);
  for (const auto& batch : any_batches(sampler, schema, rows)) writer->append(batch);
  const auto size = writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(1 << 20));
  RC_ASSERT(segment->size_bytes() == size);
  RC_ASSERT(segment->row_count() == rows.row_count());
  for (const auto& group : segment->row_groups()) RC_ASSERT(group.row_count <= group_rows);
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    const ColumnId id = c < schema.columns.size() ? schema.columns[c].id : kRowIdColumn;
    RC_ASSERT(segment->has_column(id));
    check_cells(*segment, id, rows.columns[c].view());
  }
  check_series(*segment, schema, rows);
  check_find(sampler, *segment, schema, rows);
  segment->verify();
}

RC_GTEST_PROP(SegmentProperty, NumericIsAsWideAsItsValues, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  TableSchema schema;
  schema.id = 20002;
  schema.name = "numbers";
  schema.columns = {{1, "id", SqlType::of(TypeId::BigInt), true},
                    {2, "x", SqlType::of(TypeId::Numeric), false}};
  schema.primary_key = {1};
  Batch rows = empty_batch(schema);
  std::vector<Batch> batches;
  int digits = 0;
  int scale = 6;
  for (std::int64_t id = 0; id < 400;) {
    Batch& batch = batches.emplace_back(empty_batch(schema));
    const int most_digits = 1 + static_cast<int>(sampler.below(20));
    const int most_scale = static_cast<int>(sampler.below(12));
    for (std::uint64_t i = 1 + sampler.below(80); i > 0; --i, ++id) {
      batch.columns[0].append_fixed(id);
      rows.columns[0].append_fixed(id);
      if (sampler.one_in(10)) {
        batch.columns[1].append_null();
        rows.columns[1].append_null();
        continue;
      }
      const Int128 unscaled = static_cast<Int128>(sampler.below(UINT64_MAX)) % power_of_ten(most_digits);
      const Decimal value{sampler.one_in(2) ? -unscaled : unscaled, static_cast<std::uint8_t>(most_scale)};
      batch.columns[1].append_decimal(value);
      rows.columns[1].append_decimal(value);
      digits = std::max(digits, std::max(0, digit_count(unscaled) - most_scale));
      scale = std::max<int>(scale, batch.columns[1].layout().scale);
    }
  }
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", schema, 50);
  for (const auto& batch : batches) writer->append(batch);
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(0));
  RC_ASSERT(segment->integer_digits(2) == digits);
  RC_ASSERT(segment->layout(2).physical ==
            (digits + segment->layout(2).scale <= kMaxInt64Digits ? Physical::Int64 : Physical::Int128));
  RC_ASSERT(segment->layout(2).scale <= scale);
  check_cells(*segment, 2, rows.columns[1].view());
}

RC_GTEST_PROP(SegmentProperty, CutTextsStayBounds, (const std::vector<std::string>& texts)) {
  RC_PRE(!texts.empty());
  Column column(SqlType::of(TypeId::Bytea));
  const auto repeats = *rc::gen::inRange<std::size_t>(0, 60);
  for (const auto& text : texts) {
    column.append_bytes(std::string(repeats, '\xFF') + text);
    column.append_bytes(text + std::string(repeats, '\xFF') + text);
  }
  const auto range = range_of(column.view());
  RC_ASSERT(range.has_values);
  for (std::size_t row = 0; row < column.size(); ++row) {
    RC_ASSERT(range.minimum.text <= column.bytes(row));
    RC_ASSERT(range.maximum.text >= column.bytes(row));
  }
  RC_ASSERT(range.minimum.text.size() <= 32U);
}

}  // namespace
}  // namespace tickstone::storage
