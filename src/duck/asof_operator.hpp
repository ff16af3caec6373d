// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <duckdb/execution/physical_operator.hpp>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// An as-of join in the terms of its two inputs' columns.
struct AsofShape {
  bool keeps_all = false;    // LEFT JOIN
  bool looks_ahead = false;  // the inequality is < or <=
  bool is_strict = false;    // < or >
  // The equalities' sides, then the inequality's.
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> left;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> right;
  // Columns that come out.
  duckdb::vector<duckdb::idx_t> left_columns;
  duckdb::vector<duckdb::idx_t> right_columns;
  /// Of the relation on the right, by expression of `right`: the column that it is.
  std::vector<std::optional<std::size_t>> scanned;
  bool is_timed = false;  // the inequality's is the table's time
  std::string text;       // for EXPLAIN
};

/// An as-of join whose right side is a scan of ours under filters and projections, which is read by itself:
/// as rows come, in whatever order, each goes to the row on the left that it may be the partner of, and only
/// as far back as partners are not yet known. Rows on the left are gathered (DuckDB may spill them) and taken
/// `kPassRows` at a time, which bounds what is kept of the right.
class AsofMerge final : public duckdb::PhysicalOperator {
 public:
  static constexpr duckdb::idx_t kPassRows = duckdb::idx_t{1} << 20;

  AsofMerge(duckdb::PhysicalPlan& plan, duckdb::vector<duckdb::LogicalType> out, duckdb::idx_t estimate,
            duckdb::PhysicalOperator& left, duckdb::PhysicalOperator& right, AsofShape shape);

  std::string GetName() const override { return "ASOF_MERGE"; }
  duckdb::InsertionOrderPreservingMap<duckdb::string> ParamsToString() const override;

  bool IsSink() const override { return true; }
  bool ParallelSink() const override { return true; }
  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(
      duckdb::ClientContext& context) const override;
  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(
      duckdb::ExecutionContext& context) const override;
  duckdb::SinkResultType Sink(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override;
  duckdb::SinkCombineResultType Combine(duckdb::ExecutionContext& context,
                                        duckdb::OperatorSinkCombineInput& input) const override;

  bool IsSource() const override { return true; }
  duckdb::unique_ptr<duckdb::GlobalSourceState> GetGlobalSourceState(
      duckdb::ClientContext& context) const override;
  duckdb::SourceResultType GetData(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                                   duckdb::OperatorSourceInput& input) const override;

  duckdb::InsertionOrderPreservingMap<duckdb::string> ExtraSourceParams(
      duckdb::GlobalSourceState& global, duckdb::LocalSourceState& local) const override;

  duckdb::vector<duckdb::const_reference<duckdb::PhysicalOperator>> GetSources() const override {
    return {*this};
  }
  void BuildPipelines(duckdb::Pipeline& current, duckdb::MetaPipeline& meta_pipeline) override;

  const AsofShape& shape() const { return shape_; }
  duckdb::PhysicalOperator& left() const { return left_; }
  duckdb::PhysicalOperator& right() const { return right_; }

 private:
  duckdb::PhysicalOperator& left_;
  duckdb::PhysicalOperator& right_;
  const AsofShape shape_;
};

}  // namespace tickstone::duck
