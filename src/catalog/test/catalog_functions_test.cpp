// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "catalog/chunk_facts.hpp"
#include "catalog/test/market_fixture.hpp"
#include "types/array_value.hpp"

namespace tickstone::catalog {
namespace {

Value text(const char* value) { return Value::of_text(value); }
Value integer(int value) { return Value::of_integer(value); }
const Value kNull = Value::null_of(SqlType::of(TypeId::Integer));

class CatalogFunctions : public testing::Test {
 protected:
  ErrorCode code_of(std::string_view name, const std::vector<Value>& arguments) const {
    try {
      market_.call(name, arguments);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::SuccessfulCompletion;
  }
  std::string call(std::string_view name, const std::vector<Value>& arguments) const {
    return market_.call_text(name, arguments);
  }
  Market market_;
};

TEST_F(CatalogFunctions, FormatType) {
  EXPECT_EQ(call("format_type", {oid_argument(1184), integer(-1)}), "timestamp with time zone");
  EXPECT_EQ(call("format_type", {oid_argument(1700), integer(655366)}), "numeric(10,2)");
  EXPECT_EQ(call("format_type", {oid_argument(1043), integer(14)}), "character varying(10)");
  EXPECT_EQ(call("format_type", {oid_argument(1009), kNull}), "text[]");
  EXPECT_EQ(call("format_type", {oid_argument(1042), kNull}), "character");
  EXPECT_EQ(call("format_type", {oid_argument(18), kNull}), "\"char\"");
  EXPECT_EQ(call("format_type", {oid_argument(2276), kNull}), "\"any\"");
  EXPECT_EQ(call("format_type", {oid_argument(999999), kNull}), "???");
  EXPECT_EQ(call("format_type", {Value::null_of(SqlType::of(TypeId::Oid)), integer(-1)}), "-");  // NULL
}

TEST_F(CatalogFunctions, NullInNullOut) {
  EXPECT_TRUE(market_.call("pg_get_userbyid", {Value::null_of(SqlType::of(TypeId::Oid))}).is_null);
  EXPECT_EQ(call("pg_get_userbyid", {oid_argument(10)}), "trader");
  EXPECT_EQ(call("pg_get_userbyid", {oid_argument(77)}), "unknown (OID=77)");
}

TEST_F(CatalogFunctions, Definitions) {
  EXPECT_EQ(call("pg_get_indexdef", {oid_argument(Market::kOhlcvIndex)}),
            "CREATE INDEX ohlcv_timestamp_idx ON public.ohlcv USING btree (\"timestamp\" DESC)");
  const Value yes = Value::of_bool(true);
  EXPECT_EQ(call("pg_get_indexdef", {oid_argument(Market::kOhlcvIndex), integer(0), yes}),
            "CREATE INDEX ohlcv_timestamp_idx ON ohlcv USING btree (\"timestamp\" DESC)");
  EXPECT_EQ(call("pg_get_indexdef", {oid_argument(Market::kOhlcvKey), integer(2), yes}), "\"timestamp\"");
  EXPECT_EQ(call("pg_get_indexdef", {oid_argument(1)}), "-");
  EXPECT_EQ(call("pg_get_constraintdef", {oid_argument(Market::kOhlcvConstraint), yes}),
            "PRIMARY KEY (symbol, \"timestamp\", timeframe)");
  EXPECT_EQ(call("pg_get_viewdef", {text("last_bars"), yes}),
            " SELECT symbol,\n    close\n   FROM ohlcv\n  WHERE timeframe = '1d';");
  EXPECT_EQ(call("pg_get_viewdef", {oid_argument(Market::kOhlcv)}), "-");
  EXPECT_EQ(call("pg_get_expr", {text("now()"), oid_argument(Market::kOhlcv), yes}), "now()");
  EXPECT_EQ(call("pg_get_serial_sequence", {text("positions"), text("id")}), "public.positions_id_seq");
  EXPECT_EQ(call("pg_get_serial_sequence", {text("positions"), text("ticker")}), "-");
  EXPECT_EQ(code_of("pg_get_serial_sequence", {text("positions"), text("none")}), ErrorCode::UndefinedColumn);
  EXPECT_EQ(code_of("pg_get_serial_sequence", {text("none"), text("id")}), ErrorCode::UndefinedTable);
}

TEST_F(CatalogFunctions, Comments) {
  EXPECT_EQ(call("obj_description", {oid_argument(Market::kOhlcv), text("pg_class")}), "Bars");
  EXPECT_EQ(call("obj_description", {oid_argument(Market::kOhlcv), text("pg_proc")}), "-");
  EXPECT_EQ(call("col_description", {oid_argument(Market::kOhlcv), integer(3)}), "Last price");
  EXPECT_EQ(call("col_description", {oid_argument(Market::kOhlcv), integer(1)}), "-");
}

TEST_F(CatalogFunctions, RegclassBothWays) {
  EXPECT_EQ(call("to_regclass_oid", {text("ohlcv")}), "16384");
  EXPECT_EQ(call("to_regclass_oid", {text("public.OHLCV")}), "16384");
  EXPECT_EQ(call("to_regclass_oid", {text("pg_class")}), "1259");
  EXPECT_EQ(call("to_regclass_oid", {text("ohlcv_pkey")}), "16385");
  EXPECT_EQ(call("to_regclass_oid", {text("16384")}), "16384");
  EXPECT_EQ(code_of("to_regclass_oid", {text("none")}), ErrorCode::UndefinedTable);
  EXPECT_EQ(code_of("to_regclass_oid", {text("none.ohlcv")}), ErrorCode::InvalidSchemaName);
  EXPECT_EQ(code_of("to_regclass_oid", {text("a b")}), ErrorCode::SyntaxError);
  EXPECT_TRUE(market_.call("to_regclass", {text("none")}).is_null);
  EXPECT_EQ(call("regclass_name", {oid_argument(Market::kOhlcv)}), "ohlcv");
  EXPECT_EQ(call("regclass_name", {oid_argument(0)}), "-");
  EXPECT_EQ(call("regclass_name", {oid_argument(99)}), "99");
  market_.facts.path = {"elsewhere"};
  EXPECT_EQ(call("regclass_name", {oid_argument(Market::kOhlcv)}), "public.ohlcv");
  EXPECT_EQ(call("regclass_name", {oid_argument(1259)}), "pg_class");
  EXPECT_EQ(code_of("to_regclass_oid", {text("ohlcv")}), ErrorCode::UndefinedTable);
}

TEST_F(CatalogFunctions, RegclassOfChunks) {
  const Value oid = market_.call("to_regclass_oid", {text("_timescaledb_internal._hyper_1_7_chunk")});
  EXPECT_EQ(static_cast<Oid>(oid.integer), kFirstChunkOid | 7U);
  EXPECT_EQ(call("regclass_name", {oid}), "_timescaledb_internal._hyper_1_7_chunk");
}

TEST_F(CatalogFunctions, Visibility) {
  EXPECT_EQ(call("pg_table_is_visible", {oid_argument(Market::kOhlcv)}), "t");
  EXPECT_EQ(call("pg_table_is_visible", {oid_argument(99)}), "-");
  market_.facts.path = {"elsewhere"};
  EXPECT_EQ(call("pg_table_is_visible", {oid_argument(Market::kOhlcv)}), "f");
  EXPECT_EQ(call("pg_table_is_visible", {oid_argument(1259)}), "t");
}

TEST_F(CatalogFunctions, ASystemNameHidesAUsersTable) {
  RelationObject table;
  table.oid = 17000;
  table.schema = 2200;
  table.name = "pg_class";
  market_.edit->put_relation(table);
  EXPECT_EQ(call("pg_table_is_visible", {oid_argument(17000)}), "f");
  EXPECT_EQ(call("regclass_name", {oid_argument(17000)}), "public.pg_class");
  market_.facts.path = {"public", "pg_catalog"};
  EXPECT_EQ(call("pg_table_is_visible", {oid_argument(17000)}), "t");
}

TEST_F(CatalogFunctions, OtherRegTypes) {
  EXPECT_EQ(call("to_regtype_oid", {text("timestamp with time zone")}), "1184");
  EXPECT_EQ(call("to_regtype_oid", {text("pg_catalog.int4")}), "23");
  EXPECT_EQ(call("to_regtype_oid", {text("numeric(10,2)[]")}), "1231");
  EXPECT_EQ(call("to_regtype_oid", {text("\"char\"")}), "18");
  EXPECT_EQ(code_of("to_regtype_oid", {text("hstore")}), ErrorCode::UndefinedObject);
  EXPECT_TRUE(market_.call("to_regtype", {text("hstore")}).is_null);
  EXPECT_EQ(call("regtype_name", {oid_argument(1184)}), "timestamp with time zone");
  EXPECT_EQ(call("to_regproc_oid", {text("array_in")}), "750");
  EXPECT_EQ(call("to_regproc_oid", {text("pg_catalog.array_in")}), "750");
  EXPECT_EQ(call("regproc_name", {oid_argument(750)}), "array_in");
  EXPECT_EQ(call("regproc_name", {oid_argument(0)}), "-");
  EXPECT_EQ(code_of("to_regproc_oid", {text("nothing_such")}), ErrorCode::UndefinedFunction);
  EXPECT_EQ(call("to_regnamespace_oid", {text("public")}), "2200");
  EXPECT_EQ(call("regnamespace_name", {oid_argument(2200)}), "public");
}

TEST_F(CatalogFunctions, Privileges) {
  EXPECT_EQ(call("has_table_privilege", {text("ohlcv"), text("SELECT")}), "t");
  EXPECT_EQ(call("has_table_privilege", {text("trader"), oid_argument(Market::kOhlcv), text("SELECT")}), "t");
  EXPECT_EQ(call("has_table_privilege", {oid_argument(99), text("SELECT")}), "-");
  EXPECT_EQ(code_of("has_table_privilege", {text("none"), text("SELECT")}), ErrorCode::UndefinedTable);
  EXPECT_EQ(call("has_schema_privilege", {text("public"), text("USAGE")}), "t");
  EXPECT_EQ(code_of("has_schema_privilege", {text("none"), text("USAGE")}), ErrorCode::InvalidSchemaName);
}

TEST_F(CatalogFunctions, CurrentSchemas) {
  const auto schemas = [&](bool with_implicit) {
    return format_array_text(market_.call("current_schemas", {Value::of_bool(with_implicit)}).text,
                             SqlType::of(TypeId::Name));
  };
  EXPECT_EQ(schemas(true), "{pg_catalog,public}");
  EXPECT_EQ(schemas(false), "{public}");
}

TEST_F(CatalogFunctions, UnknownOnesAreErrors) {
  EXPECT_EQ(code_of("no_such_function", {}), ErrorCode::UndefinedFunction);
  EXPECT_EQ(code_of("format_type", {}), ErrorCode::UndefinedFunction);
}

TEST_F(CatalogFunctions, AllCanBeCalledWithNulls) {
  for (const auto& function : catalog_functions()) {
    std::vector<Value> arguments;
    for (const auto& type : function.arguments) arguments.push_back(Value::null_of(type));
    if (arguments.empty()) continue;
    const Value value = market_.call(function.name, arguments);
    EXPECT_TRUE(value.is_null) << function.name;
    EXPECT_EQ(value.type, function.result) << function.name;
  }
}

TEST_F(CatalogFunctions, KeywordsAsATable) {
  const Batch rows = call_catalog_table_function("pg_get_keywords", {}, market_.catalog(), market_.facts);
  EXPECT_EQ(rows.row_count(), 460U);
  EXPECT_EQ(batch_text(rows)[0],
            (std::vector<std::string>{"abort", "U", "t", "unreserved", "can be bare label"}));
}

}  // namespace
}  // namespace tickstone::catalog
