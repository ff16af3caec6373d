// SPDX-License-Identifier: Apache-2.0
// FETCH FIRST n ROWS WITH TIES: DuckDB has none, so the rows are numbered and ranked by the query around.
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

/// The place of a sort key among the query's columns, counted from 1: by number or by the name of a target.
std::optional<std::size_t> named_place(const PgQuery__SelectStmt& stmt, const Node* node) {
  if (node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull == 0 &&
      node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
    return static_cast<std::size_t>(std::max(node->a_const->ival->ival, 0));
  }
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1) return {};
  const std::string_view name = string_of(node->column_ref->fields[0]);
  for (std::size_t i = 0; i < stmt.n_target_list; ++i) {
    const PgQuery__ResTarget& target = *stmt.target_list[i]->res_target;
    const bool is_star = target.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
                         target.val->column_ref->fields[target.val->column_ref->n_fields - 1]->node_case ==
                             PG_QUERY__NODE__NODE_A_STAR;
    // Behind a star nobody has counted the columns yet; as a key of its own the name means the same.
    if (is_star) return {};
    if ((*target.name != '\0' ? target.name : output_name_of(target.val)) == name) return i + 1;
  }
  return {};
}

std::string direction_of(const PgQuery__SortBy& sort) {
  std::string text = sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC ? " DESC" : "";
  if (sort.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) text += " NULLS FIRST";
  if (sort.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST) text += " NULLS LAST";
  return text;
}

bool is_null_or_none(const Node* node) {
  return node == nullptr || (node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull != 0);
}

}  // namespace

std::string Translator::with_ties(const PgQuery__SelectStmt& stmt, const Scope* outer, ColumnList& out,
                                  const TypeHints* hints) {
  const bool is_plain = stmt.op == PG_QUERY__SET_OPERATION__SETOP_NONE && stmt.n_values_lists == 0;
  if (stmt.n_locking_clause > 0) refuse("WITH TIES with a locking clause");
  if (is_plain && stmt.n_distinct_clause > 0 &&
      stmt.distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET) {
    refuse("WITH TIES with DISTINCT ON");
  }
  // The rows themselves, with the sort keys that are no columns of theirs behind them.
  PgQuery__SelectStmt rows = stmt;
  rows.with_clause = nullptr;
  rows.n_sort_clause = 0;
  rows.limit_count = rows.limit_offset = nullptr;
  rows.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  std::vector<Node*> targets(stmt.target_list, stmt.target_list + stmt.n_target_list);
  std::vector<std::optional<std::size_t>> places;
  std::size_t added = 0;
  char no_name[] = "";
  for (std::size_t i = 0; i < stmt.n_sort_clause; ++i) {
    const PgQuery__SortBy& sort = *stmt.sort_clause[i]->sort_by;
    if (sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) refuse("WITH TIES with ORDER BY USING");
    auto place = named_place(stmt, sort.node);
    if (!place && is_plain) {
      if (stmt.n_distinct_clause > 0)
        refuse("WITH TIES with DISTINCT and a sort key that is no target by name");
      auto* target = static_cast<PgQuery__ResTarget*>(tree_->allocate(sizeof(PgQuery__ResTarget)));
      pg_query__res_target__init(target);
      target->name = no_name;
      target->val = sort.node;
      auto* node = static_cast<Node*>(tree_->allocate(sizeof(Node)));
      pg_query__node__init(node);
      node->node_case = PG_QUERY__NODE__NODE_RES_TARGET;
      node->res_target = target;
      targets.push_back(node);
      ++added;
    }
    places.push_back(place);
  }
  rows.n_target_list = targets.size();
  rows.target_list = targets.data();
  ColumnList columns;
  std::string body;
  {
    // What comes of them is not sent as it is computed.
    const Holding<bool> read(sends_rows_, false);
    body = select(rows, outer, columns, hints);
  }
  if (!columns.is_complete) refuse("WITH TIES where the columns are not known");
  const std::size_t count = columns.columns.size() - added;
  std::string order;
  std::size_t next_added = count;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const PgQuery__SortBy& sort = *stmt.sort_clause[i]->sort_by;
    std::size_t place = 0;
    if (places[i]) {
      place = *places[i];
      if (place < 1 || place > count) {
        throw located(
            Error(ErrorCode::InvalidColumnReference,
                  fmt::format("ORDER BY position {} is not in select list", sort.node->a_const->ival->ival)),
            sort.node->a_const->location);
      }
    } else if (is_plain) {
      place = ++next_added;
    } else {
      const Node* node = sort.node;
      const bool is_name =
          node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 1;
      for (std::size_t c = 0; c < count && is_name && place == 0; ++c) {
        if (columns.columns[c].name == string_of(node->column_ref->fields[0])) place = c + 1;
      }
      if (place == 0) refuse("WITH TIES of this sort key", location_of(node));
    }
    order += fmt::format("{}pg_c{}{}", i > 0 ? ", " : "", place, direction_of(sort));
  }
  columns.columns.resize(count);
  std::string names;
  std::string list;
  for (std::size_t i = 0; i < count + added; ++i) {
    names += fmt::format("{}pg_c{}", i > 0 ? ", " : "", i + 1);
    if (i < count)
      list +=
          fmt::format("{}pg_c{} AS {}", i > 0 ? ", " : "", i + 1, duck_identifier(columns.columns[i].name));
  }
  const auto bound = [&](const Node* node, const char* what, ErrorCode code) {
    const Typed value = expression(node, Scope{.outer = outer});
    if (value.is_number && value.literal[0] == '-')
      throw Error(code, fmt::format("{} must not be negative", what));
    const std::string number = operand(coerced(value, SqlType::of(TypeId::BigInt)));
    return value.is_number ? number : fmt::format("pg_row_count({}, {})", number, duck_string(what));
  };
  std::string where;
  const std::string offset = is_null_or_none(stmt.limit_offset)
                                 ? "0"
                                 : bound(stmt.limit_offset, "OFFSET", ErrorCode::InvalidRowCountInOffset);
  if (!is_null_or_none(stmt.limit_count)) {
    const std::string limit = bound(stmt.limit_count, "LIMIT", ErrorCode::InvalidRowCountInLimit);
    where = fmt::format("({0} IS NULL OR ({0} > 0 AND pg_rank <= coalesce({1}, 0) + {0}))", limit, offset);
  }
  if (offset != "0") where += fmt::format("{}pg_row > coalesce({}, 0)", where.empty() ? "" : " AND ", offset);
  if (!where.empty()) where = " WHERE " + where;
  for (ScopeColumn& column : columns.columns) out.columns.push_back(std::move(column));
  return fmt::format(
      "SELECT {} FROM (SELECT *, row_number() OVER pg_order AS pg_row, rank() OVER pg_order AS pg_rank FROM "
      "({}) AS pg_rows({}) WINDOW pg_order AS (ORDER BY {})) AS pg_ranked{} ORDER BY pg_row",
      list, body, names, order, where);
}

}  // namespace tickstone::sql
