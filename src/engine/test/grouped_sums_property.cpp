// SPDX-License-Identifier: Apache-2.0
// Sums by group beside sums in C++: stretches of a group's rows, in memory and on disk, with NULLs and values
// at the ends of their type.
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"
#include "types/decimal.hpp"

namespace tickstone::engine {
namespace {

class GroupedSums : public SessionTest {
 protected:
  struct Sums {
    Int128 big = 0, wide = 0;
    int count = 0, bigs = 0, wides = 0;
  };

  static std::string text_of(Int128 value) {
    std::string text;
    append_decimal(text, value, 0);
    return text;
  }
};

TEST_F(GroupedSums, AreThoseOfTheirRows) {
  std::mt19937_64 random(20260105);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  for (int round = 0; round < 6; ++round) {
    tag("DROP TABLE IF EXISTS t");
    tag("CREATE TABLE t (symbol TEXT, ts TIMESTAMPTZ NOT NULL, big BIGINT, wide NUMERIC(38, 0), PRIMARY KEY "
        "(symbol, ts))");
    tag("SELECT create_hypertable('t', 'ts', chunk_time_interval => INTERVAL '1 year')");
    std::map<std::string, Sums> sums;
    std::string values;
    for (int symbol = 0, minute = 0; symbol < 12; ++symbol) {
      const std::string name = "S" + std::to_string(below(12));
      for (std::uint64_t left = 1 + below(below(2) == 0 ? 30 : 1500); left > 0; --left, ++minute) {
        // Few of them, so that the sum of a group stays within 38 digits.
        const bool is_extreme = below(50) == 0;
        const std::int64_t big = is_extreme ? (below(2) == 0 ? INT64_MAX : INT64_MIN)
                                            : static_cast<std::int64_t>(below(2000)) - 1000;
        const Int128 wide =
            is_extreme ? Int128{INT64_MAX} * 1'000'000'000 * (below(2) == 0 ? 1 : -1) : Int128{big} * 3;
        const bool has_big = round % 2 == 0 || below(10) > 0;
        const bool has_wide = round % 2 == 0 || below(10) > 0;
        Sums& sum = sums[name];
        ++sum.count;
        if (has_big) sum.big += big;
        if (has_wide) sum.wide += wide;
        sum.bigs += has_big ? 1 : 0;
        sum.wides += has_wide ? 1 : 0;
        values += std::string(values.empty() ? "" : ",") + "('" + name + "', TIMESTAMPTZ '2026-01-05' + " +
                  std::to_string(minute) + " * INTERVAL '1 minute', " +
                  (has_big ? std::to_string(big) : "NULL") + ", " + (has_wide ? text_of(wide) : "NULL") + ")";
      }
    }
    tag("INSERT INTO t VALUES " + values);
    std::vector<std::string> expected;
    for (const auto& [name, sum] : sums) {
      expected.push_back(name + "|" + std::to_string(sum.count) + "|" +
                         (sum.bigs > 0 ? text_of(sum.big) : "null") + "|" +
                         (sum.wides > 0 ? text_of(sum.wide) : "null"));
    }
    const std::string query =
        "SELECT symbol, count(*), sum(big), sum(wide) FROM t GROUP BY symbol ORDER BY symbol";
    EXPECT_EQ(rows(query), expected);
    tag("CHECKPOINT");
    EXPECT_EQ(rows(query), expected);
    // In no order of the groups.
    EXPECT_EQ(rows("SELECT symbol, count(*), sum(big), sum(wide) FROM (SELECT * FROM t ORDER BY "
                   "md5(ts::text)) x GROUP BY symbol ORDER BY symbol"),
              expected);
  }
}

}  // namespace
}  // namespace tickstone::engine
