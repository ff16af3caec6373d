// SPDX-License-Identifier: Apache-2.0
#include "duck/few_rows.hpp"

#include <duckdb/execution/operator/aggregate/physical_hash_aggregate.hpp>
#include <duckdb/execution/operator/order/physical_order.hpp>
#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/planner/operator/logical_aggregate.hpp>

#include "duck/asof_plan.hpp"
#include "duck/few_groups.hpp"
#include "duck/few_rows_operator.hpp"
#include "duck/group_stretches.hpp"
#include "duck/planned_operator.hpp"

namespace tickstone::duck {

namespace {

using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::PhysicalOperator;

/// A sort or a grouping, as it was planned, to become an operator of ours.
class LogicalFewRows final : public PlannedOperator {
 public:
  using PlannedOperator::PlannedOperator;

  PhysicalOperator& CreatePlan(duckdb::ClientContext& context,
                               duckdb::PhysicalPlanGenerator& planner) override {
    PhysicalOperator& inner = planner.CreatePlan(original());
    if (inner.type == duckdb::PhysicalOperatorType::ORDER_BY) return planner.Make<FewRowsOrder>(inner);
    if (inner.type == duckdb::PhysicalOperatorType::HASH_GROUP_BY &&
        FewGroups::is_possible(inner.Cast<duckdb::PhysicalHashAggregate>())) {
      auto* of_stretches =
          GroupStretches::plan(context, planner, inner.Cast<duckdb::PhysicalHashAggregate>());
      return planner.Make<FewRowsGroups>(inner, of_stretches);
    }
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
