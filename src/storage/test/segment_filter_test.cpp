// SPDX-License-Identifier: Apache-2.0
#include <numeric>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/codec/block_codec.hpp"
#include "storage/membership_filter.hpp"
#include "storage/segment_format.hpp"
#include "storage/segment_range.hpp"
#include "storage/test/column_samples.hpp"
#include "storage/test/memory_file_system.hpp"
#include "storage/test/segment_fixture.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

RC_GTEST_PROP(MembershipFilter, HasEveryValueOfItsColumn, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  for (const TypeId id : {TypeId::SmallInt, TypeId::Integer, TypeId::BigInt, TypeId::Text, TypeId::Varchar,
                          TypeId::Bytea, TypeId::Uuid}) {
    const auto type = SqlType::of(id);
    const std::uint64_t null_periods[] = {0, 1, 2, 50};
    const Column column =
        sampler.column(type, initial_layout(type), sampler.row_count(3000), null_periods[sampler.below(4)]);
    const auto hashes = distinct_hashes(column.view());
    const auto filter = make_filter(hashes);
    check_filter(filter);
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (column.view().is_null(row)) continue;
      const auto hash = filter_hash(type, value_at(column.view(), row));
      RC_ASSERT(hash.has_value());
      RC_ASSERT(filter_may_hold(filter, *hash));
    }
  }
}

TEST(MembershipFilter, PassesFewValuesThatAreNotThere) {
  std::mt19937_64 random(7);
  constexpr int kTries = 400'000;
  int passed = 0;
  for (int round = 0; round < 4; ++round) {
    Column ids(SqlType::of(TypeId::BigInt));
    for (int i = 0; i < 8192; ++i) ids.append_fixed(static_cast<std::int64_t>(random() % 5'000'000) * 2);
    const auto filter = make_filter(distinct_hashes(ids.view()));
    EXPECT_LE(filter.size(), 8192 * 12 / 8 + 64U);
    for (int i = 0; i < kTries / 4; ++i) {
      const auto absent = static_cast<std::int64_t>(random() % 5'000'000) * 2 + 1;
      passed += filter_may_hold(filter, *filter_hash(ids.type(), Value::of_bigint(absent))) ? 1 : 0;
    }
  }
  const double rate = static_cast<double>(passed) / kTries;
  RecordProperty("false_positive_rate", std::to_string(rate));
  EXPECT_LT(rate, 0.006);
  EXPECT_GT(rate, 0.0005);  // less would be a filter that is larger than it says
}

TEST(MembershipFilter, TakesIntegersOfAnyWidthAndNoOtherKind) {
  const auto big = SqlType::of(TypeId::BigInt);
  EXPECT_EQ(filter_hash(big, Value::of_integer(42)), filter_hash(big, Value::of_bigint(42)));
  EXPECT_FALSE(filter_hash(big, Value::of_text("42")));
  EXPECT_FALSE(filter_hash(big, Value::of_double(42)));
  EXPECT_FALSE(filter_hash(big, Value::of_numeric({420, 1})));
  EXPECT_FALSE(filter_hash(big, Value::null_of(big)));
  EXPECT_FALSE(filter_hash(SqlType::of(TypeId::Text), Value::of_bigint(42)));
  EXPECT_FALSE(filter_hash(SqlType::of(TypeId::Numeric), Value::of_bigint(42)));
}

TEST(MembershipFilter, DamagedHeadsAreRefused) {
  const std::uint64_t hashes[] = {1, 2, 3};
  auto filter = make_filter(hashes);
  check_filter(filter);
  for (const std::size_t byte : {0U, 4U, 7U}) {
    auto damaged = filter;
    damaged[byte] ^= std::byte{2};
    EXPECT_THROW(check_filter(damaged), Error);
  }
  filter.pop_back();
  EXPECT_THROW(check_filter(filter), Error);
  EXPECT_THROW(check_filter({}), Error);
}

/// Trades of many symbols whose ids were given in the order of arrival.
Batch arrivals(int symbol_count, int rows_per_symbol) {
  Batch batch = testing_store::batch({});
  for (int symbol = 0; symbol < symbol_count; ++symbol) {
    for (int i = 0; i < rows_per_symbol; ++i) {
      batch.columns[0].append_bytes("S" + std::to_string(1000 + symbol));
      batch.columns[1].append_fixed<std::int64_t>(i * 1000 + symbol);
      batch.columns[2].append_fixed<std::int64_t>(i * symbol_count + symbol);
      batch.columns[3].append_decimal({100 + i, 2});
    }
  }
  return batch;
}

TEST(SegmentFilter, FindsAnIdAmongRowGroupsThatOverlap) {
  const auto schema = testing_store::trades(20000, 1'000'000'000);
  constexpr int kSymbols = 40;
  constexpr int kRows = 1000;
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", schema, 1024);
  writer->append(arrivals(kSymbols, kRows));
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(1 << 20));
  ASSERT_EQ(segment->row_groups().size(), std::size_t{kSymbols});
  std::size_t read = 0;
  for (int id = 0; id < kSymbols * kRows; id += 97) {
    std::size_t with_id = 0;
    for (std::size_t group = 0; group < segment->row_groups().size(); ++group) {
      EXPECT_TRUE(segment->has_filter(group, 3));
      const bool may = segment->may_contain(group, 3, Value::of_bigint(id));
      EXPECT_TRUE(may || group != static_cast<std::size_t>(id % kSymbols)) << id;
      with_id += may ? 1 : 0;
    }
    read += with_id;
  }
  const double per_lookup = static_cast<double>(read) / (kSymbols * kRows / 97);
  EXPECT_LT(per_lookup, 1.5);
  EXPECT_FALSE(segment->has_filter(0, 1));  // the series directory finds symbols
  EXPECT_FALSE(segment->has_filter(0, 2));
  EXPECT_FALSE(segment->has_filter(0, 4));
}

TEST(SegmentFilter, IdsWithoutGapsNeedNone) {
  const auto schema = testing_store::trades(20000, 1'000'000'000);
  Batch batch = testing_store::batch({});
  for (int i = 0; i < 4096; ++i) {
    batch.columns[0].append_bytes("S");
    batch.columns[1].append_fixed<std::int64_t>(i * 1000);
    batch.columns[2].append_fixed<std::int64_t>(i + i / 3);
    batch.columns[3].append_null();
  }
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", schema, 1024);
  writer->append(batch);
  writer->finish();
  const auto segment = Segment::open(files, "s", make_block_cache(1 << 20));
  EXPECT_FALSE(segment->has_filter(0, 3));
  EXPECT_EQ(segment->range(0, 4).null_count, 1024U);
  EXPECT_EQ(segment->range(0, 3).null_count, 0U);
}

TEST(SegmentFilter, AFilterThatHidesARowIsFound) {
  const auto schema = testing_store::trades(20000, 1'000'000'000);
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", schema, 1024);
  writer->append(arrivals(40, 300));
  writer->finish();
  auto bytes = files.bytes_of("s");
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data() + 16, sizeof(seed));
  std::uint64_t footer_offset = 0;
  std::memcpy(&footer_offset, bytes.data() + bytes.size() - kSegmentTrailerBytes, sizeof(footer_offset));
  const auto footer = read_footer(
      std::span(bytes).subspan(footer_offset, bytes.size() - kSegmentTrailerBytes - footer_offset),
      footer_offset, kSegmentVersions.newest);
  // One bit cleared and the checksum made right: only comparing with the column shows it.
  const auto& filter = footer.filters[2];
  ASSERT_GT(filter.size_bytes, 0U);
  const std::size_t size = filter.size_bytes - kBlockChecksumBytes;
  for (std::size_t at = 8; at < 40; ++at) bytes[filter.offset + at] = std::byte{0};
  const std::uint64_t checksum =
      filter_checksum(std::span(bytes).subspan(filter.offset, size), seed, /*block_index=*/2);
  std::memcpy(bytes.data() + filter.offset + size, &checksum, sizeof(checksum));
  files.put("t", bytes);
  const auto segment = Segment::open(files, "t", make_block_cache(1 << 20));
  try {
    segment->verify();
    FAIL() << "a filter without values of its column passed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::DataCorrupted);
    EXPECT_EQ(error.detail(), "row group 0, column \"id\": its filter does not have all values");
  }
}

/// A file as the first format version had it.
MemoryFileSystem::Bytes version_1_file(const TableSchema& schema, const Batch& rows) {
  SegmentHeader header{.version = 1, .seed = 77};
  ByteWriter out;
  write_header(header, out);
  SegmentFooter footer;
  footer.schema = schema;
  for (auto& column : stored_columns(schema)) {
    footer.columns.push_back({column, initial_layout(column.type), 20});
  }
  footer.row_groups.push_back({0, static_cast<std::uint32_t>(rows.row_count())});
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    footer.columns[i].layout = rows.columns[i].layout();
    footer.ranges.push_back(range_of(rows.columns[i].view()));
    ByteWriter block;
    encode_block(rows.columns[i].view(), block);
    block.put(block_checksum(block.bytes(), header.seed, i));
    footer.blocks.push_back({out.size(), static_cast<std::uint32_t>(block.size())});
    out.put_bytes(block.bytes());
  }
  SeriesEntry entry;
  entry.key = {value_at(rows.columns[0].view(), 0)};
  entry.row_count = rows.row_count();
  entry.min_time = rows.columns[1].view().fixed<std::int64_t>(0);
  entry.max_time_inclusive = rows.columns[1].view().fixed<std::int64_t>(rows.row_count() - 1);
  footer.series.push_back(entry);
  for (const std::size_t key : {0U, 1U, 2U}) {
    footer.first_keys.emplace_back(rows.columns[key].type());
    footer.first_keys.back().append_from(rows.columns[key].view(), 0);
  }
  ByteWriter written;
  write_footer(footer, header.version, written);
  SegmentTrailer trailer{out.size(), written.size(), checksum64(written.bytes(), header.seed)};
  out.put_bytes(written.bytes());
  write_trailer(trailer, header.seed, out);
  return out.take();
}

TEST(SegmentFilter, FilesOfTheFirstVersionAreRead) {
  const auto schema = testing_store::trades(20000, 1'000'000'000);
  Batch rows = arrivals(1, 500);
  MemoryFileSystem files;
  files.put("old", version_1_file(schema, rows));
  const auto segment = Segment::open(files, "old", make_block_cache(1 << 20));
  segment->verify();
  EXPECT_EQ(segment->row_count(), 500U);
  for (ColumnId id = 1; id <= 4; ++id) {
    const auto block = segment->read(0, id);
    const auto view = block->view();
    for (std::size_t row = 0; row < view.size; ++row) {
      ASSERT_TRUE(is_same_cell(view, row, rows.columns[id - 1].view(), row));
    }
    EXPECT_FALSE(segment->has_filter(0, id));
    EXPECT_FALSE(segment->range(0, id).null_count.has_value());
    EXPECT_TRUE(segment->may_contain(0, id, Value::of_bigint(-5)));
  }
}

class FilterScanTest : public testing_store::StoreFixture {};

TEST_F(FilterScanTest, AnEqualityReadsTheRowGroupsThatMayHaveTheValue) {
  using namespace testing_store;
  options.row_group_rows = 512;
  open();
  create(trades(kTrades, 1'000'000'000));
  constexpr int kSymbols = 60;
  {
    auto transaction = store->begin();
    transaction->insert(kTrades, arrivals(kSymbols, 500), OnDuplicate::Fail);
    transaction->commit();
  }
  store->checkpoint();
  const auto view = store->read_view();
  std::uint64_t read = 0;
  for (std::int64_t id = 1004; id < (kSymbols - 1) * 500; id += 1001) {
    ColumnPredicate by_id;
    by_id.column = 3;
    by_id.in = {Value::of_bigint(id)};
    ScanRequest request;
    request.table = kTrades;
    request.columns = {3};
    request.predicates = {by_id};
    const auto scan = view->scan(request);
    const auto statistics = scan->statistics();
    EXPECT_EQ(statistics.row_groups_total, std::uint64_t{kSymbols});
    EXPECT_EQ(
        statistics.row_groups_read + statistics.row_groups_out_of_range + statistics.row_groups_without_value,
        statistics.row_groups_total);
    EXPECT_GT(statistics.row_groups_without_value, 50U);
    read += statistics.row_groups_read;
    bool is_found = false;
    const auto state = scan->make_state();
    for (ScanBatch batch; scan->read(*state, batch);) {
      for (std::size_t row = 0; row < batch.row_count; ++row)
        is_found |= batch.columns[0].fixed<std::int64_t>(row) == id;
    }
    EXPECT_TRUE(is_found) << id;
  }
  EXPECT_LT(static_cast<double>(read) / ((kSymbols - 1) * 500 / 1001), 1.6);
}

TEST_F(FilterScanTest, NullTestsReadTheRowGroupsThatHaveSome) {
  using namespace testing_store;
  options.row_group_rows = 100;
  open();
  create(trades(kTrades, 1'000'000'000));
  Rows rows;
  for (int symbol = 0; symbol < 4; ++symbol) {
    for (int i = 0; i < 100; ++i) {
      // None, all, one and none again without a price.
      const bool is_null = symbol == 1 || (symbol == 2 && i == 57);
      rows.push_back({"S" + std::to_string(symbol), i, i, is_null ? "" : "1.5"});
    }
  }
  insert(kTrades, rows);
  store->checkpoint();
  const auto view = store->read_view();
  const auto groups_read = [&](const ColumnPredicate& predicate) {
    ScanRequest request;
    request.table = kTrades;
    request.columns = {4};
    request.predicates = {predicate};
    return view->scan(request)->statistics().row_groups_read;
  };
  ColumnPredicate predicate;
  predicate.column = 4;
  predicate.null_test = ColumnPredicate::NullTest::IsNull;
  EXPECT_EQ(groups_read(predicate), 2U);
  EXPECT_EQ(scan_rows(*view, kTrades, {predicate}).size(), 200U);
  predicate.null_test = ColumnPredicate::NullTest::IsNotNull;
  EXPECT_EQ(groups_read(predicate), 3U);
  EXPECT_EQ(scan_rows(*view, kTrades, {predicate}).size(), 300U);
  // A comparison is never true of a null.
  predicate.null_test = ColumnPredicate::NullTest::None;
  predicate.lower = ColumnPredicate::Bound{Value::of_numeric({1, 0}), true};
  EXPECT_EQ(groups_read(predicate), 3U);
}

}  // namespace
}  // namespace tickstone::storage
