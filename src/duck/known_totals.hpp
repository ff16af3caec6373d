// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <duckdb/execution/operator/aggregate/physical_ungrouped_aggregate.hpp>
#include <duckdb/execution/operator/scan/physical_table_scan.hpp>

#include "duck/scan.hpp"

namespace tickstone::duck {

/// Totals of a whole table that its directories know: how many rows there are, and the ends of time.
class KnownTotals {
 public:
  /// Of `totals`, whose rows come from `scan` through the projections between, the lowest first. Nothing
  /// where something else is asked. Lifetime: of the scan.
  static std::optional<KnownTotals> find(const duckdb::PhysicalOperator& totals,
                                         const duckdb::PhysicalOperator& scan,
                                         const std::vector<const duckdb::PhysicalOperator*>& between);

  /// One row, into a chunk that is not initialized. Errors: those of storage, through DuckDB.
  void give(duckdb::ClientContext& context, duckdb::DataChunk& out) const;

 private:
  enum class Kind : std::uint8_t { Count, Oldest, Newest };

  const ScanBindData* bind_ = nullptr;
  std::vector<Kind> kinds_;  // by column of the output
  duckdb::vector<duckdb::LogicalType> types_;
};

}  // namespace tickstone::duck
