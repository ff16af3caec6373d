// SPDX-License-Identifier: Apache-2.0
// COMMENT ON.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/user_functions.hpp"
#include "engine/user_types.hpp"

namespace tickstone::engine {
namespace {

using sql::CommentStatement;

void comment_on_function(SessionContext& context, catalog::CatalogEdit& edit,
                         const CommentStatement& comment) {
  catalog::FunctionObject function =
      named_function(context, edit.catalog(), comment.object, comment.argument_types, comment.object_kind);
  require_owner(context, function.is_procedure ? "procedure" : "function", function.name, function.owner);
  function.comment = comment.text.value_or("");
  edit.put_function(function);
}

void comment_on_schema(SessionContext& context, catalog::CatalogEdit& edit, const CommentStatement& comment) {
  const auto* found = edit.catalog().find_schema(comment.object.name);
  if (found == nullptr)
    throw Error(ErrorCode::InvalidSchemaName, "schema \"" + comment.object.name + "\" does not exist");
  require_owner(context, "schema", found->name, found->owner);
  catalog::SchemaObject schema = *found;
  schema.comment = comment.text.value_or("");
  edit.put_schema(schema);
}

void comment_on_database(SessionContext& context, catalog::CatalogEdit& edit,
                         const CommentStatement& comment) {
  const std::string& name = comment.object.name;
  if (name != context.current_database()) {
    context.notice(
        {"WARNING", ErrorCode::InvalidCatalogName, "database \"" + name + "\" does not exist", {}, {}});
    return;
  }
  require_owner(context, "database", name, catalog::database_owner(edit.catalog()));
  catalog::DatabaseObject database = edit.catalog().database();
  database.comment = comment.text.value_or("");
  edit.put_database(database);
}

void comment_on_role(SessionContext& context, catalog::CatalogEdit& edit, const CommentStatement& comment) {
  catalog::RoleObject role = *edit.catalog().find_role(role_meant(context, comment.object.name));
  const auto* self = edit.catalog().find_role(context.user());
  if (self == nullptr || !self->superuser) {
    if (role.superuser)
      throw Error(ErrorCode::InsufficientPrivilege, "must be superuser to comment on superuser role");
    if (self == nullptr || !self->create_role)
      throw Error(ErrorCode::InsufficientPrivilege, "must have CREATEROLE privilege");
  }
  role.comment = comment.text.value_or("");
  edit.put_role(role);
}

void comment_on_extension(catalog::CatalogEdit& edit, const CommentStatement& comment) {
  const auto* found = edit.catalog().find_extension(comment.object.name);
  if (found == nullptr)
    throw Error(ErrorCode::UndefinedObject, "extension \"" + comment.object.name + "\" does not exist");
  catalog::ExtensionObject extension = *found;
  extension.comment = comment.text.value_or("");
  edit.put_extension(extension);
}

void comment_on_index(SessionContext& context, catalog::CatalogEdit& edit, const CommentStatement& comment) {
  for (const auto& schema : context.schemas_to_search(comment.object.schema)) {
    const auto [owner, index] = edit.catalog().find_index(schema, comment.object.name);
    if (owner == nullptr) continue;
    require_owner(context, "index", index->name, owner->owner);
    catalog::RelationObject relation = *owner;
    for (auto& one : relation.indexes)
      if (one.oid == index->oid) one.comment = comment.text.value_or("");
    edit.put_relation(relation);
    return;
  }
  throw Error(ErrorCode::UndefinedTable, "relation \"" + comment.object.name + "\" does not exist");
}

/// On a relation, or on a column or constraint of it.
void comment_on_relation(SessionContext& context, catalog::CatalogEdit& edit,
                         const CommentStatement& comment) {
  catalog::RelationObject relation = context.relation(comment.object);
  require_owner(context, relation);
  const std::string text = comment.text.value_or("");
  const auto is_it = [&](const auto& part) { return part.name == comment.column; };
  if (comment.object_kind == "constraint") {
    const auto found = std::find_if(relation.constraints.begin(), relation.constraints.end(), is_it);
    if (found == relation.constraints.end()) {
      throw Error(ErrorCode::UndefinedObject,
                  "constraint \"" + comment.column + "\" for table \"" + relation.name + "\" does not exist");
    }
    found->comment = text;
  } else if (!comment.column.empty()) {
    const auto found = std::find_if(relation.columns.begin(), relation.columns.end(), is_it);
    if (found == relation.columns.end()) {
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + comment.column + "\" of relation \"" + relation.name + "\" does not exist");
    }
    found->comment = text;
  } else {
    relation.comment = text;
  }
  edit.put_relation(relation);
}

}  // namespace

std::string execute_comment(Execution& execution, const CommentStatement& comment) {
  auto& context = execution.context;
  auto& edit = context.edit_catalog("COMMENT");
  const std::string& kind = comment.object_kind;
  if (kind == "function" || kind == "procedure" || kind == "routine") {
    comment_on_function(context, edit, comment);
  } else if (kind == "type" || kind == "domain") {
    comment_on_type(context, edit, comment);
  } else if (kind == "schema") {
    comment_on_schema(context, edit, comment);
  } else if (kind == "database") {
    comment_on_database(context, edit, comment);
  } else if (kind == "role") {
    comment_on_role(context, edit, comment);
  } else if (kind == "extension") {
    comment_on_extension(edit, comment);
  } else if (kind == "index") {
    comment_on_index(context, edit, comment);
  } else if (kind == "table" || kind == "view" || kind == "column" || kind == "materialized view" ||
             kind == "sequence" || kind == "constraint") {
    comment_on_relation(context, edit, comment);
  } else {
    throw Error(ErrorCode::FeatureNotSupported, "COMMENT ON " + kind + " is not supported");
  }
  return "COMMENT";
}

}  // namespace tickstone::engine
