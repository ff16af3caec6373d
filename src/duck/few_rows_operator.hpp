// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <duckdb/execution/operator/order/physical_order.hpp>
#include <duckdb/execution/physical_operator.hpp>

#include "duck/duckdb_api.hpp"
#include "duck/rows_in_order.hpp"

namespace tickstone::duck {

/// An operator that gathers its input and, where that ends before kScanRows rows, answers by itself; else
/// DuckDB's `inner`, which it was planned as, is given all rows. Rows that come in the order of `keys`, where
/// there are any, are gathered further, and are the answer as they came. Where there is `of_stretches`, which
/// `GroupStretches` has planned, and the rows are in long ones, that is given them instead of `inner`.
/// Threads: as DuckDB's sinks and sources.
class FewRowsOperator : public duckdb::PhysicalOperator {
 public:
  FewRowsOperator(duckdb::PhysicalPlan& plan, duckdb::PhysicalOperator& inner,
                  std::vector<OrderKey> keys = {}, duckdb::PhysicalOperator* of_stretches = nullptr);

  const duckdb::PhysicalOperator& inner() const { return inner_; }

  std::string GetName() const override { return inner_.GetName(); }
  duckdb::InsertionOrderPreservingMap<duckdb::string> ParamsToString() const override {
    return inner_.ParamsToString();
  }

  bool IsSink() const override { return true; }
  bool ParallelSink() const override { return inner_.ParallelSink(); }
  bool SinkOrderDependent() const override { return inner_.SinkOrderDependent(); }
  duckdb::OperatorPartitionInfo RequiredPartitionInfo() const override {
    return inner_.RequiredPartitionInfo();
  }
  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(
      duckdb::ClientContext& context) const override;
  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(
      duckdb::ExecutionContext& context) const override;
  duckdb::SinkResultType Sink(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override;
  duckdb::SinkCombineResultType Combine(duckdb::ExecutionContext& context,
                                        duckdb::OperatorSinkCombineInput& input) const override;
  void PrepareFinalize(duckdb::ClientContext& context, duckdb::GlobalSinkState& state) const override;
  duckdb::SinkFinalizeType Finalize(duckdb::Pipeline& pipeline, duckdb::Event& event,
                                    duckdb::ClientContext& context,
                                    duckdb::OperatorSinkFinalizeInput& input) const override;

  bool IsSource() const override { return true; }
  bool ParallelSource() const override { return inner_.ParallelSource(); }
  bool SupportsPartitioning(const duckdb::OperatorPartitionInfo& info) const override {
    return inner_.SupportsPartitioning(info);
  }
  duckdb::OrderPreservationType SourceOrder() const override { return inner_.SourceOrder(); }
  duckdb::unique_ptr<duckdb::GlobalSourceState> GetGlobalSourceState(
      duckdb::ClientContext& context) const override;
  duckdb::unique_ptr<duckdb::LocalSourceState> GetLocalSourceState(
      duckdb::ExecutionContext& context, duckdb::GlobalSourceState& state) const override;
  duckdb::SourceResultType GetData(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                                   duckdb::OperatorSourceInput& input) const override;
  duckdb::OperatorPartitionData GetPartitionData(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                                                 duckdb::GlobalSourceState& global,
                                                 duckdb::LocalSourceState& local,
                                                 const duckdb::OperatorPartitionInfo& info) const override;

 protected:
  /// The answer for these rows, which are at least one and at most kScanRows. The arena lives as long as the
  /// answer.
  virtual void answer(duckdb::ClientContext& context, duckdb::ArenaAllocator& arena, duckdb::DataChunk& rows,
                      duckdb::DataChunk& out) const = 0;

  duckdb::PhysicalOperator& inner_;
  const std::vector<OrderKey> keys_;

 private:
  /// What more rows than few are given to.
  duckdb::PhysicalOperator& large(duckdb::GlobalSinkState& global) const;
  /// Whether all rows that were gathered, thread by thread, may stand one after the other; sorts the threads.
  bool come_in_order(duckdb::GlobalSinkState& state) const;
  void keep(duckdb::ClientContext& client, duckdb::LocalSinkState& state, duckdb::DataChunk& chunk) const;
  duckdb::SinkFinalizeType finalize_large(duckdb::Pipeline& pipeline, duckdb::Event& event,
                                          duckdb::ClientContext& context, duckdb::GlobalSinkState& global,
                                          duckdb::InterruptState& interrupt) const;
  duckdb::SinkResultType give(duckdb::ExecutionContext& context, duckdb::DataChunk& rows,
                              duckdb::GlobalSinkState& global, duckdb::LocalSinkState& local,
                              duckdb::InterruptState& interrupt) const;
  /// `rows`: those at hand, by which it is told whether stretches are long; nullptr: few in all.
  void become_large(duckdb::ExecutionContext& context, duckdb::GlobalSinkState& global,
                    duckdb::LocalSinkState& local, duckdb::DataChunk* rows,
                    duckdb::InterruptState& interrupt) const;

  duckdb::PhysicalOperator* const of_stretches_;
};

/// ORDER BY.
class FewRowsOrder final : public FewRowsOperator {
 public:
  FewRowsOrder(duckdb::PhysicalPlan& plan, duckdb::PhysicalOperator& inner)
      : FewRowsOperator(plan, inner, order_keys_of(inner.Cast<duckdb::PhysicalOrder>().orders)) {}

 protected:
  void answer(duckdb::ClientContext& context, duckdb::ArenaAllocator& arena, duckdb::DataChunk& rows,
              duckdb::DataChunk& out) const override;
};

/// GROUP BY of columns, with aggregates of columns.
class FewRowsGroups final : public FewRowsOperator {
 public:
  FewRowsGroups(duckdb::PhysicalPlan& plan, duckdb::PhysicalOperator& inner,
                duckdb::PhysicalOperator* of_stretches)
      : FewRowsOperator(plan, inner, {}, of_stretches) {}

 protected:
  void answer(duckdb::ClientContext& context, duckdb::ArenaAllocator& arena, duckdb::DataChunk& rows,
              duckdb::DataChunk& out) const override;
};

}  // namespace tickstone::duck
