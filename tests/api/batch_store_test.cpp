// SPDX-License-Identifier: Apache-2.0
// The engine of all batches, on the home that TICKSTONE_TEST_ADDRESS names.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "api_home.hpp"
#include "ticks.hpp"
#include "watched_executor.hpp"

namespace tickstone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Timestamp second(int seconds) { return Timestamp{std::chrono::seconds{1'700'000'000 + seconds}}; }

Parameters tick(const char* symbol, int time, int id, const char* price) {
  return {symbol,
          second(time),
          id,
          Decimal::parse(price),
          100,
          std::vector<std::string>{"@", "a,b"},
          Json{R"({"b": 1, "a": [1.50, null]})"},
          second(0)};
}

class Batches : public testing::Test {
 protected:
  void SetUp() override { create_ticks(db); }

  BatchResult store(const std::vector<Parameters>& ticks) {
    auto rows = tick_store().rows();
    for (const auto& tick : ticks) rows.add(tick);
    return tick_store().store(db, std::move(rows));
  }
  std::int64_t count() { return db.get_dataframe("SELECT count(*) FROM api_ticks").get<std::int64_t>(0, 0); }
  std::string price_of(const char* symbol, int time, int id) {
    return db
        .get_dataframe("SELECT price FROM api_ticks WHERE symbol = $1 AND time = $2 AND id = $3",
                       {symbol, second(time), id})
        .get<std::string>(0, 0);
  }
  DatabaseManager& db = test_manager();
};

TEST_F(Batches, TellWhatBecameOfEachRow) {
  const auto first = store({tick("A", 10, 1, "1.10"), tick("A", 20, 1, "2"), tick("B", 10, 1, "3")});
  EXPECT_EQ(first.new_rows, 3U);
  EXPECT_EQ(first.late, 0U);
  const auto second = store({
      tick("A", 10, 1, "1.1"),  // as it is, written in another way
      tick("A", 20, 1, "2.5"),  // corrected
      tick("A", 15, 1, "7"),    // late
      tick("A", 20, 2, "8"),    // of the newest time, not late
      tick("A", 30, 1, "9"),    // newer
      tick("B", 5, 1, "1"),     // late
      tick("C", 1, 1, "1"),     // of a new series
      tick("C", 1, 1, "2"),     // the same again: the last one wins
  });
  EXPECT_EQ(second.unchanged, 1U);
  EXPECT_EQ(second.changed, 1U);
  EXPECT_EQ(second.new_rows, 5U);
  EXPECT_EQ(second.late, 2U);
  EXPECT_EQ(second.superseded, 1U);
  EXPECT_THAT(second.rejected, testing::IsEmpty());
  EXPECT_EQ(count(), 8);
  EXPECT_EQ(price_of("C", 1, 1), "2");
  EXPECT_EQ(price_of("A", 20, 1), "2.5");
}

TEST_F(Batches, OfNothingDoNothing) {
  const auto result = store({});
  EXPECT_EQ(result.stored() + result.unchanged + result.superseded + result.rejected.size(), 0U);
}

TEST_F(Batches, OfManySeriesTakeFewStatements) {
  constexpr int kSeries = 300;
  const auto batch = [&](int time) {
    auto rows = tick_store().rows();
    for (int i = 0; i < kSeries; ++i) rows.add(tick(("S" + std::to_string(i)).c_str(), time, 1, "1"));
    return rows;
  };
  int reads = 0, writes = 0;
  WatchedExecutor counted(db, [&](std::string_view sql) { ++(sql.starts_with("SELECT") ? reads : writes); });
  const auto store_at = [&](int time) {
    reads = writes = 0;
    return tick_store().store(counted, batch(time));
  };
  for (const int time : {10, 20}) {
    EXPECT_EQ(store_at(time).new_rows, static_cast<std::size_t>(kSeries));
    EXPECT_EQ(reads, 1) << "which series have newer rows";
    EXPECT_EQ(writes, 1);
  }
  EXPECT_EQ(store_at(20).unchanged, static_cast<std::size_t>(kSeries));
  EXPECT_EQ(reads, 2) << "and which rows are there";
  EXPECT_EQ(writes, 0);
  const auto late = store_at(15);
  EXPECT_EQ(late.late, static_cast<std::size_t>(kSeries));
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(count(), 3 * kSeries);
}

TEST_F(Batches, TellSeriesApart) {
  // Series that are behind, ahead, of one time, of many rows and new, in one batch.
  std::vector<Parameters> stored;
  for (int i = 0; i < 200; ++i) stored.push_back(tick("long", 2 * i, 1, "1"));
  for (const char* symbol : {"behind", "ahead", "same"}) stored.push_back(tick(symbol, 100, 1, "1"));
  store(stored);
  std::vector<Parameters> batch;
  for (int i = 0; i < 400; ++i) batch.push_back(tick("long", i, 1, i % 4 == 0 ? "1" : "2"));
  batch.push_back(tick("behind", 50, 1, "1"));
  batch.push_back(tick("ahead", 150, 1, "1"));
  batch.push_back(tick("same", 100, 1, "1"));
  batch.push_back(tick("same", 100, 2, "1"));
  batch.push_back(tick("new", 1, 1, "1"));
  const auto result = this->store(batch);
  EXPECT_EQ(result.unchanged, 101U);  // every second one of `long` that is even, and one of `same`
  EXPECT_EQ(result.changed, 100U);
  EXPECT_EQ(result.new_rows, 204U);  // the odd ones, one of each other
  EXPECT_EQ(result.late, 200U);      // the odd ones but the last, and `behind`
}

TEST_F(Batches, AreTheSameTwice) {
  std::vector<Parameters> ticks;
  for (int i = 0; i < 3'000; ++i) ticks.push_back(tick(i % 2 == 0 ? "A" : "B", i / 3, i, "1.25"));
  EXPECT_EQ(store(ticks).new_rows, 3'000U);
  const auto again = store(ticks);
  EXPECT_EQ(again.unchanged, 3'000U);
  EXPECT_EQ(again.stored(), 0U);
  ticks.resize(1'700);
  for (std::size_t i = 0; i < ticks.size(); i += 100) ticks[i][3] = Decimal::parse("9");
  const auto part = store(ticks);
  EXPECT_EQ(part.changed, 17U);
  EXPECT_EQ(part.unchanged, 1'683U);
  EXPECT_EQ(count(), 3'000);
}

TEST_F(Batches, FindManyRowsOfOneTime) {
  std::vector<Parameters> ticks;
  for (int i = 0; i < 10'000; ++i) ticks.push_back(tick("A", i < 9'000 ? 0 : 1, i, "1"));
  EXPECT_EQ(store(ticks).new_rows, 10'000U);
  EXPECT_EQ(store(ticks).unchanged, 10'000U);
}

TEST_F(Batches, LeaveOtherColumnsAlone) {
  store({tick("A", 1, 1, "1")});
  db.execute("UPDATE api_ticks SET note = 'kept'");
  auto again = tick("A", 1, 1, "2");
  again[4] = Null{};
  EXPECT_EQ(store({again}).changed, 1U);
  const auto frame = db.get_dataframe("SELECT price, size, note FROM api_ticks");
  EXPECT_EQ(frame.get<std::string>(0, "price"), "2");
  EXPECT_TRUE(frame.is_null(0, 1));
  EXPECT_EQ(frame.get<std::string>(0, "note"), "kept");
}

TEST_F(Batches, CompareWhatIsToBeCompared) {
  store({tick("A", 1, 1, "1")});
  auto again = tick("A", 1, 1, "1.000");
  again[6] = Json{R"({"a":[1.5,null],"b":1})"};  // the same JSON
  again[7] = second(99);                         // not compared
  EXPECT_EQ(store({again}).unchanged, 1U);
  again[5] = std::vector<std::string>{"@"};
  EXPECT_EQ(store({again}).changed, 1U);
  EXPECT_EQ(db.get_dataframe("SELECT seen FROM api_ticks").get<Timestamp>(0, 0), second(99));
}

TEST_F(Batches, RejectRowsAndStoreTheOthers) {
  auto infinite = tick("A", 2, 1, "1");
  infinite[1] = kInfinity;
  auto nameless = tick("A", 3, 1, "1");
  nameless[0] = Null{};
  auto not_a_number = tick("A", 4, 1, "1");
  not_a_number[3] = std::numeric_limits<double>::quiet_NaN();
  auto bad_json = tick("A", 5, 1, "1");
  bad_json[6] = Json{"{"};
  auto bad_text = tick("A\xff", 6, 1, "1");
  const auto result = store({tick("A", 1, 1, "1"), infinite, nameless, not_a_number, bad_json, bad_text});
  EXPECT_EQ(result.new_rows, 1U);
  ASSERT_EQ(result.rejected.size(), 5U);
  EXPECT_EQ(result.rejected[0], (RejectedRow{1, "time is infinite"}));
  EXPECT_EQ(result.rejected[1], (RejectedRow{2, "symbol is missing"}));
  EXPECT_EQ(result.rejected[2], (RejectedRow{3, "price is not a finite number"}));
  EXPECT_THAT(result.rejected[3].reason, HasSubstr("invalid input syntax for type json"));
  EXPECT_THAT(result.rejected[4].reason, HasSubstr("invalid byte sequence"));
}

TEST_F(Batches, RejectWhatTheServerRefuses) {
  for (const int rows : {1, 10, 300, 2'000}) {
    SCOPED_TRACE(rows);
    create_ticks(db);
    std::vector<Parameters> ticks;
    for (int i = 0; i < rows; ++i) ticks.push_back(tick("A", i, 1, i % 500 == 7 || rows == 1 ? "1000" : "1"));
    const auto result = store(ticks);
    const std::size_t refused = rows == 1 ? 1 : rows == 2'000 ? 4 : 1;
    ASSERT_EQ(result.rejected.size(), refused);
    EXPECT_EQ(result.rejected.back().index, rows == 1 ? 0U : rows == 2'000 ? 1'507U : 7U);
    EXPECT_THAT(result.rejected[0].reason, HasSubstr("violates check constraint"));
    EXPECT_EQ(result.new_rows, static_cast<std::size_t>(rows) - refused);
    EXPECT_EQ(count(), static_cast<std::int64_t>(result.new_rows));
  }
}

TEST_F(Batches, ArePartOfATransaction) {
  const auto store_in = [](Executor& executor, Parameters row) {
    auto rows = tick_store().rows();
    rows.add(std::move(row));
    return tick_store().store(executor, std::move(rows));
  };
  EXPECT_THROW(db.in_transaction([&](Executor& transaction) {
    EXPECT_EQ(store_in(transaction, tick("A", 1, 1, "1")).new_rows, 1U);
    EXPECT_EQ(store_in(transaction, tick("A", 1, 1, "1")).unchanged, 1U) << "sees its own rows";
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(count(), 0);
  db.in_transaction([&](Executor& transaction) {
    EXPECT_EQ(store_in(transaction, tick("A", 1, 1, "1000")).rejected.size(), 1U);
    EXPECT_EQ(store_in(transaction, tick("A", 2, 1, "1")).new_rows, 1U) << "usable after a refused row";
  });
  EXPECT_EQ(count(), 1);
}

TEST_F(Batches, SayWhatIsNotAboutARow) {
  db.execute("DROP TABLE api_ticks");
  try {
    store({tick("A", 1, 1, "1")});
    FAIL() << "stored in a table that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::UndefinedTable);
  }
}

TEST_F(Batches, OfManyWritersEndAsOne) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 6;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int round = 0; round < kRounds; ++round) {
        // The same keys for all, small batches and some that go by COPY, in another order each.
        std::vector<Parameters> ticks;
        const int rows = round % 3 == 0 ? 1'200 : 50;
        for (int i = 0; i < rows; ++i) ticks.push_back(tick(i % 3 == 0 ? "A" : "B", round * 50 + i, 1, "1"));
        if (writer % 2 == 1) std::ranges::reverse(ticks);
        for (auto& row : ticks) row[3] = Decimal{writer, 0};
        auto batch = tick_store().rows();
        for (auto& row : ticks) batch.add(std::move(row));
        const auto result = tick_store().store(db, std::move(batch));
        EXPECT_EQ(result.stored() + result.unchanged, static_cast<std::size_t>(rows));
      }
    });
  }
  for (auto& writer : writers) writer.join();
  const auto frame = db.get_dataframe(
      "SELECT count(*), count(DISTINCT (symbol, time)), min(price), max(price) FROM api_ticks");
  // Times of A are those of i divisible by three in each round: 0, 50 and so on apart.
  EXPECT_EQ(frame.get<std::int64_t>(0, 0), frame.get<std::int64_t>(0, 1));
  EXPECT_GE(frame.get<Decimal>(0, 2), (Decimal{0, 0}));
  EXPECT_LE(frame.get<Decimal>(0, 3), (Decimal{kWriters - 1, 0}));
  auto batch = tick_store().rows();
  for (int i = 0; i < 1'200; ++i) batch.add(tick(i % 3 == 0 ? "A" : "B", i, 1, "1"));
  EXPECT_EQ(tick_store().store(db, std::move(batch)).new_rows, 0U) << "all of the first round are there";
}

}  // namespace
}  // namespace tickstone
