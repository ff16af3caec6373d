// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/gapfill_calls.hpp"
#include "sql/translator.hpp"

// What a query that fills gaps groups by: the bucket, and the keys that name a series. With grouping sets
// each series of each set is filled by itself, so that what grouping() says of a row names the series, too.

namespace tickstone::sql {

using namespace gapfill;

namespace {

constexpr const char* kGrouping = "pg_grouping";

bool is_star(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
         node->column_ref->fields[node->column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

const char* sets_word(const PgQuery__GroupingSet& set) {
  switch (set.kind) {
    case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_ROLLUP:
      return "ROLLUP ";
    case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE:
      return "CUBE ";
    case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SETS:
      return "GROUPING SETS ";
    default:
      return "";
  }
}

}  // namespace

Translator::FillGroups Translator::fill_groups(const PgQuery__SelectStmt& stmt, const Scope& scope,
                                               Fill& fill) {
  if (stmt.group_distinct != 0) refuse("GROUP BY DISTINCT");
  FillGroups groups;
  // Positions and names of targets are the targets.
  ColumnList names;
  bool has_star = false;
  for (std::size_t i = 0; i < stmt.n_target_list; ++i) {
    const PgQuery__ResTarget& target = *stmt.target_list[i]->res_target;
    has_star = has_star || is_star(target.val);
    names.columns.push_back(
        {*target.name != '\0' ? target.name : output_name_of(target.val), std::nullopt, false});
  }
  const auto target_of = [&](const Node* node) {
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
      if (has_star) refuse("GROUP BY a position beside * and time_bucket_gapfill", node->a_const->location);
      const int position = node->a_const->ival->ival;
      if (position < 1 || static_cast<std::size_t>(position) > stmt.n_target_list) {
        throw located(Error(ErrorCode::InvalidColumnReference,
                            fmt::format("GROUP BY position {} is not in select list", position)),
                      node->a_const->location);
      }
      return static_cast<const Node*>(stmt.target_list[position - 1]->res_target->val);
    }
    const ScopeColumn* column = output_column(node, scope, names, true);
    if (column == nullptr) return node;
    const Node* target = stmt.target_list[column - names.columns.data()]->res_target->val;
    return is_star(target) ? node : target;
  };
  const auto key_of = [&](const Node* node) {
    const Typed value = coerced(expression(node, scope), SqlType::of(TypeId::Text));
    if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && is_gapfill(*node->func_call)) {
      if (groups.bucket != nullptr && fill.keys[fill.bucket].text != value.text)
        fail(ErrorCode::FeatureNotSupported, "multiple time_bucket_gapfill calls not allowed");
      if (groups.bucket == nullptr) fill.bucket = fill.keys.size();
      groups.bucket = node->func_call;
    }
    for (std::size_t i = 0; i < fill.keys.size(); ++i) {
      if (fill.keys[i].text == value.text) return i;
    }
    const std::string column = fmt::format("k{}", fill.keys.size());
    groups.columns += fmt::format("{}{} AS {}", fill.keys.empty() ? "" : ", ", value.text, column);
    fill.keys.push_back({value.text, own_column(node, scope), plain(fill.name + "." + column, value.type)});
    return fill.keys.size() - 1;
  };
  bool has_sets = false;
  const std::function<std::string(const Node*)> item = [&](const Node* node) -> std::string {
    const auto list = [&](std::size_t count, Node* const* nodes) {
      std::string items;
      for (std::size_t i = 0; i < count; ++i) items += (i > 0 ? ", " : "") + item(nodes[i]);
      return "(" + items + ")";
    };
    if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
      has_sets = true;
      return sets_word(*node->grouping_set) +
             list(node->grouping_set->n_content, node->grouping_set->content);
    }
    if (node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
      return list(node->row_expr->n_args, node->row_expr->args);
    return std::to_string(key_of(target_of(node)) + 1);
  };
  for (std::size_t i = 0; i < stmt.n_group_clause; ++i)
    groups.clause += (i > 0 ? ", " : "") + item(stmt.group_clause[i]);
  if (groups.bucket == nullptr)
    fail(ErrorCode::InvalidParameterValue, "no top level time_bucket_gapfill in group by clause");

  std::string texts;
  for (std::size_t i = 0; i < fill.keys.size(); ++i) {
    texts += (i > 0 ? ", " : "") + fill.keys[i].text;
    if (i != fill.bucket) groups.series += fmt::format("{}k{}", groups.series.empty() ? "" : ", ", i);
  }
  if (has_sets) {
    fill.grouping = fmt::format("{}.{}", fill.name, kGrouping);
    groups.columns += fmt::format(", grouping({}) AS {}", texts, kGrouping);
    groups.series += fmt::format("{}{}", groups.series.empty() ? "" : ", ", kGrouping);
  }
  return groups;
}

Typed Translator::filled_grouping(const PgQuery__GroupingFunc& call,
                                  const std::vector<std::string>& arguments, const Fill& fill) const {
  std::string bits;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::size_t key = 0;
    while (key < fill.keys.size() && fill.keys[key].text != arguments[i]) ++key;
    if (key == fill.keys.size()) {
      throw located(Error(ErrorCode::GroupingError,
                          "arguments to GROUPING must be grouping expressions of the associated query level"),
                    call.location);
    }
    if (fill.grouping.empty()) continue;
    bits += fmt::format("{}((({} >> {}) & 1) << {})", bits.empty() ? "" : " + ", fill.grouping,
                        fill.keys.size() - 1 - key, arguments.size() - 1 - i);
  }
  return plain(fmt::format("CAST({} AS INTEGER)", bits.empty() ? "0" : bits), SqlType::of(TypeId::Integer));
}

/// `*` of filled rows: all of its columns must be keys.
std::string Translator::filled_star(const ColumnList& list, const std::string& relation, const Scope& scope,
                                    int location, ColumnList& out) const {
  if (!list.is_complete) refuse("* beside time_bucket_gapfill", location);
  std::string text;
  for (const ScopeColumn& column : list.columns) {
    const Typed value = grouped_column(*scope.fill, relation, column.name, location);
    text += fmt::format("{}{} AS {}", text.empty() ? "" : ", ", value.text, duck_identifier(column.name));
    out.columns.push_back({column.name, value.type, false});
  }
  return text;
}

}  // namespace tickstone::sql
