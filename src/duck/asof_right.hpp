// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include <duckdb/execution/operator/scan/physical_table_scan.hpp>

#include "duck/scan.hpp"

namespace tickstone::duck {

/// A scan of ours under filters and projections, as DuckDB planned them, read outside of its pipelines.
class AsofRight {
 public:
  /// Errors: InternalError where the plan is another one.
  AsofRight(duckdb::ClientContext& context, const duckdb::PhysicalOperator& top);

  const ScanBindData& bind() const { return scan_->bind_data->Cast<ScanBindData>(); }

  /// All rows, but those that `narrowed` says need not come. `take` has each chunk until it returns.
  void read(duckdb::ExecutionContext& context, const std::shared_ptr<const storage::ReadView>& view,
            std::vector<storage::ColumnPredicate> narrowed,
            const std::function<void(duckdb::DataChunk&)>& take);

 private:
  struct Step {
    duckdb::unique_ptr<duckdb::ExpressionExecutor> executor;
    duckdb::unique_ptr<duckdb::DataChunk> projected;  // nullptr: a filter
  };
  /// Nothing: no row is left.
  duckdb::DataChunk* run_steps(duckdb::DataChunk& scanned);

  const duckdb::PhysicalTableScan* scan_ = nullptr;
  std::vector<Step> steps_;  // from the scan on
  duckdb::SelectionVector kept_{STANDARD_VECTOR_SIZE};
  duckdb::DataChunk scanned_;
};

}  // namespace tickstone::duck
