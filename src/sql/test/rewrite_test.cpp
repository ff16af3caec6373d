// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "sql/statement.hpp"
#include "sql/test/guide_lookup.hpp"

namespace tickstone::sql {
namespace {

using testing::ElementsAre;

const GuideLookup& lookup() {
  static const GuideLookup instance;
  return instance;
}

DuckQuery rewritten(std::string_view text) {
  const std::vector<Statement> statements = parse(text);
  return Rewriter(lookup()).query(std::get<QueryStatement>(statements.at(0).body).query);
}

std::string text_of(std::string_view text) { return rewritten(text).text; }

/// The text of a lone target, without what surrounds it.
std::string target_of(std::string_view expression, std::string_view from = "") {
  std::string text = text_of("SELECT " + std::string(expression) + " AS x" +
                             (from.empty() ? "" : " FROM " + std::string(from)));
  text.erase(0, std::string_view("SELECT ").size());
  return text.substr(0, text.rfind(" AS x"));
}

std::string types_of(std::string_view text) {
  std::string out;
  const DuckQuery query = rewritten(text);
  for (std::size_t i = 0; i < query.output_names.size(); ++i) {
    out += (i > 0 ? ", " : "") + query.output_names[i] + " " +
           (query.output_types[i] ? to_sql(*query.output_types[i]) : "?");
  }
  return out;
}

std::string error_of(std::string_view text) {
  try {
    rewritten(text);
  } catch (const Error& error) {
    return std::string(sqlstate(error.code())) + " " + error.message() +
           (error.position() ? "@" + std::to_string(*error.position()) : "");
  }
  return "no error";
}

TEST(Rewrite, NamesTablesByScanName) {
  EXPECT_EQ(text_of("SELECT o.symbol, ohlcv.close FROM ohlcv o, ohlcv"),
            "SELECT o.symbol, ohlcv.close FROM \"public.ohlcv\" AS o, \"public.ohlcv\" AS ohlcv");
  EXPECT_EQ(text_of("SELECT public.ohlcv.symbol FROM public.ohlcv"),
            "SELECT ohlcv.symbol FROM \"public.ohlcv\" AS ohlcv");
  EXPECT_EQ(text_of("SELECT price FROM inavvi.feed.ticks"), "SELECT price FROM \"feed.ticks\" AS ticks");
  EXPECT_EQ(text_of("TABLE positions"), "SELECT * FROM \"public.positions\" AS positions");
  EXPECT_THAT(
      rewritten("SELECT 1 FROM ohlcv a JOIN trades b USING (symbol) WHERE EXISTS (SELECT 1 FROM ohlcv)")
          .relations,
      ElementsAre("public.ohlcv", "public.trades"));
}

TEST(Rewrite, KnowsScopes) {
  EXPECT_EQ(text_of("WITH ohlcv AS (SELECT symbol AS s FROM ohlcv) SELECT s FROM ohlcv"),
            "WITH ohlcv AS (SELECT symbol AS s FROM \"public.ohlcv\" AS ohlcv) SELECT s FROM ohlcv");
  EXPECT_EQ(
      text_of("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n"),
      "WITH RECURSIVE n(i) AS ((SELECT 1 AS \"?column?\") UNION ALL (SELECT i + 1 AS \"?column?\" FROM n "
      "WHERE i < 3)) SELECT i FROM n");
  EXPECT_EQ(text_of("SELECT (SELECT max(close) FROM ohlcv WHERE symbol = s.symbol) FROM symbols s"),
            "SELECT (SELECT coalesce(max(close), NULL) AS max FROM \"public.ohlcv\" AS ohlcv WHERE symbol = "
            "s.symbol) AS max "
            "FROM \"public.symbols\" AS s");
  // A name of the query around is printed with its relation: nearer ones might have it.
  EXPECT_EQ(
      text_of("SELECT 1 FROM symbols WHERE EXISTS (SELECT 1 FROM positions WHERE ticker = metadata->>'t')"),
      "SELECT 1 AS \"?column?\" FROM \"public.symbols\" AS symbols WHERE EXISTS (SELECT 1 AS \"?column?\" "
      "FROM \"public.positions\" AS positions "
      "WHERE ticker = jsonb_get_text(symbols.metadata, 't'))");
  EXPECT_EQ(text_of("SELECT l.c FROM symbols s LEFT JOIN LATERAL (SELECT close AS c FROM ohlcv o WHERE "
                    "o.symbol = s.symbol LIMIT 1) l ON true"),
            "SELECT l.c FROM \"public.symbols\" AS s LEFT JOIN LATERAL (SELECT close AS c FROM "
            "\"public.ohlcv\" AS o WHERE o.symbol = s.symbol LIMIT "
            "1) AS l ON true");
  EXPECT_EQ(text_of("SELECT symbol FROM ohlcv JOIN trades USING (symbol, timestamp)"),
            "SELECT symbol FROM \"public.ohlcv\" AS ohlcv JOIN \"public.trades\" AS trades USING (symbol, "
            "\"timestamp\")");
}

TEST(Rewrite, ReportsNamesThatAreNotThere) {
  EXPECT_EQ(error_of("SELECT 1 FROM nothing"), "42P01 relation \"nothing\" does not exist@15");
  EXPECT_EQ(error_of("SELECT 1 FROM feed.nothing"), "42P01 relation \"feed.nothing\" does not exist@15");
  EXPECT_EQ(error_of("SELECT 1 WHERE EXISTS (SELECT 1 FROM nothing)"),
            "42P01 relation \"nothing\" does not exist@38");
  EXPECT_EQ(error_of("SELECT 'é', clsoe FROM ohlcv"), "42703 column \"clsoe\" does not exist@13");
  EXPECT_EQ(error_of("SELECT o.clsoe FROM ohlcv o"), "42703 column o.clsoe does not exist@8");
  EXPECT_EQ(error_of("SELECT ohlcv.close FROM ohlcv o"),
            "42P01 invalid reference to FROM-clause entry for table \"ohlcv\"@8");
  EXPECT_EQ(error_of("SELECT symbol FROM ohlcv, trades"), "42702 column reference \"symbol\" is ambiguous@8");
  EXPECT_EQ(error_of("SELECT * FROM ohlcv a JOIN symbols b USING (close)"),
            "42703 column \"close\" specified in USING clause does not exist in right table");
  EXPECT_EQ(error_of("SELECT *"), "42601 SELECT * with no tables specified is not valid@8");
  EXPECT_EQ(error_of("SELECT close FROM ohlcv ORDER BY 2"),
            "42P10 ORDER BY position 2 is not in select list@34");
  EXPECT_EQ(error_of("SELECT a.b.c.d.e FROM ohlcv"),
            "42601 improper qualified name (too many dotted names)@8");
  EXPECT_EQ(error_of("SELECT 1 FROM other.public.ohlcv"),
            "0A000 cross-database references are not implemented: \"other.public.ohlcv\"@15");
  EXPECT_EQ(error_of("SELECT t.close FROM ohlcv o"), "42P01 missing FROM-clause entry for table \"t\"@8");
  EXPECT_EQ(error_of("SELECT 1 FROM ohlcv WHERE sum(close) > 1"),
            "42803 aggregate functions are not allowed in WHERE@27");
  EXPECT_EQ(error_of("SELECT 1 FROM ohlcv WHERE row_number() OVER () = 1"),
            "42P20 window functions are not allowed in WHERE@27");
  EXPECT_EQ(error_of("SELECT 1 FROM ohlcv GROUP BY 7"), "42P10 GROUP BY position 7 is not in select list@30");
  EXPECT_EQ(error_of("SELECT NOT id FROM positions"),
            "42804 argument of NOT must be type boolean, not type integer@12");
  EXPECT_EQ(error_of("SELECT 1 FROM ohlcv WHERE symbol = 5"),
            "42883 operator does not exist: text = integer@34");
  EXPECT_EQ(error_of("SELECT nowhere.f(1)"), "3F000 schema \"nowhere\" does not exist@8");
}

TEST(Rewrite, TypesUntypedLiteralsByTheirNeighbours) {
  EXPECT_EQ(target_of("timestamp >= '2026-01-05 14:30:00+00'", "ohlcv"),
            "\"timestamp\" >= CAST('2026-01-05 14:30:00+00' AS TIMESTAMPTZ)");
  EXPECT_EQ(target_of("timestamp BETWEEN '2026-01-05T00:00:00Z' AND '2026-01-06'", "ohlcv"),
            "\"timestamp\" BETWEEN CAST('2026-01-05T00:00:00Z' AS TIMESTAMPTZ) AND CAST('2026-01-06' AS "
            "TIMESTAMPTZ)");
  EXPECT_EQ(target_of("timestamp > 'Jan 5 2026 10:00 UTC'", "ohlcv"),
            "\"timestamp\" > CAST('2026-01-05 10:00:00+00' AS TIMESTAMPTZ)");
  EXPECT_EQ(target_of("timestamp > 'yesterday'", "ohlcv"), "\"timestamp\" > pg_timestamptz('yesterday')");
  EXPECT_EQ(target_of("listed = 'Jan 5, 2026'", "symbols"), "listed = CAST('2026-01-05' AS DATE)");
  EXPECT_EQ(target_of("id IN ('1', '2')", "positions"), "id IN (1, 2)");
  EXPECT_EQ(target_of("'t' = active", "symbols"), "true = active");
  EXPECT_EQ(target_of("close > '1e-5'", "ohlcv"), "close > 0.00001");
  EXPECT_EQ(target_of("oid = '16384'", "pg_class"), "oid = 16384");
  EXPECT_EQ(target_of("conditions = '{@,\"a b\"}'", "trades"), "conditions = ['@', 'a b']");
  EXPECT_EQ(error_of("SELECT 1 FROM positions WHERE id = 'abc'"),
            "22P02 invalid input syntax for type integer: \"abc\"@36");
  EXPECT_EQ(error_of("SELECT 1 FROM ohlcv WHERE timestamp > 'gestern'"),
            "22007 invalid input syntax for type timestamp with time zone: \"gestern\"@39");
}

TEST(Rewrite, TypesParameters) {
  const DuckQuery query = rewritten(
      "SELECT $5 FROM ohlcv WHERE symbol = $1 AND timestamp >= $2 AND close < $3 AND timeframe = ANY($6) "
      "LIMIT $4");
  EXPECT_EQ(query.text,
            "SELECT CAST($5 AS VARCHAR) AS \"?column?\" FROM \"public.ohlcv\" AS ohlcv WHERE symbol = "
            "CAST($1 AS VARCHAR) AND \"timestamp\" >= CAST($2 "
            "AS TIMESTAMPTZ) AND close < CAST($3 AS DECIMAL(38,12)) AND (timeframe = ANY (CAST($6 AS "
            "VARCHAR[]))) LIMIT CAST($4 AS BIGINT)");
  ASSERT_EQ(query.parameter_types.size(), 6U);
  EXPECT_EQ(query.parameter_types[0], SqlType::of(TypeId::Text));
  EXPECT_EQ(query.parameter_types[1], SqlType::of(TypeId::TimestampTz));
  EXPECT_EQ(query.parameter_types[2], SqlType::of(TypeId::Numeric));
  EXPECT_EQ(query.parameter_types[3], SqlType::of(TypeId::BigInt));
  EXPECT_EQ(query.parameter_types[4], SqlType::of(TypeId::Text));
  EXPECT_EQ(query.parameter_types[5], SqlType::array_of(TypeId::Text));
  EXPECT_EQ(text_of("SELECT $1::int + $1"),
            "SELECT CAST($1 AS INTEGER) + CAST($1 AS INTEGER) AS \"?column?\"");
  EXPECT_EQ(error_of("SELECT $0"), "42P02 there is no parameter $0@8");
}

TEST(Rewrite, NamesOutputColumnsAsPostgresqlDoes) {
  EXPECT_EQ(types_of("SELECT 1, 'a', now(), count(*), max(close) + 1, 1::float8, (SELECT close FROM ohlcv), "
                     "CASE WHEN true THEN 1 END, "
                     "coalesce(NULL, 1), ARRAY[1], EXISTS (SELECT 1), current_date, timestamp '2026-01-01', "
                     "nullif(1, 2), greatest(1, 2.5), "
                     "extract(epoch FROM now()), interval '1 day', symbol::text FROM ohlcv"),
            "?column? integer, ?column? text, now timestamp with time zone, count bigint, ?column? numeric, "
            "float8 double precision, close numeric, "
            "case integer, coalesce integer, array integer[], exists boolean, current_date date, timestamp "
            "timestamp without time zone, nullif "
            "integer, greatest numeric, extract numeric, interval interval, symbol text");
  EXPECT_EQ(types_of("SELECT * FROM positions"),
            "id integer, ticker character varying(8), shares integer, weight double precision");
  EXPECT_EQ(types_of("SELECT sum(shares), avg(shares), sum(weight), avg(weight), sum(id::bigint), "
                     "min(ticker), length(ticker) FROM positions"),
            "sum bigint, avg numeric, sum double precision, avg double precision, sum numeric, min character "
            "varying(8), length integer");
  EXPECT_EQ(types_of("VALUES (1, 'a'), (2, NULL)"), "column1 integer, column2 text");
  EXPECT_EQ(types_of("SELECT x.* FROM (SELECT metadata->'a' AS a, name n FROM symbols) x"),
            "a jsonb, n text");
}

TEST(Rewrite, OrdersWithNullsWhereTheyGo) {
  EXPECT_EQ(text_of("SELECT close FROM ohlcv ORDER BY timestamp DESC, symbol"),
            "SELECT close FROM \"public.ohlcv\" AS ohlcv ORDER BY \"timestamp\" DESC NULLS LAST, symbol");
  EXPECT_EQ(text_of("SELECT name FROM symbols ORDER BY 1 DESC"),
            "SELECT name FROM \"public.symbols\" AS symbols ORDER BY 1 DESC");
  EXPECT_EQ(text_of("SELECT timestamp t FROM ohlcv ORDER BY t DESC, 1 DESC"),
            "SELECT \"timestamp\" AS t FROM \"public.ohlcv\" AS ohlcv ORDER BY t DESC NULLS LAST, 1 DESC "
            "NULLS LAST");
  EXPECT_EQ(text_of("SELECT o.close FROM symbols s LEFT JOIN ohlcv o USING (symbol) ORDER BY o.close DESC"),
            "SELECT o.close FROM \"public.symbols\" AS s LEFT JOIN \"public.ohlcv\" AS o USING (symbol) "
            "ORDER BY o.close DESC");
  EXPECT_EQ(text_of("SELECT close FROM ohlcv ORDER BY close USING >, symbol NULLS FIRST"),
            "SELECT close FROM \"public.ohlcv\" AS ohlcv ORDER BY close DESC NULLS LAST, symbol NULLS FIRST");
}

TEST(Rewrite, Casts) {
  EXPECT_EQ(target_of("1.50::numeric"), "1.5");
  EXPECT_EQ(target_of("1e3"), "1000.0");
  EXPECT_EQ(target_of("'0.00001234'::numeric"), "0.00001234");
  EXPECT_THROW(target_of("1e300"), Error);  // the statement is run again with numbers of any digits
  EXPECT_EQ(target_of("shares::numeric", "positions"), "CAST(shares AS DECIMAL(10,0))");
  EXPECT_EQ(target_of("weight::numeric", "positions"), "pg_cast_numeric(weight)");
  EXPECT_EQ(target_of("weight::numeric(10,2)", "positions"),
            "CAST(pg_wide_typmod(pg_wide(weight), 10, 2) AS DECIMAL(10, 2))");
  EXPECT_EQ(target_of("close::numeric(10,2)", "ohlcv"), "pg_numeric_typmod(close, 10, 2)");
  EXPECT_EQ(target_of("close::text", "ohlcv"), "pg_text(close)");
  EXPECT_EQ(target_of("name::varchar(3)", "symbols"), "left(name, 3)");
  EXPECT_EQ(target_of("now()::timestamptz(3)"),
            "date_trunc('millisecond', CAST(now() AS TIMESTAMPTZ) + INTERVAL '500 microseconds')");
  EXPECT_EQ(target_of("'{a,b}'::text[]"), "['a', 'b']");
  EXPECT_EQ(target_of("name::text[]", "symbols"), "pg_text_array(name)");
  EXPECT_EQ(target_of("'{}'::int[]"), "CAST([] AS INTEGER[])");
  EXPECT_EQ(target_of("'{\"a\": 1}'::jsonb"), "CAST('{\"a\": 1}' AS JSONB)");
  EXPECT_EQ(target_of("'\\x01ff'::bytea"), "CAST('\\x01\\xFF' AS BLOB)");
  EXPECT_EQ(target_of("INTERVAL '1' DAY"), "INTERVAL '1 day'");
  EXPECT_EQ(target_of("INTERVAL '1 day 2 hours'"), "INTERVAL '1 day 2 hours'");
  EXPECT_EQ(target_of("INTERVAL '60.000s'"), "INTERVAL '1 minute'");
  EXPECT_EQ(target_of("INTERVAL '1 year 2 months 00:00:00.5'"), "INTERVAL '14 months 500000 microseconds'");
  EXPECT_EQ(target_of("'ohlcv'::regclass::oid"), "to_regclass_oid('ohlcv')");
  EXPECT_EQ(target_of("oid::regclass::text", "pg_class"), "regclass_name(oid)");
  EXPECT_EQ(text_of("SELECT oid::regclass FROM pg_class"),
            "SELECT oid AS oid FROM \"pg_catalog.pg_class\" AS pg_class");
  EXPECT_EQ(text_of("SELECT * FROM pg_type"), "SELECT * FROM \"pg_catalog.pg_type\" AS pg_type");
  EXPECT_EQ(target_of("relname::name || 'x'", "pg_class"), "relname || 'x'");
  EXPECT_EQ(target_of("'a' COLLATE \"C\""), "'a'");
  EXPECT_EQ(error_of("SELECT 'a' COLLATE \"de_DE\""),
            "42704 collation \"de_DE\" for encoding \"UTF8\" does not exist@12");
  EXPECT_EQ(error_of("SELECT 1::foo"), "42704 type \"foo\" does not exist@11");
}

TEST(Rewrite, Operators) {
  EXPECT_EQ(target_of("relname OPERATOR(pg_catalog.~) '^(ohlcv)$' COLLATE pg_catalog.default", "pg_class"),
            "pg_regex_match(relname, '^(ohlcv)$')");
  EXPECT_EQ(target_of("relname !~* 'x'", "pg_class"), "NOT pg_regex_match_ci(relname, 'x')");
  EXPECT_EQ(target_of("name LIKE 'a\\_%'", "symbols"), "name LIKE 'a\\_%' ESCAPE '\\'");
  EXPECT_EQ(target_of("name NOT ILIKE 'a%'", "symbols"), "name NOT ILIKE 'a%'");
  EXPECT_EQ(target_of("name LIKE 'a!%' ESCAPE '!'", "symbols"), "name LIKE 'a!%' ESCAPE '!'");
  EXPECT_EQ(target_of("name SIMILAR TO 'a(b|c)_%'", "symbols"), "pg_regex_match(name, '^(?:a(?:b|c)..*)$')");
  EXPECT_EQ(target_of("id BETWEEN SYMMETRIC 5 AND 1", "positions"),
            "(id BETWEEN 5 AND 1 OR id BETWEEN 1 AND 5)");
  EXPECT_EQ(target_of("(symbol, timestamp) > ('A', '2026-01-01')", "ohlcv"),
            "symbol >= 'A' AND (symbol > 'A' OR (symbol = 'A' AND (\"timestamp\" > CAST('2026-01-01' AS "
            "TIMESTAMPTZ))))");
  EXPECT_EQ(target_of("(symbol, id) IN (('A', 1), ('B', 2))", "trades"),
            "(symbol = 'A' AND id = 1) OR (symbol = 'B' AND id = 2)");
  EXPECT_EQ(target_of("metadata ? 'a'", "symbols"), "jsonb_exists(metadata, 'a')");
  EXPECT_EQ(target_of("metadata ?| ARRAY['a', 'b']", "symbols"), "jsonb_exists_any(metadata, ['a', 'b'])");
  EXPECT_EQ(target_of("metadata #>> '{a,b}'", "symbols"), "jsonb_extract_path_text(metadata, ['a', 'b'])");
  EXPECT_EQ(target_of("metadata @> '{\"a\": 1}'", "symbols"),
            "pg_contains(metadata, CAST('{\"a\": 1}' AS JSONB))");
  EXPECT_EQ(target_of("metadata->'a'->0->>'b'", "symbols"),
            "jsonb_get_text(jsonb_get(jsonb_get(metadata, 'a'), 0), 'b')");
  EXPECT_EQ(target_of("conditions @> ARRAY['@']", "trades"), "list_has_all(conditions, ['@'])");
  EXPECT_EQ(target_of("conditions || 'x'::text", "trades"), "list_append(conditions, 'x')");
  EXPECT_EQ(target_of("symbol = ANY(ARRAY['A', 'B'])", "ohlcv"), "symbol IN ('A', 'B')");
  EXPECT_EQ(target_of("id <> ALL('{1,2}')", "positions"), "id NOT IN (1, 2)");
  EXPECT_EQ(target_of("'@' = ANY(conditions)", "trades"),
            "CASE WHEN list_contains(conditions, '@') THEN true WHEN conditions IS NULL OR len(conditions) > "
            "list_count(conditions) THEN NULL ELSE false END");
  EXPECT_EQ(target_of("name || ' ' || listed", "symbols"), "(name || ' ') || CAST(listed AS VARCHAR)");
  EXPECT_EQ(target_of("close || ''", "ohlcv"), "pg_text(close) || ''");
  EXPECT_EQ(target_of("1 - (2 - 3)"), "1 - (2 - 3)");
  EXPECT_EQ(target_of("- (-shares) # 3", "positions"), "xor(-(-shares), 3)");
  EXPECT_EQ(target_of("now() + '1 hour'"), "now() + INTERVAL '1 hour'");
  EXPECT_EQ(target_of("timestamp AT TIME ZONE 'UTC'", "ohlcv"), "timezone('UTC', \"timestamp\")");
  EXPECT_EQ(target_of("a IS NOT DISTINCT FROM 'x'", "(SELECT name a FROM symbols) s"),
            "a IS NOT DISTINCT FROM 'x'");
  EXPECT_EQ(target_of("indkey[0]", "pg_index"), "pg_vector_list(indkey)[0 + 1]");
  EXPECT_EQ(
      target_of("2 = ANY(indkey)", "pg_index"),
      "CASE WHEN list_contains(pg_vector_list(indkey), 2) THEN true WHEN pg_vector_list(indkey) IS NULL OR "
      "len(pg_vector_list(indkey)) > list_count(pg_vector_list(indkey)) THEN NULL ELSE false END");
  EXPECT_EQ(target_of("NOT '@' = ANY(conditions)", "trades"),
            "NOT CASE WHEN conditions IS NULL THEN NULL ELSE '@' = ANY (conditions) END");
  EXPECT_EQ(target_of("conditions[1:2]", "trades"), "conditions[1:2]");
  EXPECT_EQ(error_of("SELECT 1 @@ 2"), "42883 operator does not exist: integer @@ integer@10");
}

TEST(Rewrite, Functions) {
  EXPECT_EQ(target_of("pg_catalog.lower(name)", "symbols"), "lower(name)");
  EXPECT_EQ(target_of("time_bucket('1 day', timestamp)", "ohlcv"),
            "time_bucket(INTERVAL '1 day', \"timestamp\")");
  EXPECT_EQ(target_of("time_bucket('1 day', timestamp, 'Europe/Berlin')", "ohlcv"),
            "time_bucket(INTERVAL '1 day', \"timestamp\", 'Europe/Berlin')");
  EXPECT_EQ(target_of("time_bucket('1 day', timestamp, origin => '2026-01-01')", "ohlcv"),
            "time_bucket(INTERVAL '1 day', \"timestamp\", CAST('2026-01-01' AS TIMESTAMPTZ))");
  EXPECT_EQ(target_of("time_bucket('1 day', timestamp, \"offset\" => '2 hours')", "ohlcv"),
            "time_bucket(INTERVAL '1 day', \"timestamp\", INTERVAL '2 hours')");
  EXPECT_EQ(target_of("first(close, timestamp)", "ohlcv"), "first(close, \"timestamp\")");
  EXPECT_EQ(target_of("last(close, timestamp) OVER (ORDER BY timestamp)", "ohlcv"),
            "arg_max_null(close, \"timestamp\") OVER (ORDER BY \"timestamp\")");
  EXPECT_EQ(target_of("extract(second FROM timestamp)", "ohlcv"),
            "CAST(date_part('microseconds', \"timestamp\") AS DECIMAL(18,0)) * 0.000001");
  EXPECT_EQ(target_of("date_trunc('day', listed)", "symbols"),
            "date_trunc('day', CAST(listed AS TIMESTAMPTZ))");
  EXPECT_EQ(target_of("date_part('hour', timestamp)", "ohlcv"),
            "CAST(date_part('hour', \"timestamp\") AS DOUBLE)");
  EXPECT_EQ(target_of("array_length(conditions, 1)", "trades"),
            "CAST(nullif(len(conditions), 0) AS INTEGER)");
  EXPECT_EQ(target_of("(information_schema._pg_expandarray(indkey)).n", "pg_index"),
            "struct_extract(unnest(list_transform(pg_vector_list(indkey), lambda pg_each, pg_at: {'x': "
            "pg_each, 'n': pg_at})), 'n')");
  EXPECT_EQ(target_of("count(*) FILTER (WHERE active)", "symbols"), "count(*) FILTER (WHERE active)");
  EXPECT_EQ(target_of("percentile_cont(0.5) WITHIN GROUP (ORDER BY close)", "ohlcv"),
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(close AS DOUBLE))");
  EXPECT_EQ(target_of("string_agg(name, ',' ORDER BY name DESC)", "symbols"),
            "string_agg(name, ',' ORDER BY name DESC)");
  EXPECT_EQ(target_of("current_user"), "pg_current_user()");
  EXPECT_EQ(target_of("position('a' IN name)", "symbols"), "CAST(strpos(name, 'a') AS INTEGER)");
  EXPECT_EQ(target_of("sum(close) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES)",
                      "ohlcv WINDOW w AS (PARTITION BY symbol)"),
            "sum(close) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES)");
  EXPECT_EQ(
      target_of("sum(close) OVER (ORDER BY timestamp RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW)",
                "ohlcv"),
      "sum(close) OVER (ORDER BY \"timestamp\" RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW)");
}

TEST(Rewrite, FunctionsInFrom) {
  EXPECT_EQ(text_of("SELECT * FROM generate_series(1, 3) AS g"),
            "SELECT * FROM (SELECT CAST(pg_n AS INTEGER) AS generate_series FROM generate_series(1, 3) AS "
            "pg_series(pg_n)) AS g(g)");
  EXPECT_EQ(text_of("SELECT generate_series(1, 3)"),
            "SELECT unnest(CAST(generate_series(1, 3) AS INTEGER[])) AS generate_series");
  EXPECT_EQ(
      text_of("SELECT tag, n FROM trades, unnest(conditions) WITH ORDINALITY AS c(tag, n)"),
      "SELECT tag, n FROM \"public.trades\" AS trades, unnest(conditions) WITH ORDINALITY AS c(tag, n)");
  EXPECT_EQ(text_of("SELECT key, value FROM symbols, jsonb_each_text(metadata)"),
            "SELECT key, value FROM \"public.symbols\" AS symbols, LATERAL (SELECT "
            "unnest(pg_jsonb_each_text(metadata), recursive := true)) AS jsonb_each_text");
  EXPECT_EQ(text_of("SELECT e FROM symbols, jsonb_array_elements(metadata) e"),
            "SELECT e.value AS e FROM \"public.symbols\" AS symbols, LATERAL (SELECT "
            "unnest(pg_jsonb_array_elements(metadata)) AS value) AS e(value)");
  EXPECT_EQ(text_of("SELECT c FROM show_chunks('ohlcv', older_than => INTERVAL '1 day') c"),
            "SELECT c FROM show_chunks('ohlcv', older_than := pg_text(INTERVAL '1 day')) AS c(c)");
  EXPECT_EQ(text_of("SELECT show_chunks('ohlcv')"),
            "SELECT c AS show_chunks FROM show_chunks('ohlcv') AS pg_rows(c)");
  EXPECT_EQ(text_of("SELECT * FROM hypertable_compression_stats('ohlcv')"),
            "SELECT * FROM hypertable_compression_stats('ohlcv') AS hypertable_compression_stats");
  // Files are out of reach: what is not a function of rows here is a scalar function, and there is no such
  // one.
  EXPECT_EQ(text_of("SELECT * FROM read_csv('/etc/passwd')"),
            "SELECT * FROM (SELECT read_csv('/etc/passwd') AS read_csv) AS read_csv(read_csv)");
}

TEST(Rewrite, LockingClausesInside) {
  const auto parsed = parse(
      "WITH few AS (SELECT 2 AS n), idle AS (SELECT 1 FROM symbols FOR SHARE) SELECT * FROM (SELECT symbol "
      "FROM "
      "ohlcv, few ORDER BY 1 LIMIT 3 FOR UPDATE SKIP LOCKED) AS picked");
  const auto& query = std::get<QueryStatement>(parsed.front().body);
  EXPECT_TRUE(query.has_locking && query.locking.empty());
  const auto taken = Rewriter(lookup()).query(query.query);
  EXPECT_EQ(taken.text,
            "WITH few AS (SELECT 2 AS n), idle AS (SELECT \"?column?\" AS \"?column?\" FROM \"#locked0\") "
            "SELECT * FROM "
            "(SELECT symbol AS symbol FROM \"#locked1\") AS picked");
  ASSERT_EQ(taken.subqueries.size(), 2U);
  EXPECT_FALSE(taken.subqueries[0].is_needed);
  ASSERT_TRUE(taken.subqueries[1].is_needed);
  const DuckQuery& locking = *taken.subqueries[1].query;
  EXPECT_EQ(locking.text,
            "WITH few AS (SELECT 2 AS n) SELECT symbol, ohlcv.rowid FROM \"public.ohlcv\" AS ohlcv, few "
            "ORDER BY 1");
  EXPECT_EQ(locking.limit, "3");
  ASSERT_EQ(locking.locked.size(), 1U);
  EXPECT_EQ(locking.locked[0].first_column, 1U);
  EXPECT_EQ(locking.locked[0].locking.wait, RowLocking::Wait::Skip);
  const auto left_out = Rewriter(lookup(), Rewriter::Locks::LeftOut).query(query.query);
  EXPECT_TRUE(left_out.subqueries.empty());
  EXPECT_NE(left_out.text.find("LIMIT 3"), std::string::npos);
}

TEST(Rewrite, Queries) {
  EXPECT_EQ(text_of("SELECT DISTINCT ON (symbol) symbol, close FROM ohlcv ORDER BY symbol, timestamp DESC"),
            "SELECT DISTINCT ON (symbol) symbol, close FROM \"public.ohlcv\" AS ohlcv ORDER BY symbol, "
            "\"timestamp\" DESC NULLS LAST");
  EXPECT_EQ(
      text_of("SELECT symbol, count(*) FROM ohlcv GROUP BY GROUPING SETS ((symbol), ()) HAVING count(*) > 1"),
      "SELECT symbol, count(*) AS count FROM \"public.ohlcv\" AS ohlcv GROUP BY GROUPING SETS (symbol, ()) "
      "HAVING count(*) > 1");
  EXPECT_EQ(text_of("(SELECT 1 LIMIT 1) UNION ALL SELECT 2 ORDER BY 1 LIMIT ALL OFFSET 1"),
            "(SELECT 1 AS \"?column?\" LIMIT 1) UNION ALL (SELECT 2 AS \"?column?\") ORDER BY 1 OFFSET 1");
  EXPECT_EQ(text_of("SELECT timestamp FROM ohlcv UNION SELECT '2026-01-01'"),
            "(SELECT \"timestamp\" FROM \"public.ohlcv\" AS ohlcv) UNION (SELECT CAST('2026-01-01' AS "
            "TIMESTAMPTZ) AS \"?column?\")");
  EXPECT_EQ(text_of("SELECT 'a' AS \"at\", 'b' AS semi"), "SELECT 'a' AS \"at\", 'b' AS \"semi\"");
  EXPECT_EQ(text_of("SELECT j.symbol FROM (ohlcv JOIN symbols USING (symbol)) AS j"),
            "SELECT j.symbol FROM (SELECT * FROM \"public.ohlcv\" AS ohlcv JOIN \"public.symbols\" AS "
            "symbols USING (symbol)) AS j");
  EXPECT_EQ(
      text_of("SELECT symbol FROM ohlcv ORDER BY close FETCH FIRST 2 ROWS WITH TIES"),
      "SELECT pg_c1 AS symbol FROM (SELECT *, row_number() OVER pg_order AS pg_row, rank() OVER pg_order "
      "AS pg_rank FROM (SELECT symbol, close FROM \"public.ohlcv\" AS ohlcv) AS pg_rows(pg_c1, pg_c2) "
      "WINDOW pg_order AS (ORDER BY pg_c2)) AS pg_ranked WHERE (2 IS NULL OR (2 > 0 AND pg_rank <= "
      "coalesce(0, 0) + 2)) ORDER BY pg_row");
  EXPECT_EQ(
      text_of("SELECT o.close, s.open FROM ohlcv o ASOF LEFT JOIN ohlcv s ON o.symbol = s.symbol AND "
              "s.timestamp <= o.timestamp"),
      "SELECT o.close, s.open FROM \"public.ohlcv\" AS o ASOF LEFT JOIN \"public.ohlcv\" AS s ON "
      "s.symbol IS NOT NULL AND o.symbol = s.symbol AND s.\"timestamp\" IS NOT NULL AND o.\"timestamp\" >= "
      "s.\"timestamp\"");
  EXPECT_EQ(error_of("SELECT 1 FROM ohlcv o ASOF JOIN symbols s ON o.symbol = s.symbol"),
            "42601 ASOF JOIN needs an inequality between its two sides@46");
  EXPECT_EQ(error_of("WITH x AS (DELETE FROM ohlcv RETURNING *) SELECT * FROM x"),
            "0A000 WITH clause containing a data-modifying statement must be at the top level@6");
  EXPECT_EQ(error_of("SELECT 1, 2 UNION SELECT 3"),
            "42601 each UNION query must have the same number of columns@26");
}

// ---- statements that write

const RelationInfo& table(const std::string& name) {
  static std::map<std::string, RelationInfo> kept;
  return kept.try_emplace(name, *lookup().find_relation("", name)).first->second;
}

template <typename Body>
Body body_of(std::string_view text) {
  return std::get<Body>(parse(text).at(0).body);
}

TEST(RewriteWrites, Update) {
  const auto rows = [](std::string_view text) {
    return Rewriter(lookup())
        .update_rows(body_of<UpdateStatement>(text), table("positions"), {"id"}, {{"shares", "10 * 2"}})
        .text;
  };
  EXPECT_EQ(rows("UPDATE positions SET shares = shares + 1, ticker = 'X' WHERE id = 1"),
            "SELECT positions.id, 'X' AS ticker, shares + 1 AS shares, positions.weight, positions.id FROM "
            "\"public.positions\" AS positions WHERE id = 1");
  EXPECT_EQ(rows("UPDATE positions p SET shares = DEFAULT, weight = NULL"),
            "SELECT p.id, p.ticker, 10 * 2 AS shares, CAST(NULL AS DOUBLE) AS weight, p.id FROM "
            "\"public.positions\" AS p");
  EXPECT_EQ(rows("WITH w AS (SELECT 'A' AS s) UPDATE positions SET shares = 0 FROM w WHERE ticker = w.s"),
            "WITH w AS (SELECT 'A' AS s) SELECT DISTINCT ON (positions.id) positions.id, positions.ticker, 0 "
            "AS shares, positions.weight, positions.id FROM "
            "\"public.positions\" AS positions, w WHERE ticker = w.s");
  EXPECT_EQ(rows("UPDATE positions SET (shares, weight) = (SELECT 1, 2.5)"),
            "SELECT positions.id, positions.ticker, (SELECT c1 FROM (SELECT 1 AS \"?column?\", 2.5 AS "
            "\"?column?\") AS source(c1, c2)) AS shares, (SELECT "
            "c2 FROM (SELECT 1 AS \"?column?\", 2.5 AS \"?column?\") AS source(c1, c2)) AS weight, "
            "positions.id FROM \"public.positions\" AS positions");
  EXPECT_THROW(rows("UPDATE positions SET nothing = 1"), Error);
  EXPECT_THROW(rows("UPDATE positions SET shares = 1, shares = 2"), Error);
}

TEST(RewriteWrites, Delete) {
  const auto rows = [](std::string_view text, bool with_all) {
    return Rewriter(lookup())
        .delete_rows(body_of<DeleteStatement>(text), table("positions"), {"rowid"}, with_all)
        .text;
  };
  EXPECT_EQ(rows("DELETE FROM positions WHERE shares < 0", false),
            "SELECT positions.rowid FROM \"public.positions\" AS positions WHERE shares < 0");
  EXPECT_EQ(rows("DELETE FROM positions p USING symbols s WHERE s.symbol = p.ticker", true),
            "SELECT DISTINCT ON (p.rowid) p.id, p.ticker, p.shares, p.weight, s.symbol, s.name, s.active, "
            "s.listed, s.metadata, p.rowid FROM \"public.positions\" AS p, \"public.symbols\" AS s WHERE "
            "s.symbol = p.ticker");
}

TEST(RewriteWrites, Insert) {
  const auto values = [](std::string_view text, const std::vector<std::string>& columns) {
    return Rewriter(lookup()).insert_values(body_of<InsertStatement>(text), table("positions"), columns,
                                            {{"id", "nextval('positions_id_seq')"}});
  };
  EXPECT_EQ(
      values("INSERT INTO positions (ticker, shares) VALUES (lower('A'), 1 + 1)", {"ticker", "shares"}).text,
      "SELECT lower('A'), 1 + 1");
  EXPECT_EQ(values("INSERT INTO positions VALUES (DEFAULT, 'A', $1, '1.5'), (2, 'B', 3, DEFAULT)",
                   {"id", "ticker", "shares", "weight"})
                .text,
            "SELECT * FROM (VALUES (nextval('positions_id_seq'), 'A', CAST($1 AS INTEGER), CAST('1.5' AS "
            "DOUBLE)), (2, 'B', 3, CAST(NULL AS DOUBLE))) AS "
            "v(id, ticker, shares, weight)");
  EXPECT_EQ(values("INSERT INTO positions VALUES (1, 'A')", {"id", "ticker", "shares", "weight"}).text,
            "SELECT 1, 'A', CAST(NULL AS INTEGER), CAST(NULL AS DOUBLE)");
  const auto query = [](std::string_view text) {
    return Rewriter(lookup()).insert_query(body_of<InsertStatement>(text)).text;
  };
  EXPECT_EQ(
      query("INSERT INTO symbols (symbol, listed) SELECT DISTINCT symbol, '2026-01-01' FROM ohlcv"),
      "SELECT DISTINCT symbol, CAST('2026-01-01' AS DATE) AS \"?column?\" FROM \"public.ohlcv\" AS ohlcv");
  EXPECT_EQ(query("WITH a AS (SELECT 'x' AS s) INSERT INTO symbols (symbol) SELECT s FROM a"),
            "WITH a AS (SELECT 'x' AS s) SELECT s FROM a");
}

TEST(RewriteWrites, Conflict) {
  const auto rows = [](std::string_view text) {
    return Rewriter(lookup())
        .conflict_rows(body_of<InsertStatement>(text), table("positions"), "#old", "#new", {})
        .text;
  };
  EXPECT_EQ(rows("INSERT INTO positions VALUES (1) ON CONFLICT (id) DO UPDATE SET shares = positions.shares "
                 "+ EXCLUDED.shares, weight = weight * 2 WHERE "
                 "excluded.weight > weight"),
            "SELECT positions.id, positions.ticker, positions.shares + excluded.shares AS shares, "
            "positions.weight * 2 AS weight, excluded.weight > "
            "positions.weight FROM \"#old\" AS positions POSITIONAL JOIN \"#new\" AS excluded");
  EXPECT_EQ(rows("INSERT INTO positions AS p VALUES (1) ON CONFLICT (id) DO UPDATE SET ticker = 'X'"),
            "SELECT p.id, 'X' AS ticker, p.shares, p.weight, true FROM \"#old\" AS p POSITIONAL JOIN "
            "\"#new\" AS excluded");
}

TEST(RewriteWrites, ReturningAndExpressions) {
  const auto insert =
      body_of<InsertStatement>("INSERT INTO positions AS p VALUES (1) RETURNING *, p.shares * 2 AS d, id");
  const DuckQuery returning =
      Rewriter(lookup()).returning(insert.returning, table("positions"), "p", "#rows");
  EXPECT_EQ(returning.text, "SELECT *, p.shares * 2 AS d, id FROM \"#rows\" AS p");
  EXPECT_THAT(returning.output_names, ElementsAre("id", "ticker", "shares", "weight", "d", "id"));
  const DuckQuery lone = Rewriter(lookup()).expressions(
      {parse_expression("now() - interval '1 day'"), parse_expression("'x'")}, nullptr, "");
  EXPECT_EQ(lone.text, "SELECT now() - INTERVAL '1 day', 'x'");
  const DuckQuery check = Rewriter(lookup()).expressions(
      {parse_expression("shares > 0 AND positions.weight < 1")}, &table("positions"), "#rows");
  EXPECT_EQ(check.text, "SELECT shares > 0 AND positions.weight < 1 FROM \"#rows\" AS positions");
}

TEST(AggregateShape, FindsTheBucket) {
  const auto shape =
      aggregate_shape_of(parse_query("SELECT symbol, time_bucket('1 day', timestamp) AS day, first(open, "
                                     "timestamp) FROM ohlcv GROUP BY symbol, day"));
  EXPECT_EQ(shape.bucket_column, "day");
  EXPECT_EQ(shape.bucket_width, "1 day");
  EXPECT_EQ(shape.time_column, "timestamp");
  EXPECT_EQ(shape.bucket_function, "time_bucket('1 day', \"timestamp\")");
  const auto shape_of = [](std::string_view text) { return aggregate_shape_of(parse_query(text)); };
  EXPECT_EQ(shape_of("SELECT time_bucket(INTERVAL '1' HOUR, ts) FROM s.t GROUP BY 1").bucket_width, "1 hour");
  EXPECT_EQ(shape_of("SELECT time_bucket(10, ts) FROM s.t GROUP BY time_bucket(10, ts)").bucket_width, "10");
  for (const std::string_view query : {"SELECT count(*) FROM t", "SELECT count(*) FROM t GROUP BY a",
                                       "SELECT time_bucket('1 day', ts) FROM t",
                                       "SELECT DISTINCT time_bucket('1 day', ts) b FROM t GROUP BY b",
                                       "SELECT time_bucket(w, ts) b FROM t GROUP BY b",
                                       "SELECT time_bucket('1 day', ts) b, a FROM t GROUP BY a"}) {
    EXPECT_THROW(shape_of(query), Error) << query;
  }
}

}  // namespace
}  // namespace tickstone::sql
