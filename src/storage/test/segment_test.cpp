// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/memory_file_system.hpp"
#include "storage/test/segment_fixture.hpp"

namespace tickstone::storage {
namespace {

template <typename Action>
ErrorCode code_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

Value text(std::string value) { return Value::of_text(std::move(value)); }

/// Every cell of `segment` against `expected`, whose rows are in order.
void expect_rows(const Segment& segment, const TableSchema& schema, const Batch& expected) {
  ASSERT_EQ(segment.row_count(), expected.row_count());
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    const auto id = schema.columns[c].id;
    const auto source = expected.columns[c].view();
    for (std::size_t g = 0; g < segment.row_groups().size(); ++g) {
      const auto block = segment.read(g, id);
      const auto view = block->view();
      ASSERT_EQ(view.size, segment.row_groups()[g].row_count);
      ASSERT_EQ(view.layout, segment.layout(id));
      for (std::size_t row = 0; row < view.size; ++row) {
        const std::size_t at = segment.row_groups()[g].first_row + row;
        ASSERT_EQ(view.is_null(row), source.is_null(at)) << c << " " << at;
        if (source.is_null(at)) continue;
        ASSERT_EQ(compare_values(value_at(view, row), value_at(source, at)), std::strong_ordering::equal)
            << c << " " << at;
      }
    }
  }
}

TEST(Segment, GivesBackWhatWasAppended) {
  ScratchDirectory directory;
  const auto schema = bars_schema();
  const auto bars = make_bars(5, 1000);
  const auto segment = write_and_open(directory.next_file(), schema, {bars}, 1024);
  EXPECT_GE(segment->row_groups().size(), 5U);
  expect_rows(*segment, schema, bars);
  segment->verify();
  EXPECT_EQ(segment->schema().name, "ohlcv");
  EXPECT_EQ(segment->schema().series_key, schema.series_key);
  EXPECT_TRUE(segment->has_column(4));
  EXPECT_FALSE(segment->has_column(kRowIdColumn));
  EXPECT_EQ(segment->time_range(),
            (TimeRange{1'767'623'400'000'000, 1'767'623'400'000'000 + 999 * 60'000'000LL + 1}));
}

TEST(Segment, FindsSeriesAndKeys) {
  ScratchDirectory directory;
  const auto schema = bars_schema();
  const auto bars = make_bars(5, 1000);
  const auto segment = write_and_open(directory.next_file(), schema, {bars}, 512);
  ASSERT_EQ(segment->series().size(), 5U);
  EXPECT_EQ(segment->find_series({text("SYM1002"), text("1m")}),
            (std::pair<std::uint64_t, std::uint64_t>{2000, 3000}));
  EXPECT_EQ(segment->find_series({text("SYM1002")}), (std::pair<std::uint64_t, std::uint64_t>{2000, 3000}));
  EXPECT_EQ(segment->find_series({}), (std::pair<std::uint64_t, std::uint64_t>{0, 5000}));
  const auto none = segment->find_series({text("NONE"), text("1m")});
  EXPECT_EQ(none.first, none.second);
  EXPECT_EQ(segment->last_time({text("SYM1004"), text("1m")}), 1'767'623'400'000'000 + 999 * 60'000'000LL);
  EXPECT_EQ(segment->last_time({text("SYM1004"), text("5m")}), std::nullopt);

  Batch keys;
  keys.columns.emplace_back(SqlType::of(TypeId::Text));
  keys.columns.emplace_back(SqlType::of(TypeId::Varchar));
  keys.columns.emplace_back(SqlType::of(TypeId::TimestampTz));
  std::vector<std::int64_t> expected;
  const auto add = [&](const std::string& symbol, std::int64_t time, std::int64_t row) {
    keys.columns[0].append_bytes(symbol);
    keys.columns[1].append_bytes("1m");
    keys.columns[2].append_fixed(time);
    expected.push_back(row);
  };
  add("A", 0, -1);
  add("SYM1000", 1'767'623'400'000'000 - 1, -1);
  add("SYM1000", 1'767'623'400'000'000, 0);
  add("SYM1000", 1'767'623'400'000'001, -1);
  add("SYM1001", 1'767'623'400'000'000 + 999 * 60'000'000LL, 1999);
  add("SYM1003", 1'767'623'400'000'000 + 17 * 60'000'000LL, 3017);
  add("ZZZ", 0, -1);
  EXPECT_EQ(segment->find(keys), expected);
}

TEST(Segment, NoRowsAreRefused) {
  MemoryFileSystem files;
  {
    auto writer = SegmentWriter::create(files, "s", bars_schema(), 100);
    writer->append(empty_batch(bars_schema()));
    EXPECT_EQ(code_of([&] { writer->finish(); }), ErrorCode::InternalError);
  }
  EXPECT_FALSE(files.exists("s"));
}

TEST(Segment, AnUnfinishedFileIsRemoved) {
  MemoryFileSystem files;
  {
    auto writer = SegmentWriter::create(files, "s", bars_schema(), 100);
    writer->append(make_bars(2, 500));
    EXPECT_TRUE(files.exists("s"));
  }
  EXPECT_FALSE(files.exists("s"));
}

TEST(Segment, RowsOutOfOrderAreRefused) {
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", bars_schema(), 10);
  writer->append(make_bars(1, 50));
  // The same keys again, across batches.
  EXPECT_EQ(code_of([&] { writer->append(make_bars(1, 50)); }), ErrorCode::InternalError);
  Batch twice = make_bars(1, 1);
  for (auto& column : twice.columns) {
    const Column copy = column;
    column.append_all(copy.view());
  }
  auto other = SegmentWriter::create(files, "t", bars_schema(), 10);
  EXPECT_EQ(code_of([&] { other->append(twice); }), ErrorCode::InternalError);
}

TEST(Segment, ASeriesOfItsOwnRowGroupsIsConstant) {
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", bars_schema(), 100);
  writer->append(make_bars(3, 90));  // each ends in the last quarter of a row group
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(1 << 20));
  ASSERT_EQ(segment->row_groups().size(), 3U);
  for (std::size_t group = 0; group < 3; ++group) {
    const auto symbol = segment->read(group, 1);
    EXPECT_EQ(symbol->view().form, ColumnView::Form::Constant);
    EXPECT_EQ(symbol->view().bytes(89), "SYM100" + std::to_string(group));
  }
}

TEST(Segment, DictionariesHaveStableNumbers) {
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", bars_schema(), 1000);
  writer->append(make_bars(4, 500));
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(0));  // decodes every time
  const auto first = segment->read(0, 1);
  const auto again = segment->read(0, 1);
  const auto second = segment->read(1, 1);
  ASSERT_EQ(first->view().form, ColumnView::Form::Dictionary);
  EXPECT_NE(first, again);
  EXPECT_NE(first->view().dictionary_id, 0U);
  EXPECT_EQ(first->view().dictionary_id, again->view().dictionary_id);
  EXPECT_NE(first->view().dictionary_id, second->view().dictionary_id);
  const auto reopened = Segment::open(files, "s", make_block_cache(0));
  EXPECT_NE(reopened->read(0, 1)->view().dictionary_id, first->view().dictionary_id);
}

TEST(Segment, LongTextsEndARowGroup) {
  MemoryFileSystem files;
  TableSchema schema;
  schema.id = 20004;
  schema.name = "documents";
  schema.columns = {{1, "body", SqlType::of(TypeId::Text), false}};
  Batch batch = empty_batch(schema);
  for (int i = 0; i < 400; ++i) {
    batch.columns[0].append_bytes(std::string(100'000, static_cast<char>('a' + i % 26)));
    batch.columns[1].append_fixed<std::int64_t>(i);
  }
  auto writer = SegmentWriter::create(files, "s", schema, 8192);
  writer->append(batch);
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(1 << 20));
  EXPECT_GE(segment->row_groups().size(), 3U);
  std::uint64_t row = 0;
  for (std::size_t group = 0; group < segment->row_groups().size(); ++group) {
    const auto block = segment->read(group, 1);
    for (std::size_t i = 0; i < block->view().size; ++i, ++row) {
      ASSERT_EQ(block->view().bytes(i), batch.columns[0].bytes(row));
    }
  }
  EXPECT_EQ(row, 400U);
}

TEST(Segment, DeclaredNumericKeepsItsLayout) {
  MemoryFileSystem files;
  TableSchema schema;
  schema.id = 20005;
  schema.name = "t";
  schema.columns = {{1, "price", SqlType::numeric(10, 2), false},
                    {2, "wide", SqlType::numeric(30, 4), false}};
  Batch batch = empty_batch(schema);
  batch.columns[0].append_decimal({1, 0});
  batch.columns[1].append_decimal({1, 0});
  batch.columns[2].append_fixed<std::int64_t>(1);
  auto writer = SegmentWriter::create(files, "s", schema, 8192);
  writer->append(batch);
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(1 << 20));
  EXPECT_EQ(segment->layout(1), initial_layout(SqlType::numeric(10, 2)));
  EXPECT_EQ(segment->layout(2), initial_layout(SqlType::numeric(30, 4)));
  EXPECT_EQ(segment->read(0, 2)->view().integer(0), Int128{10000});
  EXPECT_EQ(segment->integer_digits(1), 1);
}

TEST(Segment, NumericKeysAreFoundWhateverTheirScale) {
  MemoryFileSystem files;
  TableSchema schema;
  schema.id = 20006;
  schema.name = "t";
  schema.columns = {{1, "strike", SqlType::of(TypeId::Numeric), true}};
  schema.primary_key = {1};
  Batch batch = empty_batch(schema);
  for (int i = 0; i < 300; ++i) batch.columns[0].append_decimal({i * 25, 1});
  auto writer = SegmentWriter::create(files, "s", schema, 64);
  writer->append(batch);
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(1 << 20));
  Batch keys;
  keys.columns.emplace_back(SqlType::of(TypeId::Numeric), ColumnLayout{Physical::Int128, 12});
  keys.columns[0].append_decimal({25, 1});
  keys.columns[0].append_decimal({2500001, 6});
  keys.columns[0].append_decimal({5, 0});
  keys.columns[0].append_decimal({7475, 1});
  EXPECT_EQ(segment->find(keys), (std::vector<std::int64_t>{1, -1, 2, 299}));
}

}  // namespace
}  // namespace tickstone::storage
