// SPDX-License-Identifier: Apache-2.0
// GROUP BY over many rows that follow each other in one group, beside the same with an aggregate that is not
// computed stretch by stretch.
#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class GroupStretchesOfSql : public SessionTest {
 protected:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  /// Rows in stretches of about that length, each value NULL now and then.
  void make_table(std::uint64_t rows, std::uint64_t stretch, bool has_nulls) {
    tag("DROP TABLE IF EXISTS t");
    tag("CREATE TABLE t (at TIMESTAMPTZ NOT NULL, s TEXT, k INTEGER, big BIGINT, price NUMERIC, wide "
        "NUMERIC, "
        "f DOUBLE PRECISION, small SMALLINT, day DATE, back TIMESTAMPTZ)");
    if (chance(60)) tag("SELECT create_hypertable('t', 'at', chunk_time_interval => INTERVAL '1 day')");
    const auto maybe = [&](const std::string& text, std::uint64_t every) {
      return has_nulls ? fmt::format("CASE WHEN g % {} = 0 THEN NULL ELSE {} END", every, text) : text;
    };
    tag(fmt::format(
        "INSERT INTO t SELECT TIMESTAMPTZ '2026-01-05 00:00+00' + g * INTERVAL '7 seconds', {}, {}, {}, {}, "
        "{}, {}, "
        "{}, {}, {} FROM generate_series(1, {}) AS g",
        maybe(fmt::format("'series ' || (g / {} * 7919) % 23 || CASE WHEN g / {} % 2 = 0 THEN '' ELSE ' with "
                          "a longer name' END",
                          stretch, stretch),
              stretch * 5 + 1),
        maybe(fmt::format("(g / {}) % 7", stretch * 2), 4999), maybe("(g * 7919) % 100003 - 50000", 13),
        maybe("((g * 31) % 1009 - 500) / 8.0::numeric", 17),
        maybe("(g % 97 - 40) * 12345678901234567890.5", 19), maybe("(g % 1013)::float8 / 8 - 50", 23),
        maybe("(g % 61 - 30)::smallint", 29), maybe("DATE '2026-01-05' + (g % 300)::int", 31),
        maybe("TIMESTAMPTZ '2026-01-05 00:00+00' + (g * 7919) % 100003 * INTERVAL '1 second'", 37), rows));
    if (chance(50)) tag("CHECKPOINT");
  }

  std::vector<std::string> keys() {
    constexpr const char* kKeys[] = {"s", "k", "time_bucket('10 minutes', at)", "time_bucket('3 hours', at)",
                                     "k % 3"};
    std::vector<std::string> keys;
    for (std::uint64_t i = 1 + below(3); i > 0; --i) keys.emplace_back(kKeys[below(std::size(kKeys))]);
    return keys;
  }

  std::string aggregates() {
    constexpr const char* kAggregates[] = {
        "count(*)",        "count(big)",      "sum(big)",       "sum(price)",      "sum(wide)",
        "sum(k)",          "sum(small)",      "avg(price)",     "avg(big)",        "avg(wide)",
        "min(price)",      "max(price)",      "min(wide)",      "max(f)",          "min(f)",
        "min(at)",         "max(day)",        "min(small)",     "first(f, at)",    "last(big, at)",
        "first(wide, at)", "last(price, at)", "first(day, at)", "last(k, at)",     "first(price, back)",
        "last(big, back)", "sum(price * k)",  "max(big + k)",   "count(price * 2)"};
    std::string text;
    for (std::uint64_t i = 1 + below(6); i > 0; --i)
      text += std::string(text.empty() ? "" : ", ") + kAggregates[below(std::size(kAggregates))];
    return text;
  }

  std::mt19937_64 random_{20261128};
};

TEST_F(GroupStretchesOfSql, GiveWhatRowByRowGives) {
  for (int table = 0; table < 6; ++table) {
    make_table(3000 + below(60'000), 1 + below(400), chance(60));
    for (int round = 0; round < 12; ++round) {
      const auto by = keys();
      std::string places;
      for (std::size_t i = 1; i <= by.size(); ++i) places += (i == 1 ? "" : ", ") + std::to_string(i);
      const std::string where =
          chance(30) ? fmt::format(" WHERE k <> {} OR big > {}", below(7), below(50'000)) : "";
      const std::string shared = fmt::format("SELECT {}, {}", fmt::join(by, ", "), aggregates());
      const std::string rest = " FROM t" + where + " GROUP BY " + places + " ORDER BY " + places;
      const auto stretches = rows(shared + rest);
      auto expected = rows(shared + ", count(DISTINCT small)" + rest);
      for (auto& row : expected) row.resize(row.rfind('|'));
      ASSERT_EQ(stretches, expected) << shared << rest;
    }
  }
}

// What 38 digits do not hold is computed anew in more.
TEST_F(GroupStretchesOfSql, SumsOfMoreDigitsAreExact) {
  tag("CREATE TABLE t (k INTEGER, big NUMERIC)");
  tag("INSERT INTO t SELECT g / 1000, 9000000000000000000 FROM generate_series(0, 4999) AS g");
  EXPECT_EQ(rows("SELECT k, sum(big * 1000000000000000000) FROM t GROUP BY k ORDER BY k LIMIT 1"),
            std::vector<std::string>{"0|9" + std::string(39, '0')});
}

}  // namespace
}  // namespace tickstone::engine
