// SPDX-License-Identifier: Apache-2.0
#include "duck/known_totals.hpp"

#include <duckdb/execution/operator/projection/physical_projection.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>

#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan_run.hpp"
#include "duck/session_state.hpp"
#include "storage/outermost_time.hpp"

namespace tickstone::duck {

namespace {

using duckdb::PhysicalOperator;
using duckdb::PhysicalOperatorType;

/// The scan's column that an expression over the projections is.
std::optional<std::size_t> column_of(const duckdb::Expression& expression,
                                     const std::vector<const PhysicalOperator*>& between,
                                     const duckdb::PhysicalTableScan& scan) {
  const duckdb::Expression* at = &expression;
  for (auto op = between.rbegin(); op != between.rend(); ++op) {
    if (at->GetExpressionClass() != duckdb::ExpressionClass::BOUND_REF) return std::nullopt;
    const auto index = at->Cast<duckdb::BoundReferenceExpression>().index;
    at = (*op)->Cast<duckdb::PhysicalProjection>().select_list.at(index).get();
  }
  if (at->GetExpressionClass() != duckdb::ExpressionClass::BOUND_REF) return std::nullopt;
  return scan.column_ids.at(at->Cast<duckdb::BoundReferenceExpression>().index).GetPrimaryIndex();
}

bool has_plain_time(const SourceColumn& column) {
  switch (column.type.id) {
    case TypeId::Date:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<KnownTotals> KnownTotals::find(const PhysicalOperator& totals, const PhysicalOperator& scan_op,
                                             const std::vector<const PhysicalOperator*>& between) {
  if (totals.type != PhysicalOperatorType::UNGROUPED_AGGREGATE || !ScanRun::is_possible(scan_op))
    return std::nullopt;
  for (const auto* op : between) {
    if (op->type != PhysicalOperatorType::PROJECTION) return std::nullopt;
  }
  const auto& scan = scan_op.Cast<duckdb::PhysicalTableScan>();
  KnownTotals known;
  known.bind_ = &scan.bind_data->Cast<ScanBindData>();
  known.types_ = totals.types;
  const auto& bind = *known.bind_;
  if (bind.relation.kind != SourceRelation::Kind::Stored) return std::nullopt;
  for (const auto& expression : totals.Cast<duckdb::PhysicalUngroupedAggregate>().aggregates) {
    const auto& aggregate = expression->Cast<duckdb::BoundAggregateExpression>();
    const auto& name = aggregate.function.name;
    if (aggregate.filter || aggregate.IsDistinct() || aggregate.order_bys) return std::nullopt;
    if (name == "count_star") {
      known.kinds_.push_back(Kind::Count);
      continue;
    }
    if ((name != "min" && name != "max") || aggregate.children.size() != 1 || !bind.time_column)
      return std::nullopt;
    const auto& time = bind.relation.columns[*bind.time_column];
    if (column_of(*aggregate.children[0], between, scan) != bind.time_column || !has_plain_time(time) ||
        aggregate.return_type != logical_type_of(time)) {
      return std::nullopt;
    }
    known.kinds_.push_back(name == "min" ? Kind::Oldest : Kind::Newest);
  }
  return known;
}

void KnownTotals::give(duckdb::ClientContext& context, duckdb::DataChunk& out) const {
  through_duckdb([&] {
    const auto view = SessionState::of(context).view();
    const auto table = bind_->relation.table;
    out.Initialize(duckdb::Allocator::DefaultAllocator(), types_, 1);
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      if (kinds_[i] == Kind::Count) {
        out.SetValue(i, 0, duckdb::Value::BIGINT(static_cast<std::int64_t>(view->row_count(table))));
        continue;
      }
      const auto which = kinds_[i] == Kind::Oldest ? storage::Outermost::Oldest : storage::Outermost::Newest;
      const auto time = storage::outermost_time(*view, table, which);
      Value value = Value::null_of(bind_->relation.columns[*bind_->time_column].type);
      value.is_null = !time;
      value.integer = time.value_or(0);
      out.SetValue(i, 0, time ? to_duck(value) : duckdb::Value(types_[i]));
    }
    out.SetCardinality(1);
  });
}

}  // namespace tickstone::duck
