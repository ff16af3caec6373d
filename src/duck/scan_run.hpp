// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <duckdb/execution/operator/scan/physical_table_scan.hpp>

#include "duck/scan_state.hpp"

namespace tickstone::duck {

/// An execution of a scan of ours by one thread, outside of DuckDB's pipelines.
class ScanRun {
 public:
  /// Whether the operator is such a scan, and nothing else is in it.
  static bool is_possible(const duckdb::PhysicalOperator& op);

  /// Errors: as the scan's own.
  ScanRun(duckdb::ClientContext& context, const duckdb::PhysicalTableScan& scan);

  /// Rows that it gives, at most.
  std::uint64_t estimated_rows() const;
  /// The next rows, in a chunk of this object's. nullptr at the end. Lifetime: until the next call.
  duckdb::DataChunk* read();

 private:
  duckdb::ClientContext& context_;
  const duckdb::PhysicalTableScan& scan_;
  /// What is read, one after the other: where the ends of series decide, the rows of both.
  std::vector<duckdb::unique_ptr<ScanGlobalState>> parts_;
  std::size_t part_ = 0;
  duckdb::unique_ptr<ScanLocalState> local_;  // of the part at hand
  duckdb::DataChunk rows_;
};

}  // namespace tickstone::duck
