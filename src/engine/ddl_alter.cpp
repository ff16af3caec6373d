// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/hypertable.hpp"
#include "engine/table_schema.hpp"

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
  for (const auto& column : relation.columns) list.push_back(duck_name(column.name));
  return list;
}

bool is_key_column(const catalog::RelationObject& relation, storage::ColumnId id) {
  for (const auto& constraint : relation.constraints) {
    if (std::find(constraint.columns.begin(), constraint.columns.end(), id) != constraint.columns.end())
      return true;
  }
  return false;
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

void check_all_rows(SessionContext& context, const catalog::RelationObject& relation,
                    const catalog::ConstraintObject& constraint) {
  const auto condition = sql::Rewriter(context).query(sql::parse_query(
      "SELECT 1 FROM " + catalog::quote_identifier(context.catalog()->find_schema(relation.schema)->name) +
      "." + catalog::quote_identifier(relation.name) + " WHERE NOT (" + constraint.check_text + ") LIMIT 1"));
  context.refresh_view();
  if (context.run(condition).row_count() > 0) {
    throw Error(ErrorCode::CheckViolation, "check constraint \"" + constraint.name + "\" of relation \"" +
                                               relation.name + "\" is violated by some row")
        .about(relation.name, {}, constraint.name);
  }
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
  auto column = make_column(context, edit, relation, command.column);
  const bool wants_not_null = column.not_null;
  Value fill = Value::null_of(column.type);
  if (command.column.default_value) {
    Value value = context.evaluate(command.column.default_value);
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
  const bool has_rows = context.view().row_count(relation.table()) > 0;
  if (wants_not_null && fill.is_null && has_rows && column.sequence == 0) {
    throw Error(ErrorCode::NotNullViolation,
                "column \"" + column.name + "\" of relation \"" + relation.name + "\" contains null values")
        .about(relation.name, column.name);
  }
  const auto old = relation;
  relation.columns.push_back(column);
  if (column.sequence != 0 && has_rows) {
    auto list = own_columns(old);
    list.push_back("nextval(" + std::to_string(column.sequence) + "::BIGINT)");
    edit.put_relation(old);
    rewrite_table(context, old, relation, list);
    relation = *edit.catalog().find_relation(relation.oid);
  } else {
    std::vector<std::pair<storage::ColumnId, Value>> defaults;
    if (!fill.is_null) defaults.emplace_back(column.id, fill);
    context.writes("ALTER TABLE").alter_table(storage_schema(relation), defaults);
  }
}

void drop_column(SessionContext& context, catalog::RelationObject& relation, const Command& command) {
  const auto* found = relation.find_column(command.name);
  if (found == nullptr) {
    if (command.if_exists) {
      context.notice("column \"" + command.name + "\" of relation \"" + relation.name +
                     "\" does not exist, skipping");
      return;
    }
    throw Error(ErrorCode::UndefinedColumn,
                "column \"" + command.name + "\" of relation \"" + relation.name + "\" does not exist");
  }
  const auto id = found->id;
  if (relation.hypertable) {
    for (const auto& dimension : relation.hypertable->dimensions) {
      if (dimension.column == id) {
        throw Error(ErrorCode::FeatureNotSupported, "cannot drop column named in partition key",
                    "Column \"" + command.name + "\" is the partitioning column.");
      }
    }
  }
  if (is_key_column(relation, id)) {
    throw Error(ErrorCode::DependentObjectsStillExist,
                "cannot drop column " + command.name + " of table " + relation.name +
                    " because other objects depend on it",
                "A key of the table contains it.", "Drop the constraint first.");
  }
  std::erase_if(relation.indexes, [&](const auto& index) {
    return std::any_of(index.keys.begin(), index.keys.end(),
                       [&](const auto& key) { return key.column == id; });
  });
  std::erase_if(relation.columns, [&](const auto& column) { return column.id == id; });
  context.writes("ALTER TABLE").alter_table(storage_schema(relation), {});
}

void alter_type(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                const Command& command) {
  const auto old = relation;
  auto& column = column_of(relation, command.name);
  if (column.type == command.type) return;
  if (relation.hypertable) {
    for (const auto& dimension : relation.hypertable->dimensions) {
      if (dimension.column == column.id && command.type.id != TypeId::Timestamp &&
          command.type.id != TypeId::TimestampTz && command.type.id != TypeId::Date) {
        throw Error(ErrorCode::InvalidTableDefinition,
                    "cannot change the type of the partitioning column \"" + column.name + "\" to " +
                        to_sql(command.type));
      }
    }
  }
  if (command.expression) {
    throw Error(ErrorCode::FeatureNotSupported, "ALTER COLUMN TYPE ... USING is not supported", {},
                "Add a column of the new type, UPDATE it, then drop and rename.");
  }
  if (!can_cast(column.type, command.type, CastStrength::Assignment)) {
    throw Error(ErrorCode::DatatypeMismatch,
                "column \"" + column.name + "\" cannot be cast automatically to type " + to_sql(command.type),
                {},
                "You might need to specify \"USING " + catalog::quote_identifier(column.name) +
                    "::" + to_sql(command.type) + "\".");
  }
  column.type = command.type;
  const auto list = own_columns(old);
  edit.put_relation(old);
  rewrite_table(context, old, relation, list);
  relation = *edit.catalog().find_relation(relation.oid);
}

void apply(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
           const Command& command) {
  const auto change_schema = [&] { context.writes("ALTER TABLE").alter_table(storage_schema(relation), {}); };
  switch (command.kind) {
    case Kind::AddColumn:
      return add_column(context, edit, relation, command);
    case Kind::DropColumn:
      return drop_column(context, relation, command);
    case Kind::AlterType:
      return alter_type(context, edit, relation, command);
    case Kind::SetDefault: {
      auto& column = column_of(relation, command.name);
      column.default_text = sql::to_postgres_text(command.expression);
      return;
    }
    case Kind::DropDefault:
      column_of(relation, command.name).default_text.clear();
      return;
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
      column.not_null = false;
      return change_schema();
    }
    case Kind::AddConstraint: {
      const auto old = relation;
      add_constraint(context, edit, relation, command.constraint);
      const auto& added = relation.constraints.back();
      if (added.kind == catalog::ConstraintObject::Kind::Check)
        return check_all_rows(context, relation, added);
      if (added.kind == catalog::ConstraintObject::Kind::PrimaryKey) {
        for (const auto id : added.columns) check_no_nulls(context, old, old.find_column(id)->name);
        const auto list = own_columns(old);
        edit.put_relation(old);
        rewrite_table(context, old, relation, list);
        relation = *edit.catalog().find_relation(relation.oid);
        return;
      }
      const auto& index = relation.indexes.back();
      context.writes("ALTER TABLE").create_table(key_table_schema(relation, index, index.key_table));
      return fill_key_table(context, relation, index);
    }
    case Kind::DropConstraint: {
      const auto found = std::find_if(relation.constraints.begin(), relation.constraints.end(),
                                      [&](const auto& c) { return c.name == command.name; });
      if (found == relation.constraints.end()) {
        if (command.if_exists) {
          context.notice("constraint \"" + command.name + "\" of relation \"" + relation.name +
                         "\" does not exist, skipping");
          return;
        }
        throw Error(ErrorCode::UndefinedObject, "constraint \"" + command.name + "\" of relation \"" +
                                                    relation.name + "\" does not exist");
      }
      const auto old = relation;
      const auto constraint = *found;
      relation.constraints.erase(found);
      if (constraint.kind == catalog::ConstraintObject::Kind::Check) return;
      std::erase_if(relation.indexes, [&](const auto& index) {
        if (index.oid != constraint.index) return false;
        if (index.key_table != 0) context.writes("ALTER TABLE").drop_table(index.key_table);
        return true;
      });
      if (constraint.kind == catalog::ConstraintObject::Kind::PrimaryKey) {
        edit.put_relation(old);
        rewrite_table(context, old, relation, own_columns(old));
        relation = *edit.catalog().find_relation(relation.oid);
      }
      return;
    }
    case Kind::SetOptions:
    case Kind::ResetOptions:
      return set_table_options(context, relation, command.options, command.kind == Kind::ResetOptions);
    case Kind::OwnerTo:
      if (context.catalog()->find_role(command.name) == nullptr) {
        throw Error(ErrorCode::UndefinedObject, "role \"" + command.name + "\" does not exist");
      }
      relation.owner = command.name;
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
    text +=
        (i == 0 ? "" : ", ") + (select_list.empty() ? duck_name(changed.columns[i].name) : select_list[i]);
  }
  if (changed.columns.empty()) text += "1";
  sql::DuckQuery query;
  query.text = text + " FROM \"" + context.scan_name(old) + "\" AS " + duck_name(old.name);
  context.refresh_view();
  {
    const auto stream = context.open(query, {});
    changed.rewritten_table = context.database().store().next_table_id();
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
  auto& edit = context.edit_catalog(tag);
  catalog::RelationObject relation = context.relation(alter.table);
  if (relation.kind != catalog::RelationKind::Table) {
    for (const auto& command : alter.commands) {
      if (command.kind != Kind::SetOptions && command.kind != Kind::OwnerTo) {
        throw Error(ErrorCode::WrongObjectType,
                    "ALTER action cannot be performed on relation \"" + relation.name + "\"",
                    "This operation is only supported for tables.");
      }
    }
  }
  for (const auto& command : alter.commands) {
    apply(context, edit, relation, command);
    edit.put_relation(relation);
    context.refresh_view();
  }
  return tag;
}

std::string execute_rename(Execution& execution, const sql::RenameStatement& rename) {
  auto& context = execution.context;
  using What = sql::RenameStatement::What;
  const char* tag = rename.what == What::View               ? "ALTER VIEW"
                    : rename.what == What::MaterializedView ? "ALTER MATERIALIZED VIEW"
                    : rename.what == What::Index            ? "ALTER INDEX"
                    : rename.what == What::Sequence         ? "ALTER SEQUENCE"
                    : rename.what == What::Schema           ? "ALTER SCHEMA"
                                                            : "ALTER TABLE";
  auto& edit = context.edit_catalog(tag);
  if (rename.what == What::Schema) {
    const auto* found = edit.catalog().find_schema(rename.object.name);
    if (found == nullptr)
      throw Error(ErrorCode::InvalidSchemaName, "schema \"" + rename.object.name + "\" does not exist");
    if (edit.catalog().find_schema(rename.new_name) != nullptr) {
      throw Error(ErrorCode::DuplicateSchema, "schema \"" + rename.new_name + "\" already exists");
    }
    auto schema = *found;
    schema.name = rename.new_name;
    edit.put_schema(schema);
    return tag;
  }
  if (rename.what == What::Index) {
    for (const auto& schema : context.schemas_to_search(rename.object.schema)) {
      const auto [owner, index] = edit.catalog().find_index(schema, rename.object.name);
      if (owner == nullptr) continue;
      auto relation = *owner;
      if (edit.catalog().free_name(relation.schema, rename.new_name) != rename.new_name) {
        throw Error(ErrorCode::DuplicateTable, "relation \"" + rename.new_name + "\" already exists");
      }
      for (auto& candidate : relation.indexes) {
        if (candidate.name == rename.object.name) candidate.name = rename.new_name;
      }
      for (auto& constraint : relation.constraints) {
        if (constraint.name == rename.object.name) constraint.name = rename.new_name;
      }
      edit.put_relation(relation);
      return tag;
    }
  }
  if (rename.if_exists && context.find_user_relation(rename.object.schema, rename.object.name) == nullptr) {
    context.notice("relation \"" + rename.object.name + "\" does not exist, skipping");
    return tag;
  }
  catalog::RelationObject relation = context.relation(rename.object);
  if (rename.what == What::Column) {
    auto& column = column_of(relation, rename.old_name);
    if (relation.find_column(rename.new_name) != nullptr) {
      throw Error(ErrorCode::DuplicateColumn,
                  "column \"" + rename.new_name + "\" of relation \"" + relation.name + "\" already exists");
    }
    if (!edit.catalog().dependents(relation.oid).empty()) {
      throw Error(ErrorCode::DependentObjectsStillExist,
                  "cannot rename column \"" + rename.old_name + "\" because other objects depend on it",
                  "View \"" + edit.catalog().dependents(relation.oid).front()->name + "\" reads it.",
                  "Drop the view, rename, and make the view again.");
    }
    column.name = rename.new_name;
  } else if (rename.what == What::Constraint) {
    const auto found = std::find_if(relation.constraints.begin(), relation.constraints.end(),
                                    [&](const auto& c) { return c.name == rename.old_name; });
    if (found == relation.constraints.end()) {
      throw Error(ErrorCode::UndefinedObject, "constraint \"" + rename.old_name + "\" for table \"" +
                                                  relation.name + "\" does not exist");
    }
    for (auto& index : relation.indexes) {
      if (index.oid == found->index) index.name = rename.new_name;
    }
    found->name = rename.new_name;
  } else if (rename.what == What::Other) {
    throw Error(ErrorCode::FeatureNotSupported, "this form of RENAME is not supported");
  } else {
    if (edit.catalog().free_name(relation.schema, rename.new_name) != rename.new_name) {
      throw Error(ErrorCode::DuplicateTable, "relation \"" + rename.new_name + "\" already exists");
    }
    if (!edit.catalog().dependents(relation.oid).empty()) {
      throw Error(ErrorCode::DependentObjectsStillExist,
                  "cannot rename \"" + relation.name + "\" because other objects depend on it",
                  "View \"" + edit.catalog().dependents(relation.oid).front()->name + "\" reads it.",
                  "Drop the view, rename, and make the view again.");
    }
    relation.name = rename.new_name;
  }
  edit.put_relation(relation);
  if (relation.is_stored()) context.writes(tag).alter_table(storage_schema(relation), {});
  return tag;
}

}  // namespace tickstone::engine
