// SPDX-License-Identifier: Apache-2.0
#include "market/row_checksum.hpp"

#include "market/test/copy_fixture.hpp"

namespace tickstone::market {
namespace {

class RowChecksum : public CopyFixture {
 protected:
  RowSum sum(const std::string& name, const TimeRange& range = {}) {
    return row_sum(connection(), table(name), range);
  }
  /// Of a table `name` that has just these rows.
  RowSum sum_of(const std::string& name, const std::string& columns, const std::string& rows) {
    run("CREATE TABLE " + name + " (" + columns + ")");
    run("INSERT INTO " + name + " VALUES " + rows);
    return sum(name);
  }
};

TEST_F(RowChecksum, OfAnEmptyTableIsZero) {
  run("CREATE TABLE t (a INT, b TEXT)");
  EXPECT_EQ(sum("t"), (RowSum{0, "0"}));
}

TEST_F(RowChecksum, DoesNotDependOnTheOrderOfRows) {
  const auto one = sum_of("one", "a INT, b TEXT", "(1, 'x'), (2, 'y'), (3, NULL)");
  EXPECT_EQ(one.row_count, 3U);
  EXPECT_NE(one.checksum, "0");
  EXPECT_EQ(sum_of("other", "a INT, b TEXT", "(3, NULL), (1, 'x'), (2, 'y')"), one);
}

TEST_F(RowChecksum, OneFlippedValueIsSeen) {
  run("CREATE TABLE t (a BIGINT PRIMARY KEY, b DOUBLE PRECISION, c TEXT, d BOOLEAN)");
  run("INSERT INTO t SELECT i, i / 7.0, 'text ' || i, i % 2 = 0 FROM generate_series(1, 5000) AS g(i)");
  const auto before = sum("t");
  for (const char* change :
       {"a = 5001", "b = b + 1e-12", "c = 'texT 777'", "c = NULL", "d = NOT d", "d = NULL"}) {
    run("BEGIN");
    run(std::string("UPDATE t SET ") + change + " WHERE a = 777");
    const auto now = sum("t");
    EXPECT_EQ(now.row_count, before.row_count) << change;
    EXPECT_NE(now.checksum, before.checksum) << change;
    run("ROLLBACK");
  }
  EXPECT_EQ(sum("t"), before);
}

TEST_F(RowChecksum, ValuesThatChangePlacesAreSeen) {
  const auto one = sum_of("one", "a TEXT, b TEXT", "('x', 'y'), ('1', '2')");
  EXPECT_NE(sum_of("columns", "a TEXT, b TEXT", "('y', 'x'), ('1', '2')"), one);
  EXPECT_NE(sum_of("rows", "a TEXT, b TEXT", "('x', '2'), ('1', 'y')"), one);
  EXPECT_NE(sum_of("shifted", "a TEXT, b TEXT", "('xy', ''), ('1', '2')"), one);
}

TEST_F(RowChecksum, NullIsNoEmptyText) {
  const auto null = sum_of("nulls", "a TEXT, b TEXT", "(NULL, 'x')");
  EXPECT_NE(sum_of("empty", "a TEXT, b TEXT", "('', 'x')"), null);
  EXPECT_NE(sum_of("word", "a TEXT, b TEXT", "('NULL', 'x')"), null);
  EXPECT_NE(sum_of("other_column", "a TEXT, b TEXT", "('x', NULL)"), null);
  EXPECT_EQ(sum_of("all_nulls", "a TEXT, b INT", "(NULL, NULL)").row_count, 1U);
}

TEST_F(RowChecksum, ARowTwiceIsNotTheRowOnce) {
  const auto once = sum_of("once", "a INT", "(1)");
  const auto twice = sum_of("twice", "a INT", "(1), (1)");
  EXPECT_EQ(twice.row_count, 2U);
  EXPECT_NE(twice.checksum, once.checksum);
}

TEST_F(RowChecksum, NumbersCountByValueNotByTheirZeros) {
  const auto plain = sum_of("plain", "a NUMERIC, b NUMERIC(12,4)", "(1.5, 2), (100, 0.1)");
  EXPECT_EQ(sum_of("zeros", "a NUMERIC, b NUMERIC(12,4)", "(1.500, 2.0000), (100.00, 0.1000)"), plain);
  EXPECT_NE(sum_of("other", "a NUMERIC, b NUMERIC(12,4)", "(1.5, 2), (10, 0.1)"), plain);
}

TEST_F(RowChecksum, OfWideNumbersSeesTheLastDigit) {
  const std::string columns = "a NUMERIC, b NUMERIC";
  const std::string wide = "12345678901234567890123456", small = "0.00000000000000000001";
  const auto one = sum_of("one", columns, "(" + wide + ", " + small + ")");
  EXPECT_NE(sum_of("last", columns, "(12345678901234567890123457, " + small + ")"), one);
  EXPECT_NE(sum_of("least", columns, "(" + wide + ", 0.00000000000000000002)"), one);
  EXPECT_NE(sum_of("sign", columns, "(-" + wide + ", " + small + ")"), one);
  EXPECT_EQ(sum_of("same", columns, "(" + wide + ", " + small + ")"), one);
}

TEST_F(RowChecksum, OfAllTypesSeesEachOfThem) {
  const std::string columns =
      "a SMALLINT, b INTEGER, c BIGINT, d REAL, e DOUBLE PRECISION, f NUMERIC(10,2), g TEXT, h VARCHAR(9), i "
      "BOOLEAN, j DATE, k TIMESTAMP, l TIMESTAMPTZ, m TIME, n INTERVAL, o UUID, p BYTEA, q JSONB, r INT[], s "
      "TEXT[], t NUMERIC(10,2)[]";
  run("CREATE TABLE t (" + columns + ")");
  run("INSERT INTO t VALUES (1, 2, 3, 1.5, 2.5, 3.25, 'g', 'h', TRUE, '2026-01-05', '2026-01-05 "
      "01:02:03.000004', "
      "'2026-01-05 01:02:03.000004+00', '01:02:03', '1 day 02:00:00', "
      "'00000000-0000-7000-8000-000000000001', "
      "'\\x00ff', '{\"a\": [1, null]}', '{1,NULL,3}', '{a,NULL,\"b c\"}', '{1.50,2}')");
  const auto before = sum("t");
  for (const char* change : {"a = 2",
                             "b = 3",
                             "c = 4",
                             "d = 1.5000001",
                             "e = 2.5000000000000004",
                             "f = 3.26",
                             "g = 'G'",
                             "h = 'h '",
                             "i = FALSE",
                             "j = '2026-01-06'",
                             "k = '2026-01-05 01:02:03.000005'",
                             "l = '2026-01-05 01:02:03.000005+00'",
                             "m = '01:02:04'",
                             "n = '1 day 02:00:01'",
                             "o = '00000000-0000-7000-8000-000000000002'",
                             "p = '\\x00fe'",
                             "q = '{\"a\": [1, 2]}'",
                             "r = '{1,0,3}'",
                             "s = '{a,NULL,\"b d\"}'",
                             "t = '{1.51,2}'"}) {
    run("BEGIN");
    run(std::string("UPDATE t SET ") + change);
    EXPECT_NE(sum("t").checksum, before.checksum) << change;
    run("ROLLBACK");
  }
  EXPECT_EQ(sum("t"), before);
}

TEST_F(RowChecksum, GeneratedColumnsDoNotCount) {
  const auto plain = sum_of("plain", "a INT", "(1), (2)");
  run("CREATE TABLE made (a INT, b INT GENERATED ALWAYS AS (a * 2) STORED)");
  run("INSERT INTO made (a) VALUES (1), (2)");
  EXPECT_EQ(sum("made"), plain);
}

TEST_F(RowChecksum, OfARangeCountsItsRowsAlone) {
  run("CREATE TABLE t (at TIMESTAMPTZ NOT NULL, v INT)");
  run("SELECT create_hypertable('t', 'at', chunk_time_interval => INTERVAL '1 day')");
  run("INSERT INTO t SELECT TIMESTAMPTZ '2026-01-05 00:00:00+00' + i * INTERVAL '6 hours', i FROM "
      "generate_series(0, 11) AS g(i)");
  const TimeRange day{"2026-01-06 00:00:00+00", "2026-01-07 00:00:00+00"};
  EXPECT_EQ(sum("t", day).row_count, 4U);
  EXPECT_EQ(sum("t", {"", day.start}).row_count, 4U) << "half open";
  EXPECT_EQ(sum("t", {day.end, ""}).row_count, 4U);
  EXPECT_EQ(sum("t").row_count, 12U);
  const auto before = sum("t", day);
  run("UPDATE t SET v = 100 WHERE at = '2026-01-07 00:00:00+00'");
  EXPECT_EQ(sum("t", day), before);
  run("UPDATE t SET v = 100 WHERE at = '2026-01-06 00:00:00+00'");
  EXPECT_NE(sum("t", day), before);
}

}  // namespace
}  // namespace tickstone::market
