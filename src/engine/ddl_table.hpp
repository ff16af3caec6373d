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
/// The sequence of a default that is a plain nextval('name'), or 0.
catalog::Oid sequence_of_default(SessionContext& context, std::string_view text);
/// Refuses generated columns that read what is not there, that change by themselves or that read each other.
void check_generated_columns(SessionContext& context, const catalog::RelationObject& relation);
/// Adds the constraint, and the index of a key, to `relation`. Makes no storage.
void add_constraint(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                    const sql::ConstraintDefinition& definition);
/// PostgreSQL's rule for generated names: table_columns_suffix.
std::string generated_name(const catalog::Catalog& catalog, catalog::Oid schema, const std::string& table,
                           const std::string& columns, const std::string& suffix);
/// Drops the constraint, and with a primary key the order of the rows.
/// Errors: UndefinedObject; DependentObjectsStillExist for a key that foreign keys refer to, unless
/// `cascade`.
void drop_constraint(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                     const std::string& name, bool cascade);
/// Foreign keys that lean on the index go too with `cascade`. Errors: DependentObjectsStillExist.
void require_unreferenced(SessionContext& context, catalog::CatalogEdit& edit,
                          catalog::RelationObject& relation, catalog::Oid index, const std::string& described,
                          bool cascade);
/// Rows that are there obey the CHECK or foreign key. Errors: CheckViolation, ForeignKeyViolation.
void check_constraint(SessionContext& context, const catalog::RelationObject& relation,
                      const catalog::ConstraintObject& constraint);
void validate_constraint(SessionContext& context, catalog::RelationObject& relation, const std::string& name);
/// The sequence of a SERIAL or identity column: owned by it, in the catalog at once.
void create_owned_sequence(SessionContext& context, catalog::CatalogEdit& edit,
                           catalog::RelationObject& relation, catalog::ColumnObject& column,
                           const sql::SequenceOptions& options);
/// A new sequence's options, or those of one that is there changed. Errors: InvalidParameterValue.
catalog::SequenceInfo sequence_info(const sql::SequenceOptions& options,
                                    const catalog::SequenceInfo* present);
std::string described(const catalog::RelationObject& relation);  // `table t`, `view v`
/// Drops the relation and what hangs on it. `together`: relations that the same statement drops.
/// Errors: DependentObjectsStillExist.
void drop_relation(SessionContext& context, catalog::CatalogEdit& edit, catalog::Oid oid, bool cascade,
                   const std::vector<catalog::Oid>& together = {});
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
/// What storage says of a duplicate, as PostgreSQL says it of an index that is being made.
[[noreturn]] void throw_not_unique(const catalog::RelationObject& relation, const std::string& index,
                                   const Error& duplicate);
/// Moves all rows into a new storage table made from `changed` (same oid), whose columns are read by
/// `select_list` (PostgreSQL expressions over the old table, one a column of `changed`; empty: the columns
/// themselves), and puts `changed` into the catalog.
void rewrite_table(SessionContext& context, const catalog::RelationObject& old,
                   catalog::RelationObject changed, const std::vector<std::string>& select_list);
std::uint64_t insert_all(SessionContext& context, const catalog::RelationObject& relation,
                         duck::ResultStream& stream);

/// CREATE TABLE ... WITH (tsdb.hypertable, tsdb.partition_column = ...).
void make_hypertable_by_options(SessionContext& context, catalog::Oid table,
                                const std::vector<sql::Option>& options);

}  // namespace tickstone::engine
