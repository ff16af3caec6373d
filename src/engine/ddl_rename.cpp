// SPDX-License-Identifier: Apache-2.0
// ALTER ... RENAME and ALTER ... SET SCHEMA.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/aggregate_tracker.hpp"
#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "engine/table_schema.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

/// What a name in the text of a view meant when the view was made, as far as that was written down.
const catalog::RelationObject* meant_relation(const SessionContext& context, const catalog::Catalog& catalog,
                                              const catalog::RelationObject& view, const std::string& schema,
                                              const std::string& name) {
  if (!schema.empty()) return catalog.find_relation(schema, name);
  for (const auto& [option, path] : view.options) {
    if (option != kSearchPathOption) continue;
    for (std::string_view rest = path; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      if (const auto* found = catalog.find_relation(std::string(rest.substr(0, end)), name)) return found;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return nullptr;
  }
  return context.find_user_relation(schema, name);
}

/// Views that read the relation go on reading it under its new name; within them it is called what it was.
void rename_in_dependents(SessionContext& context, catalog::CatalogEdit& edit,
                          const catalog::RelationObject& relation, const sql::QualifiedName& renamed) {
  std::vector<catalog::RelationObject> dependents;
  for (const auto* dependent : edit.catalog().dependents(relation.oid)) dependents.push_back(*dependent);
  for (auto& dependent : dependents) {
    const auto rewritten = [&](const std::string& text) {
      return sql::with_relation_renamed(
          sql::parse_query(text),
          [&](const std::string& schema, const std::string& name) {
            const auto* meant = meant_relation(context, edit.catalog(), dependent, schema, name);
            return meant != nullptr && meant->oid == relation.oid;
          },
          renamed);
    };
    if (!dependent.view_text.empty()) dependent.view_text = rewritten(dependent.view_text);
    if (dependent.aggregate)
      dependent.aggregate->definition_text = rewritten(dependent.aggregate->definition_text);
    edit.put_relation(dependent);
  }
}

}  // namespace

std::string execute_rename(Execution& execution, const sql::RenameStatement& rename) {
  auto& context = execution.context;
  using What = sql::RenameStatement::What;
  const std::string& tag = rename.tag;
  if (rename.what != What::Schema && rename.what != What::Index) require_owner(context, rename.object);
  if (rename.what != What::Schema && rename.what != What::Index) context.lock_for_change(rename.object, tag);
  auto& edit = context.edit_catalog(tag);
  if (rename.what == What::Schema) {
    const auto* found = edit.catalog().find_schema(rename.object.name);
    if (found == nullptr)
      throw Error(ErrorCode::InvalidSchemaName, "schema \"" + rename.object.name + "\" does not exist");
    require_owner(context, "schema", found->name, found->owner);
    if (edit.catalog().find_schema(rename.new_name) != nullptr) {
      throw Error(ErrorCode::DuplicateSchema, "schema \"" + rename.new_name + "\" already exists");
    }
    if (rename.new_name.starts_with("pg_")) {
      throw Error(ErrorCode::ReservedName, "unacceptable schema name \"" + rename.new_name + "\"",
                  "The prefix \"pg_\" is reserved for system schemas.");
    }
    require_of_database(context, catalog::Privilege::Create);
    auto schema = *found;
    schema.name = rename.new_name;
    edit.put_schema(schema);
    follow_renamed_schema(edit, rename.object.name, rename.new_name);
    return tag;
  }
  if (rename.what == What::Index) {
    for (const auto& schema : context.schemas_to_search(rename.object.schema)) {
      const auto [owner, index] = edit.catalog().find_index(schema, rename.object.name);
      if (owner == nullptr) continue;
      require_owner(context, "index", index->name, owner->owner);
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
    const auto column = std::find_if(relation.columns.begin(), relation.columns.end(),
                                     [&](const auto& c) { return c.name == rename.old_name; });
    if (column == relation.columns.end())
      throw Error(ErrorCode::UndefinedColumn, "column \"" + rename.old_name + "\" does not exist");
    if (relation.find_column(rename.new_name) != nullptr) {
      throw Error(ErrorCode::DuplicateColumn,
                  "column \"" + rename.new_name + "\" of relation \"" + relation.name + "\" already exists");
    }
    for (const auto* dependent : edit.catalog().dependents(relation.oid)) {
      const auto& text = dependent->aggregate ? dependent->aggregate->definition_text : dependent->view_text;
      if (!sql::names_column(sql::parse_query(text), rename.old_name)) continue;
      throw Error(ErrorCode::DependentObjectsStillExist,
                  "cannot rename column \"" + rename.old_name + "\" because other objects depend on it",
                  "View \"" + dependent->name + "\" reads it.",
                  "Drop the view, rename, and make the view again.");
    }
    column->name = rename.new_name;
    if (relation.kind == catalog::RelationKind::Table) {
      change_stored_texts(relation, rename.old_name, [&](const sql::Expr& expr) {
        return sql::with_column_renamed(expr, rename.old_name, rename.new_name);
      });
    }
    if (relation.aggregate && relation.aggregate->bucket_column == rename.old_name)
      relation.aggregate->bucket_column = rename.new_name;
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
    require_create(context, *edit.catalog().find_schema(relation.schema));
    rename_in_dependents(context, edit, relation,
                         {edit.catalog().find_schema(relation.schema)->name, rename.new_name, 0});
    relation.name = rename.new_name;
  }
  edit.put_relation(relation);
  if (!relation.is_stored()) return tag;
  context.writes(tag).alter_table(storage_schema(relation), {});
  for (const auto& index : relation.indexes) {
    if (index.key_table != 0)
      context.writes(tag).alter_table(key_table_schema(relation, index, index.key_table), {});
  }
  return tag;
}

std::string execute_set_schema(Execution& execution, const sql::SetSchemaStatement& set) {
  auto& context = execution.context;
  const std::string tag = "ALTER " + set.kind;
  if (context.find_user_relation(set.object.schema, set.object.name) == nullptr && set.if_exists) {
    context.notice("relation \"" + set.object.name + "\" does not exist, skipping");
    return tag;
  }
  require_owner(context, set.object);
  context.lock_for_change(set.object, tag);
  auto& edit = context.edit_catalog(tag);
  catalog::RelationObject relation = context.relation(set.object);
  const auto* schema = edit.catalog().find_schema(set.schema);
  if (schema == nullptr)
    throw Error(ErrorCode::InvalidSchemaName, "schema \"" + set.schema + "\" does not exist");
  require_create(context, *schema);
  if (schema->name.starts_with("pg_temp_") || relation.temporary) {
    throw Error(ErrorCode::FeatureNotSupported, "cannot move objects into or out of temporary schemas");
  }
  const auto oid = schema->oid;
  if (relation.schema == oid) return tag;
  if (relation.sequence && relation.sequence->owner_table != 0) {
    throw Error(ErrorCode::FeatureNotSupported, "cannot move an owned sequence into another schema",
                "Sequence \"" + relation.name + "\" is linked to table \"" +
                    edit.catalog().find_relation(relation.sequence->owner_table)->name + "\".");
  }
  rename_in_dependents(context, edit, relation, {set.schema, relation.name, 0});
  const auto move = [&](catalog::RelationObject object) {
    if (edit.catalog().free_name(oid, object.name) != object.name) {
      throw Error(ErrorCode::DuplicateTable,
                  "relation \"" + object.name + "\" already exists in schema \"" + set.schema + "\"");
    }
    object.schema = oid;
    edit.put_relation(object);
  };
  move(relation);
  std::vector<catalog::RelationObject> sequences;
  for (const auto* other : edit.catalog().relations()) {
    if (other->sequence && other->sequence->owner_table == relation.oid) sequences.push_back(*other);
  }
  for (const auto& sequence : sequences) move(sequence);
  return tag;
}

}  // namespace tickstone::engine
