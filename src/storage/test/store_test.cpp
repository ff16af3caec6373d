// SPDX-License-Identifier: Apache-2.0
#include "storage/store.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

class StoreTest : public StoreFixture {};

TEST_F(StoreTest, RowsAreThereAfterCommitAndAfterReopening) {
  open();
  create(trades(16384));
  insert(16384, {{"AAPL", 100, 1, "1.5"}, {"AAPL", 200, 2, "2.25"}, {"MSFT", 100, 3, "3"}});
  const Rows expected = {{"AAPL", 100, 1, "1.5"}, {"AAPL", 200, 2, "2.25"}, {"MSFT", 100, 3, "3"}};
  EXPECT_EQ(rows_of(16384), expected);
  crash_and_open();
  EXPECT_EQ(rows_of(16384), expected);
  store->checkpoint();
  EXPECT_EQ(rows_of(16384), expected);
  EXPECT_GT(store->statistics().segment_files, 0U);
  open();
  EXPECT_EQ(rows_of(16384), expected);
  EXPECT_EQ(store->read_view()->row_count(16384), 3U);
}

TEST_F(StoreTest, DuplicateKeyIsRefusedWithPostgresqlsWords) {
  open();
  create(trades(16384));
  insert(16384, {{"AAPL", 100, 1, "1"}});
  auto expect_duplicate = [&](const Rows& rows) {
    auto transaction = store->begin();
    try {
      transaction->insert(16384, batch(rows), OnDuplicate::Fail);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::UniqueViolation);
      EXPECT_EQ(error.message(), "duplicate key value violates unique constraint \"trades_pkey\"");
      EXPECT_EQ(error.detail(),
                "Key (symbol, \"timestamp\", id)=(AAPL, 1970-01-01 00:00:00.0001+00, 1) already exists.");
      EXPECT_EQ(error.table_name(), "trades");
      EXPECT_EQ(error.constraint_name(), "trades_pkey");
    }
    EXPECT_FALSE(transaction->has_writes());
  };
  expect_duplicate({{"AAPL", 100, 1, "2"}});
  store->checkpoint();
  expect_duplicate({{"AAPL", 100, 1, "2"}});
  {
    auto transaction = store->begin();
    const auto result =
        transaction->insert(16384, batch({{"AAPL", 100, 1, "2"}, {"AAPL", 100, 2, "2"}}), OnDuplicate::Skip);
    EXPECT_EQ(result.inserted, 1U);
    EXPECT_EQ(result.skipped, std::vector<std::uint32_t>{0});
    transaction->commit();
  }
  {
    auto transaction = store->begin();
    transaction->insert(16384, batch({{"AAPL", 100, 1, "7"}}), OnDuplicate::Replace);
    transaction->commit();
  }
  EXPECT_EQ(rows_of(16384), (Rows{{"AAPL", 100, 1, "7"}, {"AAPL", 100, 2, "2"}}));
  crash_and_open();
  EXPECT_EQ(rows_of(16384), (Rows{{"AAPL", 100, 1, "7"}, {"AAPL", 100, 2, "2"}}));
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

TEST_F(StoreTest, DirectoryBelongsToOneProcess) {
  open();
  try {
    Store::open(path, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::ObjectInUse);
    EXPECT_EQ(error.message(), "data directory \"" + path.string() + "\" is in use by another process");
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST_F(StoreTest, DirectoryIsMadeOnlyWhereAllowed) {
  options.create_if_missing = false;
  EXPECT_EQ(code_of([&] { open(); }), ErrorCode::UndefinedFile);
  options.create_if_missing = true;
  options.read_only = true;
  EXPECT_EQ(code_of([&] { open(); }), ErrorCode::UndefinedFile);
}

TEST_F(StoreTest, ReadOnlyStoreReadsTheLogAndChangesNothing) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 1, "1"}});
  const auto copy = directory.next();
  copy_directory(path, copy);
  auto fingerprint = [&] {
    std::vector<std::tuple<std::string, std::uintmax_t, std::filesystem::file_time_type>> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(copy)) {
      if (entry.is_regular_file())
        files.emplace_back(entry.path(), entry.file_size(), entry.last_write_time());
    }
    std::sort(files.begin(), files.end());
    return files;
  };
  const auto before = fingerprint();
  StoreOptions reading = options;
  reading.read_only = true;
  {
    const auto reader = Store::open(copy, reading);
    EXPECT_EQ(scan_rows(*reader->read_view(), kTrades), (Rows{{"A", 1, 1, "1"}}));
    EXPECT_EQ(code_of([&] {
                reader->begin()->insert(kTrades, batch({{"A", 2, 1, "1"}}), OnDuplicate::Fail);
              }),
              ErrorCode::ReadOnlySqlTransaction);
    EXPECT_EQ(code_of([&] { reader->checkpoint(); }), ErrorCode::ReadOnlySqlTransaction);
  }
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(StoreTest, NullInANotNullColumnIsRefusedWithPostgresqlsWords) {
  open();
  create(trades(kTrades));
  Batch rows = batch({{"AAPL", 100, 1, "1.5"}});
  rows.columns[0] = Column(SqlType::of(TypeId::Text));
  rows.columns[0].append_null();
  try {
    store->begin()->insert(kTrades, rows, OnDuplicate::Fail);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::NotNullViolation);
    EXPECT_EQ(error.message(),
              "null value in column \"symbol\" of relation \"trades\" violates not-null constraint");
    EXPECT_EQ(error.detail(), "Failing row contains (null, 1970-01-01 00:00:00.0001+00, 1, 1.5).");
    EXPECT_EQ(error.column_name(), "symbol");
  }
}

TEST_F(StoreTest, NumericColumnWidensAndOldRowsStayExact) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 1, "1.5"}});
  const auto narrow_view = store->read_view();
  const auto version = narrow_view->schema_version(kTrades);
  EXPECT_EQ(narrow_view->layouts(kTrades)[3], (ColumnLayout{Physical::Int64, 6}));
  insert(kTrades, {{"A", 2, 1, "0.00001234"}});
  EXPECT_EQ(store->read_view()->layouts(kTrades)[3], (ColumnLayout{Physical::Int64, 8}));
  EXPECT_GT(store->read_view()->schema_version(kTrades), version);
  store->checkpoint();
  {
    auto transaction = store->begin();
    transaction->insert(kTrades, batch({{"A", 3, 1, "123456789012345"}}), OnDuplicate::Fail);
    // The transaction sees the wider column, others do not yet.
    EXPECT_EQ(transaction->read_view()->layouts(kTrades)[3].physical, Physical::Int128);
    EXPECT_EQ(store->read_view()->layouts(kTrades)[3].physical, Physical::Int64);
    EXPECT_NE(transaction->read_view()->schema_version(kTrades), store->read_view()->schema_version(kTrades));
    transaction->commit();
  }
  const Rows expected = {{"A", 1, 1, "1.5"}, {"A", 2, 1, "0.00001234"}, {"A", 3, 1, "123456789012345"}};
  EXPECT_EQ(rows_of(kTrades), expected);
  EXPECT_EQ(scan_rows(*narrow_view, kTrades), (Rows{{"A", 1, 1, "1.5"}}));
  EXPECT_EQ(code_of([&] { insert(kTrades, {{"A", 4, 1, "1e-30"}}); }), ErrorCode::NumericValueOutOfRange);
  crash_and_open();
  EXPECT_EQ(rows_of(kTrades), expected);
  open();
  EXPECT_EQ(rows_of(kTrades), expected);
  EXPECT_EQ(store->read_view()->layouts(kTrades)[3].physical, Physical::Int128);
}

TEST_F(StoreTest, AddedColumnReadsAsItsDefaultInOldRows) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 1, "1"}});
  store->checkpoint();
  insert(kTrades, {{"A", 2, 1, "1"}});
  auto schema = trades(kTrades);
  schema.columns.push_back({7, "venue", SqlType::of(TypeId::Text), false});
  schema.columns.push_back({8, "lots", SqlType::of(TypeId::Integer), false});
  auto transaction = store->begin();
  transaction->insert(kTrades, batch({{"A", 3, 1, "1"}}), OnDuplicate::Fail);
  transaction->alter_table(schema, {{7, Value::of_text("X")}});
  Batch wide = batch({{"A", 4, 1, "1"}});
  wide.columns.emplace_back(SqlType::of(TypeId::Text)).append_bytes("Y");
  wide.columns.emplace_back(SqlType::of(TypeId::Integer)).append_fixed(std::int32_t{9});
  transaction->insert(kTrades, wide, OnDuplicate::Fail);
  auto check = [&](const ReadView& view) {
    ScanRequest request;
    request.table = kTrades;
    request.columns = {2, 7, 8};
    const auto scan = view.scan(request);
    const auto state = scan->make_state();
    std::map<std::int64_t, std::string> found;
    ScanBatch read;
    while (scan->read(*state, read)) {
      for (std::size_t row = 0; row < read.row_count; ++row) {
        found[read.columns[0].fixed<std::int64_t>(row)] =
            std::string(read.columns[1].bytes(row)) +
            (read.columns[2].is_null(row) ? "" : std::to_string(read.columns[2].fixed<std::int32_t>(row)));
      }
    }
    EXPECT_EQ(found, (std::map<std::int64_t, std::string>{{1, "X"}, {2, "X"}, {3, "X"}, {4, "Y9"}}));
  };
  check(*transaction->read_view());
  transaction->commit();
  check(*store->read_view());
  crash_and_open();
  check(*store->read_view());
  store->checkpoint();
  check(*store->read_view());
  open();
  check(*store->read_view());
  // And a dropped column is gone.
  auto dropping = store->begin();
  dropping->alter_table(trades(kTrades), {});
  dropping->commit();
  EXPECT_EQ(rows_of(kTrades).size(), 4U);
  crash_and_open();
  EXPECT_EQ(rows_of(kTrades).size(), 4U);
}

TEST_F(StoreTest, TablesComeAndGoWithTheirTransaction) {
  open();
  {
    auto transaction = store->begin();
    transaction->create_table(trades(kTrades));
    transaction->insert(kTrades, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail);
    EXPECT_EQ(scan_rows(*transaction->read_view(), kTrades).size(), 1U);
    EXPECT_EQ(transaction->read_view()->tables(), std::vector<TableId>{kTrades});
    EXPECT_EQ(store->read_view()->schema(kTrades), nullptr);
  }
  EXPECT_TRUE(store->read_view()->tables().empty());
  create(trades(kTrades));
  const auto before = store->read_view();
  auto transaction = store->begin();
  const auto savepoint = transaction->savepoint();
  transaction->drop_table(kTrades);
  EXPECT_EQ(transaction->read_view()->schema(kTrades), nullptr);
  transaction->rollback_to(savepoint);
  EXPECT_NE(transaction->read_view()->schema(kTrades), nullptr);
  transaction->drop_table(kTrades);
  transaction->commit();
  EXPECT_EQ(store->read_view()->schema(kTrades), nullptr);
  EXPECT_NE(before->schema(kTrades), nullptr);
  crash_and_open();
  EXPECT_TRUE(store->read_view()->tables().empty());
}

TEST_F(StoreTest, DroppedChunksAreGoneForNewViewsAlone) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 100, 1, "1"}, {"A", 1100, 1, "1"}, {"A", 2100, 1, "1"}});
  store->checkpoint();
  insert(kTrades, {{"A", 150, 1, "1"}, {"A", 3100, 1, "1"}});
  const auto before = store->read_view();
  ASSERT_EQ(before->chunks(kTrades).size(), 4U);
  EXPECT_EQ(before->chunks(kTrades)[0].range, (TimeRange{0, 1000}));
  EXPECT_EQ(before->chunks(kTrades)[0].rows_sealed, 1U);
  EXPECT_EQ(before->chunks(kTrades)[0].rows_open, 1U);
  EXPECT_GT(before->chunks(kTrades)[0].bytes_on_disk, 0U);
  auto transaction = store->begin();
  const auto dropped = transaction->drop_chunks(kTrades, {INT64_MIN, 2500});
  EXPECT_EQ(dropped.size(), 2U);
  transaction->commit();
  const Rows expected = {{"A", 2100, 1, "1"}, {"A", 3100, 1, "1"}};
  EXPECT_EQ(rows_of(kTrades), expected);
  EXPECT_EQ(scan_rows(*before, kTrades).size(), 5U);
  crash_and_open();
  EXPECT_EQ(rows_of(kTrades), expected);
  store->checkpoint();
  EXPECT_EQ(store->statistics().segment_files, 2U);
}

TEST_F(StoreTest, ChunksKeepTheirRangeWhenTheIntervalChanges) {
  open();
  create(trades(kTrades, 1000));
  insert(kTrades, {{"A", 1100, 1, "1"}});
  auto transaction = store->begin();
  transaction->alter_table(trades(kTrades, 700), {});
  transaction->commit();
  insert(kTrades, {{"A", 1999, 2, "1"}, {"A", 2050, 1, "1"}, {"A", 900, 1, "1"}, {"A", 2100, 1, "1"}});
  std::vector<TimeRange> ranges;
  for (const auto& chunk : store->read_view()->chunks(kTrades)) ranges.push_back(chunk.range);
  EXPECT_EQ(ranges, (std::vector<TimeRange>{{700, 1000}, {1000, 2000}, {2000, 2100}, {2100, 2800}}));
  crash_and_open();
  EXPECT_EQ(rows_of(kTrades).size(), 5U);
  EXPECT_EQ(store->read_view()->chunks(kTrades).size(), 4U);
}

TEST_F(StoreTest, InfiniteTimesHaveAChunk) {
  open();
  create(trades(kTrades));
  const Rows expected = {{"A", -INT64_MAX, 1, "1"}, {"A", 5, 1, "1"}, {"A", INT64_MAX, 1, "1"}};
  insert(kTrades, expected);
  EXPECT_EQ(rows_of(kTrades), expected);
  store->checkpoint();
  EXPECT_EQ(rows_of(kTrades), expected);
  const auto found = store->read_view()->lookup(kTrades, keys(expected));
  EXPECT_EQ(found.found, (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(StoreTest, TemporaryTablesLeaveNoTrace) {
  open();
  auto schema = plain(kTrades);
  schema.temporary = true;
  create(schema);
  const auto before = store->statistics().bytes_written_log;
  insert(kTrades, {{"A", 1, 1, "1"}});
  EXPECT_EQ(store->statistics().bytes_written_log, before);
  store->checkpoint();
  EXPECT_EQ(rows_of(kTrades).size(), 1U);
  open();
  EXPECT_EQ(store->read_view()->schema(kTrades), nullptr);
}

TEST_F(StoreTest, RepeatableReadStaysAtItsCommit) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 1, "1"}});
  auto transaction = store->begin();
  const auto base = transaction->read_view();
  insert(kTrades, {{"A", 2, 1, "1"}});
  store->checkpoint();
  transaction->insert(kTrades, batch({{"B", 1, 1, "1"}}), OnDuplicate::Fail);
  EXPECT_EQ(scan_rows(*transaction->read_view_at(*base), kTrades),
            (Rows{{"A", 1, 1, "1"}, {"B", 1, 1, "1"}}));
  EXPECT_EQ(scan_rows(*transaction->read_view(), kTrades).size(), 3U);
}

TEST_F(StoreTest, RepeatableReadSeesOwnNumbersThatFitOnlyWhatOthersWidened) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 1, "1"}});
  auto transaction = store->begin();
  const auto base = transaction->read_view();
  insert(kTrades, {{"A", 2, 1, "123456789012345.000000001"}});
  transaction->insert(kTrades, batch({{"B", 1, 1, "2345678901234.000000002"}}), OnDuplicate::Fail);
  const Rows expected = {{"A", 1, 1, "1"}, {"B", 1, 1, "2345678901234.000000002"}};
  const auto own = transaction->read_view_at(*base);
  EXPECT_EQ(scan_rows(*own, kTrades), expected);
  EXPECT_NE(own->schema_version(kTrades), base->schema_version(kTrades));
  // The same version as long as nothing is wider.
  transaction->insert(kTrades, batch({{"B", 2, 1, "1"}}), OnDuplicate::Fail);
  EXPECT_EQ(transaction->read_view_at(*base)->schema_version(kTrades), own->schema_version(kTrades));
  transaction->commit();
  EXPECT_EQ(rows_of(kTrades).size(), 4U);
}

TEST_F(StoreTest, ScanReadsWhileItsTransactionWrites) {
  open();
  create(trades(kTrades));
  Rows rows;
  for (int i = 0; i < 5000; ++i) rows.push_back({"A", i, 0, "1"});
  insert(kTrades, rows);
  auto transaction = store->begin();
  const auto view = transaction->read_view();
  ScanRequest request;
  request.table = kTrades;
  request.columns = {1, 2, 3, 4};
  const auto scan = view->scan(request);
  const auto state = scan->make_state();
  ScanBatch read;
  std::size_t copied = 0;
  while (scan->read(*state, read)) {
    Rows part;
    for (std::size_t row = 0; row < read.row_count; ++row) {
      part.push_back(row_at(read.columns, row));
      std::get<0>(part.back()) = "B";
    }
    copied += transaction->insert(kTrades, batch(part), OnDuplicate::Fail).inserted;
  }
  EXPECT_EQ(copied, 5000U);
  transaction->commit();
  EXPECT_EQ(store->read_view()->row_count(kTrades), 10000U);
}

TEST_F(StoreTest, PredicatesLeaveOutWhatCannotMatch) {
  options.row_group_rows = 100;
  open();
  create(trades(kTrades, 10'000));
  Rows rows;
  for (int symbol = 0; symbol < 10; ++symbol) {
    for (int i = 0; i < 400; ++i)
      rows.push_back({"S" + std::to_string(symbol), i * 100, 0, std::to_string(i)});
  }
  insert(kTrades, rows);
  ColumnPredicate by_symbol;
  by_symbol.column = 1;
  by_symbol.in = {Value::of_text("S3"), Value::of_text("S7")};
  ColumnPredicate by_time;
  by_time.column = 2;
  by_time.lower = ColumnPredicate::Bound{Value::of_timestamptz(5'000), true};
  by_time.upper = ColumnPredicate::Bound{Value::of_timestamptz(12'000), false};
  auto expect_exact = [&] {
    const Rows found = scan_rows(*store->read_view(), kTrades, {by_symbol, by_time});
    EXPECT_EQ(found.size(), 140U);
  };
  expect_exact();
  store->checkpoint();
  expect_exact();
  ScanRequest request;
  request.table = kTrades;
  request.columns = {4};
  request.predicates = {by_symbol, by_time};
  const auto statistics = store->read_view()->scan(request)->statistics();
  EXPECT_EQ(statistics.chunks_total, 4U);
  EXPECT_EQ(statistics.chunks_read, 2U);
  EXPECT_EQ(statistics.row_groups_total, 20U);
  EXPECT_LE(statistics.row_groups_read, 4U);
  EXPECT_EQ(statistics.chunk_numbers.size(), 2U);
  // A value named twice gives its rows once.
  by_symbol.in = {Value::of_text("S7"), Value::of_text("S3"), Value::of_text("S7")};
  expect_exact();
  by_symbol.in = {Value::of_text("NONE")};
  request.predicates = {by_symbol};
  EXPECT_EQ(store->read_view()->scan(request)->estimated_rows(), 0U);
  // Newest chunk first.
  request.predicates.clear();
  request.columns = {2};
  request.order = ScanOrder::TimeDescending;
  const auto scan = store->read_view()->scan(request);
  const auto state = scan->make_state();
  ScanBatch read;
  std::int64_t last_chunk = INT64_MAX;
  std::uint64_t last_unit = 0;
  while (scan->read(*state, read)) {
    const std::int64_t chunk = read.columns[0].fixed<std::int64_t>(0) / 10'000;
    EXPECT_LE(chunk, last_chunk);
    EXPECT_GE(state->unit_index(), last_unit);
    last_chunk = chunk;
    last_unit = state->unit_index();
  }
  EXPECT_EQ(last_chunk, 0);
}

TEST_F(StoreTest, OnlyRowsOfListedTimesAreRead) {
  open();
  create(trades(kTrades, 1000));
  Rows rows;
  for (int symbol = 0; symbol < 5; ++symbol) {
    for (int i = 0; i < 700; ++i) rows.push_back({"S" + std::to_string(symbol), i * 7 % 4900, i, "1"});
  }
  rows.push_back({"S1", INT64_MAX, 0, "2"});  // infinity
  insert(kTrades, rows);
  ColumnPredicate by_time;
  by_time.column = 2;
  std::mt19937_64 random(11);
  const auto compare = [&] {
    for (int round = 0; round < 60; ++round) {
      by_time.in.clear();
      std::set<std::int64_t> wanted;
      for (std::size_t i = 2 + random() % (round % 3 == 0 ? 600 : 8); i > 0; --i)
        wanted.insert(static_cast<std::int64_t>(random() % 5000));
      if (round % 5 == 0) wanted.insert(INT64_MAX);
      for (const auto time : wanted) by_time.in.push_back(Value::of_timestamptz(time));
      std::shuffle(by_time.in.begin(), by_time.in.end(), random);
      std::vector<ColumnPredicate> predicates{by_time};
      if (round % 2 == 0) {
        ColumnPredicate by_symbol;
        by_symbol.column = 1;
        by_symbol.in = {Value::of_text("S1"), Value::of_text("S3")};
        predicates.push_back(by_symbol);
      }
      Rows expected;
      for (const Row& row : rows) {
        const bool is_series = predicates.size() == 1 || std::get<0>(row) == "S1" || std::get<0>(row) == "S3";
        if (is_series && wanted.contains(std::get<1>(row))) expected.push_back(row);
      }
      Rows found = scan_rows(*store->read_view(), kTrades, predicates);
      std::sort(expected.begin(), expected.end());
      std::sort(found.begin(), found.end());
      ASSERT_EQ(found, expected) << round;
    }
  };
  compare();
  store->checkpoint();
  compare();
  insert(kTrades, {{"S3", 4321, 9999, "3"}});
  rows.push_back({"S3", 4321, 9999, "3"});
  compare();
}

TEST_F(StoreTest, NewestRowsAreReadFromTheLatestSegmentsOfAChunk) {
  options.background_compaction = false;
  open();
  create(trades(kTrades, 100'000));
  constexpr int kSeries = 10, kParts = 4;
  for (const int part : {2, 0, 3, 1}) {  // as rows come late
    Rows rows;
    for (int symbol = 0; symbol < kSeries; ++symbol) {
      for (int i = 0; i < 20; ++i) rows.push_back({"S" + std::to_string(symbol), part * 1000 + i, 0, "1"});
    }
    insert(kTrades, rows);
    store->checkpoint();
  }
  const auto read = [&](SeriesEnd end) {
    ScanRequest request;
    request.table = kTrades;
    request.columns = {1, 2};
    request.series_end = end;
    const auto scan = store->read_view()->scan(request);
    const auto state = scan->make_state();
    std::set<std::pair<std::string, std::int64_t>> found;
    ScanBatch batch;
    while (scan->read(*state, batch)) {
      for (std::size_t i = 0; i < batch.row_count; ++i)
        found.emplace(batch.columns[0].bytes(i), batch.columns[1].fixed<std::int64_t>(i));
    }
    return found;
  };
  ASSERT_EQ(store->read_view()->chunks(kTrades)[0].segment_count, static_cast<std::uint32_t>(kParts));
  for (const auto& [end, time] : {std::pair(SeriesEnd::Newest, 3019), std::pair(SeriesEnd::Oldest, 0)}) {
    std::set<std::pair<std::string, std::int64_t>> expected;
    for (int symbol = 0; symbol < kSeries; ++symbol) expected.emplace("S" + std::to_string(symbol), time);
    EXPECT_EQ(read(end), expected);  // rows of earlier segments would be among them
  }
}

TEST_F(StoreTest, RowIdsAreNeverGivenTwice) {
  open();
  create(keyless(kTrades));
  auto transaction = store->begin();
  EXPECT_EQ(transaction->insert(kTrades, batch({{"A", 1, 1, "1"}, {"A", 1, 1, "1"}}), OnDuplicate::Fail)
                .first_row_id,
            1);
  transaction->commit();
  crash_and_open();
  transaction = store->begin();
  EXPECT_EQ(transaction->insert(kTrades, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail).first_row_id, 3);
  transaction->commit();
  open();
  transaction = store->begin();
  EXPECT_GE(transaction->insert(kTrades, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail).first_row_id, 4);
  transaction->commit();
  EXPECT_EQ(rows_of(kTrades).size(), 4U);
}

TEST_F(StoreTest, DroppedSegmentsLeaveTheDiskWithTheirLastReader) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 1, "1"}});
  store->checkpoint();
  auto view = store->read_view();
  auto transaction = store->begin();
  transaction->truncate(kTrades);
  transaction->commit();
  store->checkpoint();
  auto segment_count = [&] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path / "segments"))
      count += entry.exists() ? 1 : 0;
    return count;
  };
  EXPECT_EQ(segment_count(), 1U);
  EXPECT_EQ(scan_rows(*view, kTrades).size(), 1U);
  view.reset();
  EXPECT_EQ(segment_count(), 0U);
  EXPECT_GT(store->directory_bytes(), 0U);
}

}  // namespace
}  // namespace tickstone::storage
