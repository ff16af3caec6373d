// SPDX-License-Identifier: Apache-2.0
// Random lists of constants, as IN and as OR of equalities, which tell the scan what it need not read, beside
// the same conditions of expressions that tell it nothing: rows in memory and on disk, changed and erased.
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class Choices : public SessionTest {
 protected:
  Choices() {
    close();
    options.store.row_group_rows = 32;
    open();
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  void make_table() {
    tag("DROP TABLE IF EXISTS bars");
    tag("CREATE TABLE bars (symbol TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, n INTEGER, price NUMERIC, PRIMARY "
        "KEY "
        "(symbol, ts))");
    tag("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    for (int i = 0; i < 4; ++i) {
      tag(fmt::format(
          "INSERT INTO bars SELECT 'S' || s, TIMESTAMPTZ '2026-01-05 00:00+00' + (k + {}) * INTERVAL "
          "'1 minute', nullif((k * 7 + s) % 23, 4), (k % 11) / 4.0 FROM generate_series(0, 14, {}) s, "
          "generate_series(0, 59) k ON CONFLICT (symbol, ts) DO UPDATE SET n = EXCLUDED.n",
          below(120), 1 + below(3)));
      if (chance(50)) tag("CHECKPOINT");
      if (chance(30)) tag(fmt::format("DELETE FROM bars WHERE n = {}", below(23)));
    }
  }

  std::string operand(std::uint64_t column) {
    if (chance(4)) return "NULL";
    switch (column) {
      case 0:
        return fmt::format("'S{}'", below(17));
      case 1:
        return fmt::format("'2026-01-05 {:02}:{:02}:00+00'::timestamptz", below(3), below(60));
      case 2:
        return chance(10) ? "7.5" : std::to_string(below(25));
      default:
        return fmt::format("{}.{}", below(3), 25 * below(4));
    }
  }

  /// The condition, and the same in a way that tells nothing.
  std::pair<std::string, std::string> condition() {
    static const char* const kColumns[] = {"symbol", "ts", "n", "price"};
    static const char* const kHidden[] = {"(symbol || '')", "(ts + INTERVAL '0')", "(n + 0)", "(price + 0)"};
    std::string text, hidden;
    const auto add = [&](const std::string& one, const std::string& other) {
      text += one;
      hidden += other;
    };
    const std::uint64_t first = chance(50) ? 0 : below(4);
    const bool is_list = chance(50);
    const std::string opens = chance(10) ? "NOT (" : "(";
    add(opens, opens);
    for (std::uint64_t i = 0, count = 1 + below(chance(30) ? 12 : 4); i < count; ++i) {
      const std::uint64_t column = is_list || chance(85) ? first : below(4);
      const std::string other = kHidden[column];
      const std::string value = operand(column);
      if (is_list) {
        if (i == 0) add(std::string(kColumns[column]) + " IN (", other + " IN (");
        add(i == 0 ? value : ", " + value, i == 0 ? value : ", " + value);
        if (i + 1 == count) add(")", ")");
        continue;
      }
      if (i > 0) add(" OR ", " OR ");
      if (chance(20)) {
        add(value + " = " + kColumns[column], value + " = " + other);
      } else {
        add(kColumns[column] + (" = " + value), other + " = " + value);
      }
    }
    add(")", ")");
    return {text, hidden};
  }

  std::mt19937_64 random_;
};

TEST_F(Choices, LeaveTheRowsThatTheyName) {
  EXPECT_TRUE(rc::check([this](std::uint64_t seed) {
    random_.seed(seed);
    make_table();
    for (int i = 0; i < 10; ++i) {
      auto [text, hidden] = condition();
      if (chance(40)) {
        const auto [more, more_hidden] = condition();
        const std::string word = chance(70) ? " AND " : " OR ";
        text += word + more;
        hidden += word + more_hidden;
      }
      const std::string select =
          chance(20) ? "SELECT DISTINCT ON (symbol) symbol, ts, n FROM bars WHERE {} ORDER BY symbol, ts DESC"
                     : "SELECT symbol, ts, n, price FROM bars WHERE {} ORDER BY symbol, ts";
      const std::string sql = fmt::format(fmt::runtime(select), text);
      const auto expected = rows(fmt::format(fmt::runtime(select), hidden));
      for (int k = 0; k < 2; ++k) {
        if (rows(sql) != expected) RC_FAIL(sql);
      }
      if (TestSession::joined(session->run_with(sql, {})) != expected) RC_FAIL("prepared: " + sql);
    }
  }));
}

}  // namespace
}  // namespace tickstone::engine
