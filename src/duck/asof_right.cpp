// SPDX-License-Identifier: Apache-2.0
#include "duck/asof_right.hpp"

#include <algorithm>

#include <duckdb/execution/operator/filter/physical_filter.hpp>
#include <duckdb/execution/operator/projection/physical_projection.hpp>

namespace tickstone::duck {

using duckdb::DataChunk;
using duckdb::make_uniq;
using duckdb::PhysicalOperatorType;

AsofRight::AsofRight(duckdb::ClientContext& context, const duckdb::PhysicalOperator& top) {
  const duckdb::PhysicalOperator* at = &top;
  while (at->type != PhysicalOperatorType::TABLE_SCAN) {
    Step step;
    if (at->type == PhysicalOperatorType::FILTER) {
      step.executor =
          make_uniq<duckdb::ExpressionExecutor>(context, *at->Cast<duckdb::PhysicalFilter>().expression);
    } else if (at->type == PhysicalOperatorType::PROJECTION) {
      step.executor =
          make_uniq<duckdb::ExpressionExecutor>(context, at->Cast<duckdb::PhysicalProjection>().select_list);
      step.projected = make_uniq<DataChunk>();
      step.projected->Initialize(duckdb::Allocator::Get(context), at->types);
    } else {
      throw duckdb::InternalException("an as-of join's right side is not a scan");
    }
    steps_.push_back(std::move(step));
    at = &at->GetChildren().at(0).get();
  }
  std::reverse(steps_.begin(), steps_.end());
  scan_ = &at->Cast<duckdb::PhysicalTableScan>();
  scanned_.Initialize(duckdb::Allocator::Get(context), scan_->types);
}

DataChunk* AsofRight::run_steps(DataChunk& scanned) {
  DataChunk* rows = &scanned;
  for (auto& step : steps_) {
    if (step.projected) {
      step.projected->Reset();
      step.executor->Execute(*rows, *step.projected);
      rows = step.projected.get();
      continue;
    }
    const duckdb::idx_t count = step.executor->SelectExpression(*rows, kept_);
    if (count == 0) return nullptr;
    if (count < rows->size()) rows->Slice(kept_, count);
  }
  return rows;
}

void AsofRight::read(duckdb::ExecutionContext& context, const std::shared_ptr<const storage::ReadView>& view,
                     std::vector<storage::ColumnPredicate> narrowed,
                     const std::function<void(DataChunk&)>& take) {
  const auto copy = bind().Copy();
  auto& bind = copy->Cast<ScanBindData>();
  bind.view = view;
  bind.narrowed = std::move(narrowed);
  duckdb::TableFunctionInitInput init(&bind, scan_->column_ids, scan_->projection_ids, nullptr);
  const auto global = scan_->function.init_global(context.client, init);
  const auto local = scan_->function.init_local(context, init, global.get());
  duckdb::TableFunctionInput input(&bind, local.get(), global.get());
  for (;;) {
    if (context.client.interrupted) throw duckdb::InterruptException();
    scanned_.Reset();
    scan_->function.function(context.client, input, scanned_);
    if (scanned_.size() == 0) return;
    if (auto* rows = run_steps(scanned_)) take(*rows);
  }
}

}  // namespace tickstone::duck
