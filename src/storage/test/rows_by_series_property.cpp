// SPDX-License-Identifier: Apache-2.0
// Rows of large batches are kept by series: what is stored, skipped and refused is what it would be
// otherwise.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/key_codec.hpp"
#include "storage/rows_by_series.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

/// Rows of which some have the key of an earlier one; times mostly grow.
Rows random_rows(std::mt19937_64& random, std::size_t count, std::size_t series, std::size_t one_in) {
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    const auto symbol = "S" + std::to_string(random() % series);
    auto time = static_cast<std::int64_t>(i / 8 + random() % 50);
    auto id = static_cast<std::int64_t>(i);
    Row row{symbol, time, id, i % 11 == 0 ? "" : std::to_string(random() % 1000) + ".25"};
    if (i > 0 && random() % one_in == 0) {
      const auto price = std::get<3>(row);
      row = rows[random() % rows.size()];
      std::get<3>(row) = price;
    }
    rows.push_back(row);
  }
  return rows;
}

TEST(RowsBySeries, LieSideBySideInTheOrderTheyCame) {
  std::mt19937_64 random(1);
  for (const bool has_picked : {false, true}) {
    const auto rows = batch(random_rows(random, 9000, 40, 10));
    const auto columns = views_of(rows);
    std::vector<RowNumber> picked;
    for (RowNumber row = 0; has_picked && row < 9000; row += 1 + random() % 2) picked.push_back(row);
    const auto arranged = rows_by_series(trades(kTrades), columns, picked);
    ASSERT_EQ(arranged.size(), has_picked ? picked.size() : 9000U);
    std::map<std::string, RowNumber> last;
    std::size_t run_count = 0;
    for (std::size_t i = 0; i < arranged.size(); ++i) {
      const std::string symbol(columns[0].bytes(arranged[i]));
      const auto [seen, is_first] = last.try_emplace(symbol, arranged[i]);
      ASSERT_TRUE(is_first || seen->second < arranged[i]);
      seen->second = arranged[i];
      if (i == 0 || columns[0].bytes(arranged[i - 1]) != symbol) ++run_count;
    }
    EXPECT_EQ(run_count, last.size());
    auto all = arranged;
    std::sort(all.begin(), all.end());
    if (has_picked) {
      EXPECT_EQ(all, picked);
    }
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  }
}

TEST(RowsBySeries, AreLeftWhereThatGainsNothing) {
  std::mt19937_64 random(2);
  const auto few = batch(random_rows(random, 1000, 10, 10));
  EXPECT_TRUE(rows_by_series(trades(kTrades), views_of(few), {}).empty());
  const auto many_series = batch(random_rows(random, 9000, 9000, 1000));
  EXPECT_TRUE(rows_by_series(trades(kTrades), views_of(many_series), {}).empty());
  auto in_order = random_rows(random, 9000, 40, 1000);
  std::sort(in_order.begin(), in_order.end());
  const auto sorted = batch(in_order);
  EXPECT_TRUE(rows_by_series(trades(kTrades), views_of(sorted), {}).empty());
  const auto rows = batch(random_rows(random, 9000, 40, 10));
  EXPECT_FALSE(rows_by_series(trades(kTrades), views_of(rows), {}).empty());
  EXPECT_TRUE(rows_by_series(plain(kTrades), views_of(rows), {}).empty());
  EXPECT_TRUE(rows_by_series(keyless(kTrades), views_of(rows), {}).empty());
  auto series_outside_of_key = trades(kTrades);
  series_outside_of_key.primary_key = {2, 3};
  EXPECT_TRUE(rows_by_series(series_outside_of_key, views_of(rows), {}).empty());
}

class RowsBySeriesStore : public StoreFixture {
 protected:
  struct Outcome {
    Rows rows;
    std::vector<std::uint32_t> skipped;
    std::string error;
    friend bool operator==(const Outcome&, const Outcome&) = default;
  };
  /// Batches of `size` rows: those of few are never rearranged. With a savepoint before each, every large one
  /// is a run of rows of its own.
  Outcome load(TableId table, const Rows& rows, OnDuplicate mode, std::size_t size,
               bool has_savepoints = false) {
    Outcome outcome;
    create(trades(table, 700));
    insert(table, {rows.begin(), rows.begin() + 100}, OnDuplicate::Replace);
    auto transaction = store->begin();
    try {
      for (std::size_t first = mode == OnDuplicate::Fail ? 100 : 0; first < rows.size(); first += size) {
        const Rows part(rows.begin() + static_cast<std::ptrdiff_t>(first),
                        rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), first + size)));
        if (has_savepoints) transaction->savepoint();
        for (const auto row : transaction->insert(table, batch(part), mode).skipped)
          outcome.skipped.push_back(static_cast<std::uint32_t>(first) + row);
      }
      transaction->commit();
    } catch (const Error& error) {
      outcome.error = error.message() + error.detail();
      transaction.reset();
    }
    outcome.rows = rows_of(table);
    return outcome;
  }
};

TEST_F(RowsBySeriesStore, AreStoredSkippedAndRefusedAsOthersAre) {
  open();
  std::mt19937_64 random(3);
  TableId table = kTrades;
  for (int round = 0; round < 4; ++round) {
    for (const auto mode : {OnDuplicate::Fail, OnDuplicate::Skip, OnDuplicate::Replace}) {
      const bool has_doubles = mode != OnDuplicate::Fail || round % 2 == 1;
      auto rows = random_rows(random, 20'000, 3 + random() % 200, has_doubles ? 30 : 100'000'000);
      // What is committed before has keys of its own where a double is refused: which of two reasons comes
      // first is not promised.
      if (mode == OnDuplicate::Fail) {
        for (std::size_t i = 0; i < 100; ++i) std::get<2>(rows[i]) = -1 - static_cast<std::int64_t>(i);
        for (std::size_t i = 100; i < rows.size(); ++i) {
          if (std::get<2>(rows[i]) < 100) std::get<2>(rows[i]) = 1'000'000 + static_cast<std::int64_t>(i);
        }
      }
      const auto whole = load(++table, rows, mode, rows.size());
      const auto parts = load(++table, rows, mode, 1000);
      const auto runs = load(++table, rows, mode, 5000, true);
      EXPECT_EQ(whole.error, parts.error);
      EXPECT_EQ(runs, parts);
      EXPECT_EQ(whole.skipped, parts.skipped);
      EXPECT_EQ(whole.rows, parts.rows);
      EXPECT_EQ(whole.error.empty(), !(mode == OnDuplicate::Fail && has_doubles));
      if (round == 0) {
        crash_and_open();
        EXPECT_EQ(rows_of(table - 2), parts.rows);
      }
      store->checkpoint();
      EXPECT_EQ(rows_of(table - 2), parts.rows);
      EXPECT_EQ(rows_of(table), parts.rows);
    }
  }
}

}  // namespace
}  // namespace tickstone::storage
