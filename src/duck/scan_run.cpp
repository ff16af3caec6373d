// SPDX-License-Identifier: Apache-2.0
#include "duck/scan_run.hpp"

#include <algorithm>

#include "duck/error_translation.hpp"

namespace tickstone::duck {

bool ScanRun::is_possible(const duckdb::PhysicalOperator& op) {
  if (op.type != duckdb::PhysicalOperatorType::TABLE_SCAN) return false;
  const auto& scan = op.Cast<duckdb::PhysicalTableScan>();
  // The bound of a Top-N is set by DuckDB's.
  return scan.function.name == kScanFunction && scan.bind_data && scan.projection_ids.empty() &&
         !scan.table_filters && !scan.dynamic_filters && !scan.bind_data->Cast<ScanBindData>().dynamic_filter;
}

ScanRun::ScanRun(duckdb::ClientContext& context, const duckdb::PhysicalTableScan& scan)
    : context_(context), scan_(scan) {
  duckdb::TableFunctionInitInput input(scan.bind_data.get(), scan.column_ids, scan.projection_ids, nullptr);
  const auto& bind = scan.bind_data->Cast<ScanBindData>();
  if (!bind.are_both_ends) {
    parts_.push_back(begin_scan(context, input, bind.series_end));
    return;
  }
  parts_.push_back(begin_scan(context, input, storage::SeriesEnd::Oldest));
  if (parts_[0]->series_end != storage::SeriesEnd::All)
    parts_.push_back(begin_scan(context, input, storage::SeriesEnd::Newest));
}

std::uint64_t ScanRun::estimated_rows() const {
  std::uint64_t rows = 0;
  for (const auto& part : parts_) rows += part->scan ? part->scan->estimated_rows() : part->rows->row_count();
  return rows;
}

duckdb::DataChunk* ScanRun::read() {
  if (rows_.ColumnCount() == 0) {
    const auto most = std::clamp<std::uint64_t>(estimated_rows(), 1, storage::kScanRows);
    rows_.Initialize(duckdb::Allocator::DefaultAllocator(), scan_.types, most);
  }
  for (; part_ < parts_.size(); ++part_, local_.reset()) {
    if (!local_) through_duckdb([&] { local_ = duckdb::make_uniq<ScanLocalState>(*parts_[part_]); });
    rows_.Reset();
    duckdb::TableFunctionInput input(scan_.bind_data.get(), local_.get(), parts_[part_].get());
    scan_.function.function(context_, input, rows_);
    if (rows_.size() > 0) return &rows_;
  }
  return nullptr;
}

}  // namespace tickstone::duck
