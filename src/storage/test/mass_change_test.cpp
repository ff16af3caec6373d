// SPDX-License-Identifier: Apache-2.0
// Changes of so many rows that whole chunks are written anew.
#include "storage/mass_change.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

class MassChange : public ::testing::TestWithParam<TableId> {
 protected:
  MassChange() {
    options.files = &files;
    options.background_compaction = false;
    options.row_group_rows = 64;
    options.log_file_bytes = 64U << 10;
    options.early_log_bytes = 4000;
    options.early_segment_bytes = 50U << 10;
    store = Store::open("/store", options);
    auto transaction = store->begin();
    transaction->create_table(trades(kTrades, 1000));
    transaction->create_table(plain(kPlain));
    transaction->commit();
  }
  /// Rows [first, first + count), every thousandth time a new chunk.
  static Rows some_rows(int first, int count, const std::string& price = {}) {
    Rows rows;
    for (int i = first; i < first + count; ++i)
      rows.push_back({"S" + std::to_string(i % 7), i, 0, price.empty() ? std::to_string(i) : price});
    return rows;
  }
  /// A third of the rows in merged segments, one in fresh ones, one in open chunks; some ended in each.
  void fill() {
    for (int part = 0; part < 3; ++part) {
      auto transaction = store->begin();
      transaction->insert(GetParam(), batch(some_rows(part * 2000, 2000)), OnDuplicate::Fail);
      transaction->commit();
      transaction = store->begin();
      transaction->erase(GetParam(), keys(some_rows(part * 2000 + 100, 50)));
      transaction->commit();
      if (part < 2) store->checkpoint();
      if (part == 0) store->compact();
    }
  }
  static Rows filled() {
    Rows rows;
    for (int part = 0; part < 3; ++part) {
      for (const auto& [from, count] : {std::pair{0, 100}, {150, 1850}}) {
        const auto some = some_rows(part * 2000 + from, count);
        rows.insert(rows.end(), some.begin(), some.end());
      }
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  static void replace(Rows& rows, const Rows& with) {
    for (const auto& row : with) {
      for (auto& before : rows) {
        if (std::get<0>(before) == std::get<0>(row) && std::get<1>(before) == std::get<1>(row)) before = row;
      }
    }
  }
  static void remove(Rows& rows, const Rows& gone) {
    std::erase_if(rows, [&](const Row& row) {
      return std::any_of(gone.begin(), gone.end(), [&](const Row& other) {
        return std::get<0>(row) == std::get<0>(other) && std::get<1>(row) == std::get<1>(other);
      });
    });
  }
  Rows seen(Transaction& transaction) { return scan_rows(*transaction.read_view(), GetParam()); }
  Rows committed() { return scan_rows(*store->read_view(), GetParam()); }
  void expect_after_crash(const Rows& expected) {
    for (const bool keeps_all : {false, true}) {
      const auto survivors = files.after_power_loss([&](std::uint64_t n) { return keeps_all ? n - 1 : 0; });
      StoreOptions read = options;
      read.files = survivors.get();
      const auto reopened = Store::open("/store", read);
      EXPECT_EQ(scan_rows(*reopened->read_view(), GetParam()), expected);
    }
  }
  std::unique_ptr<Transaction> begin() {
    auto transaction = store->begin();
    transaction->lock_table(GetParam(), true);
    EXPECT_TRUE(MassChanges::of(*transaction).begin_mass_change(GetParam()));
    return transaction;
  }
  void finish(Transaction& transaction) { MassChanges::of(transaction).finish_mass_change(GetParam()); }

  static constexpr TableId kPlain = kTrades + 1;
  PowerLossFileSystem files;
  StoreOptions options;
  std::unique_ptr<Store> store;
};

TEST_P(MassChange, OfAllRowsAndOfSome) {
  fill();
  Rows expected = filled();
  ASSERT_EQ(committed(), expected);
  auto transaction = begin();
  for (int at = 0; at < 6000; at += 500)
    transaction->update(GetParam(), batch(some_rows(at, 500, "-1")), nullptr);
  EXPECT_EQ(transaction->erase(GetParam(), keys(some_rows(0, 500))), 450U) << "of what was updated";
  finish(*transaction);
  replace(expected, some_rows(0, 6000, "-1"));
  remove(expected, some_rows(0, 500));
  EXPECT_EQ(seen(*transaction), expected);
  EXPECT_EQ(transaction->read_view()->row_count(GetParam()), expected.size());
  EXPECT_EQ(committed(), filled());
  expect_after_crash(filled());
  transaction->commit();
  EXPECT_EQ(committed(), expected);
  expect_after_crash(expected);

  transaction = begin();
  EXPECT_EQ(transaction->erase(GetParam(), keys(some_rows(2400, 2600))), 2550U);
  EXPECT_EQ(transaction->erase(GetParam(), keys(some_rows(2400, 2600))), 0U);
  // A few rows of another chunk: not worth to copy it.
  EXPECT_EQ(transaction->erase(GetParam(), keys(some_rows(5500, 10))), 10U);
  transaction->update(GetParam(), batch(some_rows(5510, 10, "-2")), nullptr);
  transaction->insert(GetParam(), batch(some_rows(2500, 5, "-3")), OnDuplicate::Fail);
  EXPECT_THROW(transaction->insert(GetParam(), batch(some_rows(5000, 1)), OnDuplicate::Fail), Error);
  transaction->rollback();
  EXPECT_EQ(committed(), expected);

  transaction = begin();
  EXPECT_EQ(transaction->erase(GetParam(), keys(some_rows(2400, 2600))), 2550U);
  EXPECT_EQ(transaction->erase(GetParam(), keys(some_rows(5500, 10))), 10U);
  transaction->update(GetParam(), batch(some_rows(5510, 10, "-2")), nullptr);
  transaction->insert(GetParam(), batch(some_rows(2500, 5, "-3")), OnDuplicate::Fail);
  finish(*transaction);
  remove(expected, some_rows(2400, 2600));
  remove(expected, some_rows(5500, 10));
  replace(expected, some_rows(5510, 10, "-2"));
  const Rows added = some_rows(2500, 5, "-3");
  expected.insert(expected.end(), added.begin(), added.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(seen(*transaction), expected);
  store->checkpoint();
  store->compact();
  EXPECT_EQ(seen(*transaction), expected);
  transaction->commit();
  EXPECT_EQ(committed(), expected);
  expect_after_crash(expected);
  store->checkpoint();
  store->compact();
  EXPECT_EQ(committed(), expected);
  expect_after_crash(expected);
  for (const auto& segment : store->segments()) EXPECT_LT(segment.ended_rows, segment.rows);
}

TEST_P(MassChange, LiesOverWhatTheTransactionDidBefore) {
  fill();
  Rows expected = filled();
  auto transaction = store->begin();
  transaction->lock_table(GetParam(), true);
  transaction->erase(GetParam(), keys(some_rows(1000, 20)));
  transaction->update(GetParam(), batch(some_rows(1020, 20, "-1")), nullptr);
  transaction->insert(GetParam(), batch(some_rows(7000, 1000)), OnDuplicate::Fail);
  remove(expected, some_rows(1000, 20));
  ASSERT_TRUE(MassChanges::of(*transaction).begin_mass_change(GetParam()));
  const auto savepoint = transaction->savepoint();
  for (int at = 0; at < 8000; at += 500)
    transaction->update(GetParam(), batch(some_rows(at, 500, "-5")), nullptr);
  finish(*transaction);
  const Rows more = some_rows(7000, 1000);
  expected.insert(expected.end(), more.begin(), more.end());
  Rows before = expected;
  replace(before, some_rows(1020, 20, "-1"));
  replace(expected, some_rows(0, 8000, "-5"));
  std::sort(before.begin(), before.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(seen(*transaction), expected);
  transaction->rollback_to(savepoint);
  EXPECT_EQ(seen(*transaction), before);
  ASSERT_TRUE(MassChanges::of(*transaction).begin_mass_change(GetParam()));
  for (int at = 0; at < 8000; at += 500)
    transaction->update(GetParam(), batch(some_rows(at, 500, "-5")), nullptr);
  finish(*transaction);
  EXPECT_EQ(seen(*transaction), expected);
  transaction->commit();
  EXPECT_EQ(committed(), expected);
  expect_after_crash(expected);
}

TEST_P(MassChange, LosesNoRowThatCameWithoutTheLock) {
  fill();
  auto transaction = begin();
  transaction->erase(GetParam(), keys(some_rows(0, 6000)));
  finish(*transaction);
  auto other = store->begin();
  other->insert(GetParam(), batch(some_rows(6500, 1000)), OnDuplicate::Fail);
  other->commit();
  try {
    transaction->commit();
    FAIL() << "committed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::SerializationFailure);
  }
  EXPECT_EQ(committed().size(), filled().size() + 1000);
}

INSTANTIATE_TEST_SUITE_P(Tables, MassChange, ::testing::Values(kTrades, kTrades + 1));

}  // namespace
}  // namespace tickstone::storage
