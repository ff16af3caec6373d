// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "catalog/system_columns.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

const RowMakers& row_makers() {
  static const RowMakers all = [] {
    RowMakers makers;
    add_relation_rows(makers);
    add_constraint_rows(makers);
    add_type_rows(makers);
    add_server_rows(makers);
    add_view_rows(makers);
    add_information_rows(makers);
    add_information_constraint_rows(makers);
    add_timescale_rows(makers);
    add_job_rows(makers);
    add_statistics_rows(makers);
    add_storage_rows(makers);
    return makers;
  }();
  return all;
}

/// Views that count: what is not counted is zero, as it is for a table that nobody used.
bool has_counters(std::string_view name) {
  return name.starts_with("pg_statio_") || name.starts_with("pg_stat_user_") ||
         name.starts_with("pg_stat_all_") || name == "pg_stat_database" || name == "pg_stat_statements" ||
         name == "pg_stat_bgwriter" || name == "pg_stat_wal";
}

}  // namespace

const std::vector<SystemColumn>* system_relation_columns(std::string_view schema, std::string_view name) {
  const SystemRelation* relation = find_system_relation(schema, name);
  return relation == nullptr ? nullptr : &relation->columns;
}

Batch system_relation_rows(std::string_view schema, std::string_view name, const Catalog& catalog,
                           const RunningFacts& facts, Audience audience) {
  const SystemRelation* relation = find_system_relation(schema, name);
  if (relation == nullptr) {
    throw Error(ErrorCode::InternalError, fmt::format("no system relation {}.{}", schema, name));
  }
  const bool has_zeros = !relation->is_view || has_counters(name);
  RowWriter rows(relation->columns, has_zeros ? RowWriter::Unnamed::Zero : RowWriter::Unnamed::Null);
  const auto maker = row_makers().find({schema, name});
  if (maker != row_makers().end()) maker->second(rows, {catalog, facts, audience});
  return rows.take();
}

std::vector<std::pair<std::string, std::string>> system_relations() {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& relation : system_relation_list()) names.emplace_back(relation.schema_name, relation.name);
  return names;
}

}  // namespace tickstone::catalog
