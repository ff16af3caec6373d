// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "sql/parse_tree.hpp"

namespace tickstone::sql {
namespace {

std::string printed(const std::string& text) {
  return deparse_statement(ParseTree::parse_kept(text)->statement(0));
}

/// `deparse_statement` reads what it prints and compares.
TEST(StatementText, SaysTheSame) {
  for (
      const char*
          text : {
              R"sql(SELECT (t AT TIME ZONE 'x')::date FROM dz)sql",
              R"sql(SELECT (ARRAY[1,2])[1])sql",
              R"sql(SELECT (ARRAY[1,2])[1:2])sql",
              R"sql(SELECT (a || b)[1])sql",
              R"sql(SELECT a - (b - c), (a - b) - c, a - b - c, a / (b * c), -(-a), - - a, (- a) ^ 2, -(a ^ 2), -a::int, (-a)::int)sql",
              R"sql(SELECT NOT (a AND b), (NOT a) AND b, NOT (a = b), (NOT a) = b, a = (b = c), (a = b) = c, (a IS NULL) = b, a IS NULL = b)sql",
              R"sql(SELECT (a < b) IS NOT TRUE, (a AND b) IS TRUE, a AND (b IS TRUE), (a OR b) AND c, a OR b AND c)sql",
              R"sql(SELECT a BETWEEN b AND c, (a BETWEEN b AND c) AND d, a BETWEEN (b + 1) AND (c AND d), NOT a BETWEEN b AND c, (a BETWEEN b AND c) IS TRUE)sql",
              R"sql(SELECT a IN (1, 2), (a IN (1,2)) = b, NOT a IN (1), (a, b) IN ((1,2)), (a IN (1,2)) IS NULL)sql",
              R"sql(SELECT a LIKE b, (a LIKE b) = c, a LIKE (b || c), a LIKE b ESCAPE c, (a || b) LIKE c, NOT a LIKE b, a NOT LIKE b, a SIMILAR TO b, a ILIKE b)sql",
              R"sql(SELECT (a COLLATE "C") || b, (a || b) COLLATE "C", a COLLATE "C" < b)sql",
              R"sql(SELECT (a + b)::int, (a)::int + b, a::int::text, (a::int)::text, CAST(a + b AS text), (a = b)::text, (a AND b)::int, (CASE WHEN a THEN b END)::int, (SELECT 1)::text, (a IS NULL)::int, (a BETWEEN 1 AND 2)::int, (a IN (1))::int, (NOT a)::int, (-1)::int, -1::int, (x -> 'a')::int, (x ->> 'a')::int, x -> ('a'::text))sql",
              R"sql(SELECT (a).b, (a).b.c, (a.b).c, (f(x)).y, (f(x))[1], f(x)::int, (ROW(1,2)).f1, (CASE WHEN a THEN b END)[1], (SELECT a)[1], (a[1])[2], a[1][2], (a[1:2])[1], (coalesce(a,b))[1], (x::int[])[1], ('{1}'::int[])[1], (string_to_array(a, ','))[1], ($1)[1], $1[1])sql",
              R"sql(SELECT a AT TIME ZONE 'x' AT TIME ZONE 'y', (a AT TIME ZONE 'x') - b, a - (b AT TIME ZONE 'x'), (a + b) AT TIME ZONE 'x', a + b AT TIME ZONE 'x', (a AT TIME ZONE 'x') = b, (a AT TIME ZONE 'x')[1], (a AT TIME ZONE 'x') IS NULL, (a AT TIME ZONE 'x') BETWEEN b AND c, extract(hour FROM (a AT TIME ZONE 'x')), date_trunc('day', a AT TIME ZONE 'x'), (a AT TIME ZONE 'x') || 'b', (a AT TIME ZONE ('x' || 'y')), a::timestamptz AT TIME ZONE 'x', (-a) AT TIME ZONE 'x', (a AT TIME ZONE 'x')::date::text)sql",
              R"sql(SELECT interval '1 day' * 2, interval '1' day, INTERVAL(3) '1 second', a::interval day to second, time with time zone '10:00', timestamp(3) with time zone '2020-01-01', a::timestamp(3), a::varchar(10), a::numeric(10,2), a::char, a::"char", a::bit(3), double precision '1')sql",
              R"sql(SELECT position(a IN b), substring(a FROM 1 FOR 2), substring(a FROM b), overlay(a PLACING b FROM 1), trim(both 'x' from a), extract(epoch from a), (extract(epoch from a))::int, (position(a IN b))::text, (substring(a from 1))::int, normalize(a), (trim(a))::int, (overlay(a PLACING b FROM 1))::text, collation for (a), ((a, b) OVERLAPS (c, d)))sql",
              R"sql(SELECT a OPERATOR(pg_catalog.+) b, (a OPERATOR(pg_catalog.+) b) * c, a @> b, a && b, (a @> b) AND c, a ? b, a #>> '{x}', (a #>> '{x}')::int, a ~ b, (a ~ b) IS TRUE, a !~~ b, |/ a, (|/ a)::int, @ a, a % b, a <-> b)sql",
              R"sql(SELECT a = ANY (b), a = ANY (ARRAY[1]), a = ANY ('{1}'::int[]), (a = ANY (b)) IS NOT FALSE, NOT (a = ANY (b)), a <> ALL (b), a = ANY (SELECT 1), (a = ANY (SELECT 1)) = b, EXISTS (SELECT 1) AND a, NOT EXISTS (SELECT 1), ARRAY(SELECT 1), (ARRAY(SELECT 1))[1], a LIKE ANY (b), a < SOME (b))sql",
              R"sql(SELECT a IS DISTINCT FROM b, (a IS DISTINCT FROM b) IS TRUE, a IS DISTINCT FROM (b = c), NOT a IS DISTINCT FROM b, (a = b) IS DISTINCT FROM c, a IS NOT DISTINCT FROM b, a IS DOCUMENT)sql",
              R"sql(SELECT sum(a) FILTER (WHERE b), sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), (sum(a) OVER ())::int, sum(a) OVER w FROM t WINDOW w AS (ORDER BY a RANGE BETWEEN INTERVAL '1 day' PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES))sql",
              R"sql(SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a DESC NULLS LAST), array_agg(DISTINCT a ORDER BY a), string_agg(a, ',' ORDER BY b), count(*), count(DISTINCT a), f(VARIADIC a), f(a => 1), f(x, VARIADIC ARRAY[1]))sql",
              R"sql(SELECT DISTINCT ON (a, b) c FROM t ORDER BY a, b USING <, c NULLS FIRST LIMIT 1 OFFSET 2)sql",
              R"sql(SELECT * FROM a JOIN b USING (x) LEFT JOIN (c JOIN d ON true) ON true NATURAL JOIN e CROSS JOIN f, LATERAL (SELECT 1) AS g(h), f(x) WITH ORDINALITY AS i(j,k), ROWS FROM (f(1), g(2)) AS l, t TABLESAMPLE BERNOULLI (10) REPEATABLE (1))sql",
              R"sql(SELECT * FROM (a JOIN b ON true) AS j, ONLY t, (VALUES (1,2),(3,4)) v(a,b), f(1) AS (a int, b text), json_to_recordset(x) AS y(a int))sql",
              R"sql((SELECT 1 UNION ALL SELECT 2) ORDER BY 1 LIMIT 1)sql",
              R"sql(SELECT 1 UNION (SELECT 2 EXCEPT SELECT 3))sql",
              R"sql((SELECT 1 UNION SELECT 2) INTERSECT SELECT 3)sql",
              R"sql((SELECT 1 LIMIT 1) UNION ALL (SELECT 2 ORDER BY 1))sql",
              R"sql(WITH a AS (SELECT 1), b(x) AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a UNION ALL SELECT * FROM b ORDER BY 1)sql",
              R"sql(WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3) SEARCH DEPTH FIRST BY n SET o CYCLE n SET c USING p SELECT * FROM a)sql",
              R"sql(SELECT GROUPING(a), a FROM t GROUP BY GROUPING SETS ((a, b), ()), ROLLUP (a, b), CUBE (a), (a, b) HAVING count(*) > 1)sql",
              R"sql(SELECT a FROM t GROUP BY DISTINCT a, ROLLUP (a, b))sql",
              R"sql(SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS WITH TIES)sql",
              R"sql(SELECT E'a\\b\'c', 'it''s', U&'d\0061t', $$x$$, B'101', X'1F', 1e10, .5, 1.5e-3, 12345678901234567890, true, NULL)sql",
              R"sql(SELECT "a b"."C", "select", "Ä", t.*, (t).*, "t".x AS "from", x AS select FROM "T" t)sql",
              R"sql(SELECT current_date, current_timestamp(3), localtime, current_user, session_user, current_schema, current_catalog, user)sql",
              R"sql(SELECT CASE a WHEN b THEN c ELSE d END, CASE WHEN a = b THEN c END + 1, (CASE WHEN a THEN b END) IS NULL, NULLIF(a, b), GREATEST(a, b), COALESCE(a, b) + 1)sql",
              R"sql(SELECT ROW(1, 2) = ROW(3, 4), (1, 2) < (3, 4), ROW(1), ROW(), (a, b) IS NULL, (a, b) IS DISTINCT FROM (c, d), (ROW(1,2))::t, (a,b) = (SELECT 1, 2), ROW(t.*))sql",
              R"sql(SELECT a ->> 'b' = 'c', (a -> 'b') ->> 'c', a -> 'b' ->> 'c', a -> ('b' || 'c'), (a || b) -> 'c', a || (b -> 'c'), a - 'b'::text, (a - 'b')::text, a #- '{x}')sql",
              R"sql(SELECT time_bucket('5 minutes', t), time_bucket(INTERVAL '1 day', t, 'Europe/Berlin'), t - INTERVAL '1 day' * 3, (t - u) / 2, -(t - u), (now() - t) > interval '1 day')sql",
              R"sql(SELECT (a ISNULL), (a NOTNULL), a IS NOT NULL, (a IS NOT NULL) AND b, a IS UNKNOWN, (a > b) IS UNKNOWN, NOT a IS NULL, (NOT a) IS NULL, -a IS NULL)sql",
              R"sql(SELECT a ^ b ^ c, a ^ (b ^ c), (a ^ b) ^ c, a * b + c, a * (b + c), (a + b) * c, a % (b % c), a || b || c, a || (b || c), a < (b + c), (a < b) + c, - (a + b), -(a * b), (-a) * b, + a, +(-a), ~ a, ~(a & b), (a & b) | c, a & (b | c), a << (b << c), a # b)sql",
          }) {
    std::string once;
    ASSERT_NO_THROW(once = printed(text)) << text;
    EXPECT_EQ(printed(once), once);
  }
}

TEST(StatementText, KeepsTheParenthesesThatItNeeds) {
  EXPECT_EQ(printed("SELECT (at AT TIME ZONE 'UTC')::date"), "SELECT (at AT TIME ZONE 'UTC')::date");
  EXPECT_EQ(printed("SELECT (at AT TIME ZONE 'UTC')[1]"), "SELECT (at AT TIME ZONE 'UTC')[1]");
  EXPECT_EQ(printed("SELECT (ARRAY[1, 2])[1]"), "SELECT (ARRAY[1, 2])[1]");
  EXPECT_EQ(printed("SELECT (CASE WHEN a THEN b END)[1:2]"), "SELECT (CASE WHEN a THEN b END)[1:2]");
  EXPECT_EQ(printed("SELECT (a AND b) IS TRUE"), "SELECT (a AND b) IS TRUE");
  EXPECT_EQ(printed("SELECT (a AND b)::int"), "SELECT (a AND b)::int");
  EXPECT_EQ(printed("SELECT (a BETWEEN b AND c) = d"), printed("SELECT ((a BETWEEN b AND c)) = d"));
  EXPECT_EQ(printed("SELECT (NOT a) IS NULL"), "SELECT (NOT a) IS NULL");
}

TEST(StatementText, AddsNoneToWhatIsClear) {
  EXPECT_EQ(printed("SELECT a - (b - c), a AND b IS NULL FROM t WHERE (x = 1)"),
            "SELECT a - (b - c), a AND b IS NULL FROM t WHERE x = 1");
}

TEST(StatementText, RefusesWhatWouldSaySomethingElse) {
  try {
    printed("SELECT a FROM t FOR UPDATE OF t SKIP LOCKED");
    FAIL() << "the library prints no space there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::FeatureNotSupported);
  }
}

}  // namespace
}  // namespace tickstone::sql
