// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/instance.hpp"

namespace tickstone::duck {

/// `<column> <comparison> <expression without columns>`, found above a scan in the plan. The expression is
/// evaluated at every execution; DuckDB's own filter stays in place.
struct PushedComparison {
  std::size_t column = 0;  // of SourceRelation::columns
  duckdb::ExpressionType comparison =
      duckdb::ExpressionType::COMPARE_EQUAL;  // =, <, <=, >, >=, IN, IS [NOT] NULL
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> operands;
  std::string text;      // for EXPLAIN
  bool is_list = false;  // IN the elements of the only operand, an array
};

/// What one scan in a plan is bound to.
struct ScanBindData : duckdb::TableFunctionData {
  duckdb::ClientContext* context = nullptr;  // that the plan is made in, and which outlives it
  std::string name;
  SourceRelation relation;
  duckdb::idx_t estimated_rows = 1000;
  duckdb::vector<PushedComparison> comparisons;
  storage::ScanOrder order = storage::ScanOrder::Any;
  /// The running bound of a Top-N above, on `dynamic_column`.
  duckdb::shared_ptr<duckdb::DynamicFilterData> dynamic_filter;
  std::size_t dynamic_column = 0;
  std::optional<std::size_t> time_column;  // of a stored table, where it has no nulls
  std::vector<std::size_t> series_columns;
  /// The filter right above is of comparisons that storage takes as they are (`is_exact_condition`).
  bool is_filter_exact = false;
  /// The rows of each series that decide what is above, provided that all `time_comparisons` on time hold as
  /// storage understands them.
  storage::SeriesEnd series_end = storage::SeriesEnd::All;
  std::size_t time_comparisons = 0;
  /// Rows of both ends decide, and how often one comes does not: only where the scan is run by itself, twice.
  bool are_both_ends = false;
  duckdb::unique_ptr<duckdb::Expression> series_end_if_one;  // only where this is 1
  /// Of a copy that an operator of ours reads by itself: what it is read from, and what it need not return.
  std::shared_ptr<const storage::ReadView> view;
  std::vector<storage::ColumnPredicate> narrowed;

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override;
  bool Equals(const duckdb::FunctionData& other) const override;
};

inline constexpr const char* kScanFunction = "tickstone_scan";

/// The table function behind every relation of ours.
duckdb::TableFunction scan_function();
/// Finds relations by name where DuckDB does not.
duckdb::ReplacementScan replacement_scan();
/// Pushes comparisons and Top-N bounds into scans of ours.
duckdb::OptimizerExtension scan_optimizer();

/// The storage predicates of a scan, with the operands' present values. Never prunes a row that matches.
std::vector<storage::ColumnPredicate> evaluate_comparisons(duckdb::ClientContext& context,
                                                           const ScanBindData& bind);
/// The predicate of `<column> <comparison> <value>`, or nothing where it says nothing that storage could use.
std::optional<storage::ColumnPredicate> predicate_of(const SourceColumn& column,
                                                     duckdb::ExpressionType comparison,
                                                     const duckdb::vector<duckdb::Value>& values);

}  // namespace tickstone::duck
