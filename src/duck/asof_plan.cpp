// SPDX-License-Identifier: Apache-2.0
#include "duck/asof_plan.hpp"

#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/planner/operator/logical_comparison_join.hpp>

#include "duck/asof_keys.hpp"
#include "duck/asof_operator.hpp"
#include "duck/logical_types.hpp"
#include "duck/planned_operator.hpp"
#include "duck/scan_optimizer.hpp"

namespace tickstone::duck {

namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalComparisonJoin;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::PhysicalOperator;

/// The scan of a stored table under filters and projections alone, which may be read more than once.
ScanBindData* scan_alone(LogicalOperator& op) {
  LogicalOperator* at = &op;
  while (at->type == LogicalOperatorType::LOGICAL_FILTER ||
         at->type == LogicalOperatorType::LOGICAL_PROJECTION) {
    for (const auto& expression : at->expressions) {
      if (expression->IsVolatile()) return nullptr;
    }
    at = at->children[0].get();
  }
  auto* bind = bind_data_of(*at);
  const bool is_plain = bind != nullptr && bind->relation.kind == SourceRelation::Kind::Stored &&
                        bind->series_end == storage::SeriesEnd::All && !bind->dynamic_filter;
  return is_plain ? bind : nullptr;
}

/// The column of the scan that `expression` is, as it is stored.
std::optional<std::size_t> stored_column(LogicalOperator& below, const Expression& expression) {
  const Expression* at = &expression;
  for (LogicalOperator* op = &below; at->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF;
       op = op->children[0].get()) {
    if (op->type == LogicalOperatorType::LOGICAL_GET) {
      const auto found = find_scan(*op, *at);
      if (!found || logical_type_of(found->bind->relation.columns[found->column]) != expression.return_type)
        return std::nullopt;
      return found->column;
    }
    if (op->type != LogicalOperatorType::LOGICAL_PROJECTION) continue;
    const auto& binding = at->Cast<duckdb::BoundColumnRefExpression>().binding;
    const auto& projection = op->Cast<duckdb::LogicalProjection>();
    if (binding.table_index != projection.table_index) return std::nullopt;
    at = projection.expressions.at(binding.column_index).get();
  }
  return std::nullopt;
}

bool is_inequality(ExpressionType comparison) {
  return comparison == ExpressionType::COMPARE_LESSTHAN ||
         comparison == ExpressionType::COMPARE_LESSTHANOREQUALTO ||
         comparison == ExpressionType::COMPARE_GREATERTHAN ||
         comparison == ExpressionType::COMPARE_GREATERTHANOREQUALTO;
}

/// Whether the operator knows all that the join asks for.
bool is_known(LogicalComparisonJoin& join) {
  if (join.join_type != duckdb::JoinType::INNER && join.join_type != duckdb::JoinType::LEFT) return false;
  if (join.predicate || !join.duplicate_eliminated_columns.empty() || !join.mark_types.empty() ||
      !join.expressions.empty())
    return false;
  std::size_t inequalities = 0;
  for (const auto& condition : join.conditions) {
    const auto& type = condition.left->return_type;
    if (type != condition.right->return_type || condition.left->IsVolatile() || condition.right->IsVolatile())
      return false;
    if (is_inequality(condition.comparison)) {
      if (!is_plain_time(type)) return false;
      ++inequalities;
    } else if (condition.comparison != ExpressionType::COMPARE_EQUAL || !is_plain_key(type)) {
      return false;
    }
  }
  return inequalities == 1 && scan_alone(*join.children[1]) != nullptr;
}

/// The join as DuckDB planned it, to become the operator.
class LogicalAsofMerge final : public PlannedOperator {
 public:
  explicit LogicalAsofMerge(duckdb::unique_ptr<LogicalOperator> planned)
      : PlannedOperator(std::move(planned)) {
    auto& right = *join().children[1];
    for (const auto& condition : join().conditions) {
      const auto column = stored_column(right, *condition.right);
      if (!is_inequality(condition.comparison)) {
        scanned_.push_back(column);
        continue;
      }
      const auto id = condition.right->return_type.id();
      const bool has_ranges = id == duckdb::LogicalTypeId::TIMESTAMP ||
                              id == duckdb::LogicalTypeId::TIMESTAMP_TZ ||
                              id == duckdb::LogicalTypeId::TIMESTAMP_NS || id == duckdb::LogicalTypeId::DATE;
      is_timed_ = has_ranges && column && scan_alone(right)->time_column == column;
    }
  }

  PhysicalOperator& CreatePlan(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator& planner) override {
    AsofShape shape;
    for (const auto& condition : join().conditions) {
      if (!shape.text.empty()) shape.text += " AND ";
      shape.text += condition.left->ToString() + " " +
                    duckdb::ExpressionTypeToOperator(condition.comparison) + " " +
                    condition.right->ToString();
    }
    PhysicalOperator& left = planner.CreatePlan(*join().children[0]);
    PhysicalOperator& right = planner.CreatePlan(*join().children[1]);
    shape.keeps_all = join().join_type == duckdb::JoinType::LEFT;
    duckdb::JoinCondition* last = nullptr;
    for (auto& condition : join().conditions) {
      if (is_inequality(condition.comparison)) {
        last = &condition;
        continue;
      }
      shape.left.push_back(std::move(condition.left));
      shape.right.push_back(std::move(condition.right));
    }
    shape.looks_ahead = last->comparison == ExpressionType::COMPARE_LESSTHAN ||
                        last->comparison == ExpressionType::COMPARE_LESSTHANOREQUALTO;
    shape.is_strict = last->comparison == ExpressionType::COMPARE_LESSTHAN ||
                      last->comparison == ExpressionType::COMPARE_GREATERTHAN;
    shape.left.push_back(std::move(last->left));
    shape.right.push_back(std::move(last->right));
    shape.left_columns = columns_of(join().left_projection_map, left);
    shape.right_columns = columns_of(join().right_projection_map, right);
    shape.scanned = scanned_;
    shape.is_timed = is_timed_;
    return planner.Make<AsofMerge>(types, estimated_cardinality, left, right, std::move(shape));
  }

 private:
  LogicalComparisonJoin& join() { return original().Cast<LogicalComparisonJoin>(); }

  static duckdb::vector<duckdb::idx_t> columns_of(const duckdb::vector<duckdb::idx_t>& map,
                                                  const PhysicalOperator& child) {
    if (!map.empty()) return map;
    duckdb::vector<duckdb::idx_t> all;
    for (duckdb::idx_t i = 0; i < child.types.size(); ++i) all.push_back(i);
    return all;
  }

  std::vector<std::optional<std::size_t>> scanned_;  // by equality
  bool is_timed_ = false;
};

}  // namespace

void merge_asof(duckdb::unique_ptr<LogicalOperator>& plan) {
  if (plan->type == LogicalOperatorType::LOGICAL_ASOF_JOIN && is_known(plan->Cast<LogicalComparisonJoin>()))
    plan = duckdb::make_uniq<LogicalAsofMerge>(std::move(plan));
}

}  // namespace tickstone::duck
