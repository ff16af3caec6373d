// SPDX-License-Identifier: Apache-2.0
// jsonb is kept as text, in which 1 and 1.0 are two and 10 comes before 2: what sorts, groups and compares it
// takes a key of the value, or the one text that its equals have, too.
#include <algorithm>

#include <fmt/format.h>

#include "sql/translator.hpp"

namespace tickstone::sql {

Typed Translator::jsonb_key(Typed value) {
  if (!value.has_type(TypeId::Jsonb) || value.form != Typed::Form::Plain) return value;
  return plain(fmt::format("pg_jsonb_key({})", value.text), value.type);
}

Typed Translator::jsonb_plain(Typed value) {
  if (!value.has_type(TypeId::Jsonb) || value.form != Typed::Form::Plain) return value;
  return plain(fmt::format("pg_jsonb_plain({})", value.text), value.type);
}

std::string Translator::jsonb_rows(const std::string& query) {
  return fmt::format("SELECT pg_jsonb_key(pg_c) FROM ({}) AS pg_rows(pg_c)", query);
}

/// greatest and least: NULLs are passed over.
Typed Translator::jsonb_extreme(bool is_greatest, std::span<Typed> values) {
  std::string text = values[0].text;
  for (const Typed& value : values.subspan(1)) {
    text = fmt::format(
        "CASE WHEN {0} IS NULL THEN {1} WHEN {1} IS NULL OR pg_jsonb_compare({0}, {1}) {2} 0 THEN {0} ELSE "
        "{1} END",
        "(" + text + ")", operand(value), is_greatest ? ">=" : "<=");
  }
  return plain(std::move(text), SqlType::of(TypeId::Jsonb));
}

bool Translator::groups_jsonb(const PgQuery__SelectStmt& stmt, const Scope& scope) {
  if (is_jsonb_plain_ || stmt.n_group_clause == 0) return is_jsonb_plain_;
  const auto is_jsonb = [](const ScopeColumn& column) {
    return column.type && !column.type->is_array && column.type->id == TypeId::Jsonb;
  };
  bool has_some = false;
  for (const Range& range : scope.ranges)
    has_some = has_some || std::any_of(range.list.columns.begin(), range.list.columns.end(), is_jsonb);
  if (!has_some) return false;
  // What is grouped by may be a target, by its number or its name.
  const Holding<bool> probing(is_probing_, true);
  const auto is_key = [&](const Node* node) {
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull == 0 &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
      const int position = node->a_const->ival->ival;
      if (position < 1 || static_cast<std::size_t>(position) > stmt.n_target_list) return false;
      node = stmt.target_list[position - 1]->res_target->val;
    } else if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 1) {
      const std::string_view name = string_of(node->column_ref->fields[0]);
      const bool is_column = std::any_of(scope.ranges.begin(), scope.ranges.end(), [&](const Range& range) {
        return std::any_of(range.list.columns.begin(), range.list.columns.end(),
                           [&](const ScopeColumn& column) { return column.name == name; });
      });
      for (std::size_t i = 0; !is_column && i < stmt.n_target_list; ++i) {
        if (stmt.target_list[i]->res_target->name == name) node = stmt.target_list[i]->res_target->val;
      }
    }
    // A star stands for no key.
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
        node->column_ref->fields[node->column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR)
      return false;
    return expression(node, scope).has_type(TypeId::Jsonb);
  };
  const auto has_key = [&](const auto& self, const Node* node) -> bool {
    if (node->node_case != PG_QUERY__NODE__NODE_GROUPING_SET) {
      if (node->node_case != PG_QUERY__NODE__NODE_ROW_EXPR) return is_key(node);
      return std::any_of(node->row_expr->args, node->row_expr->args + node->row_expr->n_args, is_key);
    }
    const PgQuery__GroupingSet& set = *node->grouping_set;
    return std::any_of(set.content, set.content + set.n_content,
                       [&](const Node* one) { return self(self, one); });
  };
  return std::any_of(stmt.group_clause, stmt.group_clause + stmt.n_group_clause,
                     [&](const Node* node) { return has_key(has_key, node); });
}

}  // namespace tickstone::sql
