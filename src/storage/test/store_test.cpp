// SPDX-License-Identifier: Apache-2.0
#include "storage/store.hpp"

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

}  // namespace
}  // namespace tickstone::storage
