// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <duckdb/planner/operator/logical_comparison_join.hpp>

#include "duck/asof_plan.hpp"

namespace tickstone::duck {

namespace {

using duckdb::BoundColumnRefExpression;
using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::unique_ptr;

/// More rows than this are not sorted twice.
constexpr duckdb::idx_t kMostRows = 10'000;

/// Replaces the projection's columns in `expression` by what they are computed of.
void put_in(const duckdb::LogicalProjection& projection, unique_ptr<Expression>& expression) {
  if (expression->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF) {
    const auto& binding = expression->Cast<BoundColumnRefExpression>().binding;
    if (binding.table_index == projection.table_index)
      expression = projection.expressions.at(binding.column_index)->Copy();
    return;
  }
  duckdb::ExpressionIterator::EnumerateChildren(
      *expression, [&](unique_ptr<Expression>& child) { put_in(projection, child); });
}

/// Whether it is computed of these columns alone, and always the same.
bool is_of(const Expression& expression, const duckdb::vector<duckdb::ColumnBinding>& columns) {
  if (expression.IsVolatile() || expression.HasSubquery()) return false;
  bool is_so = true;
  duckdb::ExpressionIterator::VisitExpression<BoundColumnRefExpression>(
      expression, [&](const BoundColumnRefExpression& column) {
        is_so = is_so && std::find(columns.begin(), columns.end(), column.binding) != columns.end();
      });
  return is_so;
}

void push_top(const duckdb::LogicalTopN& top) {
  if (top.limit == 0 || top.limit > kMostRows || top.offset > kMostRows) return;
  duckdb::vector<duckdb::BoundOrderByNode> orders;
  for (const auto& order : top.orders) orders.push_back(order.Copy());
  LogicalOperator* at = top.children[0].get();
  while (at->type == LogicalOperatorType::LOGICAL_PROJECTION) {
    for (auto& order : orders) put_in(at->Cast<duckdb::LogicalProjection>(), order.expression);
    at = at->children[0].get();
  }
  if (at->type != LogicalOperatorType::LOGICAL_ASOF_JOIN) return;
  if (at->Cast<duckdb::LogicalComparisonJoin>().join_type != duckdb::JoinType::LEFT) return;
  auto& left = at->children[0];
  const auto columns = left->GetColumnBindings();
  for (const auto& order : orders) {
    if (!is_of(*order.expression, columns)) return;
  }
  auto pushed = duckdb::make_uniq<duckdb::LogicalTopN>(std::move(orders), top.limit + top.offset, 0);
  pushed->children.push_back(std::move(left));
  pushed->ResolveOperatorTypes();
  pushed->SetEstimatedCardinality(top.limit + top.offset);
  left = std::move(pushed);
}

}  // namespace

void push_top_into_asof(LogicalOperator& plan) {
  if (plan.type == LogicalOperatorType::LOGICAL_TOP_N) push_top(plan.Cast<duckdb::LogicalTopN>());
  for (auto& child : plan.children) push_top_into_asof(*child);
}

}  // namespace tickstone::duck
