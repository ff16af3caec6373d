// SPDX-License-Identifier: Apache-2.0
// CREATE FUNCTION, CREATE PROCEDURE and what drops and calls them.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/statement_builder.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {
namespace {

bool is_void(const PgQuery__TypeName& type) { return bare_type_name(type) == "void"; }

/// A statement of a BEGIN ATOMIC body, or RETURN, as text.
std::string body_text(const Node* node) {
  if (node->node_case == PG_QUERY__NODE__NODE_LIST) {
    std::string text;
    for (std::size_t i = 0; i < node->list->n_items; ++i) {
      const std::string part = body_text(node->list->items[i]);
      if (!part.empty()) text += (text.empty() ? "" : ";\n") + part;
    }
    return text;
  }
  if (node->node_case == PG_QUERY__NODE__NODE_RETURN_STMT)
    return "SELECT " + to_postgres_text(make_expr(nullptr, node->return_stmt->returnval));
  return deparse_statement(node);
}

}  // namespace

void StatementBuilder::build_create_function(const PgQuery__CreateFunctionStmt& create, Statement& out) {
  CreateFunctionStatement body;
  body.is_procedure = create.is_procedure != 0;
  out.tag = body.is_procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION";
  body.or_replace = create.replace != 0;
  if (create.n_funcname > 0) body.name.name = string_of(create.funcname[create.n_funcname - 1]);
  if (create.n_funcname > 1) body.name.schema = string_of(create.funcname[create.n_funcname - 2]);

  std::string language;
  for (std::size_t i = 0; i < create.n_options; ++i) {
    const PgQuery__DefElem* option = create.options[i]->def_elem;
    const std::string name = option->defname, value = option_value(option->arg);
    if (name == "language") {
      language = value;
    } else if (name == "as") {
      body.body = value;
    } else if (name == "volatility") {
      body.volatility = value.empty() ? 'v' : value[0];
    } else if (name == "strict") {
      body.is_strict = value == "true";
    } else if (name == "set") {
      refuse(out.tag + " ... SET", option->location);
    } else if (name == "window") {
      refuse(out.tag + " ... WINDOW", option->location);
    }
    // SECURITY, LEAKPROOF, PARALLEL, COST, ROWS and SUPPORT have nothing to change here.
  }
  std::transform(language.begin(), language.end(), language.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (create.sql_body != nullptr) {
    body.body = body_text(create.sql_body);
    if (language.empty()) language = "sql";
  }
  if (language.empty()) throw Error(ErrorCode::InvalidFunctionDefinition, "no language specified");
  if (language == "plpgsql") {
    throw Error(ErrorCode::FeatureNotSupported, "language \"plpgsql\" is not supported", {},
                "Write the body in SQL: LANGUAGE SQL takes any number of statements.");
  }
  if (language != "sql") {
    throw Error(ErrorCode::UndefinedObject, fmt::format("language \"{}\" does not exist", language));
  }

  for (std::size_t i = 0; i < create.n_parameters; ++i) {
    const PgQuery__FunctionParameter& parameter = *create.parameters[i]->function_parameter;
    CreateFunctionStatement::Parameter argument;
    argument.name = parameter.name;
    argument.type = sql_type_of(*tree_, *parameter.arg_type);
    if (parameter.defexpr != nullptr) argument.default_value = expr(parameter.defexpr);
    switch (parameter.mode) {
      case PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_IN:
      case PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_DEFAULT:
        body.parameters.push_back(std::move(argument));
        break;
      case PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_TABLE:
        body.columns.push_back(std::move(argument));
        break;
      case PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_VARIADIC:
        refuse("a VARIADIC argument");
      default:
        refuse("an OUT or INOUT argument");
    }
  }
  if (!body.columns.empty()) {
    body.returns_set = true;
    body.result = body.columns.size() == 1 ? body.columns.front().type : SqlType::of(TypeId::Record);
  } else if (create.return_type != nullptr) {
    body.returns_set = create.return_type->setof != 0;
    PgQuery__TypeName one = *create.return_type;
    one.setof = 0;
    body.result = is_void(one) ? SqlType::of(TypeId::Void) : sql_type_of(*tree_, one);
  } else if (!body.is_procedure) {
    throw Error(ErrorCode::InvalidFunctionDefinition, "function result type must be specified");
  }
  out.body = std::move(body);
}

DropFunctionStatement::Target StatementBuilder::function_target(const PgQuery__ObjectWithArgs& object) {
  DropFunctionStatement::Target target;
  if (object.n_objname > 0) target.name.name = string_of(object.objname[object.n_objname - 1]);
  if (object.n_objname > 1) target.name.schema = string_of(object.objname[object.n_objname - 2]);
  if (object.args_unspecified == 0) {
    auto& types = target.argument_types.emplace();
    for (std::size_t k = 0; k < object.n_objargs; ++k)
      types.push_back(sql_type_of(*tree_, *object.objargs[k]->type_name));
  }
  return target;
}

void StatementBuilder::build_drop_function(const PgQuery__DropStmt& drop, Statement& out) {
  DropFunctionStatement body;
  using Kind = DropFunctionStatement::Kind;
  body.kind = drop.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_PROCEDURE  ? Kind::Procedure
              : drop.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION ? Kind::Function
                                                                           : Kind::Routine;
  out.tag = body.kind == Kind::Procedure  ? "DROP PROCEDURE"
            : body.kind == Kind::Function ? "DROP FUNCTION"
                                          : "DROP ROUTINE";
  body.if_exists = drop.missing_ok != 0;
  body.cascade = drop.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  for (std::size_t i = 0; i < drop.n_objects; ++i) {
    body.targets.push_back(function_target(*drop.objects[i]->object_with_args));
  }
  out.body = std::move(body);
}

bool StatementBuilder::build_alter_function(PgQuery__ObjectType type, const Node* object,
                                            AlterFunctionStatement::Change change, const std::string& value,
                                            Statement& out) {
  AlterFunctionStatement body;
  using Kind = DropFunctionStatement::Kind;
  if (type == PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION) {
    out.tag = "ALTER FUNCTION";
    body.kind = Kind::Function;
  } else if (type == PG_QUERY__OBJECT_TYPE__OBJECT_PROCEDURE) {
    out.tag = "ALTER PROCEDURE";
    body.kind = Kind::Procedure;
  } else if (type == PG_QUERY__OBJECT_TYPE__OBJECT_ROUTINE) {
    out.tag = "ALTER ROUTINE";
    body.kind = Kind::Routine;
  } else {
    return false;
  }
  body.change = change;
  body.function = function_target(*object->object_with_args);
  body.value = value;
  out.body = std::move(body);
  return true;
}

bool StatementBuilder::build_owner(const PgQuery__AlterOwnerStmt& owner, Statement& out) {
  const std::string role = role_name_of(*owner.newowner);
  if (build_alter_function(owner.object_type, owner.object, AlterFunctionStatement::Change::OwnerTo, role,
                           out))
    return true;
  if (owner.object_type != PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA) return false;
  out.tag = "ALTER SCHEMA";
  out.body = SchemaOwnerStatement{string_of(owner.object), role};
  return true;
}

std::optional<ActionStatement> bare_call_of(const Expr& query) {
  const Node* node = node_of(query);
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return std::nullopt;
  const PgQuery__SelectStmt& select = *node->select_stmt;
  const bool is_bare =
      select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.where_clause == nullptr &&
      select.n_group_clause == 0 && select.having_clause == nullptr && select.n_window_clause == 0 &&
      select.n_values_lists == 0 && select.n_sort_clause == 0 && select.limit_count == nullptr &&
      select.limit_offset == nullptr && select.n_distinct_clause == 0 && select.with_clause == nullptr &&
      select.into_clause == nullptr && select.n_locking_clause == 0 && select.n_target_list == 1;
  if (!is_bare) return std::nullopt;
  const PgQuery__ResTarget* target = select.target_list[0]->res_target;
  const Node* value = target->val;
  bool as_table = false;
  std::string output_name = target->name;
  if (select.n_from_clause == 1 && select.from_clause[0]->node_case == PG_QUERY__NODE__NODE_RANGE_FUNCTION) {
    const PgQuery__RangeFunction& function = *select.from_clause[0]->range_function;
    const bool is_star = value != nullptr && value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
                         value->column_ref->n_fields == 1 &&
                         value->column_ref->fields[0]->node_case == PG_QUERY__NODE__NODE_A_STAR;
    if (!is_star || function.is_rowsfrom != 0 || function.ordinality != 0 || function.n_functions != 1 ||
        function.functions[0]->node_case != PG_QUERY__NODE__NODE_LIST ||
        function.functions[0]->list->n_items == 0 || function.n_coldeflist > 0)
      return std::nullopt;
    value = function.functions[0]->list->items[0];
    as_table = true;
    if (function.alias != nullptr) output_name = function.alias->aliasname;
  } else if (select.n_from_clause != 0) {
    return std::nullopt;
  }
  if (value == nullptr || value->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) return std::nullopt;
  const PgQuery__FuncCall& call = *value->func_call;
  if (call.over != nullptr || call.agg_filter != nullptr || call.n_agg_order > 0 || call.agg_star != 0 ||
      call.agg_distinct != 0 || call.n_funcname == 0)
    return std::nullopt;
  ActionStatement action = StatementBuilder(query.tree).action_from_call(call);
  action.as_table = as_table;
  action.output_name = std::move(output_name);
  return action;
}

}  // namespace tickstone::sql
