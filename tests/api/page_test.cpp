// SPDX-License-Identifier: Apache-2.0
// The examples of docs/api.md, run as they are written.
#include <gtest/gtest.h>

#include <tickstone/market_data.hpp>
#include <tickstone/models.hpp>
#include <tickstone/positions.hpp>
#include <tickstone/symbols.hpp>

#include "api_home.hpp"
#include "app_tables.hpp"

/// Made of the page by page_examples.py.
void run_page_examples(tickstone::DatabaseManager& db);

namespace tickstone {
namespace {

TEST(ApiPage, RunsAsWritten) {
  auto& db = test_manager();
  empty_app_tables(db);
  run_page_examples(db);
  EXPECT_EQ(get_latest_data(db, "AAPL", "1m").size(), 2U);
  EXPECT_EQ(get_symbol_group(db, "tech").size(), 2U);
  EXPECT_TRUE(get_latest_model_performance(db, "momentum-7"));
  EXPECT_TRUE(get_positions(db).empty());
}

}  // namespace
}  // namespace tickstone
