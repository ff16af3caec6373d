// SPDX-License-Identifier: Apache-2.0
#include "duck/function_catalog.hpp"

#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/parser/parsed_data/create_macro_info.hpp>
#include <duckdb/parser/parsed_data/drop_info.hpp>
#include <duckdb/parser/statement/create_statement.hpp>

namespace tickstone::duck {

using duckdb::Catalog;
using duckdb::CatalogType;

FunctionCatalog::FunctionCatalog(duckdb::DatabaseInstance& db) : db_(db), connection_(db) {
  connection_.BeginTransaction();
}

FunctionCatalog::~FunctionCatalog() = default;

void FunctionCatalog::finish() { connection_.Commit(); }

duckdb::ScalarFunctionSet FunctionCatalog::scalars(const std::string& name) {
  auto entry = Catalog::GetSystemCatalog(context()).GetEntry(context(), CatalogType::SCALAR_FUNCTION_ENTRY,
                                                             DEFAULT_SCHEMA, name,
                                                             duckdb::OnEntryNotFound::RETURN_NULL);
  if (!entry || entry->type != CatalogType::SCALAR_FUNCTION_ENTRY) return duckdb::ScalarFunctionSet(name);
  return entry->Cast<duckdb::ScalarFunctionCatalogEntry>().functions;
}

duckdb::AggregateFunctionSet FunctionCatalog::aggregates(const std::string& name) {
  auto entry = Catalog::GetSystemCatalog(context()).GetEntry(context(), CatalogType::AGGREGATE_FUNCTION_ENTRY,
                                                             DEFAULT_SCHEMA, name,
                                                             duckdb::OnEntryNotFound::RETURN_NULL);
  if (!entry || entry->type != CatalogType::AGGREGATE_FUNCTION_ENTRY)
    return duckdb::AggregateFunctionSet(name);
  return entry->Cast<duckdb::AggregateFunctionCatalogEntry>().functions;
}

void FunctionCatalog::replace(duckdb::ScalarFunctionSet set) {
  remove(CatalogType::SCALAR_FUNCTION_ENTRY, set.name);
  duckdb::CreateScalarFunctionInfo info(std::move(set));
  info.internal = true;
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  Catalog::GetSystemCatalog(context()).CreateFunction(context(), info);
}

void FunctionCatalog::replace(duckdb::ScalarFunction function) {
  duckdb::ScalarFunctionSet set(function.name);
  set.AddFunction(std::move(function));
  replace(std::move(set));
}

void FunctionCatalog::replace(duckdb::AggregateFunctionSet set) {
  remove(CatalogType::AGGREGATE_FUNCTION_ENTRY, set.name);
  duckdb::CreateAggregateFunctionInfo info(std::move(set));
  info.internal = true;
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  Catalog::GetSystemCatalog(context()).CreateFunction(context(), info);
}

void FunctionCatalog::replace(duckdb::TableFunctionSet set) {
  remove(CatalogType::TABLE_FUNCTION_ENTRY, set.name);
  duckdb::CreateTableFunctionInfo info(std::move(set));
  info.internal = true;
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  Catalog::GetSystemCatalog(context()).CreateTableFunction(context(), info);
}

void FunctionCatalog::add(duckdb::ScalarFunction function) {
  auto set = scalars(function.name);
  const std::string name = function.name;
  duckdb::ScalarFunctionSet merged(name);
  for (auto& existing : set.functions) {
    if (existing.arguments != function.arguments || existing.varargs != function.varargs) {
      merged.AddFunction(existing);
    }
  }
  merged.AddFunction(std::move(function));
  replace(std::move(merged));
}

void FunctionCatalog::add(duckdb::ScalarFunctionSet set) {
  const std::string name = set.name;
  auto existing = scalars(name);
  duckdb::ScalarFunctionSet merged(name);
  for (auto& function : existing.functions) {
    bool is_replaced = false;
    for (const auto& ours : set.functions) {
      is_replaced |= ours.arguments == function.arguments && ours.varargs == function.varargs;
    }
    if (!is_replaced) merged.AddFunction(function);
  }
  for (auto& function : set.functions) merged.AddFunction(function);
  replace(std::move(merged));
}

void FunctionCatalog::alias(const std::string& name, const std::string& existing) {
  auto scalar_set = scalars(existing);
  if (!scalar_set.functions.empty()) {
    duckdb::ScalarFunctionSet renamed(name);
    for (auto function : scalar_set.functions) {
      function.name = name;
      renamed.AddFunction(std::move(function));
    }
    replace(std::move(renamed));
    return;
  }
  auto aggregate_set = aggregates(existing);
  duckdb::AggregateFunctionSet renamed(name);
  for (auto function : aggregate_set.functions) {
    function.name = name;
    renamed.AddFunction(std::move(function));
  }
  if (!renamed.functions.empty()) replace(std::move(renamed));
}

void FunctionCatalog::remove(CatalogType type, const std::string& name) {
  // Functions, aggregates and macros share one name space, so that one name may hide behind another kind.
  duckdb::DropInfo info;
  info.schema = DEFAULT_SCHEMA;
  info.name = name;
  info.if_not_found = duckdb::OnEntryNotFound::RETURN_NULL;
  info.allow_drop_internal = true;
  auto entry = Catalog::GetSystemCatalog(context()).GetEntry(context(), type, DEFAULT_SCHEMA, name,
                                                             duckdb::OnEntryNotFound::RETURN_NULL);
  if (!entry) return;
  info.type = entry->type;
  Catalog::GetSystemCatalog(context()).DropEntry(context(), info);
}

void FunctionCatalog::add_type(const std::string& name, const duckdb::LogicalType& type) {
  duckdb::CreateTypeInfo info(name, type);
  info.internal = true;
  info.temporary = true;
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  Catalog::GetSystemCatalog(context()).CreateType(context(), info);
}

void FunctionCatalog::add_macro(const std::string& definition) {
  duckdb::Parser parser;
  parser.ParseQuery("CREATE MACRO " + definition);
  auto& create = parser.statements[0]->Cast<duckdb::CreateStatement>();
  auto& info = create.info->Cast<duckdb::CreateMacroInfo>();
  info.schema = DEFAULT_SCHEMA;
  info.internal = true;
  info.temporary = true;
  remove(info.type == CatalogType::TABLE_MACRO_ENTRY ? CatalogType::TABLE_FUNCTION_ENTRY
                                                     : CatalogType::SCALAR_FUNCTION_ENTRY,
         info.name);
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  Catalog::GetSystemCatalog(context()).CreateFunction(context(), info);
}

}  // namespace tickstone::duck
