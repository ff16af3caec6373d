// SPDX-License-Identifier: Apache-2.0
// Chunks that are merged and split, and what is known of a chunk when it is rewritten.
#include "storage/chunk_reshaping.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "storage/mass_change.hpp"
#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"
#include "storage/verify.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

class SetClock final : public Clock {
 public:
  std::int64_t now_us() const override { return time_us; }
  std::int64_t time_us = 1'000;
};

class ChunkReshapingTest : public ::testing::Test {
 protected:
  ChunkReshapingTest() {
    options.files = &files;
    options.clock = &clock;
    options.background_compaction = false;
    options.row_group_rows = 16;
    options.log_file_bytes = 64U << 10;
    store = Store::open("/store", options);
    auto transaction = store->begin();
    transaction->create_table(trades(kTrades, 1000));
    transaction->commit();
  }
  void insert(const Rows& rows) {
    auto transaction = store->begin();
    transaction->insert(kTrades, batch(rows), OnDuplicate::Fail);
    transaction->commit();
  }
  static Rows some_rows(int first, int count) {
    Rows rows;
    for (int i = first; i < first + count; ++i)
      rows.push_back({"S" + std::to_string(i % 3), i, 0, std::to_string(i)});
    return rows;
  }
  /// Three chunks, each with a segment, an open layer and rows that ended in both.
  void fill() {
    for (int chunk = 0; chunk < 3; ++chunk) insert(some_rows(chunk * 1000, 100));
    erase(some_rows(1020, 10));
    store->checkpoint();
    for (int chunk = 0; chunk < 3; ++chunk) insert(some_rows(chunk * 1000 + 500, 100));
    erase(some_rows(1010, 5));
    erase(some_rows(1505, 5));
  }
  void erase(const Rows& rows) {
    auto transaction = store->begin();
    transaction->erase(kTrades, keys(rows));
    transaction->commit();
  }
  void reshape(const std::vector<TimeRange>& ranges) {
    auto transaction = store->begin();
    transaction->lock_table(kTrades, true);
    ChunkReshaping::of(*transaction).reshape_chunks(kTrades, ranges);
    transaction->commit();
  }
  Rows committed() const { return scan_rows(*store->read_view(), kTrades); }

  using Described = std::vector<std::tuple<std::uint32_t, std::int64_t, std::int64_t, std::int64_t>>;
  static Described describe(const ReadView& view) {
    Described chunks;
    for (const auto& chunk : view.chunks(kTrades))
      chunks.emplace_back(chunk.number, chunk.range.start, chunk.range.end, chunk.created_us);
    return chunks;
  }
  Described chunks() const { return describe(*store->read_view()); }
  /// What a crash now, a checkpoint, compaction and closing leave is the same.
  void expect_to_stay() {
    const Rows rows = committed();
    const Described described = chunks();
    const auto expect_same = [&](FileSystem& on) {
      StoreOptions read = options;
      read.files = &on;
      const auto reopened = Store::open("/store", read);
      EXPECT_EQ(scan_rows(*reopened->read_view(), kTrades), rows);
      EXPECT_EQ(describe(*reopened->read_view()), described);
    };
    expect_same(*files.after_power_loss([](std::uint64_t) { return 0; }));
    store->checkpoint();
    store->compact();
    EXPECT_EQ(committed(), rows);
    EXPECT_EQ(chunks(), described);
    store.reset();
    VerifyOptions checked;
    checked.files = &files;
    for (const auto& finding : verify_directory("/store", checked).findings)
      EXPECT_NE(finding.kind, VerifyFinding::Kind::Damage) << finding.what;
    expect_same(files);
    store = Store::open("/store", options);
  }
  template <typename Action>
  static ErrorCode error_of(const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::SuccessfulCompletion;
  }

  PowerLossFileSystem files;
  SetClock clock;
  StoreOptions options;
  std::unique_ptr<Store> store;
};

TEST_F(ChunkReshapingTest, MergedChunksAreOneOfTheSameRows) {
  fill();
  clock.time_us = 9'000;
  const Rows before = committed();
  reshape({{0, 2000}});
  EXPECT_EQ(committed(), before);
  EXPECT_EQ(chunks(), (Described{{1, 0, 2000, 1000}, {3, 2000, 3000, 1000}}));
  expect_to_stay();
  insert({{"A", 999, 0, "1"}, {"A", 1001, 0, "2"}, {"A", 2001, 0, "3"}});
  EXPECT_EQ(chunks().size(), 2U);
  EXPECT_EQ(error_of([&] { insert({{"A", 1001, 0, "4"}}); }), ErrorCode::UniqueViolation);
  expect_to_stay();
}

TEST_F(ChunkReshapingTest, SplitChunkTakesNewRowsByItsParts) {
  fill();
  const Rows before = committed();
  clock.time_us = 9'000;
  reshape({{1000, 1015}, {1015, 1505}, {1505, 2000}});
  EXPECT_EQ(committed(), before);
  const auto all = chunks();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[1], std::tuple(2U, 1000, 1015, 1000));
  EXPECT_EQ(std::get<3>(all[2]), 1000);
  EXPECT_EQ(std::get<0>(all[2]), 4U);
  EXPECT_EQ(std::get<0>(all[3]), 5U);
  expect_to_stay();
  // Rows 1010 to 1014 were erased.
  insert(some_rows(1010, 5));
  insert({{"A", 1016, 0, "1"}, {"A", 1504, 0, "2"}, {"A", 1505, 0, "3"}});
  std::vector<std::uint64_t> rows;
  for (const auto& chunk : store->read_view()->chunks(kTrades))
    rows.push_back(chunk.rows_open + chunk.rows_sealed);
  EXPECT_EQ(rows, (std::vector<std::uint64_t>{200, 10 + 5, 5 + 70 + 5 + 2, 90 + 1, 200}));
  expect_to_stay();
  reshape({{0, 3000}});
  EXPECT_EQ(chunks(), (Described{{1, 0, 3000, 1000}}));
  expect_to_stay();
}

TEST_F(ChunkReshapingTest, IsUndoneWithItsTransactionOrSavepoint) {
  fill();
  const Rows before = committed();
  const auto described = chunks();
  auto transaction = store->begin();
  transaction->lock_table(kTrades, true);
  const auto savepoint = transaction->savepoint();
  ChunkReshaping::of(*transaction).reshape_chunks(kTrades, {{0, 2000}});
  EXPECT_EQ(scan_rows(*transaction->read_view(), kTrades), before);
  EXPECT_EQ(transaction->read_view()->chunks(kTrades).size(), 2U);
  transaction->rollback_to(savepoint);
  EXPECT_EQ(describe(*transaction->read_view()), described);
  ChunkReshaping::of(*transaction).reshape_chunks(kTrades, {{1000, 3000}});
  transaction->insert(kTrades, batch({{"A", 2500, 0, "1"}}), OnDuplicate::Fail);
  transaction->rollback();
  EXPECT_EQ(committed(), before);
  EXPECT_EQ(chunks(), described);
  expect_to_stay();
}

TEST_F(ChunkReshapingTest, LeavesOutWhatItsTransactionErasedBefore) {
  fill();
  Rows expected = committed();
  auto transaction = store->begin();
  transaction->lock_table(kTrades, true);
  transaction->erase(kTrades, keys(some_rows(1500, 3)));
  ChunkReshaping::of(*transaction).reshape_chunks(kTrades, {{0, 2000}});
  std::erase_if(expected, [](const Row& row) { return std::get<1>(row) >= 1500 && std::get<1>(row) < 1503; });
  EXPECT_EQ(scan_rows(*transaction->read_view(), kTrades), expected);
  // The merged chunk can be dropped at once.
  const auto savepoint = transaction->savepoint();
  EXPECT_EQ(transaction->drop_chunks(kTrades, {0, 2000}).size(), 1U);
  EXPECT_EQ(transaction->read_view()->row_count(kTrades), 200U);
  transaction->rollback_to(savepoint);
  transaction->commit();
  EXPECT_EQ(committed(), expected);
  expect_to_stay();
}

TEST_F(ChunkReshapingTest, RefusesWhatAreNoChunksSideBySideAndRowsOfItsOwn) {
  fill();
  insert({{"A", 5000, 0, "1"}});
  const auto described = chunks();
  const auto code = [&](const std::vector<TimeRange>& ranges) { return error_of([&] { reshape(ranges); }); };
  EXPECT_EQ(code({{2000, 6000}}), ErrorCode::InvalidParameterValue);  // a gap
  EXPECT_EQ(code({{0, 1500}}), ErrorCode::InvalidParameterValue);
  EXPECT_EQ(code({{500, 1000}}), ErrorCode::InvalidParameterValue);
  EXPECT_EQ(code({{7000, 8000}}), ErrorCode::InvalidParameterValue);
  auto transaction = store->begin();
  transaction->lock_table(kTrades, true);
  transaction->insert(kTrades, batch({{"A", 1999, 0, "1"}}), OnDuplicate::Fail);
  auto& reshaping = ChunkReshaping::of(*transaction);
  EXPECT_EQ(error_of([&] {
              reshaping.reshape_chunks(kTrades, {{0, 2000}});
            }),
            ErrorCode::ObjectNotInPrerequisiteState);
  reshaping.reshape_chunks(kTrades, {{2000, 2001}, {2001, 3000}});
  transaction->rollback();
  EXPECT_EQ(chunks(), described);
}

TEST_F(ChunkReshapingTest, RowsGatheredForADividedChunkAreRefusedNotMisplaced) {
  fill();
  auto writer = store->begin();
  writer->insert(kTrades, batch({{"A", 1001, 0, "1"}, {"A", 1999, 0, "2"}}), OnDuplicate::Fail);
  auto transaction = store->begin();  // without the lock that it should have
  ChunkReshaping::of(*transaction).reshape_chunks(kTrades, {{1000, 1500}, {1500, 2000}});
  transaction->commit();
  const Rows before = committed();
  EXPECT_EQ(error_of([&] { writer->commit(); }), ErrorCode::SerializationFailure);
  EXPECT_EQ(committed(), before);
  expect_to_stay();
}

TEST_F(ChunkReshapingTest, ChunksKnowWhenTheyWereMade) {
  insert({{"A", 1, 0, "1"}});
  clock.time_us = 2'000;
  insert({{"A", 2, 0, "1"}, {"A", 1001, 0, "2"}});
  store->checkpoint();
  clock.time_us = 3'000;
  insert({{"A", 2001, 0, "3"}});
  const Described expected = {{1, 0, 1000, 1000}, {2, 1000, 2000, 2000}, {3, 2000, 3000, 3000}};
  EXPECT_EQ(chunks(), expected);
  clock.time_us = 4'000;
  expect_to_stay();
  EXPECT_EQ(chunks(), expected);
}

TEST_F(ChunkReshapingTest, EmptiedChunkStaysWhereItWas) {
  fill();
  const auto described = chunks();
  Rows expected = committed();
  const auto in_chunk = [](const Row& row) { return std::get<1>(row) >= 1000 && std::get<1>(row) < 2000; };
  auto transaction = store->begin();
  transaction->lock_table(kTrades, true);
  transaction->insert(kTrades, batch({{"A", 1999, 0, "1"}}), OnDuplicate::Fail);
  const auto savepoint = transaction->savepoint();
  for (const bool is_undone : {true, false}) {
    ChunkReshaping::of(*transaction).empty_chunk(kTrades, {1000, 2000});
    EXPECT_EQ(transaction->read_view()->row_count(kTrades), 400U);
    EXPECT_EQ(describe(*transaction->read_view()), described);
    if (is_undone) transaction->rollback_to(savepoint);
  }
  transaction->insert(kTrades, batch({{"A", 1998, 0, "2"}}), OnDuplicate::Fail);
  transaction->commit();
  std::erase_if(expected, in_chunk);
  expected.push_back({"A", 1998, 0, "2"});
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(committed(), expected);
  EXPECT_EQ(chunks(), described);
  expect_to_stay();
}

TEST_F(ChunkReshapingTest, NumbersStayWhateverTookOthersBetween) {
  auto temporary = trades(kTrades + 1, 1000);
  temporary.temporary = true;
  auto transaction = store->begin();
  transaction->create_table(temporary);
  transaction->insert(kTrades + 1, batch({{"A", 1, 0, "1"}}), OnDuplicate::Fail);
  transaction->commit();
  insert({{"A", 1, 0, "1"}});
  auto undone = store->begin();
  ChunkReshaping::of(*undone).reshape_chunks(kTrades, {{0, 500}, {500, 1000}});
  undone->rollback();
  insert({{"A", 1001, 0, "1"}});
  EXPECT_EQ(chunks(), (Described{{2, 0, 1000, 1000}, {4, 1000, 2000, 1000}}));
  expect_to_stay();
}

TEST_F(ChunkReshapingTest, ChunkThatIsWrittenAnewKeepsItsNumberAndRange) {
  fill();
  reshape({{0, 300}, {300, 1000}});
  clock.time_us = 9'000;
  const auto described = chunks();
  auto transaction = store->begin();
  transaction->lock_table(kTrades, true);
  ASSERT_TRUE(MassChanges::of(*transaction).begin_mass_change(kTrades));
  Rows changed = committed();
  for (auto& row : changed) std::get<3>(row) = "-1";
  transaction->update(kTrades, batch(changed), nullptr);
  MassChanges::of(*transaction).finish_mass_change(kTrades);
  transaction->commit();
  EXPECT_EQ(committed(), changed);
  EXPECT_EQ(chunks(), described);
  expect_to_stay();
}

}  // namespace
}  // namespace tickstone::storage
