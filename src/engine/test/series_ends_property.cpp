// SPDX-License-Identifier: Apache-2.0
// The newest and the oldest rows of each series in all the forms that people write, beside the same query
// over a subquery that hides the table: rows in memory and on disk, out of order, changed and erased, and a
// transaction's own.
#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class SeriesEndsOfSql : public SessionTest {
 protected:
  SeriesEndsOfSql() {
    close();
    options.store.row_group_rows = 64;
    open();
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  void make_table() {
    tag("DROP TABLE IF EXISTS bars, names");
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, frame VARCHAR(4) NOT NULL, price "
        "NUMERIC, "
        "n INTEGER, PRIMARY KEY (symbol, ts, frame))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    tag("CREATE TABLE names (symbol TEXT PRIMARY KEY)");
    tag("INSERT INTO names SELECT 'S' || i FROM generate_series(0, 6) i");
  }

  std::string symbol() { return fmt::format("'S{}'", below(5)); }
  std::string frame() { return chance(70) ? "'1m'" : "'5m'"; }
  std::string time() { return fmt::format("TIMESTAMPTZ '2026-01-05 0{}:{:02}:00+00'", below(5), below(60)); }

  void insert() {
    std::string values;
    for (std::uint64_t i = 0, count = 1 + below(chance(20) ? 200 : 12); i < count; ++i) {
      values += fmt::format("{}({}, {}, {}, {}, {})", i == 0 ? "" : ", ", symbol(), time(), frame(),
                            chance(20) ? "NULL::numeric" : fmt::format("{}.5", below(90)), below(50));
    }
    tag("INSERT INTO bars SELECT DISTINCT ON (s, t, f) * FROM (VALUES " + values +
        ") v(s, t, f, p, n) ON CONFLICT (symbol, ts, frame) DO UPDATE SET price = EXCLUDED.price");
  }

  void change() {
    switch (below(7)) {
      case 0:
      case 1:
        return insert();
      case 2:
        tag(fmt::format("DELETE FROM bars WHERE symbol = {} AND ts > {}", symbol(), time()));
        return;
      case 3:
        tag(fmt::format("DELETE FROM bars WHERE symbol = {} AND ts < {}", symbol(), time()));
        return;
      case 4:
        tag(fmt::format("UPDATE bars SET n = n + 1 WHERE ts > {}", time()));
        return;
      case 5:
        if (!in_block_) tag("CHECKPOINT");
        return;
      default:
        tag(in_block_ ? chance(50) ? "COMMIT" : "ROLLBACK" : "BEGIN");
        in_block_ = !in_block_;
    }
  }

  /// Conditions that leave it the newest rows; those on price do not.
  std::string conditions() {
    std::string text = "true";
    if (chance(30)) text += " AND symbol <> " + symbol();
    if (chance(20)) text += " AND symbol IN (" + symbol() + ", " + symbol() + ")";
    if (chance(30)) text += " AND frame = " + frame();
    if (chance(40)) text += " AND ts <= " + time();
    if (chance(20)) text += " AND ts >= " + time();
    if (chance(10)) text += " AND ts BETWEEN " + time() + " AND " + time();
    return text;
  }

  std::string query(std::uint64_t form, const std::string& table, const std::string& where) {
    const std::string& direction = direction_;
    const bool is_newest = direction_ == "DESC";
    switch (form) {
      case 0:
        return fmt::format(
            "SELECT DISTINCT ON (symbol) * FROM {} bars WHERE {} ORDER BY symbol, ts {}, frame, n", table,
            where, direction);
      case 1:
        return fmt::format(
            "SELECT DISTINCT ON (frame, symbol) symbol, ts, frame, price FROM {} bars WHERE {} ORDER BY "
            "symbol, frame, ts {}",
            table, where, direction);
      case 2:
        return fmt::format(
            "SELECT symbol, frame, {}(price, ts), {}(n, ts), {}(ts) FROM {} bars WHERE {} GROUP BY symbol, "
            "frame ORDER BY 1, 2",
            is_newest ? "last" : "first", is_newest ? "last" : "first", is_newest ? "max" : "min", table,
            where);
      case 3:
        return fmt::format(
            "SELECT symbol, ts, frame, price FROM (SELECT *, row_number() OVER (PARTITION BY symbol, frame "
            "ORDER BY ts {}) AS place FROM {} bars WHERE {}) b WHERE place = 1 ORDER BY symbol, frame",
            direction, table, where);
      case 4:
        return fmt::format(
            "SELECT * FROM (SELECT *, rank() OVER (PARTITION BY symbol ORDER BY ts {}) AS place FROM {} bars "
            "WHERE {}) b WHERE place = 1 AND n > 10 ORDER BY symbol, frame",
            direction, table, where);
      case 5:
        return fmt::format("SELECT {}(ts) FROM {} bars WHERE {}", is_newest ? "max" : "min", table, where);
      case 7:
        return fmt::format(
            "SELECT symbol, frame, min(ts), max(ts), first(price, ts), last(n, ts) FROM {} bars WHERE {} "
            "GROUP BY symbol, frame ORDER BY 1, 2",
            table, where);
      case 8:
        return fmt::format("SELECT min(ts), max(ts) FROM {} bars WHERE {}", table, where);
      default:
        return fmt::format(
            "SELECT names.symbol, b.ts, b.price FROM names LEFT JOIN LATERAL (SELECT ts, price FROM {} bars "
            "WHERE bars.symbol = names.symbol AND frame = '1m' AND {} ORDER BY ts {} LIMIT 1) b ON true "
            "ORDER BY 1",
            table, where, direction);
    }
  }

  std::string plan_of(const std::string& sql) {
    std::string plan;
    for (const std::string& line : rows("EXPLAIN " + sql)) plan += line + "\n";
    return plan;
  }

  void compare(std::uint64_t form, const std::string& where, bool is_known) {
    const std::string fast = query(form, "bars", where);
    const std::string slow = query(form, "(SELECT * FROM bars LIMIT 1000000)", where);
    const std::string plan = plan_of(fast);
    if ((plan.find("Of Each Series") != std::string::npos) != is_known &&
        plan.find("Scan on") != std::string::npos && plan.find("Empty Result") == std::string::npos)
      RC_FAIL(fast + "\n" + plan);
    const auto expected = rows(slow);
    // The second time by the plan of the lifted literals.
    for (int i = 0; i < 2; ++i) {
      const auto found = rows(fast);
      if (found == expected) continue;
      std::string message = fast;
      for (std::size_t row = 0; row < std::max(found.size(), expected.size()); ++row) {
        const std::string a = row < found.size() ? found[row] : "(nothing)";
        const std::string b = row < expected.size() ? expected[row] : "(nothing)";
        if (a != b) message += "\nfound " + a + "\nexpected " + b;
      }
      RC_FAIL(message);
    }
  }

  std::mt19937_64 random_;
  bool in_block_ = false;
  std::string direction_;
};

TEST_F(SeriesEndsOfSql, AreThoseOfAllRows) {
  EXPECT_TRUE(rc::check([this](std::uint64_t seed) {
    random_.seed(seed);
    if (in_block_) tag("ROLLBACK");
    in_block_ = false;
    make_table();
    for (int i = 0; i < 3; ++i) {
      insert();
      change();
      for (int k = 0; k < 3; ++k) {
        const std::uint64_t form = below(7);
        direction_ = chance(70) ? "DESC" : "ASC";
        compare(form, conditions(), true);
      }
      // Both ends, of which only a short plan reads no more.
      compare(7 + below(2), conditions(), false);
      direction_ = "DESC";
      compare(below(4), "price > " + std::to_string(below(90)), false);
      compare(below(4), "ts::date <= '2026-01-05' AND n <> 7", false);
    }
  }));
}

TEST_F(SeriesEndsOfSql, OfMoreThanTheFirstAreAllRows) {
  make_table();
  insert();
  for (const char* sql :
       {"SELECT symbol, last(price, ts), count(*) FROM bars GROUP BY symbol",
        "SELECT symbol, last(price, ts), first(price, ts) FROM bars GROUP BY symbol",
        "SELECT n, last(price, ts) FROM bars GROUP BY n",
        "SELECT symbol, last(price, ts) FILTER (WHERE n > 3) FROM bars GROUP BY symbol",
        "SELECT DISTINCT ON (n) * FROM bars ORDER BY n, ts DESC",
        "SELECT DISTINCT ON (symbol) * FROM bars ORDER BY symbol, n, ts DESC",
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY symbol ORDER BY ts DESC) AS place, "
        "count(*) "
        "OVER (PARTITION BY symbol) AS m FROM bars) b WHERE place = 1",
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY n ORDER BY ts DESC) AS place FROM bars) b "
        "WHERE place = 1"}) {
    EXPECT_EQ(plan_of(sql).find("Of Each Series"), std::string::npos) << sql;
  }
  // The number that is compared with may be another one at each execution.
  const std::string first =
      "SELECT count(*) FROM (SELECT row_number() OVER (PARTITION BY symbol ORDER BY ts DESC) AS place "
      "FROM bars) b WHERE place = $1::bigint";
  const auto symbols = rows("SELECT count(DISTINCT symbol) FROM bars");
  EXPECT_EQ(TestSession::joined(session->run_with(first, {"1"})), symbols);
  tag("INSERT INTO bars SELECT 'Q', ts, frame, price, n FROM bars ON CONFLICT DO NOTHING");
  EXPECT_EQ(TestSession::joined(session->run_with(first, {"3"})),
            rows("SELECT count(*) FROM (SELECT symbol FROM bars GROUP BY symbol HAVING count(*) >= 3) s"));
}

}  // namespace
}  // namespace tickstone::engine
