// SPDX-License-Identifier: Apache-2.0
// Random window functions over few rows, which are computed without DuckDB's window operator, beside the same
// query under a numbering of all rows, which DuckDB's own runs: rows in order and out of it, in memory and on
// disk, changed and erased, ties, NULLs, numbers at the end of their range.
#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class WindowPlans : public SessionTest {
 protected:
  WindowPlans() {
    close();
    options.store.row_group_rows = 64;
    options.threads = 1;
    open();
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  std::string one_of(std::initializer_list<const char*> values) {
    return *(values.begin() + below(values.size()));
  }
  std::string or_null(std::string text) { return chance(12) ? "NULL" : text; }

  void make_table() {
    tag("DROP TABLE IF EXISTS bars");
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, frame TEXT NOT NULL, price "
        "NUMERIC, size NUMERIC(12,2), huge NUMERIC(38,4), n INTEGER, b BIGINT, d DOUBLE PRECISION, note "
        "TEXT, day DATE, "
        "PRIMARY KEY (symbol, ts, frame))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    minute_ = 0;
  }

  void insert(std::uint64_t count, bool is_late) {
    std::string values;
    std::uint64_t at = is_late ? below(minute_ + 1) : minute_;
    for (std::uint64_t i = 0; i < count; ++i) {
      at += below(3) == 0 ? 0 : 1;
      for (std::uint64_t number = 0; number < 2; ++number) {
        values += fmt::format(
            "{}('S{}', TIMESTAMPTZ '2026-01-05 00:00+00' + INTERVAL '{} seconds', '{}', {}, {}, {}, {}, {}, "
            "{}, {}, {})",
            values.empty() ? "" : ", ", below(3), at * 60 + i % 60, one_of({"1m", "5m"}),
            or_null(one_of({"1.5", "-0.25", "100", "99.999", "0.00000001", "123456.789"})),
            or_null(one_of({"12.25", "-3", "0.01"})),
            or_null(is_huge_ ? one_of({"9999999999999999999999999999999999.9999", "-1", "1.5"})
                             : one_of({"7.5", "-1", "12345678901234567890.0001"})),
            or_null(std::to_string(static_cast<int>(below(40)) - 10)),
            or_null(one_of({"9223372036854775807", "-9223372036854775808", "3", "17"})),
            or_null(one_of({"1.5", "-2", "'NaN'", "'Infinity'", "0.125"})),
            or_null(one_of({"'a note'", "''", "'a note that is longer than twelve bytes'"})),
            or_null(fmt::format("DATE '2026-01-01' + {}", below(5))));
      }
    }
    if (!is_late) minute_ = at;
    tag("INSERT INTO bars VALUES " + values + " ON CONFLICT DO NOTHING");
  }

  void change() {
    switch (below(5)) {
      case 0:
        return insert(1 + below(60), false);
      case 1:
        return insert(1 + below(20), true);
      case 2:
        tag(fmt::format("UPDATE bars SET price = n, note = NULL WHERE n > {}", below(20)));
        return;
      case 3:
        tag(fmt::format("DELETE FROM bars WHERE n = {}", below(20)));
        return;
      default:
        tag("CHECKPOINT");
    }
  }

  std::string offset() { return std::to_string(chance(10) ? below(1000) : below(6)); }

  /// `is_unique`: no two rows of a partition are equal in the order.
  std::string frame(bool is_unique) {
    if (chance(25)) return "";
    const std::string current = "CURRENT ROW";
    if (!is_unique) {
      return one_of({" RANGE UNBOUNDED PRECEDING", " RANGE CURRENT ROW",
                     " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
                     " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                     " GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"});
    }
    switch (below(7)) {
      case 0:
        return " ROWS " + offset() + " PRECEDING";
      case 1:
        return " ROWS BETWEEN " + offset() + " PRECEDING AND " + offset() + " FOLLOWING";
      case 2: {
        // Of a frame that ends before it begins, DuckDB counts -1 rows.
        const auto near = below(4);
        return fmt::format(" ROWS BETWEEN {} FOLLOWING AND {} FOLLOWING", near, near + below(4));
      }
      case 3: {
        const auto near = below(4);
        return fmt::format(" ROWS BETWEEN {} PRECEDING AND {} PRECEDING", near + below(4), near);
      }
      case 4:
        return " ROWS BETWEEN CURRENT ROW AND " + one_of({"UNBOUNDED FOLLOWING", "2 FOLLOWING"});
      case 5:
        return " ROWS UNBOUNDED PRECEDING";
      default:
        return " ROWS BETWEEN " + offset() + " PRECEDING AND CURRENT ROW";
    }
  }

  /// A function whose value the order of equal rows does not change, or one that needs a unique order.
  std::string function(bool is_unique) {
    const std::string aggregate = one_of(
        {"count(*)",  "count(price)", "count(note)", "sum(price)", "sum(size)",      "sum(n)",
         "sum(b)",    "sum(huge)",    "avg(price)",  "avg(size)",  "avg(n)",         "avg(b)",
         "avg(huge)", "min(price)",   "max(price)",  "min(n)",     "max(b)",         "min(note)",
         "max(note)", "min(ts)",      "max(day)",    "max(huge)",  "sum(price * 2)", "avg(n + b % 7)"});
    if (!is_unique) return chance(30) ? one_of({"rank()", "dense_rank()"}) : aggregate;
    switch (below(4)) {
      case 0: {
        const std::string column = one_of({"price", "n", "note", "d", "huge", "ts", "upper(note)"});
        switch (below(4)) {
          case 0:
            return fmt::format("lag({})", column);
          case 1:
            return fmt::format("{}({}, {})", one_of({"lag", "lead"}), column, offset());
          case 2:
            return fmt::format("{}(n, {}, {})", one_of({"lag", "lead"}), offset(), one_of({"-1", "n + 1"}));
          default:
            return fmt::format("nth_value({}, {})", column, 1 + below(4));
        }
      }
      case 1:
        return one_of({"first_value(price)", "last_value(price)", "first_value(note)", "last_value(d)",
                       "row_number()", "rank()", "dense_rank()"});
      default:
        return aggregate;
    }
  }
  std::string call(bool is_unique, const std::string& partition, const std::string& order) {
    return fmt::format("{} OVER ({}{}{})", function(is_unique), partition, order, frame(is_unique));
  }

  std::vector<std::string> answer(const std::string& sql) {
    try {
      return TestSession::joined(session->run(sql).front());
    } catch (const Error& error) {
      return {"error " + std::string(sqlstate(error.code())) + " " + error.message()};
    }
  }

  /// `must_be_short`: there is nothing that only DuckDB can do.
  void compare(const std::string& query, const std::string& names, bool must_be_short) {
    const std::string general =
        fmt::format("SELECT {} FROM (SELECT q.*, row_number() OVER () AS place FROM ({}) q) q", names, query);
    const auto is_short = [&](const std::string& sql) {
      const auto plan = rows("EXPLAIN " + sql);
      return std::any_of(plan.begin(), plan.end(),
                         [](const auto& line) { return line.find("Short Plan: ") != std::string::npos; });
    };
    if (must_be_short && !is_short(query)) RC_FAIL("no short plan: " + query);
    if (is_short(general)) RC_FAIL("a short plan: " + general);
    auto expected = answer(general);
    std::sort(expected.begin(), expected.end());
    // From the second time on by the plan of the lifted literals.
    for (const char* how : {"first", "second", "third"}) {
      auto found = answer(query);
      std::sort(found.begin(), found.end());
      if (found == expected) continue;
      std::string message = query;
      for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
        const std::string line = i < found.size() ? found[i] : "(nothing)";
        const std::string wanted = i < expected.size() ? expected[i] : "(nothing)";
        if (line != wanted) message += fmt::format("\n{} row {}: {}\nexpected: {}", how, i, line, wanted);
      }
      RC_FAIL(message);
    }
  }

  void query() {
    const bool is_unique = chance(60);
    const std::string partition =
        is_unique ? one_of({"PARTITION BY symbol", "PARTITION BY symbol, frame", ""})
                  : one_of({"PARTITION BY symbol", "PARTITION BY day", "PARTITION BY n % 3, note", ""});
    const std::string order =
        is_unique ? one_of({" ORDER BY ts, frame, symbol", " ORDER BY ts DESC, frame, symbol",
                            " ORDER BY symbol, ts DESC, frame", " ORDER BY n, ts, frame, symbol"})
                  : one_of({" ORDER BY ts", " ORDER BY n DESC", " ORDER BY price NULLS FIRST",
                            " ORDER BY note, day", ""});
    std::string select = "symbol, ts, frame", names = "symbol, ts, frame";
    for (std::uint64_t i = 0, count = 1 + below(3); i < count; ++i) {
      select += fmt::format(", {} AS w{}", call(is_unique, partition, order), i);
      names += fmt::format(", w{}", i);
    }
    std::string text = "SELECT " + select + " FROM bars";
    if (chance(60)) text += fmt::format(" WHERE symbol = 'S{}'", below(3));
    // A window over nothing is a stream to DuckDB, where its functions allow that.
    const bool is_over_nothing = partition.empty() && order.empty();
    // Sums that 128 bits may not hold are DuckDB's when the rows are there, which EXPLAIN does not see.
    compare(text, names, !is_over_nothing);
    if (is_unique && chance(50))
      compare(text + " ORDER BY " + one_of({"ts, symbol, frame", "symbol, frame, ts DESC"}), names,
              !is_over_nothing);
  }

  std::mt19937_64 random_;
  std::uint64_t minute_ = 0;
  bool is_huge_ = false;
};

TEST_F(WindowPlans, AnswerAsDuckDbsOperatorDoes) {
  EXPECT_TRUE(rc::check([this](std::uint64_t seed) {
    random_.seed(seed);
    is_huge_ = chance(30);
    make_table();
    insert(1 + below(80), false);
    for (int i = 0; i < 3; ++i) {
      change();
      for (int k = 0; k < 4; ++k) query();
    }
  }));
}

class LongWindow : public SessionTest {
 protected:
  LongWindow() {
    close();
    options.threads = 1;
    open();
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, price NUMERIC, n INTEGER, "
        "PRIMARY KEY (symbol, ts))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 day')");
    tag("INSERT INTO bars SELECT s, t, extract(epoch FROM t)::bigint % 997 / 8.0, extract(epoch FROM "
        "t)::bigint % 13 FROM unnest(ARRAY['A', 'B']) AS s, generate_series(TIMESTAMPTZ '2026-01-05 "
        "00:00+00', TIMESTAMPTZ '2026-01-08 23:59+00', INTERVAL '1 minute') AS t");
    tag("CHECKPOINT");
  }

  /// In the order of the answer.
  void expect_same(const std::string& query) {
    const auto general = rows("SELECT a, b, c, d FROM (SELECT q.*, row_number() OVER () AS place FROM (" +
                              query + ") q) q ORDER BY place");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(rows(query), general) << query;
  }
};

const char* const kAverage =
    "SELECT symbol AS a, ts AS b, price AS c, avg(price) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN "
    "19 "
    "PRECEDING AND CURRENT ROW) AS d FROM bars WHERE symbol = 'A' ORDER BY ts";
const char* const kBothSymbols =
    "SELECT symbol AS a, ts AS b, lead(n, 3) OVER w AS c, sum(price) OVER w AS d FROM bars WINDOW w AS "
    "(PARTITION BY symbol ORDER BY ts) ORDER BY symbol, ts";
const char* const kBackwards =
    "SELECT symbol AS a, ts AS b, min(n) OVER (PARTITION BY symbol ORDER BY ts DESC ROWS BETWEEN 2 FOLLOWING "
    "AND "
    "9 FOLLOWING) AS c, 1 AS d FROM bars WHERE symbol = 'B' ORDER BY ts";

TEST_F(LongWindow, MoreRowsThanASortTakes) {
  for (const char* query : {kAverage, kBothSymbols, kBackwards}) expect_same(query);
}

TEST_F(LongWindow, RowsThatComeLate) {
  tag("INSERT INTO bars SELECT 'A', ts + INTERVAL '30 seconds', price, n FROM bars WHERE symbol = 'B' AND n "
      "= 3");
  for (const char* query : {kAverage, kBothSymbols, kBackwards}) expect_same(query);
  tag("DELETE FROM bars WHERE n = 4");
  tag("CHECKPOINT");
  for (const char* query : {kAverage, kBothSymbols, kBackwards}) expect_same(query);
}

TEST_F(LongWindow, OffsetsAreParameters) {
  const std::string text =
      "SELECT ts, sum(n) OVER (ORDER BY ts ROWS BETWEEN $1 PRECEDING AND $2 FOLLOWING), lag(n, $3) OVER "
      "(ORDER BY ts) FROM bars WHERE symbol = $4 ORDER BY ts LIMIT 30";
  const auto ask = [&](const char* before, const char* after, const char* lag) {
    return TestSession::joined(session->run_with(text, {before, after, lag, "A"}));
  };
  const auto expected = [&](const std::string& before, const std::string& after, const std::string& lag) {
    return rows(
        "SELECT ts, s, l FROM (SELECT q.*, row_number() OVER () AS place FROM (SELECT ts, sum(n) OVER "
        "(ORDER BY ts ROWS BETWEEN " +
        before + " PRECEDING AND " + after + " FOLLOWING) AS s, lag(n, " + lag +
        ") OVER (ORDER BY ts) AS l FROM bars WHERE symbol = 'A') q) q ORDER BY ts LIMIT 30");
  };
  EXPECT_EQ(ask("2", "1", "1"), expected("2", "1", "1"));
  EXPECT_EQ(ask("0", "7", "5"), expected("0", "7", "5"));
  EXPECT_EQ(ask("3000000000", "0", "-2"), expected("3000000000", "0", "-2"));
  EXPECT_EQ(ask("2", "1", "1"), expected("2", "1", "1"));
}

TEST_F(LongWindow, LongTextsAreDuckDbs) {
  tag("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)");
  tag("INSERT INTO notes SELECT n, repeat(chr(65 + n % 26), 20000) FROM generate_series(1, 1000) n");
  const std::string query =
      "SELECT id, length(note), left(lag(note) OVER (ORDER BY id), 2), left(max(note) OVER (ORDER BY id ROWS "
      "3 "
      "PRECEDING), 2) FROM notes ORDER BY id";
  const auto found = rows(query);
  ASSERT_EQ(found.size(), 1000U);
  EXPECT_EQ(found[0], "1|20000|null|BB");
  EXPECT_EQ(found[25], "26|20000|ZZ|ZZ");
  EXPECT_EQ(found[999], "1000|20000|LL|MM");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(rows(query), found);
}

TEST_F(LongWindow, FramesThatEndBeforeTheyBeginAreEmpty) {
  EXPECT_THAT(
      rows("SELECT count(*) OVER w, count(n) OVER w, sum(n) OVER w, min(n) OVER w, first_value(n) OVER w "
           "FROM bars WHERE ts < '2026-01-05 00:02+00' AND symbol = 'A' WINDOW w AS (ORDER BY ts ROWS "
           "BETWEEN 2 FOLLOWING AND 1 FOLLOWING)"),
      testing::Each("0|0|null|null|null"));
}

}  // namespace
}  // namespace tickstone::engine
