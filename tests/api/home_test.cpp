// SPDX-License-Identifier: Apache-2.0
// One DatabaseManager against the home that TICKSTONE_TEST_ADDRESS names.
#include <atomic>
#include <barrier>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/database_manager.hpp>
#include <tickstone/error.hpp>

#include "api_home.hpp"

namespace tickstone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ErrorCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

class Home : public testing::Test {
 protected:
  void SetUp() override {
    db.execute("DROP TABLE IF EXISTS api_bars");
    db.execute(
        "CREATE TABLE api_bars (symbol text, time timestamptz, close numeric, volume bigint, day date, tags "
        "text[], "
        "extra jsonb, PRIMARY KEY (symbol, time))");
  }
  DatabaseManager& db = test_manager();
};

TEST_F(Home, ReadsBackEveryTypeExactly) {
  const Timestamp time = timestamp_from("2026-01-05 14:30:00.123456+00");
  const std::vector<std::string> tags{"a b", "c\"d", "{x}"};
  EXPECT_EQ(db.execute("INSERT INTO api_bars VALUES ($1, $2, $3, $4, $5, $6, $7)",
                       {"BRK.A", time, Decimal::parse("632145.00000000000000000001"), 12345678901LL,
                        date_from("2026-01-05"), tags, Json{R"({"a": [1, null]})"}}),
            1U);
  const DataFrame frame = db.get_dataframe("SELECT * FROM api_bars WHERE symbol = $1", {"BRK.A"});
  ASSERT_EQ(frame.row_count(), 1U);
  EXPECT_EQ(frame.get<std::string>(0, "symbol"), "BRK.A");
  EXPECT_EQ(frame.get<Timestamp>(0, "time"), time);
  EXPECT_EQ(frame.get<Decimal>(0, "close"), Decimal::parse("632145.00000000000000000001"));
  EXPECT_EQ(frame.get<std::int64_t>(0, "volume"), 12345678901LL);
  EXPECT_EQ(frame.get<Date>(0, "day"), date_from("2026-01-05"));
  EXPECT_EQ(frame.get<std::vector<std::string>>(0, "tags"), tags);
  EXPECT_EQ(frame.get<std::string>(0, "extra"), R"({"a": [1, null]})");
  EXPECT_EQ(frame.columns()[2].type, "numeric");
}

TEST_F(Home, TellsNullsApart) {
  db.execute("INSERT INTO api_bars (symbol, time, close) VALUES ($1, now(), $2)",
             {"A", std::optional<double>{}});
  const DataFrame frame = db.get_dataframe("SELECT close FROM api_bars");
  EXPECT_TRUE(frame.is_null(0, 0));
  EXPECT_EQ(frame.get<std::optional<Decimal>>(0, "close"), std::nullopt);
  EXPECT_EQ(code_of([&] { frame.get<double>(0, "close"); }), ErrorCode::NullValueNotAllowed);
  EXPECT_EQ(code_of([&] { frame.get<double>(0, "price"); }), ErrorCode::UndefinedColumn);
}

TEST_F(Home, GivesColumnsOfAnEmptyResult) {
  const DataFrame frame = db.get_dataframe("SELECT symbol, close FROM api_bars");
  EXPECT_EQ(frame.row_count(), 0U);
  ASSERT_EQ(frame.column_count(), 2U);
  EXPECT_EQ(frame.columns()[1].name, "close");
  EXPECT_THAT(frame.to_string(), HasSubstr("(0 rows)"));
}

TEST_F(Home, RollsATransactionBackWhole) {
  const auto insert = [](Executor& executor, const char* symbol) {
    executor.execute("INSERT INTO api_bars (symbol, time) VALUES ($1, '2026-01-05')", {symbol});
  };
  EXPECT_THROW(db.in_transaction([&](Executor& transaction) {
    insert(transaction, "A");
    throw std::runtime_error("changed my mind");
  }),
               std::runtime_error);
  db.in_transaction([&](Executor& transaction) {
    insert(transaction, "B");
    EXPECT_EQ(code_of([&] {
                transaction.in_transaction(
                    [&](Executor& inner) {
                      insert(inner, "C");
                      insert(inner, "B");
                    },
                    false);
              }),
              ErrorCode::UniqueViolation);
    insert(transaction, "D");
  });
  EXPECT_THAT(db.get_dataframe("SELECT symbol FROM api_bars ORDER BY 1").values<std::string>(0),
              ElementsAre("B", "D"));
}

TEST_F(Home, SaysWhatIsWrongWithItsSqlstate) {
  EXPECT_EQ(code_of([&] { db.execute("SELECT * FROM no_such_table"); }), ErrorCode::UndefinedTable);
  EXPECT_EQ(code_of([&] { db.execute("SELEC 1"); }), ErrorCode::SyntaxError);
  EXPECT_EQ(code_of([&] { db.execute("SELECT $1::int", {"x"}); }), ErrorCode::InvalidTextRepresentation);
  EXPECT_EQ(db.get_dataframe("SELECT 1::int AS one").get<std::int32_t>(0, "one"), 1) << "usable after errors";
}

TEST_F(Home, PreparedStatementsSurviveASchemaChange) {
  const auto count = [&] { return db.get_dataframe("SELECT * FROM api_bars").column_count(); };
  EXPECT_EQ(count(), 7U);
  db.execute("ALTER TABLE api_bars ADD COLUMN note text");
  EXPECT_EQ(count(), 8U);
}

TEST_F(Home, TextsMayDifferByTheirLiterals) {
  db.execute(
      "INSERT INTO api_bars SELECT s, timestamptz '2026-01-05 00:00+00' + n * interval '1 hour', n, n, date "
      "'2026-01-05' FROM unnest(ARRAY['A', 'B', 'C']) s, generate_series(0, 47) n");
  const auto text = [](const std::string& what, const std::string& symbol, int from, int to) {
    return "SELECT " + what + " FROM api_bars WHERE symbol = '" + symbol +
           "' AND volume >= " + std::to_string(from) + " AND volume < " + std::to_string(to);
  };
  for (int round = 0; round < 4; ++round) {
    for (const char* symbol : {"A", "B", "C", "none"}) {
      const bool is_there = std::string_view(symbol) != "none";
      const auto sums =
          db.get_dataframe(text("count(*) AS n, avg(close) AS mean, sum(volume)", symbol, round, 10));
      ASSERT_EQ(sums.row_count(), 1U);
      EXPECT_EQ(sums.get<std::int64_t>(0, "n"), is_there ? 10 - round : 0);
      EXPECT_EQ(sums.is_null(0, 1), !is_there);
      EXPECT_EQ(sums.columns()[1].type, "numeric");
      EXPECT_EQ(sums.columns()[2].type, "numeric");
      const auto rows = db.get_dataframe(text("*", symbol, round, 7) + " ORDER BY time");
      EXPECT_EQ(rows.row_count(), is_there ? 7U - round : 0U);
      EXPECT_EQ(rows.column_count(), 7U);
      if (is_there) {
        EXPECT_EQ(rows.get<std::int64_t>(0, "volume"), round);
      }
    }
  }
  // What a literal is not, in the words that it has.
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(
        code_of([&] {
          db.get_dataframe("SELECT close FROM api_bars WHERE time > 'day " + std::to_string(round) + "'");
        }),
        ErrorCode::InvalidDatetimeFormat);
    EXPECT_EQ(db.get_dataframe("SELECT close FROM api_bars WHERE time > '2026-01-06 2" +
                               std::to_string(round) + ":30+00' AND volume > 0")
                  .row_count(),
              3U * (3 - round));
    EXPECT_EQ(code_of([&] {
                db.get_dataframe("SELECT 1 / (volume - volume) FROM api_bars WHERE volume = " +
                                 std::to_string(round));
              }),
              ErrorCode::DivisionByZero);
  }
  // A transaction sees its own rows, and an error ends it.
  EXPECT_EQ(code_of([&] {
              db.transaction([&](Executor& executor) {
                executor.execute("DELETE FROM api_bars WHERE volume = 3");
                EXPECT_EQ(executor.get_dataframe(text("close", "A", 0, 5)).row_count(), 4U);
                EXPECT_EQ(executor.get_dataframe(text("close", "B", 0, 6)).row_count(), 5U);
                executor.get_dataframe(text("1 / (volume - volume)", "A", 0, 5));
              });
            }),
            ErrorCode::DivisionByZero);
  EXPECT_EQ(db.get_dataframe(text("close", "C", 0, 5)).row_count(), 5U);
  // The table changes between them.
  db.execute("ALTER TABLE api_bars ADD COLUMN note text DEFAULT 'new'");
  const auto wider = db.get_dataframe(text("*", "B", 1, 9) + " ORDER BY time");
  ASSERT_EQ(wider.column_count(), 8U);
  EXPECT_EQ(wider.get<std::string>(0, "note"), "new");
  db.execute("ALTER TABLE api_bars DROP COLUMN note");
  EXPECT_EQ(db.get_dataframe(text("*", "C", 1, 8) + " ORDER BY time").column_count(), 7U);
  // Whatever has parameters in it needs their values.
  EXPECT_NE(code_of([&] { db.get_dataframe("SELECT close FROM api_bars WHERE volume = $1"); }),
            ErrorCode::SuccessfulCompletion);
}

TEST_F(Home, StreamsAndCopies) {
  std::string rows;
  for (int i = 0; i < 20'000; ++i) rows += "S," + format_timestamp(Timestamp{std::chrono::seconds{i}}) + "\n";
  bool is_sent = false;
  EXPECT_EQ(db.copy_in("COPY api_bars (symbol, time) FROM STDIN (FORMAT csv)",
                       [&](std::string& chunk) {
                         chunk = rows;
                         return !std::exchange(is_sent, true);
                       }),
            20'000U);
  std::size_t parts = 0;
  std::int64_t next = 0;
  db.stream("SELECT time FROM api_bars WHERE symbol = $1 ORDER BY time", {"S"}, [&](const DataFrame& part) {
    ++parts;
    for (const auto time : part.values<Timestamp>(0))
      ASSERT_EQ(time, Timestamp{std::chrono::seconds{next++}});
  });
  EXPECT_EQ(next, 20'000);
  EXPECT_GT(parts, 1U);
  std::size_t bytes = 0;
  db.copy_out("COPY (SELECT symbol FROM api_bars) TO STDOUT",
              [&](std::string_view data) { bytes += data.size(); });
  EXPECT_EQ(bytes, 40'000U);
}

TEST_F(Home, SharesOnePoolAmongThreads) {
  std::atomic<int> next = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i)
        db.execute("INSERT INTO api_bars (symbol, time, volume) VALUES ('T', to_timestamp($1::bigint), 1)",
                   {next++});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(db.get_dataframe("SELECT count(*) FROM api_bars").get<std::int64_t>(0, 0), 320);
}

TEST_F(Home, TransactionsThatDeadlockAreDoneAgainWhole) {
  for (const char* symbol : {"A", "B"})
    db.execute("INSERT INTO api_bars (symbol, time, volume) VALUES ($1, '2026-01-05', 0)", {symbol});
  std::barrier both_hold_one(2);
  std::atomic<int> attempts = 0;
  const auto add = [&](const char* first, const char* second) {
    bool is_first_attempt = true;
    db.in_transaction([&](Executor& transaction) {
      ++attempts;
      const auto add_to = [&](const char* symbol) {
        transaction.execute("UPDATE api_bars SET volume = volume + 1 WHERE symbol = $1", {symbol});
      };
      add_to(first);
      if (std::exchange(is_first_attempt, false)) both_hold_one.arrive_and_wait();
      // Within a savepoint as well: the error ends all of it.
      transaction.in_transaction([&](Executor&) { add_to(second); }, true);
    });
  };
  std::thread other([&] { EXPECT_NO_THROW(add("B", "A")); });
  EXPECT_NO_THROW(add("A", "B"));
  other.join();
  EXPECT_GE(attempts, 3) << "one of the two is done again";
  EXPECT_THAT(db.get_dataframe("SELECT volume FROM api_bars ORDER BY symbol").values<std::int64_t>(0),
              ElementsAre(2, 2));
}

TEST_F(Home, TransactionsThatConflictAreDoneAgainWhole) {
  db.execute("INSERT INTO api_bars (symbol, time, volume) VALUES ('A', '2026-01-05', 10)");
  int attempts = 0;
  db.in_transaction([&](Executor& transaction) {
    transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    const auto volume =
        transaction.get_dataframe("SELECT volume FROM api_bars").get<std::int64_t>(0, "volume");
    if (++attempts == 1) db.execute("UPDATE api_bars SET volume = volume + 100");
    transaction.execute("UPDATE api_bars SET volume = $1", {2 * volume});
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(db.get_dataframe("SELECT volume FROM api_bars").get<std::int64_t>(0, 0), 220);
}

TEST_F(Home, SnapshotsStayAndTakeNoChanges) {
  db.execute("INSERT INTO api_bars (symbol, time) VALUES ('A', '2026-01-05')");
  db.in_snapshot([&](Executor& snapshot) {
    const auto count = [&] {
      return snapshot.get_dataframe("SELECT count(*) FROM api_bars").get<std::int64_t>(0, 0);
    };
    EXPECT_EQ(count(), 1);
    db.execute("INSERT INTO api_bars (symbol, time) VALUES ('B', '2026-01-05')");
    EXPECT_EQ(count(), 1);
  });
  EXPECT_EQ(
      code_of([&] { db.in_snapshot([](Executor& snapshot) { snapshot.execute("DELETE FROM api_bars"); }); }),
      ErrorCode::ReadOnlySqlTransaction);
  EXPECT_EQ(db.get_dataframe("SELECT count(*) FROM api_bars").get<std::int64_t>(0, 0), 2);
}

}  // namespace
}  // namespace tickstone
