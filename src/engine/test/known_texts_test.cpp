// SPDX-License-Identifier: Apache-2.0
// Texts that differ by their literals from one that a session has seen: which are run by a plan of both, and
// that they say what a prepared statement of theirs says.
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class KnownTexts : public SessionTest {
 protected:
  KnownTexts() {
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, price NUMERIC, n INTEGER, b "
        "BIGINT, d "
        "DOUBLE PRECISION, up BOOLEAN, day DATE, PRIMARY KEY (symbol, ts))");
    tag("INSERT INTO bars SELECT s, TIMESTAMPTZ '2026-01-05 00:00+00' + k * INTERVAL '1 hour', k / 8.0, k, k "
        "* "
        "10000019, k / 3.0, k % 2 = 0, DATE '2026-01-05' + k FROM unnest(ARRAY['A', 'B']) s, "
        "generate_series(0, "
        "99) k");
  }

  struct Answer {
    bool was_known = false;
    std::vector<std::string> lines;  // columns with their types, then rows; or the error
    bool operator==(const Answer& other) const { return lines == other.lines; }
  };

  static std::vector<std::string> lines_of(const CollectedResult& result) {
    std::vector<std::string> lines;
    for (const auto& column : result.columns) lines.push_back(column.name + " " + to_sql(column.type));
    for (auto& row : TestSession::joined(result)) lines.push_back(std::move(row));
    lines.push_back(result.tag);
    return lines;
  }
  Answer known(const std::string& sql) {
    Answer answer;
    CollectingSink sink(session->session().format_context());
    try {
      answer.was_known = session->session().execute_known(sql, sink);
      if (answer.was_known) answer.lines = lines_of(sink.results.at(0));
    } catch (const Error& error) {
      answer.was_known = true;
      answer.lines = {std::string(sqlstate(error.code())) + " " + error.message()};
    }
    return answer;
  }
  /// As a prepared statement of this text alone.
  Answer prepared(const std::string& sql) {
    Answer answer;
    auto& one = session->session();
    CollectingSink sink(one.format_context());
    try {
      one.parse("", sql, {});
      const auto columns = one.describe_statement("").columns;
      one.bind("", "", {});
      one.execute("", 0, sink);
      one.sync(false, sink);
      auto result = std::move(sink.results.at(0));
      result.columns = columns.value();
      answer.lines = lines_of(result);
    } catch (const Error& error) {
      one.sync(true, sink);
      answer.lines = {std::string(sqlstate(error.code())) + " " + error.message()};
    }
    return answer;
  }
};

TEST_F(KnownTexts, AreThoseOfAShapeThatWasSeen) {
  EXPECT_FALSE(known("SELECT n FROM bars WHERE symbol = 'A' AND n = 3").was_known);
  const auto second = known("select n from bars where symbol = 'B' AND n = 5");
  EXPECT_TRUE(second.was_known);
  EXPECT_THAT(second.lines, testing::ElementsAre("n integer", "5", "SELECT 1"));
  EXPECT_FALSE(known("SELECT n FROM bars WHERE symbol = 'A' AND b = 3").was_known);
  for (int i = 0; i < 3; ++i) {
    for (const char* sql :
         {"INSERT INTO bars (symbol, ts) VALUES ('C', '2026-01-05')", "SELECT 1; SELECT 2", "",
          "SELECT 'open", "SELECT n FROM bars WHERE n = $1", "DELETE FROM bars WHERE n = 3", "BEGIN",
          "WITH gone AS (DELETE FROM bars WHERE n = 3 RETURNING n) SELECT n FROM gone WHERE n = 3"}) {
      EXPECT_FALSE(known(sql).was_known) << sql;
    }
  }
  EXPECT_EQ(session->value("SELECT count(*) FROM bars"), "200");
  EXPECT_EQ(session->session().transaction_status(), TransactionStatus::Idle);
}

TEST_F(KnownTexts, SayWhatAPreparedStatementSays) {
  std::mt19937_64 random(20'260'105);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  const auto number = [&] { return std::to_string(static_cast<int>(below(120)) - 10); };
  const auto symbol = [&] { return "'" + std::string(1, static_cast<char>('A' + below(3))) + "'"; };
  const auto time = [&]() -> std::string {
    if (below(12) == 0) return "'no time'";
    return fmt::format("'2026-01-{:02} {:02}:00:00+00'", 5 + below(5), below(24));
  };
  const auto value = [&]() -> std::string {
    static const char* const kValues[] = {"3", "7.5", "'12'", "'x'", "-4", "1e2", "12345678901", "NULL"};
    return kValues[below(8)];
  };
  int known_count = 0;
  for (int i = 0; i < 1'500; ++i) {
    std::string sql;
    switch (below(8)) {
      case 0:
        sql = fmt::format("SELECT symbol, ts, price FROM bars WHERE symbol = {} AND ts >= {} ORDER BY ts",
                          symbol(), time());
        break;
      case 1:
        sql = fmt::format("SELECT count(*), avg(price), sum(b) FROM bars WHERE symbol = {} AND n < {}",
                          symbol(), number());
        break;
      case 2:
        sql = fmt::format("SELECT n FROM bars WHERE price > {} AND n IN ({}, {}) ORDER BY 1", value(),
                          number(), number());
        break;
      case 3:
        sql = fmt::format("SELECT {}, n + {} FROM bars WHERE n = {} AND symbol = 'A'", value(), value(),
                          number());
        break;
      case 4:
        sql = fmt::format("SELECT n FROM bars WHERE symbol = {} ORDER BY ts LIMIT {} OFFSET {}", symbol(),
                          below(9), below(9));
        break;
      case 5:
        sql = fmt::format("SELECT d, up FROM bars WHERE d < {} AND day = '2026-01-{:02}' ORDER BY 1, 2",
                          value(), 5 + below(9));
        break;
      case 6:
        sql = fmt::format("SELECT 1 / (n - n) FROM bars WHERE n = {}", number());
        break;
      default:
        sql = fmt::format(
            "SELECT time_bucket('1 day', ts) AS bucket, max(price) FROM bars WHERE symbol = {} AND ts "
            "BETWEEN {} AND {} GROUP BY 1 ORDER BY 1",
            symbol(), time(), time());
    }
    const auto found = known(sql);
    if (!found.was_known) continue;
    ++known_count;
    ASSERT_EQ(found.lines, prepared(sql).lines) << sql;
  }
  EXPECT_GT(known_count, 300);
}

TEST_F(KnownTexts, FollowRightsSettingsAndSchema) {
  const auto text = [](int n) {
    return "SELECT * FROM bars WHERE symbol = 'A' AND n = " + std::to_string(n);
  };
  known(text(0));
  EXPECT_EQ(known(text(1)), prepared(text(1)));
  tag("ALTER TABLE bars ADD COLUMN note TEXT DEFAULT 'new'");
  auto wider = known(text(2));
  EXPECT_TRUE(wider.was_known);
  EXPECT_EQ(wider, prepared(text(2)));
  EXPECT_EQ(wider.lines.size(), 11U);
  tag("ALTER TABLE bars DROP COLUMN note");
  EXPECT_EQ(known(text(3)).lines.size(), 10U);
  tag("SET timezone = 'Asia/Tokyo'");
  EXPECT_EQ(known(text(4)), prepared(text(4)));
  EXPECT_THAT(known(text(5)).lines.at(8), testing::HasSubstr("+09"));
  tag("CREATE USER plain");
  tag("SET ROLE plain");
  EXPECT_THAT(known(text(6)).lines, testing::ElementsAre("42501 permission denied for table bars"));
  tag("RESET ROLE");
  tag("GRANT SELECT ON bars TO plain");
  tag("SET ROLE plain");
  // Its plan could not be made, which is not tried again.
  EXPECT_FALSE(known(text(7)).was_known);
  const auto other = [](int n) { return "SELECT * FROM bars WHERE n = " + std::to_string(n); };
  known(other(0));
  EXPECT_EQ(known(other(1)).lines.size(), 11U);
  tag("RESET ROLE");
  EXPECT_EQ(known(other(2)), prepared(other(2)));
  tag("DROP TABLE bars");
  EXPECT_EQ(known(other(3)), prepared(other(3)));
  EXPECT_THAT(prepared(other(3)).lines, testing::ElementsAre("42P01 relation \"bars\" does not exist"));
}

TEST_F(KnownTexts, BelongToTheTransaction) {
  const auto text = [](int n) { return "SELECT count(*) FROM bars WHERE n >= " + std::to_string(n); };
  known(text(0));
  tag("BEGIN");
  tag("DELETE FROM bars WHERE n < 10");
  EXPECT_EQ(known(text(0)).lines.at(1), "180");
  EXPECT_EQ(session->session().transaction_status(), TransactionStatus::InBlock);
  EXPECT_EQ(known("SELECT 1 / (n - n) FROM bars WHERE n = 50").lines.size(), 0U);  // it is new
  known("SELECT 1 / (n - n) FROM bars WHERE n = 51");
  EXPECT_EQ(session->session().transaction_status(), TransactionStatus::Failed);
  EXPECT_FALSE(known(text(1)).was_known);
  tag("ROLLBACK");
  EXPECT_EQ(known(text(0)).lines.at(1), "200");
}

}  // namespace
}  // namespace tickstone::engine
