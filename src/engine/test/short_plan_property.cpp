// SPDX-License-Identifier: Apache-2.0
// Random queries over few rows, which are run without DuckDB's pipelines, beside the same query under a
// window function and with a DISTINCT aggregate, which are not: rows in memory and on disk, changed and
// erased, and a transaction's own.
#include <algorithm>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class ShortPlans : public SessionTest {
 protected:
  ShortPlans() {
    close();
    options.store.row_group_rows = 64;
    options.threads = 1;  // several would sum in any order
    open();
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  template <typename T, std::size_t N>
  const T& one_of(const T (&values)[N]) {
    return values[below(N)];
  }

  void make_table() {
    tag("DROP TABLE IF EXISTS bars");
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, frame VARCHAR(4) NOT NULL, price "
        "NUMERIC, size NUMERIC(12,2), n INTEGER, b BIGINT, d DOUBLE PRECISION, note TEXT, up BOOLEAN, "
        "PRIMARY "
        "KEY (symbol, ts, frame))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    last_minute_ = 0;
  }

  std::string symbol() { return fmt::format("'S{}'", below(4)); }
  static std::string time_of(std::uint64_t minute, std::uint64_t second = 0) {
    return fmt::format("2026-01-05 {:02}:{:02}:{:02}+00", minute / 60, minute % 60, second);
  }
  std::string time() { return "'" + time_of(below(300)) + "'"; }
  std::string or_null(std::string text) { return chance(12) ? "NULL" : text; }

  void insert() {
    // No -0: keys of sorts have no place for it.
    static const char* const kDoubles[] = {"1.5", "-2", "'NaN'", "'Infinity'", "0.125", "-0.75", "3.25"};
    static const char* const kDecimals[] = {"1.5", "-0.25", "100", "99.999", "0.00000001", "123456.789"};
    const bool ascending = chance(60);
    std::map<std::string, std::string> by_key;  // DO UPDATE takes each key once
    for (std::uint64_t i = 0, count = 1 + below(chance(30) ? 150 : 10); i < count; ++i) {
      if (ascending) last_minute_ = std::min<std::uint64_t>(last_minute_ + below(2), 299);
      // No two rows have the same time, so that there is one first and one last.
      const auto number = below(4);
      const bool is_long = chance(30);
      const auto minute = ascending ? last_minute_ : below(300);
      const std::string key = fmt::format("'S{}', '{}', {}", number, time_of(minute, number * 2 + is_long),
                                          is_long ? "'5m'" : "'1m'");
      by_key[key] =
          fmt::format("{}, {}, {}, {}, {}, {}, {}", or_null(one_of(kDecimals)), or_null("12.25"),
                      or_null(std::to_string(static_cast<int>(below(40)) - 10)),
                      or_null(std::to_string(below(1000) * 1'000'000'007ULL)), or_null(one_of(kDoubles)),
                      or_null(chance(50) ? "'it''s'" : "''"), or_null(chance(50) ? "true" : "false"));
    }
    std::string values;
    for (const auto& [key, rest] : by_key) values += (values.empty() ? "(" : ", (") + key + ", " + rest + ")";
    tag("INSERT INTO bars VALUES " + values + " ON CONFLICT (symbol, ts, frame) DO " +
        (chance(50) ? "NOTHING" : "UPDATE SET price = EXCLUDED.price, n = EXCLUDED.n"));
  }

  void change() {
    switch (below(7)) {
      case 0:
      case 1:
        return insert();
      case 2:
        tag(fmt::format("UPDATE bars SET size = n, d = 7 WHERE symbol = {} AND n > {}", symbol(), below(20)));
        return;
      case 3:
        tag(fmt::format("DELETE FROM bars WHERE symbol = {} AND ts BETWEEN {} AND {}", symbol(), time(),
                        time()));
        return;
      case 4:
        if (!in_block_) tag("CHECKPOINT");
        return;
      case 5:
        tag(in_block_ ? chance(50) ? "COMMIT" : "ROLLBACK" : "BEGIN");
        in_block_ = !in_block_;
        return;
      default:
        if (in_block_) {
          tag("SAVEPOINT s");
          insert();
          tag("ROLLBACK TO s");
        }
    }
  }

  std::string conditions() {
    static const char* const kOthers[] = {
        "n > 3",         "price < 100",  "note <> ''",       "up",
        "d IS NOT NULL", "n % 2 = 0",    "price * 2 > n",    "n IN (1, 2, 3, NULL)",
        "b > 5000000",   "size IS NULL", "lower(note) = ''", "n = -99"};
    std::string text = chance(70) ? "symbol = " + symbol() : chance(50) ? "true" : "symbol <> " + symbol();
    if (chance(40)) text += chance(70) ? " AND frame = '1m'" : " AND frame = '5m'";
    if (chance(50)) text += " AND ts >= " + time();
    if (chance(50)) text += " AND ts < " + time();
    if (chance(30)) text += std::string(" AND ") + one_of(kOthers);
    return text;
  }

  std::string aggregate() {
    static const char* const kAggregates[] = {"count(*)",
                                              "count(n)",
                                              "sum(price)",
                                              "sum(size)",
                                              "sum(n)",
                                              "sum(b)",
                                              "sum(d)",
                                              "avg(price)",
                                              "avg(size)",
                                              "avg(n)",
                                              "avg(b)",
                                              "avg(d)",
                                              "min(price)",
                                              "max(price)",
                                              "min(n)",
                                              "max(b)",
                                              "min(d)",
                                              "max(d)",
                                              "min(note)",
                                              "max(note)",
                                              "min(ts)",
                                              "max(ts)",
                                              "min(symbol)",
                                              "max(size)",
                                              "first(price, ts)",
                                              "last(price, ts)",
                                              "first(size, ts)",
                                              "last(d, ts)",
                                              "first(note, ts)",
                                              "last(n, ts)",

                                              "bool_and(up)",
                                              "bool_or(up)",
                                              "stddev(n)",
                                              "variance(price)",

                                              "string_agg(note, ',' ORDER BY ts, frame, symbol)",
                                              "array_agg(n ORDER BY price DESC, ts, frame, symbol)",
                                              "percentile_cont(0.5) WITHIN GROUP (ORDER BY n)",
                                              "histogram(n, 0, 20, 3)",
                                              "last(price, ts) FILTER (WHERE up)",
                                              "min(up::int)",
                                              "sum(n) FILTER (WHERE price > 2)",
                                              "count(*) FILTER (WHERE n > 3)",
                                              "sum(price) FILTER (WHERE up)",
                                              "sum(price * n)",
                                              "sum(price * size) / nullif(sum(size), 0)",
                                              "max(price) - min(price)",
                                              "round(avg(price), 2)",
                                              "count(*) > 3",
                                              "last(price, ts) - first(price, ts)",
                                              "coalesce(sum(n), -1)",
                                              "sum(CASE WHEN up THEN price ELSE 0 END)"};
    return one_of(kAggregates);
  }

  std::string key() {
    static const char* const kKeys[] = {"time_bucket('5 minutes', ts)",
                                        "time_bucket('1 hour', ts)",
                                        "time_bucket('1 day', ts, 'Europe/Berlin')",
                                        "time_bucket('10 minutes', ts, INTERVAL '3 minutes')",
                                        "date_trunc('hour', ts)",
                                        "symbol",
                                        "frame",
                                        "n",
                                        "note",
                                        "up",
                                        "price",
                                        "d",
                                        "n % 3",
                                        "extract(minute FROM ts)",
                                        "ts",
                                        "upper(note)"};
    return one_of(kKeys);
  }

  std::string value() {
    static const char* const kValues[] = {"price",
                                          "price * 2 + 1",
                                          "n + 1",
                                          "d / 2",
                                          "note || '!'",
                                          "upper(note)",
                                          "ts + INTERVAL '1 day'",
                                          "size / 3",
                                          "n::text",
                                          "NOT up",
                                          "CASE WHEN n > 3 THEN 'many' ELSE note END",
                                          "coalesce(price, n)",
                                          "time_bucket('1 hour', ts)",
                                          "length(note)",
                                          "b % 7",
                                          "7",
                                          "NULL::int"};
    return one_of(kValues);
  }

  /// The answer with the text that a client sees, and the columns' names and types; or the error.
  std::vector<std::string> answer(const std::string& sql) {
    if (in_block_) tag("SAVEPOINT asked");
    std::vector<std::string> lines;
    try {
      const auto results = session->run(sql);
      lines = lines_of(results.front());
    } catch (const Error& error) {
      lines = {"error " + std::string(sqlstate(error.code())) + " " + error.message()};
      if (in_block_) tag("ROLLBACK TO asked");
    }
    return lines;
  }
  static std::vector<std::string> lines_of(const CollectedResult& result) {
    auto lines = TestSession::joined(result);
    std::string head;
    for (const auto& column : result.columns) head += "|" + column.name + " " + to_sql(column.type);
    lines.push_back(head);
    return lines;
  }

  /// `general` says the same and is no short plan. `is_ordered`: the order leaves nothing open. `is_top`:
  /// DuckDB's Top-N tells the scan its bound, so that it is DuckDB's.
  void compare(const std::string& sql, const std::string& general, bool is_ordered, bool is_top = false) {
    const auto plan = rows("EXPLAIN " + sql);
    const bool is_short = std::any_of(plan.begin(), plan.end(), [](const auto& line) {
      return line.find("Short Plan: ") != std::string::npos;
    });
    if (!is_short && !is_top) RC_FAIL("no short plan: " + sql);
    const auto other_plan = rows("EXPLAIN " + general);
    for (const auto& line : other_plan) {
      // Conditions that contradict each other leave nothing of a plan.
      if (line.find("Short Plan: ") != std::string::npos && line.find("reads 0 rows") == std::string::npos)
        RC_FAIL("a short plan: " + general);
    }
    auto expected = answer(general);
    // From the second time on by the plan of the lifted literals.
    for (const char* how : {"first", "second", "third"}) {
      auto found = answer(sql);
      if (!is_ordered) {
        std::sort(found.begin(), found.end());
        std::sort(expected.begin(), expected.end());
      }
      if (found == expected) continue;
      std::string message = sql + "\n" + general;
      for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
        const std::string line = i < found.size() ? found[i] : "(nothing)";
        const std::string wanted = i < expected.size() ? expected[i] : "(nothing)";
        if (line != wanted) message += fmt::format("\n{} row {}: {}\nexpected: {}", how, i, line, wanted);
      }
      RC_FAIL(message);
    }
  }

  /// The query in a way that needs DuckDB's pipelines; its columns are named.
  static std::string under_window(const std::string& query, const std::string& columns,
                                  const std::string& condition = "true") {
    return fmt::format(
        "SELECT {} FROM (SELECT q.*, row_number() OVER () AS place FROM ({}) q) q WHERE {} ORDER BY place",
        columns, query, condition);
  }

  void query_groups() {
    const std::uint64_t key_count = 1 + below(2);
    const std::uint64_t aggregate_count = below(4);
    std::string select, names, numbers;
    for (std::uint64_t i = 0; i < key_count; ++i) {
      select += fmt::format("{}{} AS k{}", i == 0 ? "" : ", ", key(), i);
      names += fmt::format("{}k{}", i == 0 ? "" : ", ", i);
      numbers += fmt::format("{}{}{}", i == 0 ? "" : ", ", i + 1, chance(30) ? " DESC" : "");
    }
    const std::string keys = names;
    for (std::uint64_t i = 0; i < aggregate_count; ++i) {
      select += fmt::format(", {} AS a{}", aggregate(), i);
      names += fmt::format(", a{}", i);
    }
    const std::string from =
        " FROM bars WHERE " + conditions() + " GROUP BY " + keys + (chance(15) ? " HAVING count(*) > 2" : "");
    const bool is_ordered = chance(70);
    std::string tail = is_ordered ? " ORDER BY " + numbers : "";
    if (is_ordered && chance(40)) tail += fmt::format(" LIMIT {}", below(20));
    if (is_ordered && chance(20)) tail += fmt::format(" OFFSET {}", below(5));
    compare(
        "SELECT " + select + from + tail,
        under_window("SELECT " + select + ", count(DISTINCT ts) AS times" + from + tail, names, "times >= 0"),
        is_ordered);
  }

  void query_totals() {
    std::string select, names;
    for (std::uint64_t i = 0, count = 1 + below(4); i < count; ++i) {
      select += fmt::format("{}{} AS a{}", i == 0 ? "" : ", ", aggregate(), i);
      names += fmt::format("{}a{}", i == 0 ? "" : ", ", i);
    }
    const std::string from = " FROM bars" + (chance(80) ? " WHERE " + conditions() : "");
    compare("SELECT " + select + from,
            under_window("SELECT " + select + ", count(DISTINCT ts) AS times" + from, names, "times >= 0"),
            true);
  }

  void query_rows() {
    std::string select = "symbol AS c0, ts AS c1, frame AS c2", names = "c0, c1, c2";
    for (std::uint64_t i = 3, count = 4 + below(4); i < count; ++i) {
      select += fmt::format(", {} AS c{}", value(), i);
      names += fmt::format(", c{}", i);
    }
    // With a computed value, or it is a point read.
    std::string query = "SELECT n * 2 AS x, " + select + " FROM bars WHERE " + conditions();
    const bool is_ordered = chance(70);
    const bool is_top = is_ordered && chance(40);
    if (is_ordered) {
      static const char* const kOrders[] = {"c1, c0, c2",
                                            "c1 DESC, c2, c0",
                                            "x, c0, c1, c2",
                                            "x DESC NULLS LAST, c1, c2, c0",
                                            "price, c0 DESC, c1, c2",
                                            "d DESC, c0, c1, c2",
                                            "note NULLS FIRST, c0, c1, c2",
                                            "up, n, c0, c1, c2"};
      query += std::string(" ORDER BY ") + one_of(kOrders);
      if (is_top) query += fmt::format(" LIMIT {} OFFSET {}", below(20), below(5));
    }
    compare(query, under_window(query, "x, " + names), is_ordered, is_top);
  }

  /// By the extended protocol, with parameters.
  void query_with_parameters() {
    const std::string width = one_of({"5 minutes", "1 hour", "1 day"});
    const std::string name = symbol(), from = time(), to = time();
    const std::string limit = std::to_string(below(10));
    const auto text = [&](const std::string& w, const std::string& s, const std::string& a,
                          const std::string& b, const std::string& l) {
      return fmt::format(
          "SELECT time_bucket({}, ts) AS bucket, first(price, ts), max(price), min(price), last(price, ts), "
          "sum(size), count(*) FROM bars WHERE symbol = {} AND ts >= {} AND ts < {} GROUP BY 1 ORDER BY 1 "
          "LIMIT {}",
          w, s, a, b, l);
    };
    const auto plain = [](const std::string& quoted) { return quoted.substr(1, quoted.size() - 2); };
    const auto found = TestSession::joined(session->run_with(
        text("$5::interval", "$1", "$2", "$3", "$4"), {plain(name), plain(from), plain(to), limit, width}));
    const auto expected = TestSession::joined(
        session->run(under_window(text("INTERVAL '" + width + "'", name, from, to, limit), "q.*")).front());
    auto without_place = expected;
    for (auto& line : without_place) line.erase(line.rfind('|'));
    if (found != without_place) RC_FAIL(text("'" + width + "'", name, from, to, limit));
  }
  std::string one_of(std::initializer_list<const char*> values) {
    return *(values.begin() + below(values.size()));
  }

  std::mt19937_64 random_;
  std::uint64_t last_minute_ = 0;
  bool in_block_ = false;
};

TEST_F(ShortPlans, AnswerAsDuckDbsPipelinesDo) {
  EXPECT_TRUE(rc::check([this](std::uint64_t seed) {
    random_.seed(seed);
    if (in_block_) tag("ROLLBACK");
    in_block_ = false;
    make_table();
    insert();
    for (int i = 0; i < 3; ++i) {
      change();
      for (int k = 0; k < 3; ++k) query_groups();
      for (int k = 0; k < 2; ++k) query_totals();
      query_rows();
      query_with_parameters();
    }
  }));
}

}  // namespace
}  // namespace tickstone::engine
