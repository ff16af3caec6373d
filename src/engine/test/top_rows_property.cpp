// SPDX-License-Identifier: Apache-2.0
// ORDER BY with a LIMIT, whose plans are kept and run again with other values, beside the sort of all rows.
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class TopRowsProperty : public SessionTest {
 protected:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool chance(std::int64_t percent) { return below(100) < percent; }

  /// A plain number and a text, both with NULLs, a column of the key, and the time.
  void insert(std::int64_t count) {
    tag(fmt::format(
        "INSERT INTO bars SELECT 's' || (i * 7 + {0}) % 5, to_timestamp((i * 7919 + {0}) % 400000), "
        "nullif((i * 31 + {1}) % 50, 7), nullif('t' || (i * 17 + {1}) % 300, 't9') FROM "
        "generate_series(1, {2}) i ON CONFLICT DO NOTHING",
        below(100'000), below(100'000), count));
  }

  std::mt19937_64 random_{20260302};
};

TEST_F(TopRowsProperty, AreTheFirstOfAll) {
  tag("CREATE TABLE bars (symbol text, at timestamptz, n int, x text, PRIMARY KEY (symbol, at))");
  rows("SELECT create_hypertable('bars', 'at', chunk_time_interval => interval '2 days')");
  const char* keys[] = {"n", "x", "at", "symbol"};
  for (int round = 0; round < 12; ++round) {
    insert(chance(50) ? 20 : 3'000);
    if (chance(30)) tag("CHECKPOINT");
    if (chance(30)) tag(fmt::format("UPDATE bars SET n = n - 60 WHERE n % 7 = {}", below(7)));
    if (chance(30)) tag(fmt::format("DELETE FROM bars WHERE n = {}", below(50)));
    const std::string key = keys[below(4)];
    const std::string order = fmt::format(" ORDER BY {}{}", key, chance(50) ? " DESC" : "");
    const std::string head = "SELECT " + key + " FROM bars WHERE ";
    const int limit = chance(50) ? 1 : 20;
    for (int ask = 0; ask < 8; ++ask) {
      const std::string condition = chance(50) ? fmt::format("at >= to_timestamp({})", below(420'000))
                                               : fmt::format("n > {}", below(60));
      auto all = rows(head + condition + order);
      if (all.size() > static_cast<std::size_t>(limit)) all.resize(static_cast<std::size_t>(limit));
      const std::string query = fmt::format("{}{}{} LIMIT {}", head, condition, order, limit);
      ASSERT_EQ(rows(query), all) << query;
    }
    std::string plan;
    for (const std::string& line : rows(fmt::format("EXPLAIN {}n > 3{} LIMIT {}", head, order, limit))) {
      plan += line + "\n";
    }
    ASSERT_NE(plan.find("Top N"), std::string::npos) << plan;
  }
}

}  // namespace
}  // namespace tickstone::engine
