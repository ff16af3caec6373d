// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/planner/operator/logical_column_data_get.hpp>
#include <duckdb/planner/operator/logical_comparison_join.hpp>

#include "duck/scan_optimizer.hpp"

// `column IN (...)` as DuckDB writes it before our hook sees it: a short list as an OR of equalities, a
// longer one of constants as a join with them that marks the rows which have a partner.

namespace tickstone::duck {

namespace {

using duckdb::Expression;
using duckdb::ExpressionType;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

/// More constants than these choose too little to be worth a look at each.
constexpr duckdb::idx_t kMostConstants = 10'000;

struct Choices {
  std::optional<FoundScan> scan;
  std::vector<const Expression*> operands;
};

/// Whether `expression` says that one column of the scan is one of some operands.
bool find_choices(const Expression& expression, LogicalOperator& scan, Choices& choices) {
  const auto add = [&](const Expression& compared, const Expression& operand) {
    if (!is_operand(operand)) return false;
    const auto found = find_scan(scan, compared);
    if (!found || (choices.scan && choices.scan->column != found->column)) return false;
    choices.scan = found;
    choices.operands.push_back(&operand);
    return true;
  };
  switch (expression.GetExpressionType()) {
    case ExpressionType::CONJUNCTION_OR: {
      const auto& children = expression.Cast<duckdb::BoundConjunctionExpression>().children;
      return std::all_of(children.begin(), children.end(),
                         [&](const auto& child) { return find_choices(*child, scan, choices); });
    }
    case ExpressionType::COMPARE_EQUAL: {
      const auto& comparison = expression.Cast<duckdb::BoundComparisonExpression>();
      return add(*comparison.left, *comparison.right) || add(*comparison.right, *comparison.left);
    }
    case ExpressionType::COMPARE_IN: {
      const auto& children = expression.Cast<duckdb::BoundOperatorExpression>().children;
      return std::all_of(children.begin() + 1, children.end(),
                         [&](const auto& child) { return add(*children[0], *child); });
    }
    default:
      return false;
  }
}

/// Whether the conditions demand that a column of truth values of that table is true.
bool demand(const Expression& expression, duckdb::idx_t table) {
  switch (expression.GetExpressionClass()) {
    case duckdb::ExpressionClass::BOUND_COLUMN_REF:
      return expression.Cast<duckdb::BoundColumnRefExpression>().binding.table_index == table;
    case duckdb::ExpressionClass::BOUND_CONJUNCTION: {
      const auto& children = expression.Cast<duckdb::BoundConjunctionExpression>().children;
      return expression.GetExpressionType() == ExpressionType::CONJUNCTION_AND &&
             std::any_of(children.begin(), children.end(),
                         [&](const auto& child) { return demand(*child, table); });
    }
    default:
      return false;
  }
}

}  // namespace

void push_choices(const Expression& expression, LogicalOperator& scan) {
  Choices choices;
  if (!find_choices(expression, scan, choices) || !choices.scan) return;
  PushedComparison one;
  one.column = choices.scan->column;
  one.comparison = ExpressionType::COMPARE_IN;
  for (const auto* operand : choices.operands) one.operands.push_back(operand->Copy());
  one.text = expression.ToString();
  choices.scan->bind->comparisons.push_back(std::move(one));
}

void push_marked_constants(LogicalOperator& filter) {
  LogicalOperator& below = *filter.children[0];
  if (below.type != LogicalOperatorType::LOGICAL_COMPARISON_JOIN) return;
  auto& join = below.Cast<duckdb::LogicalComparisonJoin>();
  if (join.join_type != duckdb::JoinType::MARK || join.conditions.size() != 1) return;
  const auto& condition = join.conditions[0];
  const bool is_list = condition.comparison == ExpressionType::COMPARE_EQUAL &&
                       join.children[1]->type == LogicalOperatorType::LOGICAL_CHUNK_GET &&
                       condition.right->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF;
  if (!is_list) return;
  const bool is_demanded = std::any_of(filter.expressions.begin(), filter.expressions.end(),
                                       [&](const auto& one) { return demand(*one, join.mark_index); });
  const auto& constants = *join.children[1]->Cast<duckdb::LogicalColumnDataGet>().collection;
  const auto column = condition.right->Cast<duckdb::BoundColumnRefExpression>().binding.column_index;
  if (!is_demanded || constants.Count() > kMostConstants || column >= constants.ColumnCount()) return;
  const auto found = find_scan(*join.children[0], *condition.left);
  if (!found) return;
  PushedComparison one;
  one.column = found->column;
  one.comparison = ExpressionType::COMPARE_IN;
  const auto rows = constants.GetRows();
  for (duckdb::idx_t row = 0; row < constants.Count(); ++row)
    one.operands.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(rows.GetValue(column, row)));
  one.text = found->bind->relation.columns[found->column].name + " IN (" + std::to_string(constants.Count()) +
             " constants)";
  found->bind->comparisons.push_back(std::move(one));
}

}  // namespace tickstone::duck
