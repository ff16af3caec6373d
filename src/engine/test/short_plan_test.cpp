// SPDX-License-Identifier: Apache-2.0
// Plans that are run without DuckDB's pipelines: which those are, how much they read, and that they live
// through what plans live through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

using testing::ElementsAre;

class ShortPlan : public SessionTest {
 protected:
  ShortPlan() {
    close();
    options.store.row_group_rows = 64;
    open();
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, price NUMERIC, n INTEGER, "
        "PRIMARY KEY (symbol, ts))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    // Ten chunks, two symbols, a bar a minute.
    tag("INSERT INTO bars SELECT s, t, extract(epoch FROM t)::bigint % 1000, 1 FROM unnest(ARRAY['A', 'B']) "
        "AS s, generate_series(TIMESTAMPTZ '2026-01-05 00:00+00', TIMESTAMPTZ '2026-01-05 09:59+00', "
        "INTERVAL '1 "
        "minute') AS t");
  }

  /// What EXPLAIN says of it; `none` where it is no short plan.
  std::string short_plan(const std::string& sql) {
    for (const auto& line : rows("EXPLAIN " + sql)) {
      const auto at = line.find("Short Plan: ");
      if (at != std::string::npos) return line.substr(at + 12);
    }
    return "none";
  }
  /// The answer as the plan of a prepared statement gives it.
  std::vector<std::string> prepared(const std::string& sql,
                                    const std::vector<std::optional<std::string>>& parameters = {}) {
    return TestSession::joined(session->run_with(sql, parameters));
  }
};

TEST_F(ShortPlan, AreRecognised) {
  EXPECT_EQ(short_plan("SELECT 1"), "reads 1 rows at most");
  EXPECT_EQ(short_plan("SELECT upper('x'), now() WHERE true"), "reads 1 rows at most");
  EXPECT_EQ(short_plan("SELECT count(*) FROM bars"), "reads directories");
  EXPECT_EQ(short_plan("SELECT 1 + count(*) FROM bars"), "reads directories");
  EXPECT_EQ(short_plan("SELECT count(price) FROM bars"), "reads 1200 rows at most");
  EXPECT_EQ(short_plan("SELECT sum(price) FROM bars WHERE symbol = 'A' AND ts < '2026-01-05 02:00+00'"),
            "reads 120 rows at most");
  EXPECT_EQ(
      short_plan(
          "SELECT time_bucket('5 minutes', ts), max(price) FROM bars WHERE symbol = 'A' GROUP BY 1 ORDER "
          "BY 1 DESC LIMIT 3"),
      "reads 600 rows at most");
  EXPECT_EQ(short_plan("SELECT last(price, ts), string_agg(symbol, ',' ORDER BY ts) FROM bars WHERE n > 0"),
            "reads 1200 rows at most");
  EXPECT_EQ(short_plan("SELECT DISTINCT n FROM bars"), "reads 1200 rows at most");
  EXPECT_EQ(short_plan("SELECT price + 1 FROM bars WHERE symbol = 'B' ORDER BY ts"),
            "reads 600 rows at most");
  for (const char* sql : {"SELECT count(DISTINCT n) FROM bars", "SELECT n, row_number() OVER () FROM bars",
                          "SELECT a.n FROM bars a JOIN bars b USING (symbol, ts)",
                          "SELECT 1 UNION ALL SELECT 2", "SELECT * FROM generate_series(1, 3)"}) {
    EXPECT_EQ(short_plan(sql), "none") << sql;
  }
}

TEST_F(ShortPlan, AreLeftToDuckDbWhereTheyAreLong) {
  tag("INSERT INTO bars SELECT 'C', t, 1, 2 FROM generate_series(TIMESTAMPTZ '2026-01-05 00:00+00', "
      "TIMESTAMPTZ "
      "'2026-01-25 00:00+00', INTERVAL '1 minute') AS t");
  // Of 28,801 rows: totals, but no groups, no sort and not the rows themselves; some of them without an
  // order.
  EXPECT_EQ(short_plan("SELECT sum(price) FROM bars WHERE symbol = 'C'"), "reads 28801 rows at most");
  EXPECT_EQ(short_plan("SELECT ts, sum(price) FROM bars WHERE symbol = 'C' GROUP BY 1"), "none");
  EXPECT_EQ(short_plan("SELECT price + 1 FROM bars WHERE symbol = 'C'"), "none");
  EXPECT_EQ(short_plan("SELECT price + 1 FROM bars ORDER BY 1"), "none");
  EXPECT_EQ(rows("SELECT price + 1 AS p FROM bars LIMIT 2 OFFSET 1").size(), 2U);
  EXPECT_NE(short_plan("SELECT price + 1 AS p FROM bars LIMIT 2 OFFSET 1"), "none");
  // More groups than one vector has: nothing was sent, and DuckDB begins anew.
  const std::string many =
      "SELECT ts, count(*) FROM bars WHERE symbol = 'C' AND ts < '2026-01-10' GROUP BY ts";
  EXPECT_EQ(short_plan(many), "reads 7200 rows at most");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(prepared(many).size(), 7200U);
  // Computed once though it was begun.
  tag("CREATE SEQUENCE calls");
  EXPECT_EQ(
      prepared(
          "SELECT nextval('calls'), count(*) FROM bars WHERE symbol = 'C' AND ts < '2026-01-10' GROUP BY 1")
          .size(),
      7200U);
  EXPECT_EQ(value("SELECT last_value FROM calls"), "7200");
}

TEST_F(ShortPlan, CountWhatIsThere) {
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    EXPECT_THAT(prepared("SELECT count(*), count(*) + 1 FROM bars"), ElementsAre("1200|1201"));
    tag("BEGIN");
    tag("DELETE FROM bars WHERE symbol = 'A' AND ts < '2026-01-05 01:00+00'");
    tag("INSERT INTO bars VALUES ('D', '2027-01-01', 1, 1), ('D', '2027-01-02', 1, 1)");
    tag("INSERT INTO bars VALUES ('B', '2026-01-05 00:00+00', 5, 5) ON CONFLICT (symbol, ts) DO UPDATE SET n "
        "= 7");
    EXPECT_THAT(prepared("SELECT count(*) FROM bars"), ElementsAre("1142"));
    TestSession other(database(), 2);
    EXPECT_THAT(TestSession::joined(other.run_with("SELECT count(*) FROM bars", {})), ElementsAre("1200"));
    tag("ROLLBACK");
    EXPECT_THAT(prepared("SELECT count(*) FROM bars"), ElementsAre("1200"));
  }
  tag("DELETE FROM bars WHERE n = 1 AND symbol = 'A'");
  EXPECT_THAT(prepared("SELECT count(*) FROM bars"), ElementsAre("600"));
  tag("CREATE TABLE none (x INTEGER)");
  EXPECT_THAT(prepared("SELECT count(*) FROM none"), ElementsAre("0"));
  EXPECT_THAT(prepared("SELECT count(*), sum(x), max(x) FROM none"), ElementsAre("0|null|null"));
  EXPECT_THAT(prepared("SELECT x, count(*) FROM none GROUP BY x ORDER BY x"), ElementsAre());
  EXPECT_THAT(prepared("SELECT count(*) FROM none HAVING count(*) > 0"), ElementsAre());
}

TEST_F(ShortPlan, KnowTheEndsOfTime) {
  const std::string ends = "SELECT min(ts), max(ts), count(*), max(ts) - min(ts) FROM bars";
  EXPECT_EQ(short_plan(ends), "reads directories");
  EXPECT_EQ(short_plan("SELECT max(ts) FROM bars"), "reads directories");
  EXPECT_EQ(short_plan("SELECT max(ts), max(n) FROM bars"), "reads 1200 rows at most");
  EXPECT_EQ(short_plan("SELECT max(ts) FILTER (WHERE n > 0) FROM bars"), "reads 1200 rows at most");
  EXPECT_EQ(short_plan("SELECT max(ts) FROM bars WHERE ts < '2026-01-05 02:00+00' AND n > 0"),
            "reads 240 rows at most");
  // Of the series that are asked for, one row at each end.
  EXPECT_EQ(short_plan("SELECT min(ts), max(ts) FROM bars WHERE symbol = 'A'"), "reads 2 rows at most");
  EXPECT_EQ(short_plan("SELECT symbol, first(price, ts), last(price, ts) FROM bars GROUP BY symbol"),
            "reads 4 rows at most");
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    EXPECT_THAT(
        prepared(
            "SELECT min(ts), max(ts), first(price, ts), last(price, ts) FROM bars WHERE symbol = 'A' AND ts "
            "> '2026-01-05 00:10+00' AND ts < '2026-01-05 08:20+00'"),
        ElementsAre("2026-01-05 00:11:00+00|2026-01-05 08:19:00+00|860|140"));
    EXPECT_THAT(prepared(ends), ElementsAre("2026-01-05 00:00:00+00|2026-01-05 09:59:00+00|1200|09:59:00"));
    tag("BEGIN");
    tag("DELETE FROM bars WHERE ts > '2026-01-05 08:30+00' OR ts = '2026-01-05 00:00+00'");
    tag("INSERT INTO bars VALUES ('D', '2020-01-01', 1, 1)");
    EXPECT_THAT(prepared("SELECT min(ts), max(ts), count(*) FROM bars"),
                ElementsAre("2020-01-01 00:00:00+00|2026-01-05 08:30:00+00|1021"));
    tag("ROLLBACK");
  }
  tag("DELETE FROM bars WHERE ts > '2026-01-05 08:30+00' OR ts < '2026-01-05 00:30+00'");
  EXPECT_THAT(prepared(ends), ElementsAre("2026-01-05 00:30:00+00|2026-01-05 08:30:00+00|962|08:00:00"));
  tag("DELETE FROM bars");
  EXPECT_THAT(prepared(ends), ElementsAre("null|null|0|null"));
  tag("CREATE TABLE days (d DATE NOT NULL, x INTEGER)");
  tag("SELECT create_hypertable('days', 'd')");
  tag("INSERT INTO days VALUES ('2026-01-05', 1), ('2025-01-05', 2), ('2027-05-05', NULL)");
  EXPECT_EQ(short_plan("SELECT min(d), max(d) FROM days"), "reads directories");
  EXPECT_THAT(prepared("SELECT min(d), max(d), count(*) FROM days"), ElementsAre("2025-01-05|2027-05-05|3"));
}

TEST_F(ShortPlan, TakeParametersOfAllKinds) {
  EXPECT_THAT(prepared("SELECT $1::int, $2::text || '!', $1 IS NULL", {"7", "x"}), ElementsAre("7|x!|f"));
  EXPECT_THAT(prepared("SELECT $1::int, $2::text || '!', $1 IS NULL", {std::nullopt, std::nullopt}),
              ElementsAre("null|null|t"));
  const std::string bars =
      "SELECT time_bucket($1::interval, ts), count(*) FROM bars WHERE symbol = $2 GROUP BY 1 ORDER BY 1 "
      "LIMIT $3 "
      "OFFSET $4";
  EXPECT_THAT(prepared(bars, {"1 hour", "A", "2", "1"}),
              ElementsAre("2026-01-05 01:00:00+00|60", "2026-01-05 02:00:00+00|60"));
  EXPECT_EQ(prepared(bars, {"1 hour", "A", std::nullopt, std::nullopt}).size(), 10U);
  EXPECT_EQ(prepared(bars, {"1 hour", "A", "0", "0"}).size(), 0U);
  const auto error_of = [&](const std::string& limit, const std::string& offset) {
    try {
      prepared(bars, {"1 hour", "none", limit, offset});
    } catch (const Error& error) {
      return std::string(sqlstate(error.code())) + " " + error.message();
    }
    return std::string("none");
  };
  EXPECT_EQ(error_of("-1", "0"), "2201W LIMIT must not be negative");
  EXPECT_EQ(error_of("1", "-1"), "2201X OFFSET must not be negative");
  // Equal and not the same: each is itself.
  EXPECT_THAT(prepared("SELECT $1::interval, $2::interval, max($1::interval) FROM bars WHERE n > $3",
                       {"36 hours", "1 day 12:00:00", "0"}),
              ElementsAre("36:00:00|1 day 12:00:00|36:00:00"));
}

TEST_F(ShortPlan, KnowTheTimeAndTheZoneOfNow) {
  tag("BEGIN");
  const std::string now = value("SELECT now()");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(value("SELECT now()"), now);
  tag("COMMIT");
  EXPECT_EQ(value("SELECT count(*) FROM bars WHERE ts > now() - INTERVAL '1000 years' AND n > 0"), "1200");
  const std::string first = "SELECT min(ts) AS oldest FROM bars WHERE n = 1";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(value(first), "2026-01-05 00:00:00+00");
  tag("SET TimeZone = 'Asia/Tokyo'");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(value(first), "2026-01-05 09:00:00+09");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(value("SELECT date_trunc('day', min(ts)) FROM bars"), "2026-01-05 00:00:00+09");
  tag("SET DateStyle = 'German'");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(value("SELECT min(ts)::text FROM bars"), "05.01.2026 09:00:00 JST");
}

TEST_F(ShortPlan, FollowTheTable) {
  const std::string sum = "SELECT sum(n), max(price) FROM bars WHERE symbol = 'A'";
  for (int i = 0; i < 3; ++i) EXPECT_THAT(rows(sum), ElementsAre("600|980"));
  tag("INSERT INTO bars VALUES ('A', '2026-01-05 10:00+00', 1000.000000000001, 2)");
  EXPECT_THAT(rows(sum), ElementsAre("602|1000.000000000001"));
  tag("ALTER TABLE bars ALTER COLUMN n TYPE BIGINT");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(rows(sum), ElementsAre("602|1000.000000000001"));
  tag("DROP TABLE bars");
  EXPECT_EQ(error_text(sum), "42P01 relation \"bars\" does not exist");
}

TEST_F(ShortPlan, ErrorsAreThoseOfDuckDbsPipelines) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(error_text("SELECT sum(1 / (n - 1)) FROM bars WHERE symbol = 'A'"), "22012 division by zero");
    EXPECT_EQ(error_text("SELECT n + 2147483647 FROM bars WHERE symbol = 'A'"), "22003 integer out of range");
    EXPECT_EQ(error_text("SELECT 1 / 0"), "22012 division by zero");
    EXPECT_EQ(value("SELECT 1"), "1");
  }
  EXPECT_THROW(prepared("SELECT $1::int / $2::int", {"1", "0"}), Error);
  EXPECT_THAT(prepared("SELECT $1::int / $2::int", {"6", "3"}), ElementsAre("2"));
  // Past 38 digits.
  EXPECT_EQ(
      value("SELECT sum(price * 99999999999999999999999999999999999) FROM bars WHERE symbol = 'A' AND ts < "
            "'2026-01-05 00:03+00' AND n = 1"),
      value("SELECT (200 + 260 + 320) * 99999999999999999999999999999999999::numeric"));
}

TEST_F(ShortPlan, PortalsGoOnWhereTheyWere) {
  auto& client = session->session();
  CollectingSink sink;
  tag("BEGIN");
  client.parse("a", "SELECT n * 2, ts FROM bars WHERE symbol = $1 ORDER BY ts", {});
  client.bind("a", "a", {Value::of_text("B")});
  EXPECT_EQ(client.execute("a", 500, sink), Session::ExecuteOutcome::Suspended);
  // The same statement again, and another one, while it is open.
  client.bind("b", "a", {Value::of_text("A")});
  EXPECT_EQ(client.execute("b", 10, sink), Session::ExecuteOutcome::Suspended);
  EXPECT_EQ(value("SELECT count(*) FROM bars"), "1200");
  tag("DELETE FROM bars");
  EXPECT_EQ(client.execute("a", 500, sink), Session::ExecuteOutcome::Complete);
  EXPECT_EQ(client.execute("b", 0, sink), Session::ExecuteOutcome::Complete);
  client.sync(false, sink);
  EXPECT_EQ(sink.results.back().rows.size(), 590U);
  tag("ROLLBACK");
  // One that DuckDB runs is open while a short one is asked for.
  tag("BEGIN");
  tag("DECLARE c CURSOR FOR SELECT row_number() OVER (ORDER BY ts), ts FROM bars UNION ALL SELECT n, ts FROM "
      "bars");
  EXPECT_EQ(rows("FETCH 10 FROM c").size(), 10U);
  EXPECT_THAT(prepared("SELECT count(*), max(n) FROM bars"), ElementsAre("1200|1"));
  tag("DELETE FROM bars");
  EXPECT_THAT(prepared("SELECT count(*), max(n) FROM bars"), ElementsAre("0|null"));
  EXPECT_EQ(rows("FETCH 5000 FROM c").size(), 2390U);
  tag("COMMIT");
}

TEST_F(ShortPlan, RightsAndRowsOfOthersStayAsTheyAre) {
  tag("CREATE ROLE reader LOGIN");
  const std::string sum = "SELECT sum(n) FROM bars WHERE symbol = 'A'";
  EXPECT_THAT(prepared(sum), ElementsAre("600"));
  tag("SET ROLE reader");
  EXPECT_THROW(prepared(sum), Error);
  EXPECT_EQ(error_text("SELECT count(*) FROM bars"), "42501 permission denied for table bars");
  tag("RESET ROLE");
  EXPECT_THAT(prepared(sum), ElementsAre("600"));
}

TEST_F(ShortPlan, ViewsAndAggregatesOverThemAnswerToo) {
  tag("CREATE VIEW a_bars AS SELECT ts, price, n FROM bars WHERE symbol = 'A'");
  EXPECT_EQ(short_plan("SELECT max(ts), sum(n) FROM a_bars WHERE ts < '2026-01-05 01:00+00'"),
            "reads 60 rows at most");
  EXPECT_THAT(prepared("SELECT max(ts), sum(n) FROM a_bars WHERE ts < '2026-01-05 01:00+00'"),
              ElementsAre("2026-01-05 00:59:00+00|60"));
  EXPECT_THAT(prepared("SELECT name, setting FROM pg_settings WHERE name = 'TimeZone'"),
              ElementsAre("TimeZone|UTC"));
}

}  // namespace
}  // namespace tickstone::engine
