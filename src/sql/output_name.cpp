// SPDX-License-Identifier: Apache-2.0
#include "sql/translator.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

namespace {

/// How sure a name is: 0 none, 1 taken from a type, 2 the thing's own.
struct Name {
  int strength = 0;
  std::string text;
};

Name name_of(const Node* node) {
  if (node == nullptr) return {};
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: {
      const PgQuery__ColumnRef* ref = node->column_ref;
      for (std::size_t i = ref->n_fields; i-- > 0;) {
        if (ref->fields[i]->node_case == PG_QUERY__NODE__NODE_STRING) return {2, string_of(ref->fields[i])};
      }
      return {};
    }
    case PG_QUERY__NODE__NODE_A_INDIRECTION: {
      const PgQuery__AIndirection* indirection = node->a_indirection;
      for (std::size_t i = indirection->n_indirection; i-- > 0;) {
        if (indirection->indirection[i]->node_case == PG_QUERY__NODE__NODE_STRING)
          return {2, string_of(indirection->indirection[i])};
      }
      return name_of(indirection->arg);
    }
    case PG_QUERY__NODE__NODE_FUNC_CALL: {
      const PgQuery__FuncCall* call = node->func_call;
      return {2, call->n_funcname > 0 ? string_of(call->funcname[call->n_funcname - 1]) : ""};
    }
    case PG_QUERY__NODE__NODE_A_EXPR:
      if (node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF) return {2, "nullif"};
      return {};
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
      Name name = name_of(node->type_cast->arg);
      if (name.strength <= 1) return {1, std::string(bare_type_name(*node->type_cast->type_name))};
      return name;
    }
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return name_of(node->collate_clause->arg);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return {2, "grouping"};
    case PG_QUERY__NODE__NODE_SUB_LINK: {
      const PgQuery__SubLink* link = node->sub_link;
      switch (link->sub_link_type) {
        case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
          return {2, "exists"};
        case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK:
          return {2, "array"};
        case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK: {
          const PgQuery__SelectStmt* select = link->subselect->select_stmt;
          while (select->larg != nullptr) select = select->larg;
          if (select->n_values_lists > 0) return {2, "column1"};
          if (select->n_target_list == 0) return {};
          const PgQuery__ResTarget* target = select->target_list[0]->res_target;
          if (*target->name != '\0') return {2, target->name};
          return name_of(target->val);
        }
        default:
          return {};
      }
    }
    case PG_QUERY__NODE__NODE_CASE_EXPR: {
      Name name = name_of(node->case_expr->defresult);
      if (name.strength <= 1) return {1, "case"};
      return name;
    }
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return {2, "array"};
    case PG_QUERY__NODE__NODE_ROW_EXPR:
      return {2, "row"};
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return {2, "coalesce"};
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return {2, node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least"};
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      switch (node->sqlvalue_function->op) {
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
          return {2, "current_date"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
          return {2, "current_time"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
          return {2, "current_timestamp"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
          return {2, "localtime"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
          return {2, "localtimestamp"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
          return {2, "current_role"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
          return {2, "current_user"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
          return {2, "user"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
          return {2, "session_user"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
          return {2, "current_catalog"};
        case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
          return {2, "current_schema"};
        default:
          return {};
      }
    default:
      return {};
  }
}

}  // namespace

std::string output_name_of(const Node* value) {
  Name name = name_of(value);
  return name.strength > 0 && !name.text.empty() ? std::move(name.text) : "?column?";
}

}  // namespace tickstone::sql
