// SPDX-License-Identifier: Apache-2.0
// has_..._privilege: every role may do everything that its objects allow, so what exists may be used.
#include <array>

#include <fmt/format.h>

#include "catalog/function_call.hpp"

namespace tickstone::catalog {
namespace {

/// The object is the last argument but `after`: the role before it may be left out.
std::size_t object_position(const FunctionCall& call, std::size_t after) { return call.count() - 1 - after; }

Value of_relation(const FunctionCall& call, std::size_t after) {
  const auto named = call.relation(object_position(call, after));
  return named ? bool_value(true) : Value::null_of(SqlType::of(TypeId::Boolean));
}

Value relation_privilege(const FunctionCall& call) { return of_relation(call, 1); }
Value column_privilege(const FunctionCall& call) { return of_relation(call, 2); }

Value schema_privilege(const FunctionCall& call) {
  const std::size_t position = object_position(call, 1);
  if (!call.is_text(position)) {
    return call.catalog.find_schema(call.oid(position)) != nullptr
               ? bool_value(true)
               : Value::null_of(SqlType::of(TypeId::Boolean));
  }
  if (call.catalog.find_schema(call.text(position)) != nullptr) return bool_value(true);
  throw Error(ErrorCode::InvalidSchemaName, fmt::format("schema \"{}\" does not exist", call.text(position)));
}

Value any_privilege(const FunctionCall&) { return bool_value(true); }

constexpr auto kFunctions = std::to_array<FunctionEntry>({
    {"has_table_privilege(oid, text) bool", relation_privilege},
    {"has_table_privilege(text, text) bool", relation_privilege},
    {"has_table_privilege(text, oid, text) bool", relation_privilege},
    {"has_table_privilege(text, text, text) bool", relation_privilege},
    {"has_table_privilege(oid, oid, text) bool", relation_privilege},
    {"has_any_column_privilege(oid, text) bool", relation_privilege},
    {"has_any_column_privilege(text, text) bool", relation_privilege},
    {"has_any_column_privilege(text, oid, text) bool", relation_privilege},
    {"has_any_column_privilege(text, text, text) bool", relation_privilege},
    {"has_sequence_privilege(oid, text) bool", relation_privilege},
    {"has_sequence_privilege(text, text) bool", relation_privilege},
    {"has_sequence_privilege(text, oid, text) bool", relation_privilege},
    {"has_sequence_privilege(text, text, text) bool", relation_privilege},
    {"has_column_privilege(oid, text, text) bool", column_privilege},
    {"has_column_privilege(oid, int2, text) bool", column_privilege},
    {"has_column_privilege(text, text, text) bool", column_privilege},
    {"has_column_privilege(text, int2, text) bool", column_privilege},
    {"has_column_privilege(text, oid, text, text) bool", column_privilege},
    {"has_column_privilege(text, text, text, text) bool", column_privilege},
    {"has_schema_privilege(oid, text) bool", schema_privilege},
    {"has_schema_privilege(text, text) bool", schema_privilege},
    {"has_schema_privilege(text, oid, text) bool", schema_privilege},
    {"has_schema_privilege(text, text, text) bool", schema_privilege},
    {"has_database_privilege(oid, text) bool", any_privilege},
    {"has_database_privilege(text, text) bool", any_privilege},
    {"has_database_privilege(text, oid, text) bool", any_privilege},
    {"has_database_privilege(text, text, text) bool", any_privilege},
    {"has_function_privilege(oid, text) bool", any_privilege},
    {"has_function_privilege(text, text) bool", any_privilege},
    {"has_function_privilege(text, oid, text) bool", any_privilege},
    {"has_type_privilege(oid, text) bool", any_privilege},
    {"has_type_privilege(text, text) bool", any_privilege},
    {"has_language_privilege(oid, text) bool", any_privilege},
    {"has_language_privilege(text, text) bool", any_privilege},
    {"has_tablespace_privilege(oid, text) bool", any_privilege},
    {"has_tablespace_privilege(text, text) bool", any_privilege},
    {"has_tablespace_privilege(text, oid, text) bool", any_privilege},
    {"has_foreign_data_wrapper_privilege(oid, text) bool", any_privilege},
    {"has_server_privilege(oid, text) bool", any_privilege},
    {"pg_has_role(oid, text) bool", any_privilege},
    {"pg_has_role(text, text) bool", any_privilege},
    {"pg_has_role(text, oid, text) bool", any_privilege},
    {"pg_has_role(text, text, text) bool", any_privilege},
});

}  // namespace

std::span<const FunctionEntry> privilege_functions() { return kFunctions; }

}  // namespace tickstone::catalog
