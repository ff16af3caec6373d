// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "catalog/function_facts.hpp"
#include "catalog/system_columns.hpp"
#include "catalog/test/market_fixture.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

using Rows = std::vector<std::vector<std::string>>;

TEST(SystemRelations, AllHaveRowsOfTheirColumns) {
  const Market market;
  for (const auto& [schema, name] : system_relations()) {
    const auto* columns = system_relation_columns(schema, name);
    ASSERT_NE(columns, nullptr) << name;
    const Batch rows = market.rows(schema, name);
    ASSERT_EQ(rows.columns.size(), columns->size()) << name;
    for (std::size_t i = 0; i < columns->size(); ++i) {
      EXPECT_EQ(rows.columns[i].type(), (*columns)[i].type) << name << '.' << (*columns)[i].name;
      EXPECT_EQ(rows.columns[i].size(), rows.row_count()) << name << '.' << (*columns)[i].name;
    }
  }
  EXPECT_EQ(system_relation_columns("pg_catalog", "ohlcv"), nullptr);
  EXPECT_THROW(market.rows("pg_catalog", "nothing"), Error);
}

TEST(SystemRelations, HaveOidsOfTheirOwn) {
  std::set<Oid> seen;
  for (const auto& relation : system_relation_list())
    EXPECT_TRUE(seen.insert(relation.oid).second) << relation.name;
  EXPECT_EQ(find_system_relation("pg_catalog", "pg_class")->oid, 1259U);
}

TEST(PgClass, ListsEveryKind) {
  const Market market;
  EXPECT_EQ(market.select("pg_catalog", "pg_class", {"relname", "relkind", "relnatts", "reltuples"},
                          "relnamespace", "2200"),
            (Rows{{"ohlcv", "r", "4", "1040"},
                  {"ohlcv_pkey", "i", "3", "0"},
                  {"ohlcv_timestamp_idx", "i", "1", "0"},
                  {"positions", "r", "4", "0"},
                  {"positions_pkey", "i", "1", "0"},
                  {"positions_id_seq", "S", "3", "1"},
                  {"last_bars", "v", "2", "0"},
                  {"daily", "v", "2", "0"}}));
  EXPECT_EQ(market.select("pg_catalog", "pg_class", {"oid", "relkind"}, "relname", "pg_class"),
            (Rows{{"1259", "r"}}));
}

TEST(PgAttribute, NumbersColumnsByTheirStableId) {
  const Market market;
  EXPECT_EQ(
      market.select("pg_catalog", "pg_attribute",
                    {"attname", "attnum", "atttypid", "attlen", "attnotnull", "atthasdef", "attcollation"},
                    "attrelid", std::to_string(Market::kPositions)),
      (Rows{{"id", "1", "23", "4", "t", "t", "0"},
            {"ticker", "2", "25", "-1", "t", "f", "100"},
            {"is_focus", "4", "16", "1", "f", "t", "0"}}));
  EXPECT_EQ(market.select("pg_catalog", "pg_attribute", {"attname", "attnum"}, "attrelid",
                          std::to_string(Market::kView)),
            (Rows{{"symbol", "1"}, {"close", "2"}}));
  EXPECT_EQ(
      market.select("pg_catalog", "pg_attribute", {"attname"}, "attrelid", std::to_string(Market::kOhlcvKey)),
      (Rows{{"symbol"}, {"timestamp"}, {"timeframe"}}));
}

TEST(PgAttrdef, PrintsDefaultsAsPostgres) {
  const Market market;
  EXPECT_EQ(market.select("pg_catalog", "pg_attrdef", {"adnum", "adbin"}),
            (Rows{{"1", "nextval('positions_id_seq'::regclass)"}, {"4", "false"}}));
}

TEST(PgIndex, DescribesKeys) {
  const Market market;
  EXPECT_EQ(
      market.select("pg_catalog", "pg_index",
                    {"indexrelid", "indisunique", "indisprimary", "indkey", "indclass", "indoption"},
                    "indrelid", std::to_string(Market::kOhlcv)),
      (Rows{{"16385", "t", "t", "1 2 4", "3126 3127 3126", "0 0 0"}, {"16386", "f", "f", "2", "3127", "3"}}));
}

TEST(PgConstraint, ListsKeys) {
  const Market market;
  EXPECT_EQ(
      market.select("pg_catalog", "pg_constraint", {"conname", "contype", "conindid", "conkey", "confkey"},
                    "conrelid", std::to_string(Market::kOhlcv)),
      (Rows{{"ohlcv_pkey", "p", "16385", "{1,2,4}", "-"}}));
}

TEST(PgDepend, TiesASequenceToItsColumn) {
  const Market market;
  EXPECT_EQ(market.select("pg_catalog", "pg_depend", {"refclassid", "refobjid", "refobjsubid", "deptype"},
                          "objid", std::to_string(Market::kPositionsSequence)),
            (Rows{{"2615", "2200", "0", "n"}, {"1259", "16390", "1", "a"}}));
}

TEST(PgType, HasPostgresRows) {
  const Market market;
  EXPECT_EQ(market.select("pg_catalog", "pg_type",
                          {"oid", "typlen", "typcategory", "typarray", "typelem", "typinput"}, "typname",
                          "timestamptz"),
            (Rows{{"1184", "8", "D", "1185", "0", "1150"}}));
  EXPECT_EQ(market.select("pg_catalog", "pg_type", {"oid", "typcategory", "typelem", "typreceive"}, "typname",
                          "_text"),
            (Rows{{"1009", "A", "25", "2400"}}));
}

TEST(TypeFacts, AgreeWithTheTypes) {
  std::set<Oid> seen;
  for (const TypeFacts& facts : all_type_facts()) {
    EXPECT_TRUE(seen.insert(facts.oid).second) << facts.name;
    const auto type = type_from_oid(facts.oid);
    if (!type || type->id == TypeId::Unknown) continue;
    EXPECT_EQ(oid_of(*type), facts.oid) << facts.name;
    EXPECT_EQ(typlen_of(*type), facts.length) << facts.name;
  }
}

TEST(FunctionFacts, HaveOidsOfTheirOwn) {
  std::set<Oid> seen;
  for (const auto& function : all_functions()) EXPECT_TRUE(seen.insert(function.oid).second) << function.name;
  EXPECT_EQ(find_function("now")->oid, 1299U);
  ASSERT_NE(find_function("time_bucket"), nullptr);
}

TEST(FunctionFacts, PrintSignatures) {
  const FunctionFacts* bucket = nullptr;
  for (const auto& function : all_functions()) {
    if (function.name == "time_bucket" && function.arguments.size() == 5) bucket = &function;
  }
  ASSERT_NE(bucket, nullptr);
  EXPECT_EQ(function_arguments_text(*bucket, true),
            "bucket_width interval, ts timestamp with time zone, timezone text, origin timestamp with time "
            "zone DEFAULT "
            "NULL::timestamp with time zone, \"offset\" interval DEFAULT NULL::interval");
  EXPECT_EQ(function_result_text(*bucket), "timestamp with time zone");
  EXPECT_EQ(function_result_text(*find_function("create_hypertable")),
            "TABLE(hypertable_id integer, schema_name name, table_name name, created boolean)");
  EXPECT_EQ(function_arguments_text(*find_function("first"), true), "anyelement, \"any\"");
  EXPECT_EQ(function_result_text(*find_function("refresh_continuous_aggregate")), "");
}

TEST(PgIndexes, PrintsDefinitions) {
  const Market market;
  EXPECT_EQ(
      market.select("pg_catalog", "pg_indexes", {"indexname", "indexdef"}, "tablename", "positions"),
      (Rows{{"positions_pkey", "CREATE UNIQUE INDEX positions_pkey ON public.positions USING btree (id)"}}));
}

TEST(PgSequences, ShowTheLastValueOnceThereIsOne) {
  Market market;
  EXPECT_EQ(market.select("pg_catalog", "pg_sequences", {"sequencename", "max_value", "last_value"}),
            (Rows{{"positions_id_seq", "2147483647", "-"}}));
  market.facts.last_value = 7;
  EXPECT_EQ(market.select("pg_catalog", "pg_sequences", {"last_value"}), (Rows{{"7"}}));
}

TEST(PgStatActivity, ShowsSessions) {
  Market market;
  RunningFacts::SessionInfo session;
  session.pid = 42;
  session.user = "trader";
  session.database = "market";
  session.state = "active";
  session.query = "SELECT 1";
  session.backend_start_us = 1'767'623'400'000'000;
  market.facts.session_list = {session};
  EXPECT_EQ(
      market.select("pg_catalog", "pg_stat_activity",
                    {"pid", "usesysid", "state", "query", "client_addr", "backend_start", "xact_start"}),
      (Rows{{"42", "10", "active", "SELECT 1", "-", "2026-01-05 14:30:00+00", "-"}}));
}

TEST(PgStatActivity, HidesWhatOthersRun) {
  Market market;
  RunningFacts::SessionInfo session;
  session.user = "somebody";
  session.query = "SELECT 1";
  session.is_job = true;
  market.facts.session_list = {session};
  market.facts.superuser = false;
  EXPECT_EQ(market.select("pg_catalog", "pg_stat_activity", {"query", "backend_type"}),
            (Rows{{"<insufficient privilege>", "background worker"}}));
}

TEST(PgStatStatements, ShowsTextsToWhoMaySeeThem) {
  Market market;
  StatementCounts own, others;
  own.user_oid = 10;
  own.query_id = 77;
  own.text = "SELECT $1";
  own.calls = 4;
  own.rows = 8;
  own.total_ms = own.mean_ms = own.max_ms = 1.5;
  own.square_sum = 16;
  others.user_oid = 11;
  others.text = "SELECT secret";
  others.calls = 1;
  market.facts.statements = {own, others};
  const std::vector<std::string> columns = {"userid", "queryid",          "query",           "calls",
                                            "rows",   "stddev_exec_time", "shared_blks_hit", "wal_bytes"};
  EXPECT_EQ(market.select("pg_catalog", "pg_stat_statements", columns),
            (Rows{{"10", "77", "SELECT $1", "4", "8", "2", "0", "0"},
                  {"11", "0", "SELECT secret", "1", "0", "0", "0", "0"}}));
  market.facts.superuser = false;
  EXPECT_EQ(market.select("pg_catalog", "pg_stat_statements", columns),
            (Rows{{"10", "77", "SELECT $1", "4", "8", "2", "0", "0"},
                  {"11", "-", "<insufficient privilege>", "1", "0", "0", "0", "0"}}));
}

TEST(PgStatUserTables, CountsFromZero) {
  const Market market;
  EXPECT_EQ(market.select("pg_catalog", "pg_stat_user_tables",
                          {"relname", "n_live_tup", "n_dead_tup", "last_vacuum"}),
            (Rows{{"ohlcv", "1040", "0", "-"}, {"positions", "0", "0", "-"}}));
}

TEST(InformationSchema, ListsTables) {
  const Market market;
  EXPECT_EQ(market.select("information_schema", "tables", {"table_name", "table_type", "is_insertable_into"},
                          "table_schema", "public"),
            (Rows{{"ohlcv", "BASE TABLE", "YES"},
                  {"positions", "BASE TABLE", "YES"},
                  {"last_bars", "VIEW", "NO"},
                  {"daily", "VIEW", "NO"}}));
}

TEST(InformationSchema, DescribesColumns) {
  const Market market;
  EXPECT_EQ(
      market.select("information_schema", "columns",
                    {"column_name", "ordinal_position", "column_default", "is_nullable", "data_type",
                     "numeric_precision", "numeric_precision_radix", "numeric_scale", "udt_name"},
                    "table_name", "positions"),
      (Rows{{"id", "1", "nextval('positions_id_seq'::regclass)", "NO", "integer", "32", "2", "0", "int4"},
            {"ticker", "2", "-", "NO", "text", "-", "-", "-", "text"},
            {"is_focus", "4", "false", "YES", "boolean", "-", "-", "-", "bool"}}));
  EXPECT_EQ(
      market.select("information_schema", "columns",
                    {"data_type", "datetime_precision", "numeric_precision_radix"}, "table_name", "ohlcv"),
      (Rows{{"text", "-", "-"},
            {"timestamp with time zone", "6", "-"},
            {"numeric", "-", "10"},
            {"text", "-", "-"}}));
}

TEST(InformationSchema, ListsConstraints) {
  const Market market;
  EXPECT_EQ(market.select("information_schema", "table_constraints", {"constraint_name", "constraint_type"},
                          "table_name", "positions"),
            (Rows{{"positions_pkey", "PRIMARY KEY"},
                  {"2200_16390_1_not_null", "CHECK"},
                  {"2200_16390_2_not_null", "CHECK"}}));
  EXPECT_EQ(market.select("information_schema", "key_column_usage", {"column_name", "ordinal_position"},
                          "table_name", "ohlcv"),
            (Rows{{"symbol", "1"}, {"timestamp", "2"}, {"timeframe", "3"}}));
}

}  // namespace
}  // namespace tickstone::catalog
