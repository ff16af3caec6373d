// SPDX-License-Identifier: Apache-2.0
// AND, OR and NOT.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

/// Whether computing it may end in an error, as a division or a cast may.
bool may_fail(const Node* node) {
  bool found = false;
  walk(&node->base, [&found](const ProtobufCMessage* message) {
    if (const auto* expr = as_message<PgQuery__AExpr>(message, pg_query__a__expr__descriptor)) {
      static constexpr std::array<std::string_view, 12> kTotal = {
          "=", "<>", "!=", "<", ">", "<=", ">=", "||", "->", "->>", "@>", "?"};
      const std::string_view name = expr->n_name == 0
                                        ? std::string_view()
                                        : std::string_view(expr->name[expr->n_name - 1]->string->sval);
      found = found || (expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP &&
                        std::find(kTotal.begin(), kTotal.end(), name) == kTotal.end());
    } else if (const auto* cast = as_message<PgQuery__TypeCast>(message, pg_query__type_cast__descriptor)) {
      found = found || reads_columns(cast->arg);
    } else {
      found = found || message->descriptor == &pg_query__func_call__descriptor;
    }
    return !found;
  });
  return found;
}

/// Whether it may stand twice in a query: it is not volatile, and no query or window of its own.
bool may_repeat(const Node* node) {
  bool may = true;
  walk(&node->base, [&may](const ProtobufCMessage* message) {
    if (message->descriptor == &pg_query__sub_link__descriptor) may = false;
    if (const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor)) {
      static constexpr std::array<std::string_view, 7> kVolatile = {
          "random",           "nextval",         "setval",   "gen_random_uuid",
          "uuid_generate_v4", "clock_timestamp", "timeofday"};
      const std::string_view name = call->funcname[call->n_funcname - 1]->string->sval;
      may = may && call->over == nullptr &&
            std::find(kVolatile.begin(), kVolatile.end(), name) == kVolatile.end();
    }
    return may;
  });
  return may;
}

}  // namespace

Typed Translator::bool_expression(const PgQuery__BoolExpr& expr, const Scope& scope, Place place) {
  const SqlType type = SqlType::of(TypeId::Boolean);
  if (expr.boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) {
    const Node* inner = expr.args[0];
    if (inner->node_case == PG_QUERY__NODE__NODE_A_EXPR &&
        inner->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY) {
      // Here a null among the elements matters.
      return plain("NOT " + operand(any_all(*inner->a_expr, scope, true, Place::Value, true)), type, false);
    }
    if (inner->node_case == PG_QUERY__NODE__NODE_SUB_LINK &&
        inner->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK &&
        inner->sub_link->n_oper_name == 0 &&
        inner->sub_link->testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
        inner->sub_link->subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
      // A row with a NULL is none of those that differ from it elsewhere; DuckDB says that it does not know.
      const PgQuery__RowExpr& row = *inner->sub_link->testexpr->row_expr;
      ColumnList columns;
      const std::string query = select(*inner->sub_link->subselect->select_stmt, &scope, columns);
      if (columns.is_complete && columns.columns.size() == row.n_args && row.n_args > 0) {
        std::string names, test;
        for (std::size_t i = 0; i < row.n_args; ++i) {
          Typed part = expression(row.args[i], scope);
          if (columns.columns[i].type) part = coerced(std::move(part), *columns.columns[i].type);
          names += fmt::format("{}pg_c{}", i > 0 ? ", " : "", i);
          test += fmt::format("{}{} = pg_in.pg_c{}", i > 0 ? " AND " : "", operand(part), i);
        }
        const std::string from =
            fmt::format("SELECT 1 FROM ({}) AS pg_in({}) WHERE ({})", query, names, test);
        if (place == Place::Filter)
          return plain(fmt::format("NOT EXISTS ({} IS NOT FALSE)", from), type, false);
        return plain(
            fmt::format("CASE WHEN EXISTS ({0}) THEN false WHEN EXISTS ({0} IS NULL) THEN NULL ELSE true END",
                        from),
            type);
      }
    }
    return plain("NOT " + operand(boolean(inner, scope, "NOT")), type, false);
  }
  const bool is_and = expr.boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
  const char* joint = is_and ? " AND " : " OR ";
  // A filter leaves out the rows that an operand has decided before it looks at the next; a value computes
  // all operands, so that those which may fail wait for the ones before them.
  std::vector<std::string> steps;
  bool may_wait = place == Place::Value;
  for (std::size_t i = 0; i < expr.n_args; ++i) {
    const Node* argument = expr.args[i];
    const char* construct = is_and ? "AND" : "OR";
    const Typed value =
        place == Place::Filter ? filter(argument, scope, construct) : boolean(argument, scope, construct);
    // A plain comparison reads well without parentheses.
    const bool is_comparison = argument->node_case == PG_QUERY__NODE__NODE_A_EXPR &&
                               argument->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP &&
                               argument->a_expr->rexpr->node_case != PG_QUERY__NODE__NODE_ROW_EXPR;
    std::string text = is_comparison ? value.text : operand(value);
    if (i > 0 && may_wait && may_fail(argument))
      steps.push_back(std::move(text));
    else if (i == 0)
      steps.push_back(std::move(text));
    else
      steps.back() += joint + text;
    may_wait = may_wait && may_repeat(argument);
  }
  std::string text = std::move(steps.back());
  for (std::size_t i = steps.size() - 1; i-- > 0;) {
    text = is_and ? fmt::format("CASE WHEN NOT ({0}) THEN false ELSE ({0}) AND ({1}) END", steps[i], text)
                  : fmt::format("CASE WHEN {0} THEN true ELSE ({0}) OR ({1}) END", steps[i], text);
  }
  return plain(std::move(text), type, false);
}

}  // namespace tickstone::sql
