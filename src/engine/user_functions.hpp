// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/objects.hpp"
#include "engine/executors.hpp"

namespace tickstone::engine {

// Functions and procedures in SQL that users make.

std::string execute_create_function(Execution& execution, const sql::CreateFunctionStatement& create);
std::string execute_drop_function(Execution& execution, const sql::DropFunctionStatement& drop);
std::string execute_alter_function(Execution& execution, const sql::AlterFunctionStatement& alter);
std::string execute_schema_owner(Execution& execution, const sql::SchemaOwnerStatement& alter);

/// CALL p(...), or SELECT f(...) as `resolve_call` has made it: runs the body and returns the tag.
std::string execute_user_function(Execution& execution, const sql::ActionStatement& call);
/// What such a call returns; nothing where no function of the user's has that name.
std::optional<std::vector<ResultColumn>> user_function_columns(const SessionContext& context,
                                                               const sql::ActionStatement& call);
/// For `sql::NameLookup`: of the first schema that has the name; none where PostgreSQL's own comes first.
std::vector<sql::NameLookup::UserFunction> user_functions_of(const catalog::Catalog& catalog,
                                                             const std::vector<std::string>& schemas,
                                                             bool is_searched, const std::string& name);
/// The first of what calls the function, in PostgreSQL's words; empty: nothing does.
std::string first_caller(const catalog::Catalog& catalog, const catalog::FunctionObject& function);
/// `function schema.name(types)`, or `procedure`.
std::string described_function(const catalog::Catalog& catalog, const catalog::FunctionObject& function);
/// The only function or procedure that the words name. Errors: UndefinedFunction, AmbiguousFunction,
/// WrongObjectType. `kind`: function, procedure or routine.
const catalog::FunctionObject& named_function(const SessionContext& context, const catalog::Catalog& catalog,
                                              const sql::QualifiedName& name,
                                              const std::optional<std::vector<SqlType>>& argument_types,
                                              const std::string& kind);
/// A query that is one call of a user's function becomes an ActionStatement.
void resolve_call(const SessionContext& context, sql::Statement& statement);

/// A function or procedure by its name alone, as regproc reads it: a user's, or what a policy runs.
struct FoundProcedure {
  std::string schema, name;
  const catalog::FunctionObject* function = nullptr;  // nullptr: what a policy runs
};
/// Errors: UndefinedFunction, AmbiguousFunction.
FoundProcedure find_procedure(SessionContext& context, const std::string& name);
/// Whether it can be called with arguments of these types.
bool accepts(const catalog::FunctionObject& function, const std::vector<SqlType>& types);
/// CALL or SELECT, by what the name is; `arguments` are SQL.
void call_by_name(SessionContext& context, const std::string& schema, const std::string& name,
                  const std::vector<std::string>& arguments);
/// `schema.name` taken apart, quoted parts as they are, others in lower case.
sql::QualifiedName parse_qualified_name(std::string_view text);

}  // namespace tickstone::engine
