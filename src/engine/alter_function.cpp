// SPDX-License-Identifier: Apache-2.0
// ALTER FUNCTION and its kin, and ALTER SCHEMA ... OWNER TO.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "engine/user_functions.hpp"

namespace tickstone::engine {
namespace {

bool has_same_arguments(const catalog::FunctionObject& a, const catalog::FunctionObject& b) {
  return std::equal(a.arguments.begin(), a.arguments.end(), b.arguments.begin(), b.arguments.end(),
                    [](const auto& x, const auto& y) { return x.type == y.type; });
}

/// Texts name a function and not its arguments: which of several of one name they call is not known.
void refuse_overloaded(const catalog::Catalog& catalog, const sql::QualifiedName& name,
                       const catalog::FunctionObject& function) {
  if (catalog.find_functions(name.schema, name.name).size() < 2) return;
  const auto called = first_caller(catalog, function);
  if (called.empty()) return;
  throw Error(ErrorCode::FeatureNotSupported,
              "cannot rename one of several functions named \"" + name.name + "\" while something calls it",
              called + " calls a function of that name.", "Drop what calls it, rename, and make it again.");
}

}  // namespace

std::string execute_alter_function(Execution& execution, const sql::AlterFunctionStatement& alter) {
  using Kind = sql::DropFunctionStatement::Kind;
  using Change = sql::AlterFunctionStatement::Change;
  auto& context = execution.context;
  const std::string kind = alter.kind == Kind::Procedure  ? "procedure"
                           : alter.kind == Kind::Function ? "function"
                                                          : "routine";
  const std::string tag = alter.kind == Kind::Procedure  ? "ALTER PROCEDURE"
                          : alter.kind == Kind::Function ? "ALTER FUNCTION"
                                                         : "ALTER ROUTINE";
  auto& edit = context.edit_catalog(tag);
  catalog::FunctionObject function =
      named_function(context, edit.catalog(), alter.function.name, alter.function.argument_types, kind);
  require_owner(context, function.is_procedure ? "procedure" : "function", function.name, function.owner);
  if (alter.change == Change::OwnerTo) {
    function.owner = role_meant(context, alter.value);
    require_member(context, function.owner);
    edit.put_function(function);
    return tag;
  }
  const sql::QualifiedName name{edit.catalog().find_schema(function.schema)->name, function.name, 0};
  sql::QualifiedName renamed = name;
  (alter.change == Change::Rename ? renamed.name : renamed.schema) = alter.value;
  const auto* schema = edit.catalog().find_schema(renamed.schema);
  if (schema == nullptr)
    throw Error(ErrorCode::InvalidSchemaName, "schema \"" + renamed.schema + "\" does not exist");
  if (renamed.schema == name.schema && renamed.name == name.name && alter.change == Change::SetSchema)
    return tag;
  for (const auto* other : edit.catalog().find_functions(renamed.schema, renamed.name)) {
    if (!has_same_arguments(*other, function)) continue;
    throw Error(ErrorCode::DuplicateFunction, described_function(edit.catalog(), *other) +
                                                  " already exists in schema \"" + renamed.schema + "\"");
  }
  refuse_overloaded(edit.catalog(), name, function);
  function.schema = schema->oid;
  function.name = renamed.name;
  edit.put_function(function);
  follow_renamed_function(edit, name, renamed);
  return tag;
}

std::string execute_schema_owner(Execution& execution, const sql::SchemaOwnerStatement& alter) {
  auto& context = execution.context;
  auto& edit = context.edit_catalog("ALTER SCHEMA");
  const auto* found = edit.catalog().find_schema(alter.schema);
  if (found == nullptr)
    throw Error(ErrorCode::InvalidSchemaName, "schema \"" + alter.schema + "\" does not exist");
  catalog::SchemaObject schema = *found;
  require_owner(context, "schema", schema.name, schema.owner);
  schema.owner = role_meant(context, alter.owner);
  require_member(context, schema.owner);
  edit.put_schema(schema);
  return "ALTER SCHEMA";
}

}  // namespace tickstone::engine
