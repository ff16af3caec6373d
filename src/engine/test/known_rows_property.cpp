// SPDX-License-Identifier: Apache-2.0
// Conditions that storage knows to hold for all rows of a row group, beside the same conditions row by row.
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class KnownRows : public SessionTest {
 protected:
  KnownRows() {
    close();
    options.store.row_group_rows = 64;
    open();
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  std::string time() {
    if (chance(6)) return chance(50) ? "TIMESTAMPTZ 'infinity'" : "TIMESTAMPTZ '-infinity'";
    return fmt::format("TIMESTAMPTZ '2026-01-{:02} {:02}:{:02}:00+00'", 5 + below(4), below(24),
                       below(2) * 30);
  }
  std::string text() {
    // Longer than what minima and maxima keep, and alike up to there.
    const std::string tail = chance(30) ? std::string(300, 'x') + std::to_string(below(2)) : "";
    return fmt::format("'f{}{}'", below(3), tail);
  }
  std::string number() { return std::to_string(static_cast<int>(below(60)) - 10); }

  void make_table() {
    tag("DROP TABLE IF EXISTS t");
    tag("CREATE TABLE t (s TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, frame TEXT, n INTEGER, big BIGINT, v "
        "INTEGER, "
        "PRIMARY KEY (s, ts))");
    if (chance(80)) tag("SELECT create_hypertable('t', 'ts', chunk_time_interval => INTERVAL '1 day')");
    const std::string frame =
        chance(50) ? text() : fmt::format("CASE WHEN g % 90 < 80 THEN {} ELSE {} END", text(), text());
    tag(
        fmt::format("INSERT INTO t SELECT 'S' || g % 4, TIMESTAMPTZ '2026-01-05 00:00+00' + g / 4 * INTERVAL "
                    "'5 minutes', "
                    "{}, {}, g / 100, g FROM generate_series(0, 3999) AS g",
                    chance(20) ? "CASE WHEN g % 700 = 0 THEN NULL ELSE " + frame + " END" : frame,
                    chance(30) ? "CASE WHEN g % 500 = 0 THEN NULL ELSE g / 300 END" : "g / 300"));
    if (chance(30))
      tag("INSERT INTO t VALUES ('S1', 'infinity', 'f1', 5, 5, -1), ('S2', '-infinity', 'f1', 5, 5, -2)");
    if (chance(85)) tag("CHECKPOINT");
  }

  void change() {
    switch (below(4)) {
      case 0:
        tag(fmt::format("DELETE FROM t WHERE v % {} = 3", 5 + below(50)));
        break;
      case 1:
        tag(fmt::format("UPDATE t SET frame = {}, n = n + 1 WHERE v % {} = 1", text(), 5 + below(900)));
        break;
      case 2:
        tag("ALTER TABLE t ADD COLUMN IF NOT EXISTS more INTEGER DEFAULT 7");
        break;
      default:
        tag("CHECKPOINT");
    }
  }

  std::string condition() {
    constexpr const char* kComparisons[] = {"=", "<", "<=", ">", ">="};
    const char* comparison = kComparisons[below(5)];
    switch (below(9)) {
      case 0:
      case 1:
        return fmt::format("ts {} {}", kComparisons[1 + below(4)], time());
      case 2:
        return fmt::format("ts BETWEEN {} AND {}", time(), time());
      case 3:
        return fmt::format("frame {} {}", comparison, chance(10) ? "NULL::text" : text());
      case 4:
        return fmt::format("n {} {}", comparison, chance(10) ? "NULL::integer" : number());
      case 5:
        return fmt::format("big {} {}::bigint", comparison, number());
      case 6:
        return fmt::format("s {} 'S{}'", comparison, below(5));
      case 7:
        return fmt::format("{} {} n", number(), comparison);
      default:
        return fmt::format("n BETWEEN {} AND {}", number(), number());
    }
  }

  std::mt19937_64 random_{4};
};

TEST_F(KnownRows, ConditionsHoldForEachRowThatIsGiven) {
  std::size_t found = 0;
  for (int table = 0; table < 12; ++table) {
    make_table();
    for (int round = 0; round < 40; ++round) {
      if (chance(10)) change();
      std::string where = condition();
      for (std::uint64_t i = below(3); i > 0; --i) where += " AND " + condition();
      const char* what[] = {"SELECT count(*), sum(v), min(v), max(v) FROM t WHERE ",
                            "SELECT frame, n, count(*), sum(v) FROM t WHERE ", "SELECT v, s FROM t WHERE "};
      const char* after[] = {"", " GROUP BY frame, n ORDER BY 1, 2", " ORDER BY v"};
      const auto form = below(3);
      const bool is_in_block = chance(15);
      if (is_in_block) {
        tag("BEGIN");
        tag("INSERT INTO t SELECT 'S7', TIMESTAMPTZ '2026-01-06 00:00+00' + g * INTERVAL '1 hour', 'f1', g, "
            "g, 9000 + "
            "g FROM generate_series(0, 20) g");
      }
      const auto given = rows(what[form] + where + after[form]);
      ASSERT_EQ(given, rows(what[form] + ("(" + where + ") IS TRUE") + after[form])) << where;
      if (is_in_block) tag("ROLLBACK");
      found += given.size();
    }
  }
  EXPECT_GT(found, 1000U);
}

// What was known with other values, of the same plan on the same thread, is not known with these.
TEST_F(KnownRows, ValuesOfEachExecutionCount) {
  tag("CREATE TABLE t (s TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (s, ts))");
  tag("SELECT create_hypertable('t', 'ts')");
  tag("INSERT INTO t SELECT 'S' || g % 4, TIMESTAMPTZ '2026-01-05 00:00+00' + g * INTERVAL '1 minute', 5 "
      "FROM "
      "generate_series(0, 9999) AS g");
  tag("CHECKPOINT");
  tag("PREPARE counted (integer, timestamptz) AS SELECT count(*), sum(n) FROM t WHERE n = $1 AND ts >= $2");
  tag("PREPARE listed (integer, timestamptz) AS SELECT s, ts FROM t WHERE n = $1 AND ts >= $2 LIMIT 20000");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(value("EXECUTE counted (5, '2026-01-05 00:00+00')"), "10000|50000");
    EXPECT_EQ(value("EXECUTE counted (NULL, '2026-01-05 00:00+00')"), "0|null");
    EXPECT_EQ(value("EXECUTE counted (5, NULL)"), "0|null");
    EXPECT_EQ(value("EXECUTE counted (6, '2026-01-05 00:00+00')"), "0|null");
    EXPECT_EQ(rows("EXECUTE listed (5, '2026-01-05 00:00+00')").size(), 10'000U);
    EXPECT_EQ(rows("EXECUTE listed (NULL, '2026-01-05 00:00+00')").size(), 0U);
    EXPECT_EQ(rows("EXECUTE listed (5, '-infinity')").size(), 10'000U);
    EXPECT_EQ(rows("EXECUTE listed (5, 'infinity')").size(), 0U);
    EXPECT_EQ(rows("EXECUTE listed (5, NULL)").size(), 0U);
  }
}

}  // namespace
}  // namespace tickstone::engine
