// SPDX-License-Identifier: Apache-2.0
#include "duck/known_rows.hpp"

#include <algorithm>

#include <duckdb/execution/operator/filter/physical_filter.hpp>
#include <duckdb/execution/operator/scan/physical_table_scan.hpp>
#include <duckdb/execution/physical_plan_generator.hpp>

#include "duck/planned_operator.hpp"
#include "duck/scan_optimizer.hpp"

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::PhysicalOperator;
using duckdb::PhysicalOperatorType;

struct GivenRows {
  const duckdb::FunctionData* bind = nullptr;
  bool are_known = false;
};
/// A filter is run by the thread that the scan below it has just run on, before that scans on.
thread_local GivenRows given_rows;

class KnownRowsFilter final : public duckdb::PhysicalFilter {
 public:
  KnownRowsFilter(duckdb::PhysicalPlan& plan, duckdb::PhysicalFilter& original,
                  duckdb::vector<duckdb::unique_ptr<Expression>> conditions, const duckdb::FunctionData& bind)
      : PhysicalFilter(plan, original.types, std::move(conditions), original.estimated_cardinality),
        bind_(bind) {
    for (auto& child : original.children) children.push_back(child);
  }

 protected:
  duckdb::OperatorResultType ExecuteInternal(duckdb::ExecutionContext& context, DataChunk& input,
                                             DataChunk& chunk, duckdb::GlobalOperatorState& global,
                                             duckdb::OperatorState& state) const override {
    if (!are_rows_known(&bind_)) return PhysicalFilter::ExecuteInternal(context, input, chunk, global, state);
    chunk.Reference(input);
    return duckdb::OperatorResultType::NEED_MORE_INPUT;
  }

 private:
  const duckdb::FunctionData& bind_;
};

class LogicalKnownRows final : public PlannedOperator {
 public:
  using PlannedOperator::PlannedOperator;

  PhysicalOperator& CreatePlan(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator& planner) override {
    PhysicalOperator& planned = planner.CreatePlan(original());
    // Above the filter there is a projection where not all columns are needed.
    const bool is_projected = planned.type == PhysicalOperatorType::PROJECTION;
    PhysicalOperator& found = is_projected ? planned.children[0].get() : planned;
    if (found.type != PhysicalOperatorType::FILTER ||
        found.children[0].get().type != PhysicalOperatorType::TABLE_SCAN)
      return planned;
    const auto& scan = found.children[0].get().Cast<duckdb::PhysicalTableScan>();
    auto& filter = found.Cast<duckdb::PhysicalFilter>();
    duckdb::vector<duckdb::unique_ptr<Expression>> conditions;
    conditions.push_back(std::move(filter.expression));
    auto& known = planner.Make<KnownRowsFilter>(filter, std::move(conditions), *scan.bind_data);
    if (!is_projected) return known;
    planned.children[0] = known;
    return planned;
  }
};

bool has_asof(const LogicalOperator& plan) {
  return plan.type == LogicalOperatorType::LOGICAL_ASOF_JOIN ||
         std::any_of(plan.children.begin(), plan.children.end(),
                     [](const auto& child) { return has_asof(*child); });
}

void skip(duckdb::unique_ptr<LogicalOperator>& plan) {
  for (auto& child : plan->children) skip(child);
  if (plan->type != LogicalOperatorType::LOGICAL_FILTER) return;
  const auto* bind = bind_data_of(*plan->children[0]);
  if (bind != nullptr && bind->is_filter_exact) plan = duckdb::make_uniq<LogicalKnownRows>(std::move(plan));
}

/// Types whose values storage orders as DuckDB does, without any that are unlike themselves.
bool is_exact_type(const SourceColumn& column) {
  if (column.type.is_array) return false;
  switch (column.type.id) {
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Text:
    case TypeId::Varchar:
      return true;
    default:
      return false;
  }
}

bool is_exact_column(const Expression& expression, const Expression& operand, duckdb::LogicalGet& get,
                     const ScanBindData& bind) {
  if (expression.GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF || !is_operand(operand) ||
      expression.return_type != operand.return_type || expression.return_type.HasAlias()) {
    return false;
  }
  const auto& binding = expression.Cast<duckdb::BoundColumnRefExpression>().binding;
  if (binding.table_index != get.table_index || binding.column_index >= get.GetColumnIds().size())
    return false;
  const auto& index = get.GetColumnIds()[binding.column_index];
  return !index.HasChildren() && index.GetPrimaryIndex() < bind.relation.columns.size() &&
         is_exact_type(bind.relation.columns[index.GetPrimaryIndex()]);
}

}  // namespace

void say_rows_are_known(const ScanBindData& bind, bool are_known) { given_rows = {&bind, are_known}; }
bool are_rows_known(const duckdb::FunctionData* bind) {
  return given_rows.are_known && given_rows.bind == bind;
}

bool is_exact_condition(const Expression& expression, duckdb::LogicalGet& get, const ScanBindData& bind) {
  switch (expression.GetExpressionClass()) {
    case ExpressionClass::BOUND_CONJUNCTION: {
      const auto& children = expression.Cast<duckdb::BoundConjunctionExpression>().children;
      return expression.GetExpressionType() == ExpressionType::CONJUNCTION_AND &&
             std::all_of(children.begin(), children.end(),
                         [&](const auto& child) { return is_exact_condition(*child, get, bind); });
    }
    case ExpressionClass::BOUND_COMPARISON: {
      switch (expression.GetExpressionType()) {
        case ExpressionType::COMPARE_EQUAL:
        case ExpressionType::COMPARE_LESSTHAN:
        case ExpressionType::COMPARE_LESSTHANOREQUALTO:
        case ExpressionType::COMPARE_GREATERTHAN:
        case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
          break;
        default:
          return false;
      }
      const auto& comparison = expression.Cast<duckdb::BoundComparisonExpression>();
      return is_exact_column(*comparison.left, *comparison.right, get, bind) ||
             is_exact_column(*comparison.right, *comparison.left, get, bind);
    }
    case ExpressionClass::BOUND_BETWEEN: {
      const auto& between = expression.Cast<duckdb::BoundBetweenExpression>();
      return is_exact_column(*between.input, *between.lower, get, bind) &&
             is_exact_column(*between.input, *between.upper, get, bind);
    }
    default:
      return false;
  }
}

void skip_filters_of_known_rows(duckdb::unique_ptr<LogicalOperator>& plan) {
  if (!has_asof(*plan)) skip(plan);
}

}  // namespace tickstone::duck
