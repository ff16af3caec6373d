// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>

#include <tickstone/error.hpp>

#include "catalog/chunk_facts.hpp"
#include "catalog/sql_tokens.hpp"
#include "engine/columnstore.hpp"
#include "engine/continuous_aggregate.hpp"
#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/hypertable.hpp"
#include "engine/internal_sql.hpp"
#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "engine/table_schema.hpp"
#include "engine/unique_keys.hpp"
#include "engine/user_types.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

using Command = sql::AlterTableStatement::Command;
using Kind = Command::Kind;

catalog::ColumnObject& column_of(catalog::RelationObject& relation, const std::string& name) {
  for (auto& column : relation.columns) {
    if (column.name == name) return column;
  }
  throw Error(ErrorCode::UndefinedColumn,
              "column \"" + name + "\" of relation \"" + relation.name + "\" does not exist");
}

std::vector<std::string> own_columns(const catalog::RelationObject& relation) {
  std::vector<std::string> list;
  for (const auto& column : relation.columns) list.push_back(catalog::quote_identifier(column.name));
  return list;
}

bool contains(const std::vector<storage::ColumnId>& columns, storage::ColumnId id) {
  return std::find(columns.begin(), columns.end(), id) != columns.end();
}

[[noreturn]] void throw_no_column(const catalog::RelationObject& relation, const std::string& name) {
  throw Error(ErrorCode::UndefinedColumn,
              "column \"" + name + "\" of relation \"" + relation.name + "\" does not exist");
}

void check_no_nulls(SessionContext& context, const catalog::RelationObject& relation,
                    const std::string& column) {
  sql::DuckQuery query;
  query.text =
      "SELECT 1 FROM \"" + context.scan_name(relation) + "\" WHERE " + duck_name(column) + " IS NULL LIMIT 1";
  context.refresh_view();
  if (context.run(query).row_count() > 0) {
    throw Error(ErrorCode::NotNullViolation,
                "column \"" + column + "\" of relation \"" + relation.name + "\" contains null values")
        .about(relation.name, column);
  }
}

bool is_volatile_default(const std::string& text) {
  static constexpr std::array kFunctions = {"nextval(",          "random(",          "gen_random_uuid(",
                                            "uuid_generate_v4(", "clock_timestamp(", "timeofday("};
  return std::any_of(kFunctions.begin(), kFunctions.end(),
                     [&](const char* name) { return text.find(name) != std::string::npos; });
}

/// Whether the text of a view names the column. A name that means another table's counts too.
bool reads_column(const catalog::RelationObject& view, const std::string& column) {
  const std::string& text = view.aggregate ? view.aggregate->definition_text : view.view_text;
  return sql::names_column(sql::parse_query(text), column);
}

void drop_owned_sequence(SessionContext& context, catalog::CatalogEdit& edit,
                         const catalog::RelationObject& relation, const catalog::ColumnObject& column) {
  std::vector<catalog::Oid> sequences;
  for (const auto* other : edit.catalog().relations()) {
    if (other->sequence && other->sequence->owner_table == relation.oid &&
        other->sequence->owner_column == column.id)
      sequences.push_back(other->oid);
  }
  for (const auto sequence : sequences) {
    context.on_commit([&store = context.database().store(), sequence] { store.drop_sequence(sequence); });
    edit.remove_relation(sequence);
  }
}

void require_no_foreign_key(const catalog::Catalog& catalog, const catalog::RelationObject& relation,
                            const catalog::ColumnObject& column, const SqlType& type) {
  if (column.type.id == type.id) return;
  for (const auto* other : catalog.relations()) {
    for (const auto& constraint : other->constraints) {
      if (constraint.kind != catalog::ConstraintObject::Kind::ForeignKey) continue;
      const bool is_own = other->oid == relation.oid && contains(constraint.columns, column.id);
      const bool is_key =
          constraint.referenced_table == relation.oid && contains(constraint.referenced_columns, column.id);
      if (!is_own && !is_key) continue;
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot alter type of a column used in foreign key constraint \"" + constraint.name + "\"",
                  {}, "Drop the constraint, alter the type, and add it again.");
    }
  }
}

void check_default_fits(SessionContext& context, const catalog::ColumnObject& column) {
  const auto constant = sql::constant_of(sql::parse_expression(column.default_text));
  if (!constant || constant->is_null) return;
  if (constant->type && !can_cast(*constant->type, column.type, CastStrength::Assignment)) {
    throw Error(ErrorCode::DatatypeMismatch, "default for column \"" + column.name +
                                                 "\" cannot be cast automatically to type " +
                                                 to_sql(column.type));
  }
  if (!constant->type) (void)parse_value(column.type, constant->text, context.settings().format_context());
}

void refuse_default_change(const catalog::RelationObject& relation, const catalog::ColumnObject& column) {
  if (column.identity != 0) {
    throw Error(ErrorCode::SyntaxError,
                "column \"" + column.name + "\" of relation \"" + relation.name + "\" is an identity column",
                {}, "Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.");
  }
  if (!column.generated_text.empty()) {
    throw Error(ErrorCode::SyntaxError,
                "column \"" + column.name + "\" of relation \"" + relation.name + "\" is a generated column",
                {}, "Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.");
  }
}

/// ADD, SET and DROP IDENTITY.
void alter_identity(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                    const Command& command) {
  auto& column = column_of(relation, command.name);
  const std::string shown = "column \"" + column.name + "\" of relation \"" + relation.name + "\"";
  if (command.kind == Kind::AddIdentity) {
    if (column.identity != 0)
      throw Error(ErrorCode::ObjectNotInPrerequisiteState, shown + " is already an identity column");
    if (!column.default_text.empty())
      throw Error(ErrorCode::ObjectNotInPrerequisiteState, shown + " already has a default value");
    if (!column.not_null)
      throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                  shown + " must be declared NOT NULL before identity can be added");
    if (!is_integer(column.type.id))
      throw Error(ErrorCode::InvalidParameterValue,
                  "identity column type must be smallint, integer, or bigint");
    auto options = command.sequence;
    if (!options.type) options.type = column.type;
    create_owned_sequence(context, edit, relation, column, options);
    column.identity = command.identity_always.value_or(true) ? 'a' : 'd';
    return;
  }
  if (column.identity == 0) {
    if (command.kind == Kind::DropIdentity && command.if_exists) {
      context.notice(shown + " is not an identity column, skipping");
      return;
    }
    throw Error(ErrorCode::ObjectNotInPrerequisiteState, shown + " is not an identity column");
  }
  if (command.kind == Kind::DropIdentity) {
    column.identity = 0;
    column.sequence = 0;
    drop_owned_sequence(context, edit, relation, column);
    return;
  }
  if (command.identity_always) column.identity = *command.identity_always ? 'a' : 'd';
  auto sequence = *edit.catalog().find_relation(column.sequence);
  sequence.sequence = sequence_info(command.sequence, &*sequence.sequence);
  if (command.sequence.restarts) {
    const auto value = command.sequence.restart.value_or(sequence.sequence->start);
    context.on_commit(
        [&store = context.database().store(), oid = sequence.oid, value] { store.set_sequence(oid, value); });
  }
  edit.put_relation(sequence);
}

void add_column(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                const Command& command) {
  if (relation.find_column(command.column.name) != nullptr) {
    if (command.if_not_exists) {
      context.notice({"NOTICE",
                      ErrorCode::DuplicateColumn,
                      "column \"" + command.column.name + "\" of relation \"" + relation.name +
                          "\" already exists, skipping",
                      {},
                      {}});
      return;
    }
    throw Error(ErrorCode::DuplicateColumn, "column \"" + command.column.name + "\" of relation \"" +
                                                relation.name + "\" already exists");
  }
  if (relation.aggregate) return add_aggregate_column(context, edit, relation, command.column);
  auto column = make_column(context, edit, relation, command.column);
  const auto old = relation;
  relation.columns.push_back(column);
  if (!column.generated_text.empty()) check_generated_columns(context, relation);
  const bool has_rows = context.view().row_count(relation.table()) > 0;
  // What differs from row to row is written into each.
  std::string each;
  if (has_rows && column.sequence != 0) {
    each = "nextval(" + std::to_string(column.sequence) + "::bigint)";
  } else if (has_rows && !column.generated_text.empty()) {
    each = column.generated_text;
  } else if (has_rows && is_volatile_default(column.default_text)) {
    each = column.default_text;
  }
  if (!each.empty()) {
    auto list = own_columns(old);
    list.push_back(each);
    edit.put_relation(old);
    rewrite_table(context, old, relation, list);
    relation = *edit.catalog().find_relation(relation.oid);
    return;
  }
  Value fill = Value::null_of(column.type);
  sql::Expr default_value = command.column.default_value;
  if (const auto* domain = column.domain == 0 ? nullptr : edit.catalog().find_type(column.domain)) {
    if (!default_value && !domain->default_text.empty())
      default_value = sql::parse_expression(domain->default_text);
    // The rows that are there get a value of the domain, or the statement fails.
    const std::string text = default_value ? sql::to_postgres_text(default_value) : "NULL";
    if (has_rows)
      run_sql(context, "SELECT CAST(" + text + " AS " + qualified_name(edit.catalog(), *domain) + ")");
  }
  if (default_value) {
    Value value = context.evaluate(default_value);
    if (!value.is_null) {
      Column single(value.type.id == TypeId::Unknown ? SqlType::of(TypeId::Text) : value.type);
      value.type = single.type();
      append_value(single, value);
      const auto& format = context.settings().format_context();
      if (is_text_like(single.type().id) && !is_text_like(column.type.id))
        fill = parse_value(column.type, value.text, format);
      else
        fill = value_at(cast_column(single.view(), column.type, CastStrength::Assignment, format).view(), 0);
    }
  }
  if (column.not_null && fill.is_null && has_rows) {
    throw Error(ErrorCode::NotNullViolation,
                "column \"" + column.name + "\" of relation \"" + relation.name + "\" contains null values")
        .about(relation.name, column.name);
  }
  std::vector<std::pair<storage::ColumnId, Value>> defaults;
  if (!fill.is_null) defaults.emplace_back(column.id, fill);
  context.writes("ALTER TABLE").alter_table(storage_schema(relation), defaults);
}

/// Views and generated columns that read the column.
void require_unread(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                    const catalog::ColumnObject& column, bool cascade) {
  std::string detail;
  const std::string shown = "column " + column.name + " of table " + relation.name;
  std::vector<catalog::Oid> views;
  for (const auto* dependent : edit.catalog().dependents(relation.oid)) {
    if (!reads_column(*dependent, column.name)) continue;
    const std::string name =
        (dependent->kind == catalog::RelationKind::MaterializedView ? "materialized view " : "view ") +
        dependent->name;
    detail += (detail.empty() ? "" : "\n") + name + " depends on " + shown;
    views.push_back(dependent->oid);
    if (cascade) context.notice("drop cascades to " + name);
  }
  std::vector<std::string> generated;
  for (const auto& other : relation.columns) {
    if (other.generated_text.empty() || other.id == column.id) continue;
    if (!contains(catalog::columns_in_expression(relation, other.generated_text), column.id)) continue;
    detail += (detail.empty() ? "" : "\n") + ("column " + other.name + " of table " + relation.name) +
              " depends on " + shown;
    generated.push_back(other.name);
    if (cascade) context.notice("drop cascades to column " + other.name + " of table " + relation.name);
  }
  if (detail.empty()) return;
  if (!cascade) {
    throw Error(ErrorCode::DependentObjectsStillExist,
                "cannot drop " + shown + " because other objects depend on it", detail,
                "Use DROP ... CASCADE to drop the dependent objects too.");
  }
  edit.put_relation(relation);
  for (const auto view : views) drop_relation(context, edit, view, true);
  for (const auto& name : generated) {
    std::erase_if(relation.columns, [&](const auto& candidate) { return candidate.name == name; });
  }
}

void drop_column(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                 const Command& command) {
  const auto* found = relation.find_column(command.name);
  if (found == nullptr) {
    if (!command.if_exists) throw_no_column(relation, command.name);
    context.notice("column \"" + command.name + "\" of relation \"" + relation.name +
                   "\" does not exist, skipping");
    return;
  }
  const auto column = *found;
  const auto id = column.id;
  if (relation.hypertable) {
    for (const auto& dimension : relation.hypertable->dimensions) {
      if (dimension.column == id) {
        throw Error(ErrorCode::FeatureNotSupported, "cannot drop column named in partition key",
                    "Column \"" + command.name + "\" is the partitioning column.");
      }
    }
    const auto& segmented = relation.hypertable->compress_segmentby;
    if (std::find(segmented.begin(), segmented.end(), column.name) != segmented.end()) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot drop column \"" + column.name + "\" of compress_segmentby");
    }
  }
  require_unread(context, edit, relation, column, command.cascade);
  // Constraints and indexes that the column is part of go with it.
  std::vector<std::string> constraints;
  for (const auto& constraint : relation.constraints) {
    if (contains(constraint.columns, id)) constraints.push_back(constraint.name);
  }
  for (const auto& name : constraints) drop_constraint(context, edit, relation, name, command.cascade);
  std::vector<catalog::IndexObject> indexes;
  for (const auto& index : relation.indexes) {
    const bool has_column =
        std::any_of(index.keys.begin(), index.keys.end(),
                    [&](const auto& key) {
                      return key.column == id ||
                             (!key.expression_text.empty() &&
                              contains(catalog::columns_in_expression(relation, key.expression_text), id));
                    }) ||
        contains(index.include, id) ||
        (!index.where_text.empty() &&
         contains(catalog::columns_in_expression(relation, index.where_text), id));
    if (has_column) indexes.push_back(index);
  }
  for (const auto& index : indexes) {
    require_unreferenced(context, edit, relation, index.oid,
                         "column " + column.name + " of table " + relation.name, command.cascade);
    if (index.key_table != 0) context.writes("ALTER TABLE").drop_table(index.key_table);
    std::erase_if(relation.indexes, [&](const auto& candidate) { return candidate.oid == index.oid; });
  }
  drop_owned_sequence(context, edit, relation, column);
  std::erase_if(relation.columns, [&](const auto& candidate) { return candidate.id == id; });
  context.writes("ALTER TABLE").alter_table(storage_schema(relation), {});
}

void alter_type(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                const Command& command) {
  const auto old = relation;
  auto& column = column_of(relation, command.name);
  const ResolvedType resolved = resolve_type(context, command.type, command.type_name);
  const SqlType& type = resolved.type;
  if (column.type == type && column.domain == resolved.domain && !command.expression) return;
  for (const auto* dependent : edit.catalog().dependents(relation.oid)) {
    if (!reads_column(*dependent, column.name)) continue;
    throw Error(ErrorCode::FeatureNotSupported, "cannot alter type of a column used by a view or rule",
                "rule _RETURN on view " + dependent->name + " depends on column \"" + column.name + "\"");
  }
  for (const auto& other : relation.columns) {
    if (other.generated_text.empty() || other.id == column.id) continue;
    if (!contains(catalog::columns_in_expression(relation, other.generated_text), column.id)) continue;
    throw Error(ErrorCode::FeatureNotSupported, "cannot alter type of a column used by a generated column",
                "Column \"" + column.name + "\" is used by generated column \"" + other.name + "\".");
  }
  if (relation.hypertable) {
    for (const auto& dimension : relation.hypertable->dimensions) {
      if (dimension.column == column.id && type.id != TypeId::Timestamp && type.id != TypeId::TimestampTz) {
        throw Error(ErrorCode::FeatureNotSupported, "cannot change the type of the partitioning column \"" +
                                                        column.name + "\" to " + to_sql(type));
      }
    }
  }
  require_no_foreign_key(edit.catalog(), relation, column, type);
  const std::string type_name = type_words(edit.catalog(), type, resolved.domain);
  if (!command.expression && !can_cast(column.type, type, CastStrength::Assignment)) {
    throw Error(ErrorCode::DatatypeMismatch,
                "column \"" + column.name + "\" cannot be cast automatically to type " + type_name, {},
                "You might need to specify \"USING " + catalog::quote_identifier(column.name) +
                    "::" + type_name + "\".");
  }
  column.type = type;
  column.domain = resolved.domain;
  if (!column.default_text.empty() && column.sequence == 0) check_default_fits(context, column);
  auto list = own_columns(old);
  if (command.expression) {
    const auto at = static_cast<std::size_t>(&column - relation.columns.data());
    list[at] = "(" + sql::to_postgres_text(command.expression) + ")";
  }
  if (column.domain != 0) {  // its constraints are looked at as the rows are written anew
    const auto at = static_cast<std::size_t>(&column - relation.columns.data());
    list[at] = "CAST(" + list[at] + " AS " +
               qualified_name(edit.catalog(), *edit.catalog().find_type(column.domain)) + ")";
  }
  edit.put_relation(old);
  rewrite_table(context, old, relation, list);
  relation = *edit.catalog().find_relation(relation.oid);
}

/// There are no triggers; those that PostgreSQL checks foreign keys by are no less there.
void alter_triggers(SessionContext& context, const catalog::RelationObject& relation,
                    const Command& command) {
  if (!command.name.empty()) {
    throw Error(ErrorCode::UndefinedObject,
                "trigger \"" + command.name + "\" for table \"" + relation.name + "\" does not exist");
  }
  if (command.description.empty()) return;
  std::vector<WriteTarget::Reference> references, referenced_by;
  find_references(*context.catalog(), relation, references, referenced_by);
  if (references.empty() && referenced_by.empty()) return;
  throw Error(ErrorCode::FeatureNotSupported,
              command.description + " is not supported for tables with foreign keys", {},
              "Foreign keys are always checked; make them DEFERRABLE, or drop them and add them again.");
}

void apply(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
           const Command& command) {
  const auto change_schema = [&] { context.writes("ALTER TABLE").alter_table(storage_schema(relation), {}); };
  switch (command.kind) {
    case Kind::AddColumn:
      return add_column(context, edit, relation, command);
    case Kind::DropColumn:
      return drop_column(context, edit, relation, command);
    case Kind::AlterType:
      return alter_type(context, edit, relation, command);
    case Kind::SetDefault: {
      auto& column = column_of(relation, command.name);
      refuse_default_change(relation, column);
      column.default_text = text_in_full(context, command.expression);
      column.sequence = sequence_of_default(context, column.default_text);
      check_default_fits(context, column);
      return;
    }
    case Kind::DropDefault: {
      auto& column = column_of(relation, command.name);
      refuse_default_change(relation, column);
      column.default_text.clear();
      column.sequence = 0;
      return;
    }
    case Kind::DropExpression: {
      auto& column = column_of(relation, command.name);
      if (column.generated_text.empty()) {
        const std::string shown = "column \"" + column.name + "\" of relation \"" + relation.name + "\"";
        if (!command.if_exists)
          throw Error(ErrorCode::ObjectNotInPrerequisiteState, shown + " is not a stored generated column");
        context.notice(shown + " is not a stored generated column, skipping");
      }
      column.generated_text.clear();
      return;
    }
    case Kind::AddIdentity:
    case Kind::SetIdentity:
    case Kind::DropIdentity:
      return alter_identity(context, edit, relation, command);
    case Kind::SetNotNull: {
      auto& column = column_of(relation, command.name);
      if (column.not_null) return;
      check_no_nulls(context, relation, column.name);
      column.not_null = true;
      return change_schema();
    }
    case Kind::DropNotNull: {
      auto& column = column_of(relation, command.name);
      const auto* key = relation.primary_key();
      if (key != nullptr &&
          std::find(key->columns.begin(), key->columns.end(), column.id) != key->columns.end()) {
        throw Error(ErrorCode::InvalidTableDefinition, "column \"" + column.name + "\" is in a primary key");
      }
      if (column.identity != 0) {
        throw Error(ErrorCode::SyntaxError, "column \"" + column.name + "\" of relation \"" + relation.name +
                                                "\" is an identity column");
      }
      if (relation.hypertable) {
        for (const auto& dimension : relation.hypertable->dimensions) {
          if (dimension.is_time && dimension.column == column.id)
            throw Error(ErrorCode::OperationNotSupported,
                        "cannot drop not-null constraint from a time-partitioned column");
        }
      }
      column.not_null = false;
      return change_schema();
    }
    case Kind::AddConstraint: {
      const auto old = relation;
      add_constraint(context, edit, relation, command.constraint);
      const auto& added = relation.constraints.back();
      if (added.kind == catalog::ConstraintObject::Kind::Check ||
          added.kind == catalog::ConstraintObject::Kind::ForeignKey) {
        if (!added.is_not_valid) check_constraint(context, relation, added);
        return;
      }
      if (added.kind == catalog::ConstraintObject::Kind::PrimaryKey) {
        for (const auto id : added.columns) check_no_nulls(context, old, old.find_column(id)->name);
        edit.put_relation(old);
        try {
          rewrite_table(context, old, relation, {});
        } catch (const Error& error) {
          if (error.code() == ErrorCode::UniqueViolation) throw_not_unique(relation, added.name, error);
          throw;
        }
        relation = *edit.catalog().find_relation(relation.oid);
        return;
      }
      const auto& index = relation.indexes.back();
      context.writes("ALTER TABLE").create_table(key_table_schema(relation, index, index.key_table));
      return fill_key_table(context, relation, index);
    }
    case Kind::DropConstraint: {
      const bool is_there = std::any_of(relation.constraints.begin(), relation.constraints.end(),
                                        [&](const auto& c) { return c.name == command.name; });
      if (!is_there && command.if_exists) {
        context.notice("constraint \"" + command.name + "\" of relation \"" + relation.name +
                       "\" does not exist, skipping");
        return;
      }
      return drop_constraint(context, edit, relation, command.name, command.cascade);
    }
    case Kind::ValidateConstraint:
      return validate_constraint(context, relation, command.name);
    case Kind::AlterConstraint:
      for (auto& constraint : relation.constraints) {
        if (constraint.name != command.name) continue;
        if (constraint.kind != catalog::ConstraintObject::Kind::ForeignKey) {
          throw Error(ErrorCode::WrongObjectType, "constraint \"" + command.name + "\" of relation \"" +
                                                      relation.name + "\" is not a foreign key constraint");
        }
        if (constraint.matches_full && constraint.columns.size() > 1 && command.constraint.is_deferrable) {
          throw Error(ErrorCode::FeatureNotSupported,
                      "a DEFERRABLE constraint with MATCH FULL is not supported");
        }
        constraint.is_deferrable = command.constraint.is_deferrable || command.constraint.is_deferred;
        constraint.is_deferred = command.constraint.is_deferred;
        return;
      }
      throw Error(ErrorCode::UndefinedObject,
                  "constraint \"" + command.name + "\" of relation \"" + relation.name + "\" does not exist");
    case Kind::Nothing:
      return;
    case Kind::SetTablespace:
      if (command.name == "pg_default") return;
      if (command.name == "pg_global")
        throw Error(ErrorCode::InvalidParameterValue,
                    "only shared relations can be placed in pg_global tablespace");
      throw Error(ErrorCode::UndefinedObject, "tablespace \"" + command.name + "\" does not exist");
    case Kind::Trigger:
      return alter_triggers(context, relation, command);
    case Kind::SetOptions:
    case Kind::ResetOptions:
      return set_table_options(context, relation, command.options, command.kind == Kind::ResetOptions);
    case Kind::OwnerTo:
      relation.owner = role_meant(context, command.name);
      require_member(context, relation.owner);
      return;
    case Kind::Other:
      break;
  }
  throw Error(ErrorCode::FeatureNotSupported, "ALTER TABLE ... " + command.description + " is not supported");
}

}  // namespace

void rewrite_table(SessionContext& context, const catalog::RelationObject& old,
                   catalog::RelationObject changed, const std::vector<std::string>& select_list) {
  auto& edit = context.edit_catalog("ALTER TABLE");
  std::string text = "SELECT ";
  for (std::size_t i = 0; i < changed.columns.size(); ++i) {
    text += (i == 0 ? "" : ", ") +
            (select_list.empty() ? catalog::quote_identifier(changed.columns[i].name) : select_list[i]);
  }
  // Of an aggregate the rows that it has, not those that reading it shows.
  const auto [schema, name] = catalog::hypertable_name(*context.catalog(), old);
  text += " FROM " + catalog::quote_identifier(schema) + "." + catalog::quote_identifier(name);
  const auto query = sql::Rewriter(context).query(sql::parse_query(text));
  context.refresh_view();
  for (auto& index : changed.indexes) {
    if (index.key_table != 0) plan_index(context, changed, index);  // types of expressions may be others
  }
  {
    const auto stream = context.open(query, {});
    changed.rewritten_table = context.database().store().next_table_id();
    // Its rows are in other chunks then, of which nothing is noted.
    if (changed.hypertable) changed.hypertable->chunk_notes.clear();
    for (auto& index : changed.indexes) {
      if (index.key_table != 0) index.key_table = context.database().store().next_table_id();
    }
    create_storage(context, changed);
    insert_all(context, changed, *stream);
  }
  for (const auto& index : changed.indexes) {
    if (index.key_table != 0) fill_key_table(context, changed, index);
  }
  drop_storage(context, old);
  edit.put_relation(changed);
  context.refresh_view();
}

std::string execute_alter_table(Execution& execution, const sql::AlterTableStatement& alter) {
  auto& context = execution.context;
  const char* tag = alter.relation_kind == 'v'   ? "ALTER VIEW"
                    : alter.relation_kind == 'm' ? "ALTER MATERIALIZED VIEW"
                    : alter.relation_kind == 'i' ? "ALTER INDEX"
                    : alter.relation_kind == 'S' ? "ALTER SEQUENCE"
                                                 : "ALTER TABLE";
  if (context.find_user_relation(alter.table.schema, alter.table.name) == nullptr) {
    if (!alter.if_exists) (void)context.relation(alter.table);
    context.notice("relation \"" + alter.table.name + "\" does not exist, skipping");
    return tag;
  }
  require_owner(context, alter.table);
  for (const auto& command : alter.commands) {
    if (command.kind == Kind::AddConstraint &&
        command.constraint.kind == sql::ConstraintDefinition::Kind::ForeignKey)
      context.lock_for_change(command.constraint.referenced_table, tag);
  }
  context.lock_for_change(alter.table, tag);
  auto& edit = context.edit_catalog(tag);
  catalog::RelationObject relation = context.relation(alter.table);
  if (relation.kind != catalog::RelationKind::Table) {
    for (const auto& command : alter.commands) {
      if (relation.aggregate && command.kind == Kind::AddColumn) continue;
      if (relation.aggregate && command.is_of_column) refuse_column_constraint(command.name);
      if (command.kind != Kind::SetOptions && command.kind != Kind::OwnerTo) {
        throw Error(ErrorCode::WrongObjectType,
                    relation.aggregate
                        ? "cannot alter only SET options of a continuous aggregate"
                        : "ALTER action cannot be performed on relation \"" + relation.name + "\"",
                    "This operation is only supported for tables.");
      }
    }
  }
  const catalog::RelationObject old = relation;
  const auto old_chunks =
      old.hypertable ? context.view().chunks(old.table()) : std::vector<storage::ChunkInfo>{};
  bool is_column_there = false, has_options = false;
  for (const auto& command : alter.commands) {
    has_options = has_options || command.kind == Kind::SetOptions || command.kind == Kind::ResetOptions;
    if (command.kind == Kind::AddColumn)
      is_column_there = command.if_not_exists && relation.find_column(command.column.name) != nullptr;
    if (command.is_of_column && is_column_there) continue;  // what stood with a column that was there already
    apply(context, edit, relation, command);
    edit.put_relation(relation);
    context.refresh_view();
  }
  // Other columns to sort by have rows written again that count as not converted.
  if (!has_options) keep_converted(context, old, old_chunks);
  return tag;
}

}  // namespace tickstone::engine
