// SPDX-License-Identifier: Apache-2.0
// Transactions larger than what they may keep in memory: their rows go to segments before they commit.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

class LargeTransaction : public ::testing::Test {
 protected:
  LargeTransaction() {
    options.files = &files;
    options.background_compaction = false;
    options.row_group_rows = 64;
    options.log_file_bytes = 64U << 10;
    options.early_log_bytes = 4000;
    options.early_segment_bytes = 200U << 10;
    store = Store::open("/store", options);
    auto transaction = store->begin();
    transaction->create_table(trades(kTrades, 1'000'000));
    transaction->create_table(plain(kPlain));
    transaction->commit();
  }
  std::size_t segment_file_count() {
    const auto names = files.list("/store/segments");
    return static_cast<std::size_t>(
        std::count_if(names.begin(), names.end(), [](const auto& name) { return name.ends_with(".seg"); }));
  }
  /// Rows [0, count) in an order that jumps, `step` rows a batch.
  static Rows some_rows(int first, int count) {
    Rows rows;
    for (int i = first; i < first + count; ++i) {
      rows.push_back({"S" + std::to_string(i % 7), i * 7919 % 100'003, i, std::to_string(i)});
    }
    return rows;
  }
  void insert_many(Transaction& transaction, TableId table, int count) {
    insert_many_from(transaction, table, 0, count);
  }
  void insert_many_from(Transaction& transaction, TableId table, int first, int count) {
    for (int at = first; at < count; at += 500) {
      transaction.insert(table, batch(some_rows(at, std::min(500, count - at))), OnDuplicate::Fail);
    }
  }
  static Rows sorted(Rows rows) {
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  Rows rows_after_crash(bool keeps_all, TableId table) {
    const auto survivors = files.after_power_loss([&](std::uint64_t n) { return keeps_all ? n - 1 : 0; });
    StoreOptions read = options;
    read.files = survivors.get();
    const auto reopened = Store::open("/store", read);
    return scan_rows(*reopened->read_view(), table);
  }
  ErrorCode code_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::SuccessfulCompletion;
  }

  static constexpr TableId kPlain = kTrades + 1;
  static constexpr int kRows = 20'000;
  PowerLossFileSystem files;
  StoreOptions options;
  std::unique_ptr<Store> store;
};

TEST_F(LargeTransaction, IsReadAndCommittedFromSegmentsAndHardlyLogged) {
  for (const TableId table : {kTrades, kPlain}) {
    const auto logged = store->statistics().bytes_written_log;
    auto transaction = store->begin();
    insert_many(*transaction, table, kRows);
    EXPECT_GE(segment_file_count(), 2U);
    const Rows expected = sorted(some_rows(0, kRows));
    EXPECT_EQ(scan_rows(*transaction->read_view(), table), expected);
    EXPECT_EQ(transaction->read_view()->row_count(table), expected.size());
    EXPECT_TRUE(scan_rows(*store->read_view(), table).empty());
    EXPECT_TRUE(rows_after_crash(true, table).empty()) << "not committed";
    transaction->commit();
    EXPECT_LT(store->statistics().bytes_written_log - logged, 700U << 10);
    EXPECT_EQ(scan_rows(*store->read_view(), table), expected);
    for (const bool keeps_all : {false, true}) EXPECT_EQ(rows_after_crash(keeps_all, table), expected);
    store->checkpoint();
    for (const bool keeps_all : {false, true}) EXPECT_EQ(rows_after_crash(keeps_all, table), expected);
    store->compact();
    EXPECT_EQ(scan_rows(*store->read_view(), table), expected);
  }
}

TEST_F(LargeTransaction, RolledBackLeavesNoFile) {
  auto transaction = store->begin();
  insert_many(*transaction, kTrades, kRows);
  EXPECT_GT(segment_file_count(), 0U);
  transaction->rollback();
  transaction.reset();
  EXPECT_EQ(segment_file_count(), 0U);
  EXPECT_TRUE(scan_rows(*store->read_view(), kTrades).empty());
}

TEST_F(LargeTransaction, LeftByACrashIsRemovedAtTheNextStart) {
  auto transaction = store->begin();
  insert_many(*transaction, kTrades, kRows);
  const auto survivors = files.after_power_loss([](std::uint64_t n) { return n - 1; });
  StoreOptions read = options;
  read.files = survivors.get();
  EXPECT_FALSE(survivors->list("/store/segments").empty());
  const auto reopened = Store::open("/store", read);
  EXPECT_TRUE(survivors->list("/store/segments").empty());
  EXPECT_TRUE(scan_rows(*reopened->read_view(), kTrades).empty());
}

TEST_F(LargeTransaction, FindsItsOwnDuplicatesAmongItsSegments) {
  for (const TableId table : {kTrades, kPlain}) {
    auto transaction = store->begin();
    insert_many(*transaction, table, kRows);
    Rows twice = some_rows(100, 10);
    EXPECT_EQ(code_of([&] { transaction->insert(table, batch(twice), OnDuplicate::Fail); }),
              ErrorCode::UniqueViolation);
    for (auto& row : twice) std::get<3>(row) = "-1";
    const auto skipped = transaction->insert(table, batch(twice), OnDuplicate::Skip);
    EXPECT_EQ(skipped.inserted, 0U);
    EXPECT_EQ(skipped.skipped.size(), 10U);
    transaction->insert(table, batch(twice), OnDuplicate::Replace);
    EXPECT_EQ(transaction->erase(table, keys(some_rows(200, 10))), 10U);
    EXPECT_EQ(transaction->erase(table, keys(some_rows(200, 10))), 0U);
    transaction->insert(table, batch(some_rows(205, 1)), OnDuplicate::Fail);
    Rows updated = some_rows(300, 10);
    for (auto& row : updated) std::get<3>(row) = "-2";
    transaction->update(table, batch(updated), nullptr);
    Rows expected = some_rows(0, kRows);
    for (int i = 100; i < 110; ++i) std::get<3>(expected[static_cast<std::size_t>(i)]) = "-1";
    for (int i = 300; i < 310; ++i) std::get<3>(expected[static_cast<std::size_t>(i)]) = "-2";
    expected.erase(expected.begin() + 206, expected.begin() + 210);
    expected.erase(expected.begin() + 200, expected.begin() + 205);
    expected = sorted(expected);
    EXPECT_EQ(scan_rows(*transaction->read_view(), table), expected);
    transaction->commit();
    EXPECT_EQ(scan_rows(*store->read_view(), table), expected);
    for (const bool keeps_all : {false, true}) EXPECT_EQ(rows_after_crash(keeps_all, table), expected);
  }
}

TEST_F(LargeTransaction, SavepointTakesBackWhatWentToSegmentsSince) {
  auto transaction = store->begin();
  transaction->insert(kTrades, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail);
  const auto savepoint = transaction->savepoint();
  insert_many(*transaction, kTrades, kRows);
  EXPECT_GT(segment_file_count(), 0U);
  transaction->rollback_to(savepoint);
  EXPECT_EQ(scan_rows(*transaction->read_view(), kTrades), (Rows{{"A", 1, 1, "1"}}));
  EXPECT_EQ(segment_file_count(), 0U);
  insert_many(*transaction, kTrades, kRows);
  transaction->release(savepoint);
  transaction->commit();
  EXPECT_EQ(scan_rows(*store->read_view(), kTrades).size(), kRows + 1U);
}

TEST_F(LargeTransaction, KeyThatSomebodyElseCommittedMeanwhileIsRefused) {
  // Rows that only go forward are not locked, so that others may come with the same.
  const auto forward = [](int first, int count) {
    Rows rows;
    for (int i = first; i < first + count; ++i)
      rows.push_back({"S" + std::to_string(i % 7), i, 0, std::to_string(i)});
    return rows;
  };
  for (const auto mode : {OnDuplicate::Fail, OnDuplicate::Skip, OnDuplicate::Replace}) {
    const int base = static_cast<int>(mode) * 100'000;
    auto transaction = store->begin();
    for (int at = 0; at < kRows; at += 500) {
      transaction->insert(kTrades, batch(forward(base + at, 500)), mode);
    }
    EXPECT_GT(segment_file_count(), 0U);
    Rows others = forward(base + 17, 1);
    std::get<3>(others[0]) = "-7";
    auto other = store->begin();
    other->insert(kTrades, batch(others), OnDuplicate::Fail);
    other->commit();
    const auto code = code_of([&] { transaction->commit(); });
    EXPECT_EQ(code, mode == OnDuplicate::Fail ? ErrorCode::UniqueViolation : ErrorCode::SuccessfulCompletion);
    const auto found = store->read_view()->lookup(kTrades, keys(others));
    ASSERT_EQ(found.found[0], 0);
    std::vector<ColumnView> views;
    for (const auto& column : found.rows.columns) views.push_back(column.view());
    EXPECT_EQ(std::get<3>(row_at(views, 0)), mode == OnDuplicate::Replace ? std::to_string(base + 17) : "-7");
  }
  const Rows expected = scan_rows(*store->read_view(), kTrades);
  EXPECT_EQ(expected.size(), 2U * kRows + 1);
  EXPECT_EQ(rows_after_crash(false, kTrades), expected);
}

TEST_F(LargeTransaction, SmallOneThatReadFailsOnAKeyCommittedMeanwhile) {
  auto transaction = store->begin();
  // More rows than are locked one by one, so that the other does not wait.
  Rows many = {{"A", 5, 1, "1"}};
  for (int i = 0; i < 300; ++i) many.push_back({"Z", i, 0, "1"});
  transaction->insert(kTrades, batch(many), OnDuplicate::Fail);
  auto other = store->begin();
  other->insert(kTrades, batch({{"A", 5, 1, "2"}}), OnDuplicate::Replace);
  other->commit();
  // To read hides the other's row from the transaction, and decides nothing.
  Rows seen = scan_rows(*transaction->read_view(), kTrades);
  std::erase_if(seen, [](const auto& row) { return std::get<0>(row) != "A"; });
  EXPECT_EQ(seen, (Rows{{"A", 5, 1, "1"}}));
  EXPECT_EQ(code_of([&] { transaction->commit(); }), ErrorCode::UniqueViolation);
  EXPECT_EQ(scan_rows(*store->read_view(), kTrades), (Rows{{"A", 5, 1, "2"}}));
}

/// Holds up whoever creates a segment.
class SegmentGate {
 public:
  explicit SegmentGate(PowerLossFileSystem& files) : files_(files) {
    files_.set_hook([state = state_](PowerLossFileSystem::Call call, const std::filesystem::path& path) {
      if (call != PowerLossFileSystem::Call::Create || path.extension() != ".seg") return;
      std::unique_lock lock(state->mutex);
      state->is_reached = true;
      state->changed.notify_all();
      // The one who is to open it may wait for this thread by now, where the machine is slow.
      state->changed.wait_for(lock, std::chrono::seconds(2), [&] { return state->is_open; });
    });
  }
  ~SegmentGate() {
    open();
    files_.set_hook({});
  }
  bool is_reached() {
    // A thread that is on its way gets time to come here.
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, std::chrono::milliseconds(10), [&] { return state_->is_reached; });
  }
  void open() {
    const std::lock_guard lock(state_->mutex);
    state_->is_open = true;
    state_->changed.notify_all();
  }

 private:
  /// Shared with the one who is held up.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_reached = false;
    bool is_open = false;
  };
  PowerLossFileSystem& files_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Returns how many rows were inserted when some of them are on their way.
int insert_until(SegmentGate& gate, Transaction& transaction, TableId table) {
  int count = 0;
  while (!gate.is_reached()) {
    Rows rows;
    for (int i = count; i < count + 200; ++i) {
      rows.push_back({"S" + std::to_string(i % 7), i * 7919 % 100'003, i, std::to_string(i)});
    }
    transaction.insert(table, batch(rows), OnDuplicate::Fail);
    count += 200;
  }
  return count;
}

TEST_F(LargeTransaction, ChangesRowsThatAreOnTheirWayToASegment) {
  for (const TableId table : {kTrades, kPlain}) {
    auto transaction = store->begin();
    int count = 0;
    {
      SegmentGate gate(files);
      count = insert_until(gate, *transaction, table);
      EXPECT_EQ(code_of([&] { transaction->insert(table, batch(some_rows(100, 1)), OnDuplicate::Fail); }),
                ErrorCode::UniqueViolation);
    }
    Rows expected = some_rows(0, count);
    EXPECT_EQ(scan_rows(*transaction->read_view(), table), sorted(expected));
    transaction->rollback();

    transaction = store->begin();
    count = 0;
    Transaction::Savepoint savepoint;
    const auto set_price = [&](int row, const char* price) {
      std::get<3>(expected[static_cast<std::size_t>(row)]) = price;
      return Rows{expected[static_cast<std::size_t>(row)]};
    };
    {
      SegmentGate gate(files);
      count = insert_until(gate, *transaction, table);
      expected = some_rows(0, count);
      EXPECT_EQ(transaction->erase(table, keys(some_rows(200, 10))), 10U);
      transaction->insert(table, batch(set_price(100, "-1")), OnDuplicate::Replace);
      transaction->update(table, batch(set_price(300, "-2")), nullptr);
      savepoint = transaction->savepoint();
      EXPECT_EQ(transaction->erase(table, keys(some_rows(400, 10))), 10U);
      transaction->rollback_to(savepoint);
      EXPECT_EQ(transaction->erase(table, keys(some_rows(500, 10))), 10U);
    }
    insert_many_from(*transaction, table, count, 2 * count);
    transaction->rollback_to(savepoint);
    insert_many_from(*transaction, table, count, kRows);
    const Rows more = some_rows(count, kRows - count);
    expected.insert(expected.end(), more.begin(), more.end());
    expected.erase(expected.begin() + 200, expected.begin() + 210);
    expected = sorted(expected);
    EXPECT_EQ(scan_rows(*transaction->read_view(), table), expected);
    transaction->commit();
    EXPECT_EQ(scan_rows(*store->read_view(), table), expected);
    for (const bool keeps_all : {false, true}) EXPECT_EQ(rows_after_crash(keeps_all, table), expected);
  }
}

TEST_F(LargeTransaction, EndsWhileItsRowsAreOnTheirWayToASegment) {
  for (const bool commits : {false, true}) {
    SegmentGate gate(files);
    auto transaction = store->begin();
    const int count = insert_until(gate, *transaction, kTrades);
    gate.open();
    if (commits) transaction->commit();
    transaction.reset();
    const Rows expected = commits ? sorted(some_rows(0, count)) : Rows{};
    EXPECT_EQ(scan_rows(*store->read_view(), kTrades), expected);
    EXPECT_EQ(rows_after_crash(false, kTrades), expected);
    if (!commits) {
      EXPECT_EQ(segment_file_count(), 0U);
    }
  }
}

TEST_F(LargeTransaction, DroppedAtOnceGivesBackItsSpace) {
  auto transaction = store->begin();
  insert_many(*transaction, kTrades, kRows);
  transaction->commit();
  transaction = store->begin();
  transaction->truncate(kTrades);
  transaction->commit();
  transaction.reset();
  store->checkpoint();
  EXPECT_EQ(segment_file_count(), 0U);
  for (const bool keeps_all : {false, true}) EXPECT_TRUE(rows_after_crash(keeps_all, kTrades).empty());
}

TEST_F(LargeTransaction, FullDiskRefusesItAlone) {
  auto transaction = store->begin();
  files.set_hook([&](PowerLossFileSystem::Call call, const std::filesystem::path& path) {
    if (call == PowerLossFileSystem::Call::Create && path.extension() == ".seg") {
      throw Error(ErrorCode::DiskFull, "could not create file: No space left on device");
    }
  });
  EXPECT_EQ(code_of([&] { insert_many(*transaction, kTrades, kRows); }), ErrorCode::DiskFull);
  transaction->rollback();
  files.set_hook({});
  transaction = store->begin();
  insert_many(*transaction, kTrades, kRows);
  transaction->commit();
  EXPECT_EQ(scan_rows(*store->read_view(), kTrades).size(), static_cast<std::size_t>(kRows));
}

}  // namespace
}  // namespace tickstone::storage
