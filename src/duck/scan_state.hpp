// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>

#include "duck/scan.hpp"
#include "duck/scan_vectors.hpp"

namespace tickstone::duck {

/// What all threads of one execution of a scan share.
struct ScanGlobalState : duckdb::GlobalTableFunctionState {
  // Stored: keeps the view alive for as long as batches are read.
  std::shared_ptr<const storage::ReadView> view;
  std::unique_ptr<storage::TableScan> scan;
  // Rows.
  std::shared_ptr<const Batch> rows;
  std::atomic<std::size_t> next_row{0};
  std::vector<ColumnView> row_views;  // by output column; unused where there is none

  std::vector<std::size_t> sources;  // output column -> column of the scan or batch, or none
  std::vector<duckdb::LogicalType> types;
  std::vector<ColumnLayout> layouts;
  std::vector<std::shared_ptr<const EnumLabels>> labels;
  const ScanBindData* bind = nullptr;
  storage::SeriesEnd series_end = storage::SeriesEnd::All;  // what storage was asked for
  bool may_know_rows = false;                               // that what it gives meets the filter above

  std::mutex dynamic_mutex;
  duckdb::Value dynamic_value;

  duckdb::idx_t MaxThreads() const override {
    if (scan) return std::max<std::size_t>(1, scan->max_threads());
    return std::max<duckdb::idx_t>(1, rows->row_count() / (64 * storage::kScanRows));
  }
};

/// What one thread of it has.
struct ScanLocalState : duckdb::LocalTableFunctionState {
  explicit ScanLocalState(const ScanGlobalState& global) {
    if (global.scan) state = global.scan->make_state();
    fillers.reserve(global.types.size());
    for (std::size_t i = 0; i < global.types.size(); ++i)
      fillers.emplace_back(global.types[i], global.layouts[i], global.labels[i]);
  }

  std::unique_ptr<storage::TableScan::State> state;
  storage::ScanBatch batch;
  std::vector<VectorFiller> fillers;
  duckdb::idx_t unit = 0;
};

/// Plans an execution. `wanted`: the rows of each series that decide, where the scan can choose by that.
/// Errors: those of storage, through DuckDB.
duckdb::unique_ptr<ScanGlobalState> begin_scan(duckdb::ClientContext& context,
                                               duckdb::TableFunctionInitInput& input,
                                               storage::SeriesEnd wanted);

}  // namespace tickstone::duck
