// SPDX-License-Identifier: Apache-2.0
// As-of joins: ASOF JOIN, and LEFT JOIN LATERAL (... ORDER BY time DESC LIMIT 1), which means the same.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/asof_text.hpp"
#include "sql/duck_text.hpp"
#include "sql/function_table.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

// Which side of the join an expression's columns are of.
constexpr unsigned kLeft = 1;
constexpr unsigned kRight = 2;
constexpr unsigned kElsewhere = 4;

constexpr std::array<std::string_view, 6> kPlainFunctions = {"date_trunc", "time_bucket", "lower",
                                                             "upper",      "abs",         "now"};

unsigned side_of(const PgQuery__ColumnRef& ref, const Scope& left, const Scope& right) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < ref.n_fields; ++i) {
    if (ref.fields[i]->node_case != PG_QUERY__NODE__NODE_STRING) return kElsewhere;
    names.emplace_back(string_of(ref.fields[i]));
  }
  if (names.size() > 3) return kElsewhere;
  const auto is_in = [&](const Scope& scope) {
    std::size_t count = 0;
    for (const Range& range : scope.ranges) {
      if (names.size() > 1 && range.alias != names[names.size() - 2]) continue;
      if (names.size() == 3 && range.schema != names[0]) continue;
      count += static_cast<std::size_t>(std::count_if(range.list.columns.begin(), range.list.columns.end(),
                                                      [&](const auto& c) { return c.name == names.back(); }));
    }
    return count;
  };
  const bool is_merged = names.size() == 1 && left.merged.count(std::string(names[0])) > 0;
  const std::size_t right_count = is_in(right);
  const std::size_t left_count = is_merged ? 1 : is_in(left);
  if (right_count == 1) return kRight;
  return right_count == 0 && left_count == 1 ? kLeft : kElsewhere;
}

/// Of which sides `node` has columns. What may give another value each time, or more than one, or reads
/// other tables, is elsewhere.
unsigned sides_of(const Node* node, const Scope& left, const Scope& right) {
  unsigned sides = 0;
  walk(&node->base, [&](const ProtobufCMessage* message) {
    if (const auto* ref = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor)) {
      sides |= side_of(*ref, left, right);
      return false;
    }
    if (message->descriptor == &pg_query__sub_link__descriptor ||
        message->descriptor == &pg_query__current_of_expr__descriptor) {
      sides |= kElsewhere;
    }
    if (const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor)) {
      const std::string_view name = string_of(call->funcname[call->n_funcname - 1]);
      const bool is_plain =
          call->over == nullptr && call->agg_within_group == 0 && call->agg_star == 0 &&
          std::find(kPlainFunctions.begin(), kPlainFunctions.end(), name) != kPlainFunctions.end();
      if (!is_plain) sides |= kElsewhere;
    }
    return true;
  });
  return sides;
}

struct Comparison {
  std::string op;  // as if the left side's expression stood before it
  const Node* left = nullptr;
  const Node* right = nullptr;
};

/// A comparison of the left side with the right one; nothing for all else.
std::optional<Comparison> comparison_of(const Node* node, const Scope& left, const Scope& right) {
  if (node->node_case != PG_QUERY__NODE__NODE_A_EXPR || node->a_expr->lexpr == nullptr) return std::nullopt;
  const PgQuery__AExpr& expr = *node->a_expr;
  if (expr.kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || expr.n_name != 1) return std::nullopt;
  Comparison comparison{string_of(expr.name[0]), expr.lexpr, expr.rexpr};
  static const std::set<std::string_view> kOperators = {"=", "<", "<=", ">", ">="};
  if (kOperators.count(comparison.op) == 0) return std::nullopt;
  unsigned first = sides_of(expr.lexpr, left, right);
  unsigned second = sides_of(expr.rexpr, left, right);
  if (first == kRight && second == kLeft) {
    std::swap(comparison.left, comparison.right);
    std::swap(first, second);
    if (comparison.op[0] == '<') {
      comparison.op[0] = '>';
    } else if (comparison.op[0] == '>') {
      comparison.op[0] = '<';
    }
  }
  if (first != kLeft || second != kRight) return std::nullopt;
  return comparison;
}

bool is_comparable(const std::optional<SqlType>& type) {
  if (!type || type->is_array) return false;
  switch (type->id) {
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Double:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Boolean:
    case TypeId::Uuid:
    case TypeId::Date:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      return true;
    default:
      return false;
  }
}

/// Types whose values compare alike on both sides without a cast that could fail.
bool compares_plainly(const Typed& left, const Typed& right) {
  if (left.form != Typed::Form::Plain || right.form != Typed::Form::Plain) return false;
  if (!is_comparable(left.type) || !is_comparable(right.type)) return false;
  const auto is_text = [](const Typed& v) { return is_text_like(v.type->id); };
  return left.type->id == right.type->id || (is_text(left) && is_text(right)) ||
         (is_integer(left.type->id) && is_integer(right.type->id));
}

bool is_true(const Node* node) {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
         node->a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL && node->a_const->boolval->boolval != 0;
}

bool is_one(const Node* node) {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull == 0 &&
         node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL && node->a_const->ival->ival == 1;
}

/// A SELECT of one table with conditions, an order by one key and LIMIT 1.
bool takes_first(const PgQuery__SelectStmt& stmt) {
  return stmt.op == PG_QUERY__SET_OPERATION__SETOP_NONE && stmt.n_values_lists == 0 &&
         stmt.n_distinct_clause == 0 && stmt.n_group_clause == 0 && stmt.having_clause == nullptr &&
         stmt.n_window_clause == 0 && stmt.with_clause == nullptr && stmt.n_locking_clause == 0 &&
         stmt.into_clause == nullptr && stmt.n_from_clause == 1 && stmt.n_target_list > 0 &&
         stmt.from_clause[0]->node_case == PG_QUERY__NODE__NODE_RANGE_VAR && stmt.where_clause != nullptr &&
         stmt.n_sort_clause == 1 && stmt.limit_offset == nullptr && is_one(stmt.limit_count) &&
         stmt.limit_option != PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
}

/// Whether its value may be computed of rows that are not chosen: it has no error to give for them.
bool is_harmless(const Node* node, const Scope& left, const Scope& right) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: {
      const PgQuery__ColumnRef& ref = *node->column_ref;
      const bool is_star = ref.fields[ref.n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
      if (is_star)
        return ref.n_fields == 1 || string_of(ref.fields[ref.n_fields - 2]) == right.ranges[0].alias;
      return side_of(ref, left, right) == kRight;
    }
    case PG_QUERY__NODE__NODE_A_CONST:
      return true;
    case PG_QUERY__NODE__NODE_A_EXPR: {
      const PgQuery__AExpr& expr = *node->a_expr;
      if (expr.kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || expr.lexpr == nullptr || expr.n_name != 1)
        return false;
      const std::string_view op = string_of(expr.name[0]);
      if (op == "/") {
        const Node* by = expr.rexpr;
        const bool is_number = by->node_case == PG_QUERY__NODE__NODE_A_CONST && by->a_const->isnull == 0 &&
                               by->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL &&
                               by->a_const->ival->ival != 0;
        return is_number && is_harmless(expr.lexpr, left, right);
      }
      if (op != "+" && op != "-" && op != "*") return false;
      return is_harmless(expr.lexpr, left, right) && is_harmless(expr.rexpr, left, right);
    }
    default:
      return false;
  }
}

/// To DuckDB's as-of join a NULL on the left comes before all on the right: an equality that it cannot
/// fulfil.
std::string never_null(const std::string& left, const std::string& right) {
  return fmt::format("({} IS NOT NULL) = ({} IS NOT NULL) AND ", left, right);
}

}  // namespace

std::string Translator::asof_condition(const Node* condition_node, const Scope& scope,
                                       std::size_t left_count) {
  Scope left;
  Scope right;
  left.ranges.assign(scope.ranges.begin(), scope.ranges.begin() + static_cast<std::ptrdiff_t>(left_count));
  right.ranges.assign(scope.ranges.begin() + static_cast<std::ptrdiff_t>(left_count), scope.ranges.end());
  left.merged = scope.merged;
  std::vector<const Node*> parts;
  append_conjuncts(condition_node, parts);
  const Holding<const char*> clause(without_aggregates_, "JOIN conditions");
  std::vector<std::string> texts;
  std::vector<std::string> of_left;
  std::optional<std::array<Typed, 2>> order;
  std::string order_op;
  for (const Node* part : parts) {
    const int location = location_of(part);
    // What is wrong with the condition itself comes first.
    const std::string text = condition(part, scope, "JOIN/ON");
    const auto comparison = comparison_of(part, left, right);
    if (comparison) {
      std::array<Typed, 2> sides = {expression(comparison->left, scope),
                                    expression(comparison->right, scope)};
      if (comparison->op == "=") {
        unify(sides);
        texts.push_back(fmt::format("{} = {}", operand(sides[0]), operand(sides[1])));
        // To DuckDB's as-of join NULL equals NULL, and has a place in the order.
        texts.push_back(fmt::format("{} IS NOT NULL", operand(sides[1])));
        continue;
      }
      if (order) refuse("an ASOF JOIN with more than one inequality of its sides", location);
      unify(sides);
      order = std::move(sides);
      order_op = comparison->op;
      continue;
    }
    switch (sides_of(part, left, right)) {
      case 0:
      case kLeft:
        of_left.push_back(text);
        break;
      case kRight:
        texts.push_back(text);
        break;
      default:
        refuse("this condition in an ASOF JOIN", location);
    }
  }
  if (!order) {
    throw located(Error(ErrorCode::SyntaxError, "ASOF JOIN needs an inequality between its two sides"),
                  location_of(condition_node));
  }
  // A row of the left that does not fulfil its own conditions has no partner.
  std::string time = operand((*order)[0]);
  if (!of_left.empty()) {
    std::string all;
    for (const std::string& text : of_left) all += fmt::format("{}({})", all.empty() ? "" : " AND ", text);
    time = fmt::format("(CASE WHEN {} THEN {} END)", all, time);
  }
  std::string out = fmt::format("{} {} {}", time, order_op, operand((*order)[1]));
  if (!(*order)[0].is_column || !(*order)[0].is_not_null || !of_left.empty())
    out = never_null(time, operand((*order)[1])) + out;
  out = fmt::format("{} IS NOT NULL AND {}", operand((*order)[1]), out);
  for (const std::string& text : texts) out = fmt::format("{} AND {}", text, out);
  return out;
}

std::optional<Translator::LateralFirst> Translator::asof_lateral(const PgQuery__JoinExpr& item, Scope& scope,
                                                                 ColumnList& star) {
  if (item.rarg->node_case != PG_QUERY__NODE__NODE_RANGE_SUBSELECT) return std::nullopt;
  const PgQuery__RangeSubselect& sub = *item.rarg->range_subselect;
  const bool has_form =
      sub.lateral != 0 && sub.alias != nullptr && item.is_natural == 0 && item.n_using_clause == 0 &&
      (item.jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER || item.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT) &&
      (item.quals == nullptr || is_true(item.quals)) &&
      sub.subquery->node_case == PG_QUERY__NODE__NODE_SELECT_STMT && pushed_locks_.count(&sub) == 0;
  // In a query that depends on rows of one around it, the ordinary way is sure.
  if (!has_form || scope.around() != nullptr || !scope.merged.empty()) return std::nullopt;
  const PgQuery__SelectStmt& query = *sub.subquery->select_stmt;
  if (!takes_first(query)) return std::nullopt;
  const PgQuery__SortBy& sort = *query.sort_clause[0]->sort_by;
  if (sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING ||
      pushed_locks_.count(query.from_clause[0]->range_var) > 0)
    return std::nullopt;

  const Holding<bool> nested(is_top_level_, false);
  const Holding<bool> qualified(scope.qualifies, true);  // beside columns of the subquery's own
  Scope own;
  own.outer = &scope;
  ColumnList own_star;
  const std::string from = table(*query.from_clause[0]->range_var, own, own_star);
  own.star = own_star;
  if (!own_star.is_complete || !scope.is_complete()) return std::nullopt;
  for (std::size_t i = 0; i < query.n_target_list; ++i) {
    if (!is_harmless(query.target_list[i]->res_target->val, scope, own)) return std::nullopt;
  }
  if (sides_of(sort.node, scope, own) != kRight || sort.node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
    return std::nullopt;
  // A bare name of ORDER BY is an output column's first.
  for (std::size_t i = 0; i < query.n_target_list && sort.node->column_ref->n_fields == 1; ++i) {
    const PgQuery__ResTarget& target = *query.target_list[i]->res_target;
    if (*target.name != '\0' && std::string_view(target.name) == string_of(sort.node->column_ref->fields[0]))
      return std::nullopt;
  }
  const std::string key = expression(sort.node, own).text;

  std::vector<const Node*> parts;
  append_conjuncts(query.where_clause, parts);
  const std::size_t number = ++asof_count_;
  const std::string alias = duck_identifier(sub.alias->aliasname);
  std::vector<std::string> hidden;
  std::string hidden_targets;
  std::string where;
  std::string joined;
  std::string order;
  std::string equal;  // the right side's expressions
  for (const Node* part : parts) {
    const auto comparison = comparison_of(part, scope, own);
    if (!comparison) {
      const unsigned sides = sides_of(part, scope, own);
      if (sides != kRight && sides != 0) return std::nullopt;
      const Holding<const char*> clause(without_aggregates_, "WHERE");
      where += (where.empty() ? " WHERE (" : " AND (") + condition(part, own, "WHERE") + ")";
      continue;
    }
    const Typed left = expression(comparison->left, scope);
    const Typed right = expression(comparison->right, own);
    if (!compares_plainly(left, right)) return std::nullopt;
    hidden.push_back(fmt::format("pg_asof_{}_{}", number, hidden.size() + 1));
    hidden_targets += fmt::format(", {} AS {}", right.text, hidden.back());
    const std::string text = fmt::format("{} {} {}.{}", operand(left), comparison->op, alias, hidden.back());
    where += fmt::format("{}{} IS NOT NULL", where.empty() ? " WHERE " : " AND ", operand(right));
    if (comparison->op == "=") {
      joined += (joined.empty() ? "" : " AND ") + text;
      equal += (equal.empty() ? "" : ", ") + operand(right);
      continue;
    }
    const bool is_descending = sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    const bool is_nearest = is_descending == (comparison->op[0] == '>');
    if (!order.empty() || right.text != key || !is_nearest) return std::nullopt;
    order = (left.is_column && left.is_not_null
                 ? ""
                 : never_null(operand(left), fmt::format("{}.{}", alias, hidden.back()))) +
            text;
  }
  if (order.empty() && equal.empty()) return std::nullopt;
  // Without a time on the left the first row of each key is the partner of all with that key.
  std::string head = "SELECT ";
  std::string tail;
  if (order.empty()) {
    head = fmt::format("SELECT DISTINCT ON ({}) ", equal);
    tail = fmt::format(" ORDER BY {}, {}", equal, sort_item(sort, own, nullptr));
  }

  Range range;
  range.alias = sub.alias->aliasname;
  const std::string list = targets(query.n_target_list, query.target_list, own, range.list, nullptr);
  if (!range.list.is_complete) return std::nullopt;
  alias_text(sub.alias, range);  // renames
  std::set<std::string> seen;
  std::string names;
  for (const ScopeColumn& column : range.list.columns) {
    if (!seen.insert(column.name).second) return std::nullopt;
    names += duck_identifier(column.name) + ", ";
  }
  for (std::size_t i = 0; i < hidden.size(); ++i) names += (i > 0 ? ", " : "") + hidden[i];
  range.unlisted = std::move(hidden);
  star = range.list;
  scope.ranges.push_back(std::move(range));
  LateralFirst first;
  first.is_asof = !order.empty();
  first.condition = joined + (joined.empty() || order.empty() ? "" : " AND ") + order;
  first.text = fmt::format("({}{}{} FROM {}{}{}) AS {}({})", head, list, hidden_targets, from, where, tail,
                           alias, names);
  return first;
}

}  // namespace tickstone::sql
