// SPDX-License-Identifier: Apache-2.0
// WITH RECURSIVE ... SEARCH and CYCLE: the query with columns of its own, as PostgreSQL rewrites it.
#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

std::string text_of(const PgQuery__SelectStmt& select) {
  Node node = PG_QUERY__NODE__INIT;
  node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  node.select_stmt = const_cast<PgQuery__SelectStmt*>(&select);
  return deparse_statement(&node);
}

std::string text_of(const Node* expression) { return to_postgres_text(Expr{nullptr, expression}); }

std::string column_of(const std::string& relation, const std::string& name) {
  return relation + "." + duck_quoted_identifier(name);
}

bool is_plain_arm(const PgQuery__SelectStmt& select) {
  return select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.n_values_lists == 0 &&
         select.with_clause == nullptr;
}

/// By what name the query's FROM has itself; empty where it has not, or not just once.
std::string own_name(const PgQuery__SelectStmt& select, std::string_view name) {
  std::string found;
  for (std::size_t i = 0; i < select.n_from_clause; ++i) {
    std::vector<const Node*> items = {select.from_clause[i]};
    while (!items.empty()) {
      const Node* item = items.back();
      items.pop_back();
      if (item->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
        items.push_back(item->join_expr->larg);
        items.push_back(item->join_expr->rarg);
      } else if (item->node_case == PG_QUERY__NODE__NODE_RANGE_VAR && *item->range_var->schemaname == '\0' &&
                 item->range_var->relname == name) {
        if (!found.empty()) return {};
        found =
            item->range_var->alias != nullptr ? item->range_var->alias->aliasname : item->range_var->relname;
      }
    }
  }
  return found;
}

}  // namespace

Expr Translator::searched_query(const PgQuery__CommonTableExpr& cte,
                                std::vector<std::string>& columns) const {
  const PgQuery__SelectStmt& query = *cte.ctequery->select_stmt;
  const PgQuery__CTESearchClause* search = cte.search_clause;
  const PgQuery__CTECycleClause* cycle = cte.cycle_clause;
  const auto fail = [&](const std::string& text, int location) {
    throw located(Error(ErrorCode::SyntaxError, text), location);
  };
  const int location = search != nullptr ? search->location : cycle->location;
  if (query.op != PG_QUERY__SET_OPERATION__SETOP_UNION) fail("WITH query is not recursive", location);
  if (!is_plain_arm(*query.larg) && query.larg->n_values_lists == 0)
    fail(fmt::format("with a {} clause, the left side of the UNION must be a SELECT",
                     search != nullptr ? "SEARCH" : "CYCLE"),
         location);
  if (!is_plain_arm(*query.rarg))
    fail(fmt::format("with a {} clause, the right side of the UNION must be a SELECT",
                     search != nullptr ? "SEARCH" : "CYCLE"),
         location);
  const std::string self = own_name(*query.rarg, cte.ctename);
  if (self.empty()) {
    fail(fmt::format(
             "with a {} clause, the recursive reference to WITH query \"{}\" must be at the top level of "
             "its right-hand SELECT",
             search != nullptr ? "SEARCH" : "CYCLE", cte.ctename),
         location);
  }
  const PgQuery__SelectStmt& right = *query.rarg;
  if (right.n_group_clause > 0 || right.n_distinct_clause > 0 || right.having_clause != nullptr)
    refuse("SEARCH or CYCLE with GROUP BY or DISTINCT", location);
  const auto names_of = [&](std::size_t count, Node* const* nodes, const char* what) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = string_of(nodes[i]);
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) {
        throw located(Error(ErrorCode::SyntaxError,
                            fmt::format("{} column \"{}\" not in WITH query column list", what, name)),
                      location);
      }
      if (std::find(names.begin(), names.end(), name) != names.end())
        throw located(Error(ErrorCode::DuplicateColumn,
                            fmt::format("{} column \"{}\" specified more than once", what, name)),
                      location);
      names.push_back(name);
    }
    return names;
  };
  const auto row_of = [](const std::vector<std::string>& names, const std::string& relation,
                         const std::string& first = {}) {
    std::string text = "ROW(" + first;
    for (std::size_t i = 0; i < names.size(); ++i)
      text += (i > 0 || !first.empty() ? ", " : "") + column_of(relation, names[i]);
    return text + ")";
  };
  const std::vector<std::string> own = columns;
  std::string own_list;
  std::string left_targets;
  std::string right_targets;
  for (const std::string& name : own) {
    own_list += (own_list.empty() ? "" : ", ") + duck_quoted_identifier(name);
    left_targets += (left_targets.empty() ? "" : ", ") + column_of("pg_first", name);
    right_targets += (right_targets.empty() ? "" : ", ") + column_of("pg_next", name);
  }
  std::vector<std::string> carried;  // of the row that the next one comes from
  std::string where;
  const auto add = [&](const char* what, const char* name, const std::string& first,
                       const std::string& next) {
    if (std::find(columns.begin(), columns.end(), name) != columns.end()) {
      throw located(
          Error(ErrorCode::SyntaxError,
                fmt::format("{} column name \"{}\" already used in WITH query column list", what, name)),
          location);
    }
    columns.emplace_back(name);
    left_targets += fmt::format(", {} AS {}", first, duck_quoted_identifier(name));
    right_targets += fmt::format(", {} AS {}", next, duck_quoted_identifier(name));
  };
  if (search != nullptr) {
    const auto by = names_of(search->n_search_col_list, search->search_col_list, "search");
    const std::string name = search->search_seq_column;
    carried.push_back(name);
    if (search->search_breadth_first != 0) {
      add("search sequence", search->search_seq_column, row_of(by, "pg_first", "0::bigint"),
          row_of(by, "pg_next", fmt::format("pg_row_field({}, 1) + 1", column_of("pg_next", name))));
    } else {
      add("search sequence", search->search_seq_column, fmt::format("ARRAY[{}]", row_of(by, "pg_first")),
          fmt::format("pg_row_append({}, {})", column_of("pg_next", name), row_of(by, "pg_next")));
    }
  }
  if (cycle != nullptr) {
    const auto by = names_of(cycle->n_cycle_col_list, cycle->cycle_col_list, "cycle");
    const std::string mark = cycle->cycle_mark_column;
    const std::string path = cycle->cycle_path_column;
    if (mark == path) fail("cycle mark column name and cycle path column name are the same", location);
    carried.push_back(mark);
    carried.push_back(path);
    const std::string is = text_of(cycle->cycle_mark_value);
    const std::string is_not = text_of(cycle->cycle_mark_default);
    add("cycle mark", cycle->cycle_mark_column, is_not,
        fmt::format("CASE WHEN pg_row_is_in({}, {}) THEN {} ELSE {} END", row_of(by, "pg_next"),
                    column_of("pg_next", path), is, is_not));
    add("cycle path", cycle->cycle_path_column, fmt::format("ARRAY[{}]", row_of(by, "pg_first")),
        fmt::format("pg_row_append({}, {})", column_of("pg_next", path), row_of(by, "pg_next")));
    where = fmt::format("{} <> {}", column_of(duck_quoted_identifier(self), mark), is);
  }
  // The next rows, with what they carry behind them.
  std::string carried_targets;
  std::string carried_list;
  for (const std::string& name : carried) {
    carried_targets += ", " + column_of(duck_quoted_identifier(self), name);
    carried_list += ", " + duck_quoted_identifier(name);
  }
  PgQuery__SelectStmt next = right;
  const Expr more = parse_query("SELECT 1" + carried_targets + (where.empty() ? "" : " WHERE " + where));
  const PgQuery__SelectStmt& added = *node_of(more)->select_stmt;
  std::vector<Node*> targets(right.target_list, right.target_list + right.n_target_list);
  targets.insert(targets.end(), added.target_list + 1, added.target_list + added.n_target_list);
  next.n_target_list = targets.size();
  next.target_list = targets.data();
  PgQuery__BoolExpr both = PG_QUERY__BOOL_EXPR__INIT;
  Node both_node = PG_QUERY__NODE__INIT;
  std::vector<Node*> conditions;
  if (!where.empty()) {
    conditions.push_back(added.where_clause);
    if (right.where_clause != nullptr) conditions.push_back(right.where_clause);
    both.boolop = PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
    both.n_args = conditions.size();
    both.args = conditions.data();
    both_node.node_case = PG_QUERY__NODE__NODE_BOOL_EXPR;
    both_node.bool_expr = &both;
    next.where_clause = conditions.size() == 1 ? conditions[0] : &both_node;
  }
  return parse_query(
      fmt::format("SELECT {} FROM ({}) AS pg_first({}) UNION{} SELECT {} FROM ({}) AS pg_next({}{})",
                  left_targets, text_of(*query.larg), own_list, query.all != 0 ? " ALL" : "", right_targets,
                  text_of(next), own_list, carried_list));
}

}  // namespace tickstone::sql
