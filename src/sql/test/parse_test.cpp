// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "sql/statement.hpp"

namespace tickstone::sql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Statement one(std::string_view text) {
  std::vector<Statement> statements = parse(text);
  EXPECT_EQ(statements.size(), 1U) << text;
  return statements.empty() ? Statement{} : std::move(statements[0]);
}

template <typename Body>
Body body_of(std::string_view text) {
  const Statement statement = one(text);
  const Body* body = std::get_if<Body>(&statement.body);
  if (body == nullptr) {
    ADD_FAILURE() << "another kind of statement: " << text;
    return {};
  }
  return *body;
}

/// `message@position`, with the SQLSTATE when it is not a syntax error's.
std::string error_of(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    std::string out = error.message();
    if (error.position()) out += "@" + std::to_string(*error.position());
    if (error.code() != ErrorCode::SyntaxError) out += " " + std::string(sqlstate(error.code()));
    return out;
  }
  return "no error";
}

std::vector<std::string> texts_of(const std::vector<Expr>& exprs) {
  std::vector<std::string> texts;
  for (const Expr& expr : exprs) texts.push_back(expr ? to_postgres_text(expr) : "DEFAULT");
  return texts;
}

TEST(Parse, SlicesStatements) {
  const auto statements = parse(" SELECT 1 ; -- one\n\n/* two */ INSERT INTO t VALUES ($2);");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].text, "SELECT 1");
  EXPECT_EQ(statements[0].tag, "SELECT");
  EXPECT_EQ(statements[1].text, "INSERT INTO t VALUES ($2)");
  EXPECT_EQ(statements[1].tag, "INSERT");
  EXPECT_EQ(statements[1].parameter_count, 2);
  EXPECT_TRUE(parse("").empty());
  EXPECT_TRUE(parse(" ; -- nothing").empty());
}

TEST(Parse, TypesOfUsersAreLookedUpLater) {
  const auto statements = parse("CREATE TABLE t (a foo, b s.foo[], c int)");
  const auto& columns = std::get<CreateTableStatement>(statements[0].body).columns;
  EXPECT_EQ(columns[0].type_name.name, "foo");
  EXPECT_EQ(columns[0].type, SqlType::of(TypeId::Unknown));
  EXPECT_EQ(columns[1].type_name.schema, "s");
  EXPECT_EQ(columns[1].type, SqlType::array_of(TypeId::Unknown));
  EXPECT_TRUE(columns[2].type_name.name.empty());
  const auto made = parse("CREATE TYPE s.mood AS ENUM ('a', 'b')");
  const auto& type = std::get<TypeStatement>(made[0].body);
  EXPECT_EQ(type.action, TypeStatement::Action::CreateEnum);
  EXPECT_EQ(type.names[0].schema, "s");
  EXPECT_EQ(type.labels, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(made[0].tag, "CREATE TYPE");
  EXPECT_EQ(parse("ALTER TYPE mood ADD VALUE 'c' BEFORE 'b'")[0].tag, "ALTER TYPE");
  EXPECT_EQ(parse("DROP DOMAIN IF EXISTS d CASCADE")[0].tag, "DROP DOMAIN");
}

TEST(Parse, ReportsErrorsAsPostgresqlDoes) {
  EXPECT_EQ(error_of("SELEC 1"), "syntax error at or near \"SELEC\"@1");
  EXPECT_EQ(error_of("SELECT 'é' x y"), "syntax error at or near \"y\"@14");
  EXPECT_EQ(error_of("SELECT 1; SELECT FROM WHERE"), "syntax error at or near \"WHERE\"@23");
  EXPECT_EQ(error_of("SELECT (1"), "syntax error at end of input@10");
  EXPECT_EQ(error_of("SELECT 'abc"), "unterminated quoted string at or near \"'abc\"@8");
  EXPECT_EQ(error_of("CREATE SEQUENCE s AS foo"), "type \"foo\" does not exist@22 42704");
  EXPECT_EQ(error_of("CREATE SEQUENCE s AS public.foo"), "type \"public.foo\" does not exist@22 42704");
  EXPECT_EQ(error_of("CREATE SEQUENCE s AS inet"), "type inet is not supported@22 0A000");
  EXPECT_EQ(error_of("CREATE TABLE t (a numeric(0,1))"),
            "NUMERIC precision 0 must be between 1 and 1000@19 22023");
  EXPECT_EQ(error_of("CREATE TABLE t (a numeric(60,2))"), "type numeric(60,2) is not supported@19 0A000");
  EXPECT_EQ(error_of("CREATE TABLE t (a int, a int)"), "column \"a\" specified more than once 42701");
  EXPECT_EQ(error_of("CREATE TABLE t (a int PRIMARY KEY, PRIMARY KEY (a))"),
            "multiple primary keys for table \"t\" are not allowed@36 42P16");
  EXPECT_EQ(error_of("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN END$$"),
            "language \"plpgsql\" is not supported 0A000");
  EXPECT_EQ(error_of("CREATE TABLE t (a int) PARTITION BY RANGE (a)"),
            "PARTITION BY is not supported@24 0A000");
  // Whether it exists is not the parser's to know.
  EXPECT_EQ(body_of<ActionStatement>("CALL app.nothing()").schema, "app");
  EXPECT_EQ(error_of("INSERT INTO t VALUES (1,2),(3)"), "VALUES lists must all be the same length@29");
  EXPECT_EQ(error_of(std::string_view("SELECT 1\0", 9)),
            "invalid byte sequence for encoding \"UTF8\": 0x00 22021");
}

TEST(Parse, RefusesWhatNestsTooDeep) {
  const auto repeat = [](std::string_view part, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += part;
    return out;
  };
  for (const int count : {10'000, 60'000, 400'000}) {
    EXPECT_THAT(error_of("SELECT " + repeat("(", count) + "1" + repeat(")", count)),
                testing::HasSubstr("54000"))
        << count;
    EXPECT_THAT(error_of("SELECT 1" + repeat("+1", count)), testing::HasSubstr("54000")) << count;
    EXPECT_THAT(error_of("SELECT 1" + repeat("::int", count)), testing::HasSubstr("54000")) << count;
    EXPECT_THAT(error_of("SELECT " + repeat("NOT ", count) + "true"), testing::HasSubstr("54000")) << count;
    EXPECT_THAT(error_of("SELECT 1" + repeat(" UNION SELECT 1", count)), testing::HasSubstr("54000"))
        << count;
    EXPECT_THAT(error_of("SELECT 1 FROM a" + repeat(" CROSS JOIN b", count)), testing::HasSubstr("54000"))
        << count;
    EXPECT_THAT(error_of("SELECT " + repeat("CASE WHEN ", count)), testing::Not("no error")) << count;
  }
  // What is wide and not deep is fine.
  EXPECT_EQ(one("SELECT 1 WHERE x = 1" + repeat(" OR x = 1", 5'000)).tag, "SELECT");
  EXPECT_EQ(one("INSERT INTO t VALUES (1 + 1, 'x')" + repeat(", (f(1 + 2), 'y')", 20'000)).tag, "INSERT");
  EXPECT_EQ(one("SELECT 1" + repeat("+1", 500)).tag, "SELECT");
}

TEST(Parse, CreateTableOfTheGuide) {
  const auto table = body_of<CreateTableStatement>(R"(CREATE TABLE IF NOT EXISTS positions (
    id SERIAL PRIMARY KEY,
    ticker TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    entry_price NUMERIC NOT NULL,
    qty NUMERIC(18,6),
    tags TEXT[],
    metadata JSONB,
    is_focus_ticker BOOLEAN DEFAULT FALSE,
    code CHAR(3) COLLATE "C",
    grp int REFERENCES groups (id) ON DELETE CASCADE CHECK (grp > 0),
    CONSTRAINT u UNIQUE (ticker, timestamp)
  ) WITH (fillfactor = 70, timescaledb.hypertable))");
  EXPECT_EQ(table.table.name, "positions");
  EXPECT_EQ(table.table.position, 28U);
  EXPECT_TRUE(table.if_not_exists);
  ASSERT_EQ(table.columns.size(), 10U);
  EXPECT_TRUE(table.columns[0].is_serial);
  EXPECT_TRUE(table.columns[0].not_null);
  EXPECT_EQ(table.columns[0].type, SqlType::of(TypeId::Integer));
  EXPECT_EQ(table.columns[2].type, SqlType::of(TypeId::TimestampTz));
  EXPECT_EQ(to_postgres_text(table.columns[2].default_value), "now()");
  EXPECT_TRUE(table.columns[3].type.is_bare_numeric());
  EXPECT_EQ(table.columns[4].type, SqlType::numeric(18, 6));
  EXPECT_EQ(table.columns[5].type, SqlType::array_of(TypeId::Text));
  EXPECT_EQ(table.columns[6].type, SqlType::of(TypeId::Jsonb));
  EXPECT_EQ(to_postgres_text(table.columns[7].default_value), "false");
  EXPECT_EQ(table.columns[8].type, (SqlType{TypeId::Char, false, 3}));
  EXPECT_EQ(table.columns[8].collation, "C");
  ASSERT_EQ(table.constraints.size(), 4U);
  EXPECT_EQ(table.constraints[0].kind, ConstraintDefinition::Kind::PrimaryKey);
  EXPECT_THAT(table.constraints[0].columns, ElementsAre("id"));
  EXPECT_EQ(table.constraints[1].kind, ConstraintDefinition::Kind::ForeignKey);
  EXPECT_EQ(table.constraints[1].referenced_table.name, "groups");
  EXPECT_EQ(table.constraints[1].on_delete, 'c');
  EXPECT_EQ(table.constraints[1].on_update, 'a');
  EXPECT_EQ(table.constraints[2].kind, ConstraintDefinition::Kind::Check);
  EXPECT_EQ(to_postgres_text(table.constraints[2].check), "grp > 0");
  EXPECT_EQ(table.constraints[3].name, "u");
  EXPECT_THAT(table.constraints[3].columns, ElementsAre("ticker", "timestamp"));
  ASSERT_EQ(table.options.size(), 2U);
  EXPECT_EQ(table.options[0].name, "fillfactor");
  EXPECT_EQ(table.options[0].value, "70");
  EXPECT_EQ(table.options[1].name, "timescaledb.hypertable");
  EXPECT_EQ(table.options[1].value, "");
}

TEST(Parse, CreateTableInOtherForms) {
  const auto as = body_of<CreateTableStatement>("CREATE TEMP TABLE x (a) AS SELECT 1 WITH NO DATA");
  EXPECT_TRUE(as.temporary);
  EXPECT_TRUE(as.with_no_data);
  EXPECT_THAT(as.as_columns, ElementsAre("a"));
  EXPECT_EQ(to_postgres_text(as.as_query), "SELECT 1");
  EXPECT_EQ(one("SELECT a INTO y FROM x").tag, "SELECT");
  EXPECT_EQ(body_of<CreateTableStatement>("SELECT a INTO y FROM x").table.name, "y");
  EXPECT_THAT(
      body_of<CreateTableStatement>("CREATE TABLE x (LIKE s.y INCLUDING ALL)").like_tables[0].table.schema,
      "s");
  EXPECT_EQ(body_of<CreateTableStatement>("CREATE TABLE x (a bigint GENERATED ALWAYS AS IDENTITY)")
                .columns[0]
                .identity_always,
            true);
  const auto generated =
      body_of<CreateTableStatement>("CREATE TABLE x (a int, b int GENERATED ALWAYS AS (a * 2) STORED)");
  EXPECT_EQ(to_postgres_text(generated.columns[1].generated), "a * 2");
  const auto foreign = body_of<CreateTableStatement>(
      "CREATE TABLE x (a int, b int, FOREIGN KEY (a, b) REFERENCES p.q (c, d) ON UPDATE SET NULL)");
  EXPECT_THAT(foreign.constraints[0].columns, ElementsAre("a", "b"));
  EXPECT_THAT(foreign.constraints[0].referenced_columns, ElementsAre("c", "d"));
  EXPECT_EQ(foreign.constraints[0].on_update, 'n');
}

TEST(Parse, CreateIndex) {
  const auto plain = body_of<CreateIndexStatement>("CREATE INDEX ON ohlcv (timestamp DESC)");
  EXPECT_EQ(plain.name, "");
  EXPECT_EQ(plain.table.name, "ohlcv");
  EXPECT_EQ(plain.method, "btree");
  EXPECT_TRUE(plain.keys[0].descending);
  const auto rich = body_of<CreateIndexStatement>(
      "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON s.t USING gin (tags, (lower(a)) NULLS LAST) "
      "INCLUDE (b) "
      "WITH (timescaledb.transaction_per_chunk) WHERE c > 1");
  EXPECT_TRUE(rich.unique && rich.concurrently && rich.if_not_exists);
  EXPECT_EQ(rich.method, "gin");
  EXPECT_EQ(rich.keys[0].column, "tags");
  EXPECT_EQ(to_postgres_text(rich.keys[1].expression), "lower(a)");
  EXPECT_EQ(rich.keys[1].nulls_first, false);
  EXPECT_THAT(rich.include, ElementsAre("b"));
  EXPECT_EQ(to_postgres_text(rich.where), "c > 1");
  EXPECT_EQ(rich.options[0].name, "timescaledb.transaction_per_chunk");
}

TEST(Parse, CreateViews) {
  const auto view = body_of<CreateViewStatement>("CREATE OR REPLACE VIEW v (a, b) AS SELECT 1, 2");
  EXPECT_TRUE(view.or_replace);
  EXPECT_THAT(view.columns, ElementsAre("a", "b"));
  const auto aggregate = body_of<CreateMaterializedViewStatement>(
      "CREATE MATERIALIZED VIEW daily_ohlcv_agg WITH (timescaledb.continuous, timescaledb.materialized_only "
      "= false) AS "
      "SELECT time_bucket('1 day', timestamp) AS day FROM ohlcv GROUP BY day WITH NO DATA");
  EXPECT_EQ(aggregate.view.name, "daily_ohlcv_agg");
  EXPECT_TRUE(aggregate.with_no_data);
  ASSERT_EQ(aggregate.options.size(), 2U);
  EXPECT_EQ(aggregate.options[0].name, "timescaledb.continuous");
  EXPECT_EQ(aggregate.options[0].value, "");
  EXPECT_EQ(aggregate.options[1].value, "false");
  EXPECT_EQ(to_postgres_text(aggregate.query),
            "SELECT time_bucket('1 day', \"timestamp\") AS day FROM ohlcv GROUP BY day");
}

TEST(Parse, OtherCreates) {
  const auto sequence = body_of<CreateSequenceStatement>(
      "CREATE SEQUENCE IF NOT EXISTS s START 5 INCREMENT BY 2 MAXVALUE 100 CYCLE");
  EXPECT_EQ(sequence.options.start, 5);
  EXPECT_EQ(sequence.options.increment, 2);
  EXPECT_EQ(sequence.options.maximum, 100);
  EXPECT_TRUE(sequence.options.cycle == true && sequence.if_not_exists && !sequence.options.minimum);
  const auto down =
      body_of<CreateSequenceStatement>("CREATE SEQUENCE s AS smallint INCREMENT -1 NO MAXVALUE OWNED BY t.c");
  EXPECT_EQ(down.options.type, SqlType::of(TypeId::SmallInt));
  EXPECT_TRUE(down.options.no_maximum);
  EXPECT_THAT(down.options.owned_by.value(), ElementsAre("t", "c"));
  EXPECT_EQ(error_of("CREATE SEQUENCE s START 1 START 2"), "conflicting or redundant options@27");
  const auto alter = body_of<AlterSequenceStatement>("ALTER SEQUENCE IF EXISTS s RESTART OWNED BY NONE");
  EXPECT_TRUE(alter.if_exists && alter.options.restarts && !alter.options.restart);
  EXPECT_TRUE(alter.options.owned_by.value().empty());
  EXPECT_TRUE(
      body_of<CreateExtensionStatement>("CREATE EXTENSION IF NOT EXISTS timescaledb CASCADE").cascade);
  EXPECT_EQ(body_of<CreateSchemaStatement>("CREATE SCHEMA IF NOT EXISTS feed AUTHORIZATION me").owner, "me");
}

TEST(Parse, ActionsOfTimescale) {
  const auto hyper = body_of<ActionStatement>(
      "SELECT create_hypertable('ohlcv', 'timestamp', chunk_time_interval => INTERVAL '1 day', if_not_exists "
      ":= true)");
  EXPECT_EQ(hyper.function, "create_hypertable");
  EXPECT_FALSE(hyper.is_call || hyper.as_table);
  ASSERT_EQ(hyper.arguments.size(), 4U);
  EXPECT_EQ(constant_of(hyper.arguments[0].value)->text, "ohlcv");
  EXPECT_EQ(hyper.arguments[2].name, "chunk_time_interval");
  EXPECT_EQ(constant_of(hyper.arguments[2].value)->type, SqlType::of(TypeId::Interval));
  EXPECT_EQ(hyper.arguments[3].name, "if_not_exists");
  EXPECT_EQ(constant_of(hyper.arguments[3].value)->text, "true");

  const auto table = body_of<ActionStatement>(
      "SELECT * FROM public.create_hypertable('t', by_range('ts', INTERVAL '1' DAY))");
  EXPECT_TRUE(table.as_table);
  EXPECT_THAT(table.columns, IsEmpty());
  const auto range = function_call_of(table.arguments[1].value);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->function, "by_range");
  EXPECT_EQ(constant_of(range->arguments[1].value)->text, "1 day");

  EXPECT_THAT(body_of<ActionStatement>("SELECT hypertable_id, created FROM create_hypertable('t', 'ts') AS x")
                  .columns,
              ElementsAre("hypertable_id", "created"));
  EXPECT_EQ(
      body_of<ActionStatement>("SELECT add_retention_policy('t', INTERVAL '1 year') AS job").output_name,
      "job");
  const auto call =
      body_of<ActionStatement>("CALL refresh_continuous_aggregate('daily_ohlcv_agg', NULL, NULL)");
  EXPECT_TRUE(call.is_call);
  EXPECT_TRUE(constant_of(call.arguments[1].value)->is_null);
  EXPECT_EQ(one("CALL refresh_continuous_aggregate('d', NULL, NULL)").tag, "CALL");

  for (const std::string_view query :
       {"SELECT setval('s', 1)", "SELECT time_bucket('1 day', now())", "SELECT show_chunks('t')",
        "SELECT compress_chunk(a), compress_chunk(b) FROM t", "SELECT DISTINCT compress_chunk(c) FROM t"}) {
    EXPECT_TRUE(std::holds_alternative<QueryStatement>(one(query).body)) << query;
  }
}

TEST(Parse, ActionForEachRowOfAQuery) {
  const auto action = body_of<ActionStatement>(
      "SELECT n, compress_chunk(c, if_not_compressed => n > 1) AS done, 2 FROM show_chunks('t') AS c(c) "
      "WHERE c "
      "IS NOT NULL");
  EXPECT_EQ(action.function, "compress_chunk");
  EXPECT_EQ(action.output_name, "done");
  EXPECT_EQ(action.first_argument, 1U);
  ASSERT_EQ(action.arguments.size(), 2U);
  EXPECT_EQ(action.arguments[1].name, "if_not_compressed");
  EXPECT_FALSE(action.arguments[1].value);
  EXPECT_EQ(
      to_postgres_text(action.source),
      "SELECT n, c AS argument_1, n > 1 AS argument_2, 2 FROM show_chunks('t') c(c) WHERE c IS NOT NULL");
}

TEST(Parse, Insert) {
  const auto insert = body_of<InsertStatement>(
      "INSERT INTO ohlcv AS o (symbol, close) VALUES ('A', DEFAULT), ($1, 1 + 2) "
      "ON CONFLICT (symbol, timestamp) DO UPDATE SET close = EXCLUDED.close, volume = DEFAULT WHERE o.close "
      "> 1 RETURNING *, close AS c");
  EXPECT_EQ(insert.table.name, "ohlcv");
  EXPECT_EQ(insert.alias, "o");
  EXPECT_THAT(insert.columns, ElementsAre("symbol", "close"));
  EXPECT_THAT(insert.column_positions, ElementsAre(25U, 33U));
  ASSERT_EQ(insert.values.size(), 2U);
  EXPECT_THAT(texts_of(insert.values[0]), ElementsAre("'A'", "DEFAULT"));
  EXPECT_THAT(texts_of(insert.values[1]), ElementsAre("$1", "1 + 2"));
  EXPECT_EQ(insert.on_conflict.action, OnConflict::Action::Update);
  EXPECT_THAT(insert.on_conflict.target_columns, ElementsAre("symbol", "timestamp"));
  ASSERT_EQ(insert.on_conflict.assignments.size(), 2U);
  EXPECT_EQ(to_postgres_text(insert.on_conflict.assignments[0].value), "excluded.close");
  EXPECT_TRUE(insert.on_conflict.assignments[1].is_default);
  EXPECT_EQ(to_postgres_text(insert.on_conflict.where), "o.close > 1");
  EXPECT_EQ(insert.returning.size(), 2U);

  EXPECT_TRUE(body_of<InsertStatement>("INSERT INTO t DEFAULT VALUES").default_values);
  EXPECT_EQ(body_of<InsertStatement>("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING").on_conflict.action,
            OnConflict::Action::Nothing);
  EXPECT_EQ(body_of<InsertStatement>("INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT c DO NOTHING")
                .on_conflict.constraint_name,
            "c");
  const auto query = body_of<InsertStatement>("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x");
  EXPECT_TRUE(query.has_with);
  EXPECT_EQ(to_postgres_text(query.query), "SELECT * FROM x");
  EXPECT_EQ(error_of("INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1"),
            "ON CONFLICT DO UPDATE requires inference specification or constraint name@26");
}

TEST(Parse, UpdateAndDelete) {
  const auto update = body_of<UpdateStatement>(
      "UPDATE t AS x SET a = 1, (b, c) = (2, DEFAULT), d = x.d + 1 FROM u WHERE x.id = u.id RETURNING a");
  EXPECT_EQ(update.alias, "x");
  ASSERT_EQ(update.assignments.size(), 4U);
  EXPECT_EQ(update.assignments[1].column, "b");
  EXPECT_EQ(to_postgres_text(update.assignments[1].value), "2");
  EXPECT_TRUE(update.assignments[2].is_default);
  EXPECT_EQ(to_postgres_text(update.assignments[3].value), "x.d + 1");
  EXPECT_TRUE(body_of<DeleteStatement>("DELETE FROM t").is_unconditional);
  EXPECT_FALSE(body_of<DeleteStatement>("DELETE FROM t WHERE a = 1").is_unconditional);
  EXPECT_FALSE(body_of<DeleteStatement>("DELETE FROM t USING u WHERE t.a = u.a").is_unconditional);
  const auto truncate = body_of<TruncateStatement>("TRUNCATE a, s.b RESTART IDENTITY CASCADE");
  EXPECT_EQ(truncate.tables[1].schema, "s");
  EXPECT_TRUE(truncate.restart_identity && truncate.cascade);
}

TEST(Parse, Copy) {
  const auto copy = body_of<CopyStatement>(
      "COPY ohlcv (symbol, close) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', FORCE_NULL (a, b))");
  EXPECT_TRUE(copy.is_from);
  EXPECT_EQ(copy.file, "");
  EXPECT_THAT(copy.columns, ElementsAre("symbol", "close"));
  ASSERT_EQ(copy.options.size(), 4U);
  EXPECT_EQ(copy.options[0].name, "format");
  EXPECT_EQ(copy.options[0].value, "csv");
  EXPECT_EQ(copy.options[1].value, "");
  EXPECT_EQ(copy.options[3].value, "a,b");
  const auto old = body_of<CopyStatement>("COPY t FROM '/tmp/x' CSV HEADER NULL 'n'");
  EXPECT_EQ(old.file, "/tmp/x");
  EXPECT_EQ(old.options[0].value, "csv");
  EXPECT_EQ(old.options[1].name, "header");
  EXPECT_EQ(to_postgres_text(body_of<CopyStatement>("COPY (SELECT 1) TO STDOUT").query), "SELECT 1");
  EXPECT_EQ(to_postgres_text(body_of<CopyStatement>("COPY t FROM STDIN WHERE a > 1").where), "a > 1");
}

TEST(Parse, AlterTable) {
  using Kind = AlterTableStatement::Command::Kind;
  const auto alter = body_of<AlterTableStatement>(
      "ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS a int DEFAULT 1 UNIQUE, DROP COLUMN b CASCADE, ALTER "
      "c TYPE numeric(10,2) USING c::numeric, "
      "ALTER d SET DEFAULT now(), ALTER e DROP DEFAULT, ALTER f SET NOT NULL, ADD CONSTRAINT k CHECK (a > "
      "0), DROP CONSTRAINT IF EXISTS l, OWNER TO me");
  EXPECT_TRUE(alter.if_exists);
  ASSERT_EQ(alter.commands.size(), 10U);
  EXPECT_EQ(alter.commands[0].kind, Kind::AddColumn);
  EXPECT_TRUE(alter.commands[0].if_not_exists);
  EXPECT_EQ(alter.commands[0].column.name, "a");
  EXPECT_EQ(alter.commands[1].kind, Kind::AddConstraint);
  EXPECT_EQ(alter.commands[1].constraint.kind, ConstraintDefinition::Kind::Unique);
  EXPECT_TRUE(alter.commands[2].cascade);
  EXPECT_EQ(alter.commands[3].type, SqlType::numeric(10, 2));
  EXPECT_EQ(to_postgres_text(alter.commands[3].expression), "c::numeric");
  EXPECT_EQ(alter.commands[4].kind, Kind::SetDefault);
  EXPECT_EQ(alter.commands[5].kind, Kind::DropDefault);
  EXPECT_EQ(alter.commands[6].kind, Kind::SetNotNull);
  EXPECT_EQ(alter.commands[7].constraint.name, "k");
  EXPECT_EQ(alter.commands[8].kind, Kind::DropConstraint);
  EXPECT_EQ(alter.commands[9].name, "me");

  const auto compress = body_of<AlterTableStatement>(
      "ALTER TABLE ohlcv SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', "
      "timescaledb.compress_orderby = 'timestamp DESC')");
  EXPECT_EQ(compress.commands[0].kind, Kind::SetOptions);
  EXPECT_EQ(compress.commands[0].options[1].name, "timescaledb.compress_segmentby");
  EXPECT_EQ(compress.commands[0].options[1].value, "symbol");
  EXPECT_EQ(
      body_of<AlterTableStatement>("ALTER MATERIALIZED VIEW v SET (timescaledb.materialized_only = true)")
          .relation_kind,
      'm');
  EXPECT_EQ(one("ALTER MATERIALIZED VIEW v SET (timescaledb.materialized_only = true)").tag,
            "ALTER MATERIALIZED VIEW");
  EXPECT_EQ(body_of<AlterTableStatement>("ALTER TABLE t ALTER a SET STATISTICS 100").commands[0].kind,
            Kind::Nothing);
  EXPECT_EQ(body_of<AlterTableStatement>("ALTER TABLE t INHERIT u").commands[0].description, "ADD INHERIT");
}

TEST(Parse, RenameDropComment) {
  const auto column = body_of<RenameStatement>("ALTER TABLE s.t RENAME COLUMN a TO b");
  EXPECT_EQ(column.what, RenameStatement::What::Column);
  EXPECT_EQ(column.object.schema, "s");
  EXPECT_EQ(column.old_name, "a");
  EXPECT_EQ(column.new_name, "b");
  EXPECT_EQ(one("ALTER TABLE t RENAME COLUMN a TO b").tag, "ALTER TABLE");
  EXPECT_EQ(body_of<RenameStatement>("ALTER INDEX i RENAME TO j").what, RenameStatement::What::Index);
  const auto drop = body_of<DropStatement>("DROP TABLE IF EXISTS a, s.b CASCADE");
  EXPECT_TRUE(drop.if_exists && drop.cascade);
  EXPECT_EQ(drop.names[1].schema, "s");
  EXPECT_EQ(drop.names[1].name, "b");
  EXPECT_EQ(body_of<DropStatement>("DROP SCHEMA s").names[0].name, "s");
  EXPECT_EQ(body_of<DropStatement>("DROP EXTENSION e").what, DropStatement::What::Extension);
  const auto drop_function = body_of<DropFunctionStatement>("DROP FUNCTION IF EXISTS app.f(int, text), g");
  EXPECT_TRUE(drop_function.if_exists);
  ASSERT_EQ(drop_function.targets.size(), 2U);
  EXPECT_EQ(drop_function.targets[0].name.schema, "app");
  EXPECT_EQ(drop_function.targets[0].argument_types->size(), 2U);
  EXPECT_FALSE(drop_function.targets[1].argument_types.has_value());
  const auto comment = body_of<CommentStatement>("COMMENT ON COLUMN s.t.a IS 'price'");
  EXPECT_EQ(comment.object_kind, "column");
  EXPECT_EQ(comment.object.schema + "." + comment.object.name + "." + comment.column, "s.t.a");
  EXPECT_EQ(comment.text, "price");
  EXPECT_EQ(body_of<CommentStatement>("COMMENT ON TABLE t IS NULL").text, std::nullopt);
}

TEST(Parse, WordsThatAreKnownWithoutTheParserMeanWhatItSays) {
  for (const char* word : {"BEGIN", "begin", "Commit", "COMMIT", "rollback", "ROLLBACK"}) {
    for (const char* end : {"", ";"}) {
      const Statement known = parse(std::string(word) + end).at(0);
      // The comment is the parser's.
      const Statement parsed = parse(std::string(word) + "/**/ " + end).at(0);
      EXPECT_EQ(known.text, word);
      EXPECT_EQ(known.tag, parsed.tag);
      EXPECT_EQ(known.parameter_count, parsed.parameter_count);
      const auto& a = std::get<TransactionStatement>(known.body);
      const auto& b = std::get<TransactionStatement>(parsed.body);
      EXPECT_EQ(a.action, b.action);
      EXPECT_EQ(a.isolation, b.isolation);
      EXPECT_EQ(a.read_only, b.read_only);
      EXPECT_EQ(a.chain, b.chain);
      EXPECT_EQ(parse(std::string(word) + end).size(), 1U);
    }
  }
  EXPECT_THROW(parse("BEGINS"), Error);
  EXPECT_THROW(parse("COMMI"), Error);
}

TEST(Parse, Sessions) {
  using Action = TransactionStatement::Action;
  const auto begin = body_of<TransactionStatement>("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  EXPECT_EQ(begin.action, Action::Begin);
  EXPECT_EQ(begin.isolation, "repeatable read");
  EXPECT_EQ(begin.read_only, true);
  EXPECT_EQ(body_of<TransactionStatement>("ROLLBACK TO SAVEPOINT a").savepoint, "a");
  EXPECT_EQ(body_of<TransactionStatement>("SET TRANSACTION READ WRITE").read_only, false);
  EXPECT_TRUE(
      body_of<TransactionStatement>("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")
          .for_session);
  EXPECT_EQ(one("END").tag, "COMMIT");

  const auto set = body_of<SettingStatement>("SET LOCAL search_path = a, \"B\"");
  EXPECT_EQ(set.name, "search_path");
  EXPECT_THAT(set.values, ElementsAre("a", "B"));
  EXPECT_TRUE(set.local);
  EXPECT_EQ(body_of<SettingStatement>("SET TIME ZONE 'UTC'").name, "timezone");
  EXPECT_TRUE(body_of<SettingStatement>("SET x.y TO DEFAULT").to_default);
  EXPECT_THAT(body_of<SettingStatement>("SET statement_timeout = 5000").values, ElementsAre("5000"));
  EXPECT_EQ(body_of<SettingStatement>("SHOW TRANSACTION ISOLATION LEVEL").name, "transaction_isolation");
  EXPECT_EQ(body_of<SettingStatement>("SHOW TimeZone").name, "timezone");
  EXPECT_EQ(body_of<SettingStatement>("SHOW ALL").action, SettingStatement::Action::ShowAll);
  EXPECT_EQ(body_of<SettingStatement>("RESET ALL").action, SettingStatement::Action::ResetAll);

  const auto explain = body_of<ExplainStatement>("EXPLAIN (ANALYZE, VERBOSE off, FORMAT JSON) SELECT 1");
  EXPECT_TRUE(explain.analyze && !explain.verbose);
  EXPECT_EQ(explain.format, "json");
  EXPECT_TRUE(std::holds_alternative<QueryStatement>(explain.statement->body));
  const auto prepare = body_of<PrepareStatement>("PREPARE p (int, text) AS SELECT $1, $2");
  EXPECT_EQ(prepare.parameter_types[1], SqlType::of(TypeId::Text));
  EXPECT_EQ(prepare.statement->parameter_count, 2);
  EXPECT_THAT(texts_of(body_of<ExecuteStatement>("EXECUTE p (1, 'x')").arguments), ElementsAre("1", "'x'"));
  EXPECT_TRUE(body_of<DeallocateStatement>("DEALLOCATE ALL").all);
  EXPECT_EQ(body_of<UtilityStatement>("DISCARD ALL").command, "DISCARD ALL");
  EXPECT_EQ(body_of<UtilityStatement>("VACUUM ANALYZE t").tables[0].name, "t");

  const auto declare = body_of<CursorStatement>("DECLARE c CURSOR WITH HOLD FOR SELECT 1");
  EXPECT_TRUE(declare.with_hold);
  EXPECT_EQ(to_postgres_text(declare.query), "SELECT 1");
  EXPECT_EQ(body_of<CursorStatement>("FETCH FORWARD 5 FROM c").count, 5);
  EXPECT_EQ(body_of<CursorStatement>("FETCH ALL c").count, INT64_MAX);
  EXPECT_EQ(body_of<CursorStatement>("MOVE BACKWARD 2 IN c").direction, CursorStatement::Direction::Backward);
  EXPECT_EQ(body_of<CursorStatement>("CLOSE ALL").action, CursorStatement::Action::CloseAll);
}

TEST(Parse, Roles) {
  const auto alter = body_of<RoleStatement>("ALTER USER inavvi_user WITH PASSWORD 'new_secure_password'");
  EXPECT_EQ(alter.action, RoleStatement::Action::Alter);
  EXPECT_THAT(alter.names, ElementsAre("inavvi_user"));
  EXPECT_EQ(alter.password, "new_secure_password");
  EXPECT_EQ(alter.login, std::nullopt);
  const auto create =
      body_of<RoleStatement>("CREATE USER u CREATEDB NOSUPERUSER CONNECTION LIMIT 5 PASSWORD NULL");
  EXPECT_EQ(create.login, true);
  EXPECT_EQ(create.create_db, true);
  EXPECT_EQ(create.superuser, false);
  EXPECT_EQ(create.connection_limit, 5);
  EXPECT_TRUE(create.password_null);
  EXPECT_EQ(body_of<RoleStatement>("CREATE ROLE r NOLOGIN").login, false);
  EXPECT_TRUE(body_of<RoleStatement>("DROP ROLE IF EXISTS a, b").if_exists);
}

TEST(Parse, LocksAndConstraintModes) {
  const auto lock = body_of<LockTableStatement>("LOCK TABLE a, s.b IN SHARE ROW EXCLUSIVE MODE NOWAIT");
  EXPECT_EQ(lock.tables.size(), 2U);
  EXPECT_EQ(lock.mode, "SHARE ROW EXCLUSIVE");
  EXPECT_TRUE(lock.no_wait);
  EXPECT_EQ(body_of<LockTableStatement>("LOCK a").mode, "ACCESS EXCLUSIVE");
  EXPECT_TRUE(body_of<SetConstraintsStatement>("SET CONSTRAINTS ALL DEFERRED").constraints.empty());
  const auto set = body_of<SetConstraintsStatement>("SET CONSTRAINTS s.c IMMEDIATE");
  EXPECT_FALSE(set.deferred);
  EXPECT_EQ(set.constraints[0].name, "c");
  const auto foreign = body_of<CreateTableStatement>(
      "CREATE TABLE x (a int REFERENCES p ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED, b int)");
  ASSERT_EQ(foreign.constraints.size(), 1U);
  EXPECT_TRUE(foreign.constraints[0].is_deferrable && foreign.constraints[0].is_deferred);
  EXPECT_EQ(foreign.constraints[0].on_delete, 'n');
  EXPECT_EQ(body_of<SetSchemaStatement>("ALTER TABLE a SET SCHEMA b").schema, "b");
}

TEST(Parse, Locking) {
  const auto of =
      body_of<QueryStatement>("SELECT 1 FROM t a, u FOR NO KEY UPDATE OF a FOR KEY SHARE OF u NOWAIT");
  ASSERT_EQ(of.locking.size(), 2U);
  EXPECT_EQ(of.locking[0].name(), "FOR NO KEY UPDATE");
  EXPECT_EQ(of.locking[0].tables[0].name, "a");
  EXPECT_EQ(of.locking[1].strength, RowLocking::Strength::KeyShare);
  EXPECT_EQ(of.locking[1].wait, RowLocking::Wait::Fail);
  const auto query = body_of<QueryStatement>("SELECT 1 FROM t FOR UPDATE NOWAIT");
  EXPECT_TRUE(query.has_locking && query.no_wait && !query.skip_locked);
  EXPECT_TRUE(body_of<QueryStatement>("SELECT 1 FROM t FOR SHARE SKIP LOCKED").skip_locked);
}

TEST(ExpressionText, SurvivesTheRoundTrip) {
  for (const std::string text :
       {"a + (b * 2)", "now() - '1 day'::interval", "(a IS NOT NULL) AND b IN (1, 2)",
        "CASE WHEN a THEN 1 ELSE 2 END", "x -> 'k'"}) {
    const std::string printed = to_postgres_text(parse_expression(text));
    EXPECT_EQ(to_postgres_text(parse_expression(printed)), printed) << text;
  }
  EXPECT_EQ(to_postgres_text(parse_query("SELECT  a FROM   t")), "SELECT a FROM t");
  EXPECT_THROW(parse_expression("1, 2"), Error);
  EXPECT_THROW(parse_expression("1 FROM t"), Error);
  EXPECT_THROW(parse_query("DROP TABLE t"), Error);
}

TEST(ConstantOf, SeesConstantsAndTheirCasts) {
  const auto text = [](std::string_view expression) -> std::string {
    const auto constant = constant_of(parse_expression(expression));
    if (!constant) return "none";
    return (constant->is_null ? "NULL" : constant->text) +
           (constant->type ? " " + to_sql(*constant->type) : "");
  };
  EXPECT_EQ(text("'abc'"), "abc");
  EXPECT_EQ(text("-5"), "-5 integer");
  EXPECT_EQ(text("3000000000"), "3000000000 bigint");
  EXPECT_EQ(text("99999999999999999999"), "99999999999999999999 numeric");
  EXPECT_EQ(text("1.50"), "1.50 numeric");
  EXPECT_EQ(text("true"), "true boolean");
  EXPECT_EQ(text("NULL::int"), "NULL integer");
  EXPECT_EQ(text("'ohlcv'::regclass"), "ohlcv regclass");
  EXPECT_EQ(text("INTERVAL '1' DAY"), "1 day interval");
  EXPECT_EQ(text("INTERVAL '1:30' MINUTE TO SECOND"), "00:1:30 interval");
  EXPECT_EQ(text("INTERVAL '5 minutes'"), "5 minutes interval");
  EXPECT_EQ(text("DATE '2026-01-05'"), "2026-01-05 date");
  EXPECT_EQ(text("ARRAY['a', 'b\"']"), "{\"a\",\"b\\\"\"} text[]");
  EXPECT_EQ(text("1.5::int"), "none");
  EXPECT_EQ(text("now()"), "none");
  EXPECT_EQ(text("1 + 1"), "none");
}

}  // namespace
}  // namespace tickstone::sql
