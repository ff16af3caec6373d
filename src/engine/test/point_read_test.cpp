// SPDX-License-Identifier: Apache-2.0
// Point reads: which queries are some, what they read, and that they live through what plans live through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class PointRead : public SessionTest {
 protected:
  PointRead() {
    close();
    options.store.row_group_rows = 64;
    open();
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, price NUMERIC, n INTEGER, "
        "PRIMARY KEY (symbol, ts))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    // Ten chunks, two symbols, a bar a minute.
    tag("INSERT INTO bars SELECT s, t, extract(epoch FROM t)::bigint % 1000, 1 FROM unnest(ARRAY['A', 'B']) "
        "AS s, "
        "generate_series(TIMESTAMPTZ '2026-01-05 00:00+00', TIMESTAMPTZ '2026-01-05 09:59+00', INTERVAL '1 "
        "minute') "
        "AS t");
  }

  std::vector<std::string> explained(const std::string& sql) { return rows("EXPLAIN " + sql); }
  std::string first_line(const std::string& sql) { return explained(sql).front(); }
  /// What follows `label: ` in the plan.
  std::string shown(const std::vector<std::string>& lines, const std::string& label) {
    for (const auto& line : lines) {
      const auto at = line.find(label + ": ");
      if (at != std::string::npos && line.find_first_not_of(' ') == at)
        return line.substr(at + label.size() + 2);
    }
    return "(no " + label + ")";
  }
};

constexpr const char* kPointRead = "Point Read on public.bars";

TEST_F(PointRead, AreRecognised) {
  for (const char* sql :
       {"SELECT * FROM bars WHERE symbol = 'A' ORDER BY ts DESC LIMIT 1",
        "SELECT b.price AS p, ts FROM public.bars AS b WHERE b.symbol = 'A' AND ts > now() LIMIT 3",
        "SELECT price FROM bars WHERE 'A' = symbol AND ts = '2026-01-05 01:00+00'",
        "SELECT ts FROM bars WHERE symbol IN ('A', 'B') AND n >= 1 ORDER BY 1 DESC, symbol LIMIT 5",
        "SELECT ts FROM bars WHERE symbol = 'A' ORDER BY ts"}) {
    EXPECT_EQ(first_line(sql), kPointRead) << sql;
  }
  for (const char* sql :
       {"SELECT count(*) FROM bars WHERE symbol = 'A'", "SELECT price + 1 FROM bars WHERE symbol = 'A'",
        "SELECT * FROM bars ORDER BY ts DESC LIMIT 1", "SELECT * FROM bars WHERE symbol <> 'A' LIMIT 1",
        "SELECT DISTINCT n FROM bars WHERE symbol = 'A'", "SELECT * FROM bars WHERE symbol = 'A' OR n = 1",
        "SELECT * FROM bars WHERE symbol = 'A' AND ts > 'yesterday'",
        "SELECT * FROM bars WHERE symbol = 'A' ORDER BY price LIMIT 20000",
        "SELECT * FROM bars WHERE symbol = lower('A')",
        "SELECT * FROM bars, bars b WHERE bars.symbol = 'A' LIMIT 1"}) {
    EXPECT_THAT(first_line(sql), Not(StartsWith("Point Read"))) << sql;
  }
}

TEST_F(PointRead, OfOneSymbolInAContinuousAggregateThatGroupsByIt) {
  tag("CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous) AS SELECT time_bucket('1 hour', ts) AS "
      "hour, "
      "symbol AS ticker, last(symbol, ts) AS seen, max(price) AS high FROM bars GROUP BY ticker, 1");
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    EXPECT_EQ(first_line("SELECT * FROM hourly WHERE ticker = 'A' ORDER BY hour DESC LIMIT 1"),
              "Point Read on public.hourly");
    EXPECT_THAT(first_line("SELECT * FROM hourly WHERE seen = 'A' ORDER BY hour DESC LIMIT 1"),
                Not(StartsWith("Point Read")));
    EXPECT_THAT(rows("SELECT hour, high FROM hourly WHERE ticker = 'A' ORDER BY hour DESC LIMIT 1"),
                ElementsAre("2026-01-05 09:00:00+00|980"));
  }
}

TEST_F(PointRead, TakeTheFirstRowOfEachOfSomeValues) {
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    const std::string newest =
        "SELECT DISTINCT ON (symbol) symbol, ts FROM bars WHERE symbol IN ('B', 'A', 'C', 'A') ORDER BY "
        "symbol "
        "DESC, ts DESC";
    EXPECT_THAT(explained(newest),
                ElementsAre(kPointRead, "  Conditions: symbol IN ('B', 'A', 'C', 'A')",
                            "  Order: symbol DESC, ts DESC", "  One Row of Each: 3 reads"));
    EXPECT_THAT(rows(newest), ElementsAre("B|2026-01-05 09:59:00+00", "A|2026-01-05 09:59:00+00"));
    EXPECT_THAT(
        session->rows("SELECT DISTINCT ON (symbol) ts, symbol FROM bars WHERE symbol IN ('A', 'B') AND ts "
                      "< '2026-01-05 05:00+00' AND n = 1 ORDER BY symbol, ts DESC"),
        ElementsAre("2026-01-05 04:59:00+00|A", "2026-01-05 04:59:00+00|B"));
  }
  for (const char* sql :
       {"SELECT DISTINCT ON (symbol) symbol, ts FROM bars WHERE symbol IN ('A', 'B')",
        "SELECT DISTINCT ON (symbol) symbol, ts FROM bars WHERE symbol <> 'A' ORDER BY symbol, ts DESC",
        "SELECT DISTINCT ON (symbol) symbol, ts FROM bars WHERE symbol IN ('A', 'B') ORDER BY symbol, price",
        "SELECT DISTINCT ON (symbol) ts FROM bars WHERE symbol IN ('A', 'B') ORDER BY symbol, ts DESC LIMIT "
        "1",
        "SELECT DISTINCT ON (ts) ts FROM bars WHERE symbol IN ('A', 'B') ORDER BY ts DESC, symbol",
        "SELECT DISTINCT symbol FROM bars WHERE symbol IN ('A', 'B') ORDER BY symbol"}) {
    EXPECT_THAT(first_line(sql), Not(StartsWith("Point Read"))) << sql;
  }
}

TEST_F(PointRead, TakeArraysOfValuesAndOfKeys) {
  const auto with = [&](const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
    return TestSession::joined(session->run_with(sql, parameters));
  };
  const std::string newest =
      "SELECT DISTINCT ON (symbol) symbol, ts FROM bars WHERE symbol = ANY($1) AND ts >= $2 ORDER BY symbol, "
      "ts "
      "DESC";
  const std::string keys =
      "SELECT symbol, ts, n FROM bars WHERE (ts, symbol) IN (SELECT * FROM unnest($1::timestamptz[], "
      "$2::text[]))";
  const std::string times =
      R"({"2026-01-05 03:00+00","2026-01-05 07:00+00","2026-01-06+00",NULL,"2026-01-05+00"})";
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    EXPECT_EQ(with("EXPLAIN " + newest, {"{A,B,NULL,A}", "2026-01-05"}).back(), "  One Row of Each: 2 reads");
    EXPECT_THAT(with(newest, {"{B,NULL,A,C}", "2026-01-05"}),
                ElementsAre("A|2026-01-05 09:59:00+00", "B|2026-01-05 09:59:00+00"));
    EXPECT_THAT(with(newest, {"{A}", "2026-01-06"}), testing::IsEmpty());
    EXPECT_THAT(with(newest, {"{}", "2026-01-05"}), testing::IsEmpty());
    EXPECT_THAT(with(newest, {std::nullopt, "2026-01-05"}), testing::IsEmpty());
    EXPECT_THAT(with("SELECT ts FROM bars WHERE symbol = ANY($1) AND ts = $2", {"{A,B}", "2026-01-05"}),
                ElementsAre("2026-01-05 00:00:00+00", "2026-01-05 00:00:00+00"));

    // A key that is not there, one that has no time, one that stands twice and one array that is shorter.
    EXPECT_EQ(with("EXPLAIN " + keys, {times, "{A,B,A,A}"}).back(), "  By primary key: 3 keys");
    EXPECT_THAT(with(keys, {times, "{A,B,A,A}"}),
                testing::UnorderedElementsAre("A|2026-01-05 03:00:00+00|1", "B|2026-01-05 07:00:00+00|1"));
    EXPECT_THAT(with(keys, {R"({"2026-01-05+00","2026-01-05+00"})", "{A,A}"}), testing::SizeIs(1));
    EXPECT_THAT(with(keys, {"{}", "{}"}), testing::IsEmpty());
    EXPECT_THAT(with(keys, {std::nullopt, "{A}"}), testing::IsEmpty());
  }
  // More than one batch of keys, in the order asked for, and a transaction's own rows.
  std::string all, symbols;
  for (int i = 0; i < 3000; ++i) {
    all += (i == 0 ? "{" : ",") + std::string("\"2026-01-05 00:00+00\"");
    symbols += (i == 0 ? "{" : ",") + std::string(i == 2999 ? "A" : "X" + std::to_string(i));
  }
  EXPECT_THAT(with(keys + " ORDER BY ts", {all + "}", symbols + "}"}),
              ElementsAre("A|2026-01-05 00:00:00+00|1"));
  tag("BEGIN");
  tag("UPDATE bars SET n = 7 WHERE symbol = 'B'");
  tag("DELETE FROM bars WHERE symbol = 'A' AND ts >= '2026-01-05 05:00+00'");
  EXPECT_THAT(with(keys, {times, "{A,B}"}),
              testing::UnorderedElementsAre("A|2026-01-05 03:00:00+00|1", "B|2026-01-05 07:00:00+00|7"));
  EXPECT_THAT(with(newest, {"{A,B}", "2026-01-05"}),
              ElementsAre("A|2026-01-05 04:59:00+00", "B|2026-01-05 09:59:00+00"));
  tag("ROLLBACK");
}

TEST_F(PointRead, LookUpKeysOfPlainTables) {
  tag("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)");
  tag("INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 500) AS i");
  const std::string sql = "SELECT name FROM items WHERE id = ANY($1) AND name <> 'n3'";
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    EXPECT_EQ(TestSession::joined(session->run_with("EXPLAIN " + sql, {"{1,3,501,1}"})).back(),
              "  By primary key: 3 keys");
    EXPECT_THAT(TestSession::joined(session->run_with(sql, {"{1,3,501,1,NULL}"})), ElementsAre("n1"));
    // Numbers that no row can have.
    EXPECT_THAT(TestSession::joined(session->run_with("SELECT name FROM items WHERE id = ANY($1::bigint[])",
                                                      {"{99999999999,7}"})),
                ElementsAre("n7"));
  }
}

TEST_F(PointRead, ExplainNamesTheChunksThatAreRead) {
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    const std::string range = "ts >= '2026-01-05 03:10+00' AND ts < '2026-01-05 05:00+00'";
    const auto chunks = rows(
        "SELECT chunk_name FROM timescaledb_information.chunks WHERE hypertable_name = 'bars' AND "
        "range_start IN ('2026-01-05 03:00+00', '2026-01-05 04:00+00') ORDER BY range_start");
    ASSERT_EQ(chunks.size(), 2U);
    // As a point read, and by DuckDB.
    for (const std::string& sql : {"SELECT price FROM bars WHERE symbol = 'A' AND " + range,
                                   "SELECT sum(price) FROM bars WHERE symbol = 'A' AND " + range}) {
      const auto lines = explained(sql);
      EXPECT_EQ(shown(lines, "Chunks"), "2 of 10") << sql;
      EXPECT_EQ(shown(lines, "Chunk Names"), chunks[0] + ", " + chunks[1]) << sql;
      EXPECT_EQ(shown(lines, "Row Groups"), is_sealed ? "2 of 4" : "0 of 0") << sql;
      EXPECT_EQ(shown(lines, "Open Rows"), is_sealed ? "0" : "120") << sql;
      const auto run = explained("ANALYZE " + sql);
      EXPECT_EQ(shown(run, "Chunks Read"), "2 of 10") << sql;
    }
    // With parameters.
    for (const std::string target : {"price", "sum(price)"}) {
      const auto lines = TestSession::joined(session->run_with(
          "EXPLAIN SELECT " + target + " FROM bars WHERE symbol = $1 AND ts >= $2 AND ts < $3",
          {"A", "2026-01-05 03:10+00", "2026-01-05 05:00+00"}));
      EXPECT_EQ(shown(lines, "Chunks"), "2 of 10") << target;
    }
  }
}

TEST_F(PointRead, TheNewestRowIsInTheNewestChunk) {
  for (const bool is_sealed : {false, true}) {
    if (is_sealed) tag("CHECKPOINT");
    const auto lines = explained("ANALYZE SELECT * FROM bars WHERE symbol = 'B' ORDER BY ts DESC LIMIT 2");
    EXPECT_THAT(lines.front(), StartsWith("Point Read on public.bars (actual rows=2, "));
    EXPECT_EQ(shown(lines, "Chunks Read"), "1 of 10");
    EXPECT_EQ(shown(lines, "Row Groups Read"), is_sealed ? "1 of 2" : "0 of 0");
    if (is_sealed) {
      EXPECT_THAT(shown(lines, "Blocks Read"), MatchesRegex("[1-9] \\([1-9][0-9]+ bytes\\)"));
    } else {
      EXPECT_EQ(shown(lines, "Blocks Read"), "0 (0 bytes)");
    }
    EXPECT_THAT(rows("SELECT symbol, ts FROM bars WHERE symbol = 'B' ORDER BY ts DESC LIMIT 2"),
                ElementsAre("B|2026-01-05 09:59:00+00", "B|2026-01-05 09:58:00+00"));
    // DuckDB's Top-N follows the same order.
    const auto general = explained("ANALYZE SELECT ts FROM bars ORDER BY ts DESC LIMIT 2");
    EXPECT_EQ(shown(general, "Chunks Read"), "1 of 10");
  }
}

TEST_F(PointRead, ParametersHaveTheTypesOfTheirColumns) {
  const std::string sql =
      "SELECT n, price FROM bars WHERE symbol = $1 AND ts <= $2 AND n = $3 ORDER BY ts DESC LIMIT $4";
  auto& client = session->session();
  client.parse("s", sql, {});
  const auto description = client.describe_statement("s");
  CollectingSink sink;
  client.sync(false, sink);
  EXPECT_THAT(description.parameter_types,
              ElementsAre(SqlType::of(TypeId::Text), SqlType::of(TypeId::TimestampTz),
                          SqlType::of(TypeId::Integer), SqlType::of(TypeId::BigInt)));
  ASSERT_TRUE(description.columns);
  EXPECT_EQ(description.columns->at(1).name, "price");
  EXPECT_EQ(description.columns->at(1).type, SqlType::of(TypeId::Numeric));
  EXPECT_THAT(TestSession::joined(session->run_with(sql, {"A", "2026-01-05 00:00:30+00", "1", "5"})),
              ElementsAre("1|200"));
  EXPECT_THAT(TestSession::joined(session->run_with(sql, {"A", std::nullopt, "1", "5"})), ElementsAre());
  EXPECT_EQ(session->run_with(sql, {"A", "2026-01-05 00:02:00+00", "1", std::nullopt}).rows.size(), 3U);
  EXPECT_THROW(session->run_with(sql, {"A", "2026-01-05 00:02:00+00", "1", "-1"}), Error);
}

TEST_F(PointRead, ErrorsAreThoseOfTheGeneralWay) {
  EXPECT_EQ(error_text("SELECT * FROM bars WHERE symbol = 'A' AND ts = 'soon'"),
            "22007 invalid input syntax for type timestamp with time zone: \"soon\"");
  EXPECT_EQ(error_text("SELECT * FROM bars WHERE symbol = 'A' AND n = 'x'"),
            "22P02 invalid input syntax for type integer: \"x\"");
  EXPECT_EQ(error_text("SELECT * FROM bars WHERE symbol = 5"),
            "42883 operator does not exist: text = integer");
  EXPECT_EQ(error_text("SELECT nope FROM bars WHERE symbol = 'A'"), "42703 column \"nope\" does not exist");
  EXPECT_EQ(error_text("SELECT * FROM bars WHERE symbol = 'A' ORDER BY 9"),
            "42P10 ORDER BY position 9 is not in select list");
}

TEST_F(PointRead, PlansFollowTheTable) {
  const std::string sql = "SELECT * FROM bars WHERE symbol = 'A' ORDER BY ts DESC LIMIT 1";
  for (int i = 0; i < 3; ++i) EXPECT_THAT(rows(sql), ElementsAre("A|2026-01-05 09:59:00+00|140|1"));
  tag("INSERT INTO bars VALUES ('A', '2026-01-05 10:00+00', 0.000000000001, 2)");
  EXPECT_THAT(rows(sql), ElementsAre("A|2026-01-05 10:00:00+00|0.000000000001|2"));
  tag("ALTER TABLE bars ADD COLUMN note TEXT DEFAULT 'new'");
  EXPECT_THAT(rows(sql), ElementsAre("A|2026-01-05 10:00:00+00|0.000000000001|2|new"));
  tag("ALTER TABLE bars DROP COLUMN n");
  EXPECT_THAT(rows(sql), ElementsAre("A|2026-01-05 10:00:00+00|0.000000000001|new"));
  tag("SET TimeZone = 'America/New_York'");
  EXPECT_THAT(rows(sql), ElementsAre("A|2026-01-05 05:00:00-05|0.000000000001|new"));
  EXPECT_EQ(value("SELECT ts FROM bars WHERE symbol = 'A' AND ts = '2026-01-05 05:00' LIMIT 1"),
            "2026-01-05 05:00:00-05");
  tag("DELETE FROM bars WHERE symbol = 'A' AND ts > '2026-01-05 00:00:30+00'");
  EXPECT_THAT(rows(sql), ElementsAre("A|2026-01-04 19:00:00-05|200|new"));
  tag("DROP TABLE bars");
  EXPECT_EQ(error_text(sql), "42P01 relation \"bars\" does not exist");
}

TEST_F(PointRead, SeesItsTransactionAlone) {
  TestSession other(database(), 2);
  const std::string sql = "SELECT n FROM bars WHERE symbol = 'A' ORDER BY ts DESC LIMIT 1";
  tag("BEGIN");
  tag("INSERT INTO bars VALUES ('A', '2026-01-05 10:00+00', 1, 2)");
  EXPECT_EQ(value(sql), "2");
  EXPECT_EQ(other.value(sql), "1");
  other.tag("INSERT INTO bars VALUES ('A', '2026-01-05 11:00+00', 1, 3)");
  EXPECT_EQ(value(sql), "3");
  tag("ROLLBACK");
  tag("BEGIN ISOLATION LEVEL REPEATABLE READ");
  EXPECT_EQ(value(sql), "3");
  other.tag("INSERT INTO bars VALUES ('A', '2026-01-05 12:00+00', 1, 4)");
  EXPECT_EQ(value(sql), "3");
  tag("COMMIT");
  EXPECT_EQ(value(sql), "4");
}

TEST_F(PointRead, PortalsAndCursorsGoOnWhereTheyWere) {
  tag("BEGIN");
  tag("DECLARE c CURSOR FOR SELECT ts FROM bars WHERE symbol = 'A' ORDER BY ts DESC LIMIT 100");
  EXPECT_THAT(rows("FETCH 2 FROM c"), ElementsAre("2026-01-05 09:59:00+00", "2026-01-05 09:58:00+00"));
  EXPECT_EQ(value("SELECT count(*) FROM bars"), "1200");
  tag("DELETE FROM bars");
  EXPECT_THAT(rows("FETCH 1 FROM c"), ElementsAre("2026-01-05 09:57:00+00"));
  EXPECT_EQ(rows("FETCH 1000 FROM c").size(), 97U);
  tag("ROLLBACK");
  auto& client = session->session();
  client.parse("", "SELECT ts FROM bars WHERE symbol = $1", {});
  client.bind("", "", {Value::of_text("B")});
  CollectingSink sink;
  EXPECT_EQ(client.execute("", 500, sink), Session::ExecuteOutcome::Suspended);
  EXPECT_EQ(client.execute("", 500, sink), Session::ExecuteOutcome::Complete);
  client.sync(false, sink);
  EXPECT_EQ(sink.results.back().rows.size(), 600U);
}

TEST_F(PointRead, ViewsAndTemporaryTablesAnswerToo) {
  tag("CREATE VIEW a_bars AS SELECT symbol, ts, n FROM bars WHERE n = 1");
  EXPECT_EQ(value("SELECT ts FROM a_bars WHERE symbol = 'A' ORDER BY ts DESC LIMIT 1"),
            "2026-01-05 09:59:00+00");
  tag("CREATE TEMP TABLE bars (symbol TEXT PRIMARY KEY, n INTEGER)");
  tag("INSERT INTO bars VALUES ('A', 7)");
  EXPECT_EQ(value("SELECT n FROM bars WHERE symbol = 'A'"), "7");
  EXPECT_THAT(explained("SELECT n FROM bars WHERE symbol = 'A'"), Contains("  By primary key"));
  EXPECT_EQ(first_line("SELECT n FROM public.bars WHERE symbol = 'A'"), kPointRead);
}

class HandedPlans : public PointRead {
 protected:
  /// A session that ends after one query.
  std::vector<std::string> by_itself(const std::string& sql, const std::string& first = "") {
    TestSession other(database(), next_pid_++);
    if (!first.empty()) other.run(first);
    return other.rows(sql);
  }
  std::int32_t next_pid_ = 10;
};

TEST_F(HandedPlans, SeeTheDataAndTheTablesOfNow) {
  for (const char* sql : {"SELECT n FROM bars WHERE symbol = 'A' ORDER BY ts DESC LIMIT 1",
                          "SELECT last(n, ts) FROM bars WHERE symbol = 'A'"}) {
    for (int i = 0; i < 4; ++i) EXPECT_THAT(by_itself(sql), ElementsAre("1")) << sql;
    tag("INSERT INTO bars VALUES ('A', '2026-01-05 10:00+00', 1, 2)");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(by_itself(sql), ElementsAre("2")) << sql;
    tag("ALTER TABLE bars RENAME COLUMN n TO m");
    tag("ALTER TABLE bars ADD COLUMN n TEXT DEFAULT 'new'");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(by_itself(sql), ElementsAre("new")) << sql;
    tag("ALTER TABLE bars DROP COLUMN n");
    tag("ALTER TABLE bars RENAME COLUMN m TO n");
    tag("DELETE FROM bars WHERE ts >= '2026-01-05 10:00+00'");
  }
}

TEST_F(HandedPlans, BelongToSessionsWithTheSameSettings) {
  tag("CREATE SCHEMA other");
  tag("CREATE TABLE other.bars (symbol TEXT PRIMARY KEY, ts TIMESTAMPTZ, n INTEGER)");
  tag("INSERT INTO other.bars VALUES ('A', '2026-01-05 00:00+00', 7)");
  const std::string sql = "SELECT n FROM bars WHERE symbol = 'A' ORDER BY ts DESC LIMIT 1";
  const std::string general = "SELECT max(n) FROM bars WHERE symbol = 'A'";
  for (int i = 0; i < 4; ++i) {
    for (const auto& text : {sql, general}) {
      EXPECT_THAT(by_itself(text), ElementsAre("1"));
      EXPECT_THAT(by_itself(text, "SET search_path = other"), ElementsAre("7"));
      EXPECT_THAT(by_itself(text, "CREATE TEMP TABLE bars AS SELECT 'A' AS symbol, now() AS ts, 9 AS n"),
                  ElementsAre("9"));
    }
    EXPECT_THAT(by_itself("SELECT max(ts) FROM bars WHERE symbol = 'A' AND ts < '2026-01-05 00:00:30+00'"),
                ElementsAre("2026-01-05 00:00:00+00"));
    EXPECT_THAT(by_itself("SELECT max(ts) FROM bars WHERE symbol = 'A' AND ts < '2026-01-05 00:00:30+00'",
                          "SET TimeZone = 'Asia/Tokyo'"),
                ElementsAre("2026-01-05 09:00:00+09"));
  }
}

TEST_F(HandedPlans, AnswerForTheSessionThatHasThemNow) {
  const std::string sql = "SELECT count(*) > 0, pg_backend_pid() FROM bars WHERE symbol = 'A'";
  for (int i = 0; i < 4; ++i) {
    TestSession other(database(), 100 + i);
    EXPECT_THAT(other.rows(sql), ElementsAre("t|" + std::to_string(100 + i)));
  }
}

TEST_F(HandedPlans, OfPreparedStatementsAreFoundByText) {
  for (int i = 0; i < 3; ++i) {
    TestSession other(database(), 200 + i);
    EXPECT_THAT(TestSession::joined(other.run_with("SELECT sum(n) FROM bars WHERE symbol = $1", {"A"})),
                ElementsAre("600"));
    EXPECT_THAT(TestSession::joined(other.run_with("SELECT sum(n) FROM bars WHERE symbol = $1", {"none"})),
                ElementsAre("null"));
  }
}

}  // namespace
}  // namespace tickstone::engine
