// SPDX-License-Identifier: Apache-2.0
#include "sql/point_read.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include <tickstone/error.hpp>

#include "sql/parse_tree.hpp"
#include "sql/translator.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {
namespace {

/// More conditions and alternatives than this are no point read.
constexpr std::size_t kMostConditions = 16;
constexpr std::size_t kMostAlternatives = 64;

class Finder {
 public:
  Finder(std::shared_ptr<const ParseTree> tree, const NameLookup& lookup)
      : tree_(std::move(tree)), lookup_(lookup) {}

  std::optional<PointRead> find(const PgQuery__SelectStmt& select) {
    const bool is_plain = is_bare(select) && select.n_target_list > 0 && select.where_clause != nullptr &&
                          select.limit_option != PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
    if (!is_plain || !find_relation(*select.from_clause[0]) ||
        !find_targets(select.n_target_list, select.target_list) || !find_conditions(*select.where_clause)) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < select.n_sort_clause; ++i) {
      if (!find_sort_key(*select.sort_clause[i]->sort_by)) return std::nullopt;
    }
    if (!find_count(select.limit_count, read_.limit) || !find_count(select.limit_offset, read_.offset) ||
        !find_distinct(select)) {
      return std::nullopt;
    }
    return std::move(read_);
  }

 private:
  /// One relation, with columns, conditions, order and limit at most, and DISTINCT.
  static bool is_bare(const PgQuery__SelectStmt& select) {
    return select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.into_clause == nullptr &&
           select.n_group_clause == 0 && select.having_clause == nullptr && select.n_window_clause == 0 &&
           select.n_values_lists == 0 && select.n_locking_clause == 0 && select.with_clause == nullptr &&
           select.n_from_clause == 1;
  }

  bool find_relation(const Node& item) {
    if (item.node_case != PG_QUERY__NODE__NODE_RANGE_VAR) return false;
    const PgQuery__RangeVar& table = *item.range_var;
    const std::string_view catalog = table.catalogname;
    if (!catalog.empty()) return false;
    name_ = table.relname;
    if (table.alias != nullptr) {
      if (table.alias->n_colnames > 0) return false;
      name_ = table.alias->aliasname;
    }
    auto relation = lookup_.find_relation(table.schemaname, table.relname);
    if (!relation || (table.inh == 0 && relation->has_chunks)) return false;
    read_.relation = std::move(*relation);
    return true;
  }

  std::optional<std::size_t> column_named(std::string_view name) const {
    const auto& columns = read_.relation.columns;
    const auto found =
        std::find_if(columns.begin(), columns.end(), [&](const auto& column) { return column.name == name; });
    if (found == columns.end()) return std::nullopt;
    return static_cast<std::size_t>(found - columns.begin());
  }

  /// The relation's column that `node` is.
  std::optional<std::size_t> column_of(const Node* node) const {
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return std::nullopt;
    const PgQuery__ColumnRef& ref = *node->column_ref;
    if (ref.n_fields == 0 || ref.n_fields > 2) return std::nullopt;
    if (ref.n_fields == 2 && string_of(ref.fields[0]) != name_) return std::nullopt;
    const Node* last = ref.fields[ref.n_fields - 1];
    if (last->node_case != PG_QUERY__NODE__NODE_STRING) return std::nullopt;
    return column_named(last->string->sval);
  }

  bool is_star(const Node* node) const {
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return false;
    const PgQuery__ColumnRef& ref = *node->column_ref;
    if (ref.n_fields == 0 || ref.n_fields > 2) return false;
    if (ref.n_fields == 2 && string_of(ref.fields[0]) != name_) return false;
    return ref.fields[ref.n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
  }

  bool find_targets(std::size_t count, Node* const* targets) {
    for (std::size_t i = 0; i < count; ++i) {
      if (targets[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) return false;
      const PgQuery__ResTarget& target = *targets[i]->res_target;
      if (target.n_indirection > 0) return false;
      if (is_star(target.val)) {
        for (std::size_t column = 0; column < read_.relation.columns.size(); ++column) {
          read_.columns.push_back(column);
          read_.output_names.push_back(read_.relation.columns[column].name);
        }
        continue;
      }
      const auto column = column_of(target.val);
      if (!column) return false;
      read_.columns.push_back(*column);
      const std::string_view alias = target.name;
      read_.output_names.emplace_back(alias.empty() ? std::string_view(read_.relation.columns[*column].name)
                                                    : alias);
    }
    return true;
  }

  bool find_conditions(const Node& node) {
    if (read_.conditions.size() > kMostConditions) return false;
    if (node.node_case == PG_QUERY__NODE__NODE_BOOL_EXPR) {
      const PgQuery__BoolExpr& both = *node.bool_expr;
      if (both.boolop != PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) return false;
      for (std::size_t i = 0; i < both.n_args; ++i) {
        if (!find_conditions(*both.args[i])) return false;
      }
      return true;
    }
    if (node.node_case == PG_QUERY__NODE__NODE_SUB_LINK) return find_keys(*node.sub_link);
    if (node.node_case != PG_QUERY__NODE__NODE_A_EXPR) return false;
    const PgQuery__AExpr& expr = *node.a_expr;
    switch (expr.kind) {
      case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        return find_comparison(expr);
      case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
        return find_any(expr);
      case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        return find_list(expr);
      case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
        return find_between(expr);
      default:
        return false;
    }
  }

  static std::optional<PointRead::Comparison> comparison_of(const PgQuery__AExpr& expr) {
    using enum PointRead::Comparison;
    if (expr.n_name != 1) return std::nullopt;
    const std::string_view name = string_of(expr.name[0]);
    if (name == "=") return Equal;
    if (name == "<>") return NotEqual;
    if (name == "<") return Less;
    if (name == "<=") return LessOrEqual;
    if (name == ">") return Greater;
    if (name == ">=") return GreaterOrEqual;
    return std::nullopt;
  }
  static PointRead::Comparison flipped(PointRead::Comparison comparison) {
    using enum PointRead::Comparison;
    switch (comparison) {
      case Less:
        return Greater;
      case LessOrEqual:
        return GreaterOrEqual;
      case Greater:
        return Less;
      case GreaterOrEqual:
        return LessOrEqual;
      case Equal:
      case NotEqual:
        return comparison;
    }
    return comparison;
  }

  bool find_comparison(const PgQuery__AExpr& expr) {
    auto comparison = comparison_of(expr);
    if (!comparison) return false;
    auto column = column_of(expr.lexpr);
    const Node* other = expr.rexpr;
    if (!column) {
      column = column_of(expr.rexpr);
      other = expr.lexpr;
      comparison = flipped(*comparison);
    }
    if (!column) return false;
    return add(*column, *comparison, {other});
  }

  bool find_list(const PgQuery__AExpr& expr) {
    // The name is <> for NOT IN.
    if (comparison_of(expr) != PointRead::Comparison::Equal) return false;
    const auto column = column_of(expr.lexpr);
    if (!column || expr.rexpr == nullptr || expr.rexpr->node_case != PG_QUERY__NODE__NODE_LIST) return false;
    const PgQuery__List& list = *expr.rexpr->list;
    if (list.n_items > kMostAlternatives) return false;
    return add(*column, PointRead::Comparison::Equal, {list.items, list.items + list.n_items});
  }

  /// A parameter, which may be an array.
  bool is_parameter(const Node* node, PointRead::Operand& out) const {
    auto operand = operand_of(node);
    if (!operand || operand->kind != PointRead::Operand::Kind::Parameter) return false;
    out = std::move(*operand);
    return true;
  }

  bool find_any(const PgQuery__AExpr& expr) {
    if (comparison_of(expr) != PointRead::Comparison::Equal) return false;
    const auto column = column_of(expr.lexpr);
    PointRead::Condition condition;
    if (!column || !is_parameter(expr.rexpr, condition.operands.emplace_back())) return false;
    condition.column = *column;
    condition.is_any = true;
    read_.conditions.push_back(std::move(condition));
    return true;
  }

  bool find_keys(const PgQuery__SubLink& link) {
    const bool is_list =
        link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK && link.n_oper_name == 0 &&
        link.testexpr != nullptr && link.testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
        link.subselect != nullptr && link.subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT;
    if (!is_list || read_.keys) return false;
    const PgQuery__FuncCall* unnest = unnest_of(*link.subselect->select_stmt);
    const PgQuery__RowExpr& row = *link.testexpr->row_expr;
    if (unnest == nullptr || unnest->n_args != row.n_args) return false;
    PointRead::KeyList keys;
    for (std::size_t i = 0; i < row.n_args; ++i) {
      const auto column = column_of(row.args[i]);
      if (!column || !is_parameter(unnest->args[i], keys.arrays.emplace_back())) return false;
      keys.columns.push_back(*column);
    }
    read_.keys = std::move(keys);
    return true;
  }

  /// The call in `SELECT * FROM unnest(...)`; nullptr for all else.
  static const PgQuery__FuncCall* unnest_of(const PgQuery__SelectStmt& select) {
    const bool is_plain =
        is_bare(select) && select.n_distinct_clause == 0 && select.where_clause == nullptr &&
        select.n_sort_clause == 0 && select.limit_count == nullptr && select.limit_offset == nullptr &&
        select.n_target_list == 1 && select.target_list[0]->node_case == PG_QUERY__NODE__NODE_RES_TARGET &&
        select.from_clause[0]->node_case == PG_QUERY__NODE__NODE_RANGE_FUNCTION;
    if (!is_plain) return nullptr;
    const PgQuery__ResTarget& target = *select.target_list[0]->res_target;
    const bool is_all = target.n_indirection == 0 && target.val != nullptr &&
                        target.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
                        target.val->column_ref->n_fields == 1 &&
                        target.val->column_ref->fields[0]->node_case == PG_QUERY__NODE__NODE_A_STAR;
    const PgQuery__RangeFunction& from = *select.from_clause[0]->range_function;
    if (!is_all || from.ordinality != 0 || from.is_rowsfrom != 0 || from.alias != nullptr ||
        from.n_coldeflist != 0 || from.n_functions != 1 ||
        from.functions[0]->node_case != PG_QUERY__NODE__NODE_LIST || from.functions[0]->list->n_items == 0 ||
        from.functions[0]->list->items[0]->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
      return nullptr;
    }
    const PgQuery__FuncCall& call = *from.functions[0]->list->items[0]->func_call;
    const bool is_unnest = call.n_funcname == 1 &&
                           string_of(call.funcname[0]) == std::string_view("unnest") &&
                           call.n_agg_order == 0 && call.agg_filter == nullptr && call.over == nullptr &&
                           call.agg_star == 0 && call.agg_distinct == 0 && call.func_variadic == 0;
    return is_unnest ? &call : nullptr;
  }

  bool find_between(const PgQuery__AExpr& expr) {
    const auto column = column_of(expr.lexpr);
    if (!column || expr.rexpr == nullptr || expr.rexpr->node_case != PG_QUERY__NODE__NODE_LIST ||
        expr.rexpr->list->n_items != 2) {
      return false;
    }
    const PgQuery__List& bounds = *expr.rexpr->list;
    return add(*column, PointRead::Comparison::GreaterOrEqual, {bounds.items[0]}) &&
           add(*column, PointRead::Comparison::LessOrEqual, {bounds.items[1]});
  }

  bool add(std::size_t column, PointRead::Comparison comparison, const std::vector<const Node*>& operands) {
    PointRead::Condition condition;
    condition.column = column;
    condition.comparison = comparison;
    for (const Node* node : operands) {
      auto operand = operand_of(node);
      if (!operand) return false;
      condition.operands.push_back(std::move(*operand));
    }
    read_.conditions.push_back(std::move(condition));
    return true;
  }

  std::optional<PointRead::Operand> operand_of(const Node* node) const {
    if (node == nullptr) return std::nullopt;
    PointRead::Operand operand;
    if (node->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
      operand.kind = PointRead::Operand::Kind::Parameter;
      operand.parameter = node->param_ref->number;
      return operand.parameter > 0 ? std::optional(operand) : std::nullopt;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST &&
        node->type_cast->arg->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
      auto inner = operand_of(node->type_cast->arg);
      if (!inner) return inner;
      const WrittenType written = written_type_of(*tree_, *node->type_cast->type_name);
      if (!written.name.name.empty()) return std::nullopt;
      inner->cast = written.type;
      return inner;
    }
    if (auto constant = constant_of(make_expr(tree_, node))) {
      operand.constant = std::move(*constant);
      return operand;
    }
    operand.kind = PointRead::Operand::Kind::Now;
    return is_now(node, operand.after_now) ? std::optional(operand) : std::nullopt;
  }

  /// `now()`, `CURRENT_TIMESTAMP`, and either with an interval added or subtracted once.
  bool is_now(const Node* node, IntervalValue& after) const {
    if (node->node_case == PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION)
      return node->sqlvalue_function->op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP;
    if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
      const PgQuery__FuncCall& call = *node->func_call;
      return call.n_funcname == 1 && call.n_args == 0 && call.over == nullptr && call.agg_star == 0 &&
             string_of(call.funcname[0]) == std::string_view("now");
    }
    if (node->node_case != PG_QUERY__NODE__NODE_A_EXPR ||
        node->a_expr->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || node->a_expr->n_name != 1 ||
        node->a_expr->lexpr == nullptr || node->a_expr->rexpr == nullptr) {
      return false;
    }
    const std::string_view op = string_of(node->a_expr->name[0]);
    if ((op != "-" && op != "+") || node->a_expr->lexpr->node_case == PG_QUERY__NODE__NODE_A_EXPR ||
        !is_now(node->a_expr->lexpr, after)) {
      return false;
    }
    const auto constant = constant_of(make_expr(tree_, node->a_expr->rexpr));
    if (!constant || constant->is_null || !constant->type || constant->type->id != TypeId::Interval ||
        constant->type->is_array) {
      return false;
    }
    // A sign may be that of all parts, by IntervalStyle.
    if (constant->text.starts_with('-')) return false;
    const auto interval = parse_interval(constant->text);
    if (!interval) return false;
    after = *interval;
    if (op == "-") {
      if (after.months == INT32_MIN || after.days == INT32_MIN || after.micros == INT64_MIN) return false;
      after = {-after.months, -after.days, -after.micros};
    }
    return true;
  }

  bool find_sort_key(const PgQuery__SortBy& sort) {
    if (sort.node == nullptr || sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) return false;
    PointRead::SortKey key;
    key.is_descending = sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    switch (sort.sortby_nulls) {
      case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST:
        key.has_nulls_first = true;
        break;
      case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST:
        break;
      default:
        key.has_nulls_first = key.is_descending;
        break;
    }
    const auto column = sorted_column(*sort.node);
    if (!column) return false;
    key.column = *column;
    read_.order.push_back(key);
    return true;
  }

  /// DISTINCT ON the columns at the head of the order, whatever theirs. A plain DISTINCT has a list of
  /// nothing.
  bool find_distinct(const PgQuery__SelectStmt& select) {
    if (select.n_distinct_clause == 0) return true;
    if (read_.limit || read_.offset) return false;
    std::set<std::size_t> columns;
    for (std::size_t i = 0; i < select.n_distinct_clause; ++i) {
      const Node* node = select.distinct_clause[i];
      const auto column = node == nullptr ? std::nullopt : sorted_column(*node);
      if (!column) return false;
      columns.insert(*column);
    }
    if (read_.order.size() < columns.size()) return false;
    std::set<std::size_t> head;
    for (std::size_t i = 0; i < columns.size(); ++i) head.insert(read_.order[i].column);
    read_.distinct_on = columns.size();
    return head == columns;
  }

  /// A name is the output's before it is the relation's, and a number counts the output's columns from one.
  std::optional<std::size_t> sorted_column(const Node& node) const {
    if (node.node_case == PG_QUERY__NODE__NODE_A_CONST) {
      const PgQuery__AConst& constant = *node.a_const;
      if (constant.isnull != 0 || constant.val_case != PG_QUERY__A__CONST__VAL_IVAL) return std::nullopt;
      const int position = constant.ival->ival;
      if (position < 1 || static_cast<std::size_t>(position) > read_.columns.size()) return std::nullopt;
      return read_.columns[static_cast<std::size_t>(position) - 1];
    }
    const auto column = column_of(&node);
    if (node.node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node.column_ref->n_fields != 1) return column;
    const std::string_view name = string_of(node.column_ref->fields[0]);
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < read_.columns.size(); ++i) {
      if (read_.output_names[i] != name) continue;
      if (found && *found != read_.columns[i]) return std::nullopt;  // ambiguous
      found = read_.columns[i];
    }
    return found ? found : column;
  }

  bool find_count(const Node* node, std::optional<PointRead::Operand>& out) const {
    if (node == nullptr) return true;
    out = operand_of(node);
    return out && out->kind != PointRead::Operand::Kind::Now;
  }

  std::shared_ptr<const ParseTree> tree_;
  const NameLookup& lookup_;
  std::string name_;  // by which columns are qualified
  PointRead read_;
};

}  // namespace

std::optional<PointRead> point_read_of(const Expr& query, const NameLookup& lookup) {
  if (!query || node_of(query)->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return std::nullopt;
  try {
    return Finder(query.tree, lookup).find(*node_of(query)->select_stmt);
  } catch (const Error&) {
    return std::nullopt;  // the general way says what is wrong, in its own words
  }
}

}  // namespace tickstone::sql
