// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// DuckDB's own functions, to be changed before anyone connects.
class FunctionCatalog {
 public:
  explicit FunctionCatalog(duckdb::DatabaseInstance& db);
  ~FunctionCatalog();
  FunctionCatalog(const FunctionCatalog&) = delete;
  FunctionCatalog& operator=(const FunctionCatalog&) = delete;

  duckdb::ClientContext& context() { return *connection_.context; }

  /// DuckDB's overloads of that name; empty where there are none.
  duckdb::ScalarFunctionSet scalars(const std::string& name);
  duckdb::AggregateFunctionSet aggregates(const std::string& name);

  /// Puts a set in place of whatever has its name.
  void replace(duckdb::ScalarFunctionSet set);
  void replace(duckdb::ScalarFunction function);
  void replace(duckdb::AggregateFunctionSet set);
  void replace(duckdb::TableFunctionSet set);
  /// Adds overloads; one with the same arguments replaces DuckDB's.
  void add(duckdb::ScalarFunction function);
  void add(duckdb::ScalarFunctionSet set);
  /// A second name for a function that exists.
  void alias(const std::string& name, const std::string& existing);
  void remove(duckdb::CatalogType type, const std::string& name);
  void add_type(const std::string& name, const duckdb::LogicalType& type);
  /// A function by its SQL text: `name(a, b) AS expression`.
  void add_macro(const std::string& definition);
  void finish();

 private:
  duckdb::DatabaseInstance& db_;
  duckdb::Connection connection_;
};

}  // namespace tickstone::duck
