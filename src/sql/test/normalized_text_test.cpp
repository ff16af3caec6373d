// SPDX-License-Identifier: Apache-2.0
#include "sql/normalized_text.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone::sql {
namespace {

std::string normal(std::string_view statement) { return normalize_statement(statement).text; }
std::int64_t id(std::string_view statement) { return normalize_statement(statement).id; }

// What PostgreSQL 15's pg_stat_statements shows of the same.
TEST(NormalizedText, ReplacesConstantsAsPostgresqlDoes) {
  EXPECT_EQ(normal("SELECT 1"), "SELECT $1");
  EXPECT_EQ(normal("SELECT a, 'x', -5, a -5 FROM t WHERE b = -1.5e3 AND c = E'\\n'"),
            "SELECT a, $1, $2, a -$3 FROM t WHERE b = $4 AND c = $5");
  EXPECT_EQ(normal("SELECT * FROM t WHERE ts >= '2026-01-05'::timestamptz LIMIT 10"),
            "SELECT * FROM t WHERE ts >= $1::timestamptz LIMIT $2");
  EXPECT_EQ(normal("SELECT x::numeric(10,2), round(x, 2) FROM t"),
            "SELECT x::numeric(10,2), round(x, $1) FROM t");
  EXPECT_EQ(normal("UPDATE t SET a = NULL, b = true WHERE c IS NOT NULL AND d IS NULL AND e IS NOT TRUE"),
            "UPDATE t SET a = $1, b = $2 WHERE c IS NOT NULL AND d IS NULL AND e IS NOT TRUE");
  EXPECT_EQ(normal("SELECT a, count(*) FROM t GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"),
            "SELECT a, count(*) FROM t GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $1");
  EXPECT_EQ(normal("SELECT a FROM t ORDER BY a + 1"), "SELECT a FROM t ORDER BY a + $1");
  EXPECT_EQ(normal("SELECT time_bucket('1 day', ts) FROM t WHERE s IN ('a', 'b')"),
            "SELECT time_bucket($1, ts) FROM t WHERE s IN ($2, $3)");
}

TEST(NormalizedText, NumbersConstantsAfterParameters) {
  EXPECT_EQ(normal("SELECT $2, 5 FROM t WHERE a = $1 AND b = 'x'"),
            "SELECT $2, $3 FROM t WHERE a = $1 AND b = $4");
}

TEST(NormalizedText, FoldsRowsOfValues) {
  EXPECT_EQ(normal("INSERT INTO t (a, b) VALUES (1, 'x')"), "INSERT INTO t (a, b) VALUES ($1, $2)");
  EXPECT_EQ(normal("INSERT INTO t VALUES (1, 'x'), (2, NULL), (-3, DEFAULT) ON CONFLICT DO NOTHING"),
            "INSERT INTO t VALUES ($1, $2) /*, ... */ ON CONFLICT DO NOTHING");
  EXPECT_EQ(normal("INSERT INTO t VALUES ('2026-01-05'::timestamptz, 1), ('2026-01-06'::timestamptz, 2)"),
            "INSERT INTO t VALUES ($1::timestamptz, $2) /*, ... */");
  EXPECT_EQ(normal("INSERT INTO t VALUES (1), (f(2))"), "INSERT INTO t VALUES ($1), (f($2))");
  EXPECT_EQ(id("INSERT INTO t VALUES (1), (2)"), id("INSERT INTO t VALUES (3), (4), (5)"));
  EXPECT_NE(id("INSERT INTO t VALUES (1)"), id("INSERT INTO t VALUES (1), (2)"));
}

TEST(NormalizedText, LeavesWhatOtherStatementsDo) {
  EXPECT_EQ(normal("ALTER USER u PASSWORD 'secret'"), "ALTER USER u PASSWORD $1");
  EXPECT_EQ(normal("CREATE TABLE t (a numeric(10, 2) DEFAULT 5)"),
            "CREATE TABLE t (a numeric(10, 2) DEFAULT 5)");
  EXPECT_EQ(normal("SET statement_timeout = 500"), "SET statement_timeout = 500");
}

TEST(NormalizedText, SameIdForSameMeaning) {
  EXPECT_EQ(id("SELECT a FROM t WHERE b=1"), id("select  A\nfrom T /* c */ where b = 2 -- d"));
  EXPECT_NE(id("SELECT a FROM t WHERE b=1"), id("SELECT a FROM \"T\" WHERE b=1"));
  EXPECT_NE(id("SELECT a FROM t WHERE b=1"), id("SELECT a FROM t WHERE b=$1"));
}

TEST(NormalizedText, PreparedStatementsByWhatTheyRun) {
  EXPECT_EQ(normal("PREPARE p(text) AS SELECT a FROM t WHERE b = $1 AND c = 5"),
            "PREPARE p(text) AS SELECT a FROM t WHERE b = $1 AND c = $2");
  EXPECT_EQ(id("PREPARE p AS SELECT a AS b FROM t"), id("PREPARE q (int) AS SELECT a AS b FROM t"));
  EXPECT_NE(id("PREPARE p AS SELECT a AS b FROM t"), id("PREPARE p AS SELECT a AS c FROM t"));
}

TEST(HidePasswords, InEveryForm) {
  EXPECT_EQ(hide_passwords("ALTER USER u WITH password 'a''b' LOGIN"),
            "ALTER USER u WITH password '********' LOGIN");
  EXPECT_EQ(hide_passwords("CREATE ROLE r ENCRYPTED PASSWORD $$x$$; SELECT 1"),
            "CREATE ROLE r ENCRYPTED PASSWORD '********'; SELECT 1");
  EXPECT_EQ(hide_passwords("alter user u PassWord E'\\'x'"), "alter user u PassWord '********'");
  // Cut off within the string.
  EXPECT_EQ(hide_passwords("ALTER USER u PASSWORD 'secr"), "ALTER USER u PASSWORD '********'");
  EXPECT_EQ(hide_passwords("SELECT 'x' FROM t WHERE password = 'y'"),
            "SELECT 'x' FROM t WHERE password = 'y'");
}

TEST(HidePasswords, IsAskedForWhereItMatters) {
  EXPECT_TRUE(may_have_password("  alter user u password 'x'"));
  EXPECT_TRUE(may_have_password("SELECT 1; ALTER USER u PASSWORD 'x'"));
  EXPECT_TRUE(may_have_password("/* c */ ALTER USER u PASSWORD 'x'"));
  EXPECT_FALSE(may_have_password("SELECT 1"));
  EXPECT_FALSE(may_have_password("INSERT INTO t VALUES (1)"));
}

TEST(StatementClass, ByItsWords) {
  EXPECT_EQ(class_of_statement("CREATE TABLE t (a int)"), StatementClass::Definition);
  EXPECT_EQ(class_of_statement("SELECT a INTO b FROM t"), StatementClass::Definition);
  EXPECT_EQ(class_of_statement("INSERT INTO t VALUES (1)"), StatementClass::Modification);
  EXPECT_EQ(class_of_statement("TRUNCATE t"), StatementClass::Modification);
  EXPECT_EQ(class_of_statement("COPY t FROM STDIN"), StatementClass::Modification);
  EXPECT_EQ(class_of_statement("COPY t TO STDOUT"), StatementClass::Other);
  EXPECT_EQ(class_of_statement("COPY (SELECT a FROM t) TO STDOUT"), StatementClass::Other);
  EXPECT_EQ(class_of_statement("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d"),
            StatementClass::Modification);
  EXPECT_EQ(class_of_statement("EXPLAIN DELETE FROM t"), StatementClass::Other);
  EXPECT_EQ(class_of_statement("EXPLAIN (ANALYZE) DELETE FROM t"), StatementClass::Modification);
  EXPECT_EQ(class_of_statement("PREPARE p AS DELETE FROM t"), StatementClass::Modification);
  EXPECT_EQ(class_of_statement("SELECT 1"), StatementClass::Other);
  EXPECT_EQ(class_of_statement(""), StatementClass::Other);
}

}  // namespace
}  // namespace tickstone::sql
