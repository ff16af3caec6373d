// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/parse_tree.hpp"
#include "sql/statement.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

namespace {

bool is_statement(const Node* node) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
    case PG_QUERY__NODE__NODE_INSERT_STMT:
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return true;
    default:
      return false;
  }
}

constexpr std::string_view kSelect = "SELECT ";

std::optional<Constant> constant_of_const(const PgQuery__AConst& constant) {
  Constant out;
  if (constant.isnull != 0) {
    out.is_null = true;
    return out;
  }
  switch (constant.val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
      out.text = std::to_string(constant.ival->ival);
      out.type = SqlType::of(TypeId::Integer);
      return out;
    case PG_QUERY__A__CONST__VAL_FVAL: {
      out.text = constant.fval->fval;
      // Integers past 32 bits come this way too.
      const bool is_integer = out.text.find_first_not_of("-0123456789") == std::string::npos;
      const bool is_bigint =
          is_integer &&
          (out.text.size() < 19 || (out.text.size() == 19 && out.text <= "9223372036854775807") ||
           (out.text[0] == '-' &&
            (out.text.size() == 19 || (out.text.size() == 20 && out.text <= "-9223372036854775808"))));
      out.type = SqlType::of(is_bigint ? TypeId::BigInt : TypeId::Numeric);
      return out;
    }
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
      out.text = constant.boolval->boolval != 0 ? "true" : "false";
      out.type = SqlType::of(TypeId::Boolean);
      return out;
    case PG_QUERY__A__CONST__VAL_SVAL:
      out.text = constant.sval->sval;
      return out;
    default:
      return std::nullopt;
  }
}

std::optional<Constant> constant_of_array(const PgQuery__AArrayExpr& array,
                                          const std::shared_ptr<const ParseTree>& tree) {
  Constant out;
  out.text = "{";
  TypeId element_type = TypeId::Text;
  for (std::size_t i = 0; i < array.n_elements; ++i) {
    const std::optional<Constant> element = constant_of(make_expr(tree, array.elements[i]));
    if (!element || (element->type && element->type->is_array)) return std::nullopt;
    if (element->type) element_type = element->type->id;
    if (i > 0) out.text += ',';
    if (element->is_null) {
      out.text += "NULL";
      continue;
    }
    out.text += '"';
    for (const char c : element->text) {
      if (c == '"' || c == '\\') out.text += '\\';
      out.text += c;
    }
    out.text += '"';
  }
  out.text += '}';
  out.type = SqlType::array_of(element_type);
  return out;
}

}  // namespace

std::string to_postgres_text(const Expr& expr) {
  if (!expr) return {};
  const Node* node = node_of(expr);
  if (is_statement(node)) return deparse_statement(node);
  // An expression is printed as the only target of a SELECT.
  PgQuery__ResTarget target = PG_QUERY__RES_TARGET__INIT;
  Node target_node = PG_QUERY__NODE__INIT;
  if (node->node_case == PG_QUERY__NODE__NODE_RES_TARGET) {
    target_node = *node;
  } else {
    target.val = const_cast<Node*>(node);
    target_node.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
    target_node.res_target = &target;
  }
  Node* targets[] = {&target_node};
  PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;
  select.n_target_list = 1;
  select.target_list = targets;
  select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  select.op = PG_QUERY__SET_OPERATION__SETOP_NONE;
  Node select_node = PG_QUERY__NODE__INIT;
  select_node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  select_node.select_stmt = &select;
  return deparse_statement(&select_node).substr(kSelect.size());
}

Expr parse_expression(std::string_view text) {
  const std::shared_ptr<const ParseTree> tree = ParseTree::parse_kept(fmt::format("{}{}", kSelect, text));
  if (tree->statement_count() == 1 && tree->statement(0)->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
    const PgQuery__SelectStmt& select = *tree->statement(0)->select_stmt;
    const bool is_lone = select.n_target_list == 1 && select.n_from_clause == 0 &&
                         select.where_clause == nullptr && select.op == PG_QUERY__SET_OPERATION__SETOP_NONE &&
                         select.n_sort_clause == 0 && select.limit_count == nullptr;
    if (is_lone) return make_expr(tree, select.target_list[0]->res_target->val);
  }
  throw Error(ErrorCode::SyntaxError, fmt::format("not an expression: {}", text));
}

Expr parse_query(std::string_view text) {
  const std::shared_ptr<const ParseTree> tree = ParseTree::parse(text);
  if (tree->statement_count() == 1 && tree->statement(0)->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
    return make_expr(tree, tree->statement(0));
  }
  throw Error(ErrorCode::SyntaxError, fmt::format("not a query: {}", text));
}

std::optional<Constant> constant_of(const Expr& expr) {
  if (!expr) return std::nullopt;
  const Node* node = node_of(expr);
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
      return constant_of_const(*node->a_const);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return constant_of_array(*node->a_array_expr, expr.tree);
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
      const PgQuery__TypeCast& cast = *node->type_cast;
      std::optional<Constant> inner = constant_of(make_expr(expr.tree, cast.arg));
      if (!inner) return std::nullopt;
      const WrittenType written = written_type_of(*expr.tree, *cast.type_name);
      if (!written.name.name.empty()) return std::nullopt;
      const SqlType type = written.type;
      if (type.id == TypeId::Interval && !type.is_array && !inner->is_null)
        inner->text = interval_with_fields(inner->text, *cast.type_name);
      // A cast of a typed constant would have to be computed: 1.5::int is 2.
      if (!inner->is_null && inner->type && *inner->type != type && !is_text_like(inner->type->id) &&
          !inner->type->is_array) {
        const bool is_widening =
            is_integer(inner->type->id) && (is_integer(type.id) || type.id == TypeId::Numeric ||
                                            type.id == TypeId::Double || type.id == TypeId::Real);
        if (!is_widening && !is_text_like(type.id) &&
            !(inner->type->id == TypeId::Numeric && type.id == TypeId::Double))
          return std::nullopt;
      }
      inner->type = type;
      return inner;
    }
    default:
      return std::nullopt;
  }
}

bool is_array(const Expr& expr) {
  if (!expr) return false;
  const Node* node = node_of(expr);
  if (node->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) return true;
  return node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST &&
         written_type_of(*expr.tree, *node->type_cast->type_name).type.is_array;
}

std::optional<ActionStatement> function_call_of(const Expr& expr) {
  if (!expr || node_of(expr)->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) return std::nullopt;
  const PgQuery__FuncCall& call = *node_of(expr)->func_call;
  if (call.over != nullptr || call.agg_star != 0 || call.agg_distinct != 0 || call.agg_filter != nullptr ||
      call.n_funcname == 0)
    return std::nullopt;
  ActionStatement out;
  out.function = string_of(call.funcname[call.n_funcname - 1]);
  for (std::size_t i = 0; i < call.n_args; ++i) {
    const Node* argument = call.args[i];
    if (argument->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      out.arguments.push_back(
          {argument->named_arg_expr->name, make_expr(expr.tree, argument->named_arg_expr->arg)});
    } else {
      out.arguments.push_back({{}, make_expr(expr.tree, argument)});
    }
  }
  return out;
}

}  // namespace tickstone::sql
