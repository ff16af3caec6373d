// SPDX-License-Identifier: Apache-2.0
// Random point reads beside the same query read the general way: rows in memory and on disk, out of order,
// changed and erased, and a transaction's own.
#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class PointReads : public SessionTest {
 protected:
  PointReads() {
    close();
    options.store.row_group_rows = 64;
    open();
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  template <typename T, std::size_t N>
  const T& one_of(const T (&values)[N]) {
    return values[below(N)];
  }

  void make_tables() {
    tag("DROP TABLE IF EXISTS bars, items");
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, frame VARCHAR(4) NOT NULL, price "
        "NUMERIC, "
        "size NUMERIC(12,2), n INTEGER, d DOUBLE PRECISION, note TEXT, up BOOLEAN, tags TEXT[], body JSONB, "
        "PRIMARY KEY (symbol, ts, frame))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    // Then several rows of a series have the same time.
    if (chance(30)) tag("ALTER TABLE bars SET (timescaledb.compress_segmentby = 'symbol')");
    tag("CREATE TABLE items (id BIGINT, part SMALLINT, name VARCHAR(10), v NUMERIC(10,3), u UUID, c CHAR(4), "
        "r REAL, at DATE, PRIMARY KEY (id, part))");
    last_minute_ = 0;
  }

  std::string symbol() { return "'S" + std::to_string(below(4)) + "'"; }
  std::string time_of(std::uint64_t minute) {
    return "'2026-01-05 " + std::string(minute / 60 < 10 ? "0" : "") + std::to_string(minute / 60) + ":" +
           (minute % 60 < 10 ? "0" : "") + std::to_string(minute % 60) + ":00+00'";
  }
  std::string time() { return time_of(below(300)); }
  std::string frame() { return chance(70) ? "'1m'" : "'5m'"; }
  std::string number() { return std::to_string(static_cast<int>(below(200)) - 50); }
  std::string decimal() {
    static const char* const kDecimals[] = {"1.5", "-0.25", "100", "99.999", "0.00000001", "123456.789"};
    return one_of(kDecimals);
  }
  std::string or_null(std::string text) { return chance(15) ? "NULL" : text; }

  void insert_bars() {
    // No -0: DuckDB sorts it to 0.
    static const char* const kDoubles[] = {"1.5", "-2", "'NaN'", "'Infinity'", "0.1", "-1e300"};
    const bool ascending = chance(60);
    std::map<std::string, std::string> by_key;  // DO UPDATE takes each key once
    for (std::uint64_t i = 0, count = 1 + below(chance(20) ? 150 : 10); i < count; ++i) {
      if (ascending) last_minute_ = std::min<std::uint64_t>(last_minute_ + below(2), 299);
      const std::string key =
          symbol() + ", " + time_of(ascending ? last_minute_ : below(300)) + ", " + frame();
      by_key[key] = or_null(decimal()) + ", " + or_null(number()) + ", " + or_null(number()) + ", " +
                    or_null(one_of(kDoubles)) + ", " + or_null(chance(50) ? "'it''s'" : "''") + ", " +
                    or_null(chance(50) ? "true" : "false") + ", " + or_null("'{a,NULL,\"b c\"}'") + ", " +
                    or_null("'{\"k\": 1}'");
    }
    std::string values;
    for (const auto& [key, rest] : by_key) values += (values.empty() ? "(" : ", (") + key + ", " + rest + ")";
    tag("INSERT INTO bars VALUES " + values + " ON CONFLICT (symbol, ts, frame) DO " +
        (chance(50) ? "NOTHING" : "UPDATE SET price = EXCLUDED.price, n = EXCLUDED.n"));
  }

  void insert_items() {
    std::string values;
    for (std::uint64_t i = 0, count = 1 + below(5); i < count; ++i) {
      values += (values.empty() ? "(" : ", (") + std::to_string(below(12)) + ", " + std::to_string(below(3)) +
                ", " + or_null("'n" + std::to_string(below(5)) + "'") + ", " + or_null(decimal()) + ", " +
                or_null("'00000000-0000-0000-0000-00000000000" + std::to_string(below(9)) + "'") + ", " +
                or_null("'ab'") + ", " + or_null("1.25") + ", " + or_null("'2026-01-05'") + ")";
    }
    tag("INSERT INTO items VALUES " + values + " ON CONFLICT DO NOTHING");
  }

  void change() {
    switch (below(9)) {
      case 0:
      case 1:
      case 2:
        return insert_bars();
      case 3:
        return insert_items();
      case 4:
        tag("UPDATE bars SET size = " + number() + " WHERE symbol = " + symbol() + " AND n > " + number());
        return;
      case 5:
        tag(chance(50) ? "DELETE FROM bars WHERE symbol = " + symbol() + " AND ts BETWEEN " + time() +
                             " AND " + time()
                       : "DELETE FROM items WHERE id = " + std::to_string(below(12)));
        return;
      case 6:
        if (!in_block_) tag("CHECKPOINT");
        return;
      case 7:
        if (in_block_) {
          tag(chance(50) ? "COMMIT" : "ROLLBACK");
        } else {
          tag(chance(50) ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ");
        }
        in_block_ = !in_block_;
        return;
      default:
        if (in_block_) {
          tag("SAVEPOINT s");
          insert_bars();
          tag("ROLLBACK TO s");
        }
    }
  }

  std::string comparison() {
    static const char* const kComparisons[] = {"=", "<", "<=", ">", ">=", "<>"};
    return one_of(kComparisons);
  }

  std::string conditions_on_bars() {
    std::string text =
        chance(80) ? "symbol = " + symbol() : "symbol IN (" + symbol() + ", " + symbol() + ", NULL)";
    if (chance(50)) text += " AND frame = " + frame();
    if (chance(40)) text += " AND ts " + comparison() + " " + time();
    if (chance(15)) text += " AND " + time() + " >= b.ts";
    if (chance(15)) text += " AND ts BETWEEN " + time() + " AND TIMESTAMPTZ " + time();
    if (chance(20)) text += " AND n " + comparison() + " " + (chance(70) ? number() : decimal());
    if (chance(20)) text += " AND price " + comparison() + " " + (chance(70) ? decimal() : number());
    if (chance(10)) text += " AND size " + comparison() + " " + decimal();
    if (chance(10)) text += " AND d " + comparison() + " " + decimal();
    if (chance(10)) text += " AND note " + comparison() + " ''";
    if (chance(10)) text += " AND up = true";
    if (chance(5)) text += " AND n = NULL";
    if (chance(10)) text += " AND ts > now() - INTERVAL '100 years'";
    return text;
  }

  /// The answers, each value with the text that a client sees.
  std::vector<std::string> answer(const std::string& sql) {
    const auto results = session->run(sql);
    RC_ASSERT(results.size() == 1U);
    auto lines = TestSession::joined(results.front());
    std::string head = results.front().tag;
    for (const auto& column : results.front().columns) head += "|" + column.name + " " + to_sql(column.type);
    lines.push_back(head);
    return lines;
  }

  /// `tail` begins with ORDER BY or LIMIT; `is_total`: the order leaves nothing open.
  void compare(const std::string& select, const std::string& conditions, const std::string& tail,
               bool is_total) {
    const std::string sql = select + " WHERE " + conditions + tail;
    const std::string plan = rows("EXPLAIN " + sql).front();
    if (plan.find("Point Read on ") != 0) RC_FAIL("not a point read: " + sql + ": " + plan);
    auto found = answer(sql);
    const std::string general = select + " WHERE (" + conditions + ") AND true" + tail;
    RC_ASSERT(rows("EXPLAIN " + general).front().find("Point Read") == std::string::npos);
    auto expected = answer(general);
    // The second time by the plan of the lifted literals.
    auto again = answer(sql);
    auto third = answer(sql);
    for (auto* lines : {&found, &expected, &again, &third}) {
      if (!is_total) std::sort(lines->begin(), lines->end());
    }
    if (found != expected || again != expected || third != expected) {
      std::string message = sql;
      const auto add = [&](const char* what, const std::vector<std::string>& lines) {
        for (std::size_t i = 0; i < std::max(lines.size(), expected.size()); ++i) {
          const std::string line = i < lines.size() ? lines[i] : "(nothing)";
          const std::string wanted = i < expected.size() ? expected[i] : "(nothing)";
          if (line == wanted) continue;
          message +=
              std::string("\n") + what + " row " + std::to_string(i) + ": " + line + "\nexpected: " + wanted;
          return;
        }
      };
      add("found", found);
      add("again", again);
      add("by plan", third);
      RC_FAIL(message);
    }
  }

  void query_bars() {
    const std::string conditions = conditions_on_bars();
    const std::string direction = chance(70) ? " DESC" : "";
    std::string tail;
    if (chance(70))
      tail =
          " LIMIT " + std::to_string(below(12)) + (chance(30) ? " OFFSET " + std::to_string(below(5)) : "");
    if (chance(30)) {  // ties are alike
      compare("SELECT ts FROM bars b", conditions, " ORDER BY ts" + direction + tail, true);
    } else if (chance(30)) {
      static const char* const kKeys[] = {"price", "n", "d", "note", "size", "up"};
      const std::string nulls = chance(50) ? "" : chance(50) ? " NULLS FIRST" : " NULLS LAST";
      compare("SELECT * FROM bars b", conditions,
              " ORDER BY " + std::string(one_of(kKeys)) + direction + nulls + ", symbol, 2, frame" + tail,
              true);
    } else if (chance(70)) {
      compare("SELECT b.*, n AS m, price FROM bars b", conditions,
              " ORDER BY ts" + direction + ", symbol, frame DESC" + tail, true);
    } else {
      compare("SELECT frame, body, symbol, ts, tags FROM public.bars AS b", conditions, "", false);
    }
  }

  void query_newest() {
    const bool by_frame = chance(50);
    std::string conditions = "symbol IN (" + symbol() + ", " + symbol() + ", " + symbol() + ")";
    if (by_frame) conditions += " AND frame IN ('5m', '1m', '1h')";
    if (chance(50)) conditions += " AND ts " + comparison() + " " + time();
    if (chance(20)) conditions += " AND n " + comparison() + " " + number();
    const auto direction = [&] { return std::string(chance(50) ? " DESC" : ""); };
    if (by_frame) {
      const std::string order = chance(50) ? "symbol" + direction() + ", frame" + direction()
                                           : "frame" + direction() + ", symbol" + direction();
      compare("SELECT DISTINCT ON (symbol, frame) b.* FROM bars b", conditions,
              " ORDER BY " + order + ", ts" + direction(), true);
    } else {
      compare("SELECT DISTINCT ON (b.symbol) ts, symbol, price, frame FROM bars b", conditions,
              " ORDER BY symbol" + direction() + ", ts" + direction() + ", frame" + direction(), true);
    }
  }

  /// The newest row of one series, of all time and up to some time.
  void query_newest_of_one() {
    std::string conditions = "symbol = " + symbol();
    const bool by_frame = chance(60);
    if (by_frame) conditions += " AND frame = " + frame();
    for (std::uint64_t i = below(3); i > 0; --i) conditions += " AND ts " + comparison() + " " + time();
    compare(by_frame ? "SELECT body, ts, b.* FROM bars b" : "SELECT ts, symbol FROM bars b", conditions,
            std::string(" ORDER BY ts DESC") + (chance(30) ? ", symbol" : "") + " LIMIT 1", true);
  }

  /// Lists of keys, and values, as arrays: beside a condition for each.
  void query_arrays() {
    std::string symbols, times, frames, alternatives;
    for (std::uint64_t i = 0, count = 1 + below(8); i < count; ++i) {
      const std::string one_symbol = "S" + std::to_string(below(5));
      const std::string one_time = time();
      const std::string one_frame = chance(70) ? "1m" : "5m";
      symbols += (i == 0 ? "" : ",") + one_symbol;
      times += (i == 0 ? "\"" : ",\"") + one_time.substr(1, one_time.size() - 2) + "\"";
      frames += (i == 0 ? "" : ",") + one_frame;
      alternatives += (i == 0 ? "(symbol = '" : " OR (symbol = '") + one_symbol + "' AND ts = " + one_time +
                      " AND frame = '" + one_frame + "')";
    }
    const auto sorted = [](std::vector<std::string> lines) {
      std::sort(lines.begin(), lines.end());
      return lines;
    };
    const auto with = [&](const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
      const auto plan = TestSession::joined(session->run_with("EXPLAIN " + sql, parameters)).front();
      if (plan.find("Point Read on ") != 0) RC_FAIL("not a point read: " + sql + ": " + plan);
      return sorted(TestSession::joined(session->run_with(sql, parameters)));
    };
    RC_ASSERT(with("SELECT * FROM bars WHERE (ts, frame, symbol) IN (SELECT * FROM unnest($1::timestamptz[], "
                   "$2::varchar[], $3::text[]))",
                   {"{" + times + "}", "{" + frames + "}", "{" + symbols + "}"}) ==
              sorted(rows("SELECT * FROM bars WHERE " + alternatives)));
    RC_ASSERT(with("SELECT * FROM bars WHERE symbol = ANY($1) AND ts >= $2",
                   {"{" + symbols + "}", "2026-01-05 02:00+00"}) ==
              sorted(rows("SELECT * FROM bars WHERE (symbol = ANY('{" + symbols +
                          "}') AND ts >= '2026-01-05 02:00+00') AND true")));
  }

  void query_items() {
    std::string conditions = "id = " + std::to_string(below(14)) +
                             " AND part = " + (chance(80) ? std::to_string(below(4)) : "70000");
    if (chance(30)) conditions += " AND name " + comparison() + " 'n" + std::to_string(below(5)) + "'";
    if (chance(30)) conditions += " AND v " + comparison() + " " + decimal();
    compare("SELECT * FROM items", conditions, chance(50) ? "" : " ORDER BY id DESC LIMIT 1", true);
  }

  std::mt19937_64 random_;
  std::uint64_t last_minute_ = 0;
  bool in_block_ = false;
};

TEST_F(PointReads, AreWhatTheGeneralWayReads) {
  EXPECT_TRUE(rc::check([this](std::uint64_t seed) {
    random_.seed(seed);
    if (in_block_) tag("ROLLBACK");
    in_block_ = false;
    make_tables();
    insert_bars();
    insert_items();
    for (int i = 0; i < 3; ++i) {
      change();
      for (int k = 0; k < 3; ++k) query_bars();
      query_newest();
      query_arrays();
      query_items();
    }
  }));
}

TEST_F(PointReads, OfASeriesNewestRowAreWhatTheGeneralWayReads) {
  EXPECT_TRUE(rc::check([this](std::uint64_t seed) {
    random_.seed(seed);
    if (in_block_) tag("ROLLBACK");
    in_block_ = false;
    make_tables();
    for (int i = 0; i < 8; ++i) {
      chance(60) ? insert_bars() : change();
      if (!in_block_ && chance(25)) tag("CHECKPOINT");
      // What was the newest row may be gone, in memory or on disk.
      if (chance(25)) tag("DELETE FROM bars WHERE symbol = " + symbol() + " AND ts > " + time());
      for (int k = 0; k < 2; ++k) query_newest_of_one();
    }
  }));
}

}  // namespace
}  // namespace tickstone::engine
