// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "catalog/catalog.hpp"
#include "catalog/row_writer.hpp"

namespace tickstone::catalog {

struct RowContext {
  const Catalog& catalog;
  const RunningFacts& facts;
  Audience audience = Audience::Everybody;
};

/// Writes the rows of one system relation.
using RowMaker = void (*)(RowWriter& rows, const RowContext& context);
/// By (schema, name). Relations that are in none of these have no rows.
using RowMakers = std::map<std::pair<std::string_view, std::string_view>, RowMaker>;

// One function a file of rows.
void add_relation_rows(RowMakers& makers);     // pg_class, pg_attribute, ...
void add_constraint_rows(RowMakers& makers);   // pg_index, pg_constraint, pg_depend, ...
void add_type_rows(RowMakers& makers);         // pg_type, pg_proc, pg_opclass, ...
void add_server_rows(RowMakers& makers);       // pg_database, pg_roles, pg_settings, ...
void add_view_rows(RowMakers& makers);         // pg_tables, pg_indexes, ...
void add_information_rows(RowMakers& makers);  // information_schema
void add_information_constraint_rows(RowMakers& makers);
void add_timescale_rows(RowMakers& makers);  // timescaledb_information
void add_job_rows(RowMakers& makers);
void add_statistics_rows(RowMakers& makers);  // pg_stat_activity, pg_stat_statements, ...
void add_storage_rows(RowMakers& makers);     // tickstone

// What several of them need.

/// The role's number; the first superuser's for an owner that is gone.
Oid owner_oid(const Catalog& catalog, const std::string& name);
/// The owner, or the first superuser's name where it is gone.
std::string owner_name(const Catalog& catalog, const std::string& owner);
const std::string& schema_name(const Catalog& catalog, Oid schema);
/// PostgreSQL's own of public until somebody makes another; empty where there is none.
std::string schema_comment(const SchemaObject& schema);
/// Whether the session is to be shown the schema, and what is in it: see `Audience`.
bool is_shown_schema(const RowContext& context, Oid schema);
/// pg_class.relkind as the session is to see it: to pg_dump an aggregate is a table with its rows.
char shown_kind_letter(const RowContext& context, const RelationObject& relation);
/// pg_class.relkind. A continuous aggregate is a view, as in TimescaleDB.
char relation_kind_letter(const RelationObject& relation);
/// pg_attribute.attnum: the stable column id, or the position where a view has none.
int attribute_number(const RelationObject& relation, const ColumnObject& column);
int attribute_number(const RelationObject& relation, storage::ColumnId id);
/// The default, or the expression of a generated column, as it is kept but for how PostgreSQL prints
/// constants.
std::string stored_default(const Catalog& catalog, const RunningFacts& facts, const ColumnObject& column);
/// The same of a domain's; nothing where it has none.
std::optional<std::string> domain_default(const RowContext& context, const TypeObject& domain);
bool has_default(const ColumnObject& column);
/// pg_attrdef.oid of a column that has a default.
Oid default_oid(const RelationObject& relation, const ColumnObject& column);
/// pg_rewrite.oid of the rule of a view or materialized view.
Oid rule_oid(const RelationObject& view);
/// The text that pg_get_viewdef prints of a view or aggregate.
std::string view_definition(const RelationObject& relation);
/// Numbers with spaces between, as int2vector and oidvector print.
template <typename Numbers>
std::string vector_text(const Numbers& numbers) {
  std::string text;
  for (const auto number : numbers) {
    if (!text.empty()) text += ' ';
    text += std::to_string(number);
  }
  return text;
}

struct RelationSize {
  std::int64_t row_count = 0;
  std::int64_t table_bytes = 0;
  std::int64_t index_bytes = 0;
  std::int64_t total_bytes() const { return table_bytes + index_bytes; }
};
/// Of the stored tables of a relation; zero for others. Rows are those that the chunks count.
RelationSize relation_size(const RelationObject& relation, const storage::ReadView& view);
RelationSize chunk_size(const storage::ChunkInfo& chunk);

}  // namespace tickstone::catalog
