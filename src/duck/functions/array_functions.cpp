// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/functions.hpp"
#include "duck/functions/scalar_builder.hpp"

// PostgreSQL's functions of arrays that DuckDB would write with a lambda, which cannot stand in a query that
// reads columns of the one around it.

namespace tickstone::duck {

namespace {

using duckdb::LogicalType;
using Values = std::vector<duckdb::Value>;

/// A value to look for has the type of the elements.
bool is_same(const duckdb::Value& element, const duckdb::Value& wanted) {
  return element.IsNull() || wanted.IsNull() ? element.IsNull() && wanted.IsNull()
                                             : duckdb::Value::NotDistinctFrom(element, wanted);
}

duckdb::Value without(const Values& values, duckdb::ExpressionState&) {
  if (values[0].IsNull()) return duckdb::Value();
  duckdb::vector<duckdb::Value> kept;
  for (const auto& element : duckdb::ListValue::GetChildren(values[0]))
    if (!is_same(element, values[1])) kept.push_back(element);
  return duckdb::Value::LIST(duckdb::ListType::GetChildType(values[0].type()), std::move(kept));
}

duckdb::Value replaced(const Values& values, duckdb::ExpressionState&) {
  if (values[0].IsNull()) return duckdb::Value();
  const LogicalType& type = duckdb::ListType::GetChildType(values[0].type());
  duckdb::vector<duckdb::Value> made;
  for (const auto& element : duckdb::ListValue::GetChildren(values[0]))
    made.push_back(!is_same(element, values[1]) ? element
                   : values[2].IsNull()         ? duckdb::Value(type)
                                                : values[2]);
  return duckdb::Value::LIST(type, std::move(made));
}

duckdb::Value positions(const Values& values, duckdb::ExpressionState&) {
  if (values[0].IsNull()) return duckdb::Value();
  duckdb::vector<duckdb::Value> found;
  std::int32_t at = 0;
  for (const auto& element : duckdb::ListValue::GetChildren(values[0])) {
    ++at;
    if (is_same(element, values[1])) found.push_back(duckdb::Value::INTEGER(at));
  }
  return duckdb::Value::LIST(LogicalType::INTEGER, std::move(found));
}

}  // namespace

void register_array_functions(FunctionCatalog& catalog) {
  const LogicalType any = LogicalType::TEMPLATE("T");
  const LogicalType list = LogicalType::LIST(any);
  ScalarBuilder("pg_array_remove").boxed_with_nulls({list, any}, list, without).replace_in(catalog);
  ScalarBuilder("pg_array_replace").boxed_with_nulls({list, any, any}, list, replaced).replace_in(catalog);
  ScalarBuilder("pg_array_positions")
      .boxed_with_nulls({list, any}, LogicalType::LIST(LogicalType::INTEGER), positions)
      .replace_in(catalog);
}

}  // namespace tickstone::duck
