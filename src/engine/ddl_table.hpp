// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "engine/session_context.hpp"
#include "sql/statement.hpp"

/// The parts that CREATE TABLE, ALTER TABLE, CREATE INDEX, create_hypertable and aggregates share.
namespace tickstone::engine {

/// A name in DuckDB text: always quoted, since its reserved words are others than PostgreSQL's.
std::string duck_name(std::string_view name);

/// The column with its sequence, if it is SERIAL or an identity (written to the catalog already). Does not
/// add it to `relation.columns`.
catalog::ColumnObject make_column(SessionContext& context, catalog::CatalogEdit& edit,
                                  catalog::RelationObject& relation, const sql::ColumnDefinition& definition);
/// Adds the constraint, and the index of a key, to `relation`. Makes no storage.
void add_constraint(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                    const sql::ConstraintDefinition& definition);
/// A hypertable's unique keys contain its partitioning columns. Errors: InvalidTableDefinition with
/// TimescaleDB's message.
void require_time_column(const catalog::RelationObject& relation,
                         const std::vector<storage::ColumnId>& columns, const std::string& what);

/// The storage tables of a relation and of its unique indexes.
void create_storage(SessionContext& context, const catalog::RelationObject& relation);
void drop_storage(SessionContext& context, const catalog::RelationObject& relation);
/// Enters the rows that are there. Errors: UniqueViolation `could not create unique index`.
void fill_key_table(SessionContext& context, const catalog::RelationObject& relation,
                    const catalog::IndexObject& index);
/// Moves all rows into a new storage table made from `changed` (same oid), whose columns are read by
/// `select_list` (DuckDB expressions over the old table under its name, one a column of `changed`; empty: the
/// columns themselves), and puts `changed` into the catalog.
void rewrite_table(SessionContext& context, const catalog::RelationObject& old,
                   catalog::RelationObject changed, const std::vector<std::string>& select_list);
std::uint64_t insert_all(SessionContext& context, const catalog::RelationObject& relation,
                         duck::ResultStream& stream);

/// CREATE TABLE ... WITH (tsdb.hypertable, tsdb.partition_column = ...).
void make_hypertable_by_options(SessionContext& context, catalog::Oid table,
                                const std::vector<sql::Option>& options);

}  // namespace tickstone::engine
