// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/segment_fixture.hpp"

namespace tickstone::storage {
namespace {

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

}  // namespace
}  // namespace tickstone::storage
