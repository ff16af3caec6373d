// SPDX-License-Identifier: Apache-2.0
#include "duck/few_rows.hpp"

#include <duckdb/execution/operator/aggregate/physical_hash_aggregate.hpp>
#include <duckdb/execution/operator/order/physical_order.hpp>
#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/planner/operator/logical_aggregate.hpp>

#include "duck/asof_plan.hpp"
#include "duck/few_rows_operator.hpp"
#include "duck/planned_operator.hpp"

namespace tickstone::duck {

namespace {

using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::PhysicalOperator;

/// Whether the operator knows all that this one does.
bool is_plain(const duckdb::PhysicalHashAggregate& aggregate) {
  const auto& data = aggregate.grouped_aggregate_data;
  // One set of all columns has lists of GROUPING calls that are empty.
  const bool has_calls = std::any_of(data.grouping_functions.begin(), data.grouping_functions.end(),
                                     [](const auto& call) { return !call.empty(); });
  if (data.groups.empty() || aggregate.grouping_sets.size() != 1 ||
      aggregate.grouping_sets[0].size() != data.groups.size() || has_calls) {
    return false;
  }
  const auto is_column = [](const auto& expression) {
    return expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF;
  };
  if (!std::all_of(data.groups.begin(), data.groups.end(), is_column)) return false;
  return std::all_of(data.aggregates.begin(), data.aggregates.end(), [&](const auto& expression) {
    const auto& one = expression->template Cast<duckdb::BoundAggregateExpression>();
    return !one.IsDistinct() && !one.filter && !one.order_bys && one.function.update != nullptr &&
           one.function.finalize != nullptr &&
           std::all_of(one.children.begin(), one.children.end(), is_column);
  });
}

/// A sort or a grouping, as it was planned, to become an operator of ours.
class LogicalFewRows final : public PlannedOperator {
 public:
  using PlannedOperator::PlannedOperator;

  PhysicalOperator& CreatePlan(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator& planner) override {
    PhysicalOperator& inner = planner.CreatePlan(original());
    if (inner.type == duckdb::PhysicalOperatorType::ORDER_BY) return planner.Make<FewRowsOrder>(inner);
    if (inner.type == duckdb::PhysicalOperatorType::HASH_GROUP_BY &&
        is_plain(inner.Cast<duckdb::PhysicalHashAggregate>()))
      return planner.Make<FewRowsGroups>(inner);
    return inner;
  }
};

}  // namespace

void take_few_rows_apart(duckdb::unique_ptr<LogicalOperator>& plan) {
  for (auto& child : plan->children) take_few_rows_apart(child);
  merge_asof(plan);
  const bool is_grouping = plan->type == LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY &&
                           !plan->Cast<duckdb::LogicalAggregate>().groups.empty();
  if (plan->type == LogicalOperatorType::LOGICAL_ORDER_BY || is_grouping)
    plan = duckdb::make_uniq<LogicalFewRows>(std::move(plan));
}

}  // namespace tickstone::duck
