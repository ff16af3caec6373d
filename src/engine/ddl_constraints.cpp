// SPDX-License-Identifier: Apache-2.0
// Constraints of tables: made, dropped, validated.
#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/sql_tokens.hpp"
#include "engine/ddl_table.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "engine/table_schema.hpp"

namespace tickstone::engine {
namespace {

using Constraint = catalog::ConstraintObject;

std::string free_constraint_name(const catalog::RelationObject& relation, const std::string& base) {
  std::string name = base;
  const auto taken = [&] {
    return std::any_of(relation.constraints.begin(), relation.constraints.end(),
                       [&](const auto& c) { return c.name == name; });
  };
  for (int i = 1; taken(); ++i) name = base + std::to_string(i);
  return name;
}

std::vector<storage::ColumnId> column_ids(const catalog::RelationObject& relation,
                                          const std::vector<std::string>& names) {
  std::vector<storage::ColumnId> ids;
  for (const auto& name : names) {
    const auto* column = relation.find_column(name);
    if (column == nullptr)
      throw Error(ErrorCode::UndefinedColumn, "column \"" + name + "\" named in key does not exist");
    if (std::find(ids.begin(), ids.end(), column->id) != ids.end()) {
      throw Error(ErrorCode::DuplicateColumn, "column \"" + name + "\" appears twice in the constraint");
    }
    ids.push_back(column->id);
  }
  return ids;
}

void require_comparable(const catalog::RelationObject& relation,
                        const std::vector<storage::ColumnId>& columns) {
  for (const auto id : columns) {
    const auto& column = *relation.find_column(id);
    if (column.type.is_array || column.type.id == TypeId::Json) {
      throw Error(ErrorCode::FeatureNotSupported, "column \"" + column.name + "\" of type " +
                                                      to_sql(column.type) + " cannot be part of a key");
    }
  }
}

std::string joined_names(const std::vector<std::string>& names) {
  std::string joined;
  for (const auto& name : names) joined += (joined.empty() ? "" : "_") + name;
  return joined;
}

/// Key columns that can be compared without a cast that could lose something.
bool are_comparable(const SqlType& a, const SqlType& b) {
  const auto is_text = [](const SqlType& type) {
    return type.id == TypeId::Text || type.id == TypeId::Varchar;
  };
  if (a.is_array || b.is_array) return false;
  if (a.id == TypeId::Enum) return a == b;
  return a.id == b.id || (is_integer(a.id) && is_integer(b.id)) || (is_text(a) && is_text(b));
}

/// The key of `parent` over just these columns: its index.
const catalog::IndexObject* find_key(const catalog::RelationObject& parent,
                                     const std::vector<storage::ColumnId>& columns) {
  for (const auto& index : parent.indexes) {
    if (!index.is_unique || !index.where_text.empty() || index.nulls_not_distinct ||
        index.keys.size() != columns.size())
      continue;
    const bool is_same = std::all_of(index.keys.begin(), index.keys.end(), [&](const auto& key) {
      return key.column != 0 && std::find(columns.begin(), columns.end(), key.column) != columns.end();
    });
    if (is_same) return &index;
  }
  return nullptr;
}

void add_foreign_key(SessionContext& context, catalog::CatalogEdit& edit,
                     const catalog::RelationObject& relation, const sql::ConstraintDefinition& definition,
                     Constraint& constraint) {
  constraint.kind = Constraint::Kind::ForeignKey;
  constraint.on_delete = definition.on_delete;
  constraint.on_update = definition.on_update;
  constraint.matches_full = definition.matches_full;
  constraint.is_deferrable = definition.is_deferrable || definition.is_deferred;
  constraint.is_deferred = definition.is_deferred;
  const auto& wanted = definition.referenced_table;
  const auto* schema = edit.catalog().find_schema(relation.schema);
  const auto* found = context.find_user_relation(wanted.schema, wanted.name);
  const bool is_self = wanted.name == relation.name &&
                       (wanted.schema.empty() ? found == nullptr || found->oid == relation.oid
                                              : schema != nullptr && wanted.schema == schema->name);
  const catalog::RelationObject parent = is_self ? relation : context.relation(wanted);
  if (!is_self) require_any_column(context, parent, catalog::Privilege::References, context.user());
  if (parent.kind != catalog::RelationKind::Table) {
    throw Error(ErrorCode::WrongObjectType, "referenced relation \"" + parent.name + "\" is not a table");
  }
  if (parent.hypertable) {
    throw Error(ErrorCode::FeatureNotSupported,
                "foreign keys to hypertables are not supported: \"" + parent.name + "\" is one", {},
                "A foreign key from a hypertable to a plain table works.");
  }
  if (parent.temporary != relation.temporary) {
    throw Error(ErrorCode::InvalidTableDefinition,
                relation.temporary ? "constraints on temporary tables may reference only temporary tables"
                                   : "constraints on permanent tables may reference only permanent tables");
  }
  for (const auto& name : definition.columns) {
    const auto* column = relation.find_column(name);
    if (column == nullptr) {
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + name + "\" referenced in foreign key constraint does not exist");
    }
    constraint.columns.push_back(column->id);
  }
  const catalog::IndexObject* index = nullptr;
  if (definition.referenced_columns.empty()) {
    const auto* key = parent.primary_key();
    if (key == nullptr) {
      throw Error(ErrorCode::UndefinedObject,
                  "there is no primary key for referenced table \"" + parent.name + "\"");
    }
    constraint.referenced_columns = key->columns;
    for (const auto& candidate : parent.indexes) {
      if (candidate.oid == key->index) index = &candidate;
    }
  } else {
    for (const auto& name : definition.referenced_columns) {
      const auto* column = parent.find_column(name);
      if (column == nullptr) {
        throw Error(ErrorCode::UndefinedColumn,
                    "column \"" + name + "\" referenced in foreign key constraint does not exist");
      }
      constraint.referenced_columns.push_back(column->id);
    }
    if (constraint.columns.size() == constraint.referenced_columns.size())
      index = find_key(parent, constraint.referenced_columns);
  }
  if (!is_self) {
    std::vector<std::size_t> referenced;
    for (std::size_t i = 0; i < parent.columns.size(); ++i) {
      const auto& ids = constraint.referenced_columns;
      if (std::find(ids.begin(), ids.end(), parent.columns[i].id) != ids.end()) referenced.push_back(i);
    }
    require_columns(context, parent, catalog::Privilege::References, referenced);
  }
  if (constraint.columns.size() != constraint.referenced_columns.size()) {
    throw Error(ErrorCode::InvalidForeignKey,
                "number of referencing and referenced columns for foreign key disagree");
  }
  if (index == nullptr) {
    throw Error(
        ErrorCode::InvalidForeignKey,
        "there is no unique constraint matching given keys for referenced table \"" + parent.name + "\"");
  }
  if (constraint.name.empty()) {
    constraint.name =
        free_constraint_name(relation, relation.name + "_" + joined_names(definition.columns) + "_fkey");
  }
  for (std::size_t i = 0; i < constraint.columns.size(); ++i) {
    const auto& column = *relation.find_column(constraint.columns[i]);
    const auto& key = *parent.find_column(constraint.referenced_columns[i]);
    if (!are_comparable(column.type, key.type)) {
      throw Error(ErrorCode::DatatypeMismatch,
                  "foreign key constraint \"" + constraint.name + "\" cannot be implemented",
                  "Key columns \"" + column.name + "\" and \"" + key.name + "\" are of incompatible types: " +
                      to_sql(column.type) + " and " + to_sql(key.type) + ".");
    }
    const bool sets = definition.on_delete == 'n' || definition.on_update == 'n' ||
                      definition.on_delete == 'd' || definition.on_update == 'd' ||
                      definition.on_update == 'c';
    if (!column.generated_text.empty() && sets) {
      throw Error(ErrorCode::SyntaxError,
                  "invalid action for foreign key constraint containing generated column");
    }
  }
  constraint.referenced_table = parent.oid;
  constraint.index = index->oid;
}

/// Foreign keys that lean on the index.
std::vector<std::pair<const catalog::RelationObject*, const Constraint*>> keys_on(
    const catalog::Catalog& catalog, catalog::Oid index) {
  std::vector<std::pair<const catalog::RelationObject*, const Constraint*>> found;
  for (const auto* relation : catalog.relations()) {
    for (const auto& constraint : relation->constraints) {
      if (constraint.kind == Constraint::Kind::ForeignKey && constraint.index == index)
        found.emplace_back(relation, &constraint);
    }
  }
  return found;
}

}  // namespace

void add_constraint(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                    const sql::ConstraintDefinition& definition) {
  using Kind = sql::ConstraintDefinition::Kind;
  catalog::ConstraintObject constraint;
  constraint.oid = context.database().store().next_table_id();
  constraint.name = definition.name;
  constraint.is_not_valid = definition.is_not_valid;
  if (!constraint.name.empty() && free_constraint_name(relation, constraint.name) != constraint.name) {
    throw Error(ErrorCode::DuplicateObject, "constraint \"" + constraint.name + "\" for relation \"" +
                                                relation.name + "\" already exists");
  }
  switch (definition.kind) {
    case Kind::PrimaryKey:
    case Kind::Unique: {
      const bool is_primary = definition.kind == Kind::PrimaryKey;
      if (is_primary && relation.primary_key() != nullptr) {
        throw Error(ErrorCode::InvalidTableDefinition,
                    "multiple primary keys for table \"" + relation.name + "\" are not allowed");
      }
      constraint.kind =
          is_primary ? catalog::ConstraintObject::Kind::PrimaryKey : catalog::ConstraintObject::Kind::Unique;
      constraint.columns = column_ids(relation, definition.columns);
      require_comparable(relation, constraint.columns);
      require_time_column(relation, constraint.columns, is_primary ? "primary key" : "unique");
      std::string joined;
      for (const auto& name : definition.columns) joined += (joined.empty() ? "" : "_") + name;
      if (constraint.name.empty()) {
        constraint.name = generated_name(edit.catalog(), relation.schema, relation.name,
                                         is_primary ? "" : joined, is_primary ? "pkey" : "key");
      } else if (edit.catalog().free_name(relation.schema, constraint.name) != constraint.name) {
        throw Error(ErrorCode::DuplicateTable, "relation \"" + constraint.name + "\" already exists");
      }
      catalog::IndexObject index;
      index.oid = context.database().store().next_table_id();
      index.name = constraint.name;
      index.is_unique = true;
      index.is_primary = is_primary;
      index.nulls_not_distinct = definition.nulls_not_distinct;
      for (const auto id : constraint.columns) index.keys.push_back({id, {}, false, false});
      constraint.index = index.oid;
      if (is_primary) {
        for (auto& column : relation.columns) {
          if (std::find(constraint.columns.begin(), constraint.columns.end(), column.id) !=
              constraint.columns.end())
            column.not_null = true;
        }
      } else {
        index.key_table = context.database().store().next_table_id();
      }
      relation.indexes.push_back(std::move(index));
      break;
    }
    case Kind::Check:
      constraint.kind = catalog::ConstraintObject::Kind::Check;
      constraint.check_text = text_in_full(context, definition.check);
      constraint.columns = catalog::columns_in_expression(relation, constraint.check_text);
      if (constraint.name.empty()) {
        const std::string column =
            constraint.columns.size() == 1 ? "_" + relation.find_column(constraint.columns[0])->name : "";
        constraint.name = free_constraint_name(relation, relation.name + column + "_check");
      }
      break;
    case Kind::ForeignKey:
      add_foreign_key(context, edit, relation, definition, constraint);
      break;
  }
  relation.constraints.push_back(std::move(constraint));
}

void require_time_column(const catalog::RelationObject& relation,
                         const std::vector<storage::ColumnId>& columns, const std::string& what) {
  if (!relation.hypertable) return;
  for (const auto& dimension : relation.hypertable->dimensions) {
    if (std::find(columns.begin(), columns.end(), dimension.column) != columns.end()) continue;
    throw Error(ErrorCode::BadHypertableIndexDefinition,
                "cannot create a unique index without the column \"" +
                    relation.find_column(dimension.column)->name + "\" (used in partitioning)",
                {},
                "If you're creating a hypertable on a table with a " + what +
                    ", ensure the partitioning column is part of it.");
  }
}

void require_unreferenced(SessionContext& context, catalog::CatalogEdit& edit,
                          catalog::RelationObject& relation, catalog::Oid index, const std::string& described,
                          bool cascade) {
  const auto dependents = keys_on(edit.catalog(), index);
  if (dependents.empty()) return;
  std::string detail;
  const auto found = std::find_if(relation.indexes.begin(), relation.indexes.end(),
                                  [&](const auto& candidate) { return candidate.oid == index; });
  std::vector<std::pair<catalog::Oid, catalog::Oid>> also;
  for (const auto& [child, constraint] : dependents) {
    const std::string name = "constraint " + constraint->name + " on table " + child->name;
    detail += (detail.empty() ? "" : "\n") + name + " depends on index " + found->name;
    also.emplace_back(child->oid, constraint->oid);
    if (cascade) context.notice("drop cascades to " + name);
  }
  if (!cascade) {
    throw Error(ErrorCode::DependentObjectsStillExist,
                "cannot drop " + described + " because other objects depend on it", detail,
                "Use DROP ... CASCADE to drop the dependent objects too.");
  }
  for (const auto& [child, oid] : also) {
    const auto remove = [constraint = oid](catalog::RelationObject& from) {
      std::erase_if(from.constraints, [&](const auto& candidate) { return candidate.oid == constraint; });
    };
    if (child == relation.oid) {
      remove(relation);
      continue;
    }
    auto changed = *edit.catalog().find_relation(child);
    remove(changed);
    edit.put_relation(changed);
  }
}

void drop_constraint(SessionContext& context, catalog::CatalogEdit& edit, catalog::RelationObject& relation,
                     const std::string& name, bool cascade) {
  const auto find = [&] {
    return std::find_if(relation.constraints.begin(), relation.constraints.end(),
                        [&](const auto& c) { return c.name == name; });
  };
  const auto found = find();
  if (found == relation.constraints.end()) {
    throw Error(ErrorCode::UndefinedObject,
                "constraint \"" + name + "\" of relation \"" + relation.name + "\" does not exist");
  }
  const auto constraint = *found;
  const bool is_key =
      constraint.kind == Constraint::Kind::PrimaryKey || constraint.kind == Constraint::Kind::Unique;
  if (is_key) {
    require_unreferenced(context, edit, relation, constraint.index,
                         "constraint " + name + " on table " + relation.name, cascade);
  }
  const auto old = relation;
  relation.constraints.erase(find());
  if (!is_key) return;
  std::erase_if(relation.indexes, [&](const auto& index) {
    if (index.oid != constraint.index) return false;
    if (index.key_table != 0) context.writes("ALTER TABLE").drop_table(index.key_table);
    return true;
  });
  if (constraint.kind != Constraint::Kind::PrimaryKey) return;
  edit.put_relation(old);
  rewrite_table(context, old, relation, {});
  relation = *edit.catalog().find_relation(relation.oid);
}

void check_constraint(SessionContext& context, const catalog::RelationObject& relation,
                      const catalog::ConstraintObject& constraint) {
  if (constraint.kind == Constraint::Kind::ForeignKey)
    return check_existing_rows(context, relation, constraint);
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

void validate_constraint(SessionContext& context, catalog::RelationObject& relation,
                         const std::string& name) {
  for (auto& constraint : relation.constraints) {
    if (constraint.name != name) continue;
    if (constraint.kind != Constraint::Kind::Check && constraint.kind != Constraint::Kind::ForeignKey) {
      throw Error(ErrorCode::WrongObjectType, "constraint \"" + name + "\" of relation \"" + relation.name +
                                                  "\" is not a foreign key or check constraint");
    }
    if (constraint.is_not_valid) check_constraint(context, relation, constraint);
    constraint.is_not_valid = false;
    return;
  }
  throw Error(ErrorCode::UndefinedObject,
              "constraint \"" + name + "\" of relation \"" + relation.name + "\" does not exist");
}

}  // namespace tickstone::engine
