// SPDX-License-Identifier: Apache-2.0
#include "duck/few_rows_operator.hpp"

#include <algorithm>
#include <atomic>

#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/execution/operator/aggregate/physical_hash_aggregate.hpp>
#include <duckdb/execution/operator/order/physical_order.hpp>
#include <duckdb/parallel/thread_context.hpp>
#include <duckdb/storage/arena_allocator.hpp>

#include "duck/few_groups.hpp"
#include "duck/few_order.hpp"
#include "duck/group_stretches.hpp"

namespace tickstone::duck {

namespace {

using duckdb::ClientContext;
using duckdb::DataChunk;
using duckdb::ExecutionContext;
using duckdb::idx_t;
using duckdb::make_uniq;
using duckdb::unique_ptr;

constexpr idx_t kMostRows = STANDARD_VECTOR_SIZE;
/// Rows that come in order are gathered up to here: more are DuckDB's, which sorts with all threads.
constexpr idx_t kMostInOrder = 256 * kMostRows;

/// The rows of a thread: a chunk, and once they are more than it holds a collection instead.
struct Gathered {
  unique_ptr<DataChunk> few;
  unique_ptr<duckdb::ColumnDataCollection> many;
  unique_ptr<RowsInOrder> order;

  bool is_empty() const { return !few && !many; }
};

struct GlobalSink final : duckdb::GlobalSinkState {
  std::atomic<idx_t> row_count{0};
  std::atomic<bool> is_large{false};
  bool is_of_stretches = false;  // set before `is_large`
  std::mutex mutex;
  std::vector<Gathered> gathered;  // of threads that have ended
  unique_ptr<duckdb::ArenaAllocator>
      arena;                     // of the aggregates' states, which values of the result may lie in
  unique_ptr<DataChunk> result;  // else what was gathered is the answer
};

struct LocalSink final : duckdb::LocalSinkState {
  Gathered rows;
  unique_ptr<GroupStretches> stretches;
  unique_ptr<duckdb::LocalSinkState> inner;
};

struct GlobalSource final : duckdb::GlobalSourceState {
  unique_ptr<duckdb::GlobalSourceState> inner;  // nullptr: few rows, or rows in order
  std::atomic<bool> is_given{false};
  std::size_t part = 0;  // of what was gathered, which one thread reads
  unique_ptr<duckdb::ColumnDataScanState> scan;
  idx_t MaxThreads() override { return inner ? inner->MaxThreads() : 1; }
};

struct LocalSource final : duckdb::LocalSourceState {
  unique_ptr<duckdb::LocalSourceState> inner;
};

}  // namespace

FewRowsOperator::FewRowsOperator(duckdb::PhysicalPlan& plan, PhysicalOperator& inner,
                                 std::vector<OrderKey> keys, PhysicalOperator* of_stretches)
    : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, inner.types,
                       inner.estimated_cardinality),
      inner_(inner),
      keys_(std::move(keys)),
      of_stretches_(of_stretches) {
  for (auto& child : inner.children) children.push_back(child);
}

unique_ptr<duckdb::GlobalSinkState> FewRowsOperator::GetGlobalSinkState(ClientContext&) const {
  inner_.sink_state.reset();  // of an earlier execution
  if (of_stretches_ != nullptr) of_stretches_->sink_state.reset();
  return make_uniq<GlobalSink>();
}

unique_ptr<duckdb::LocalSinkState> FewRowsOperator::GetLocalSinkState(ExecutionContext&) const {
  return make_uniq<LocalSink>();
}

duckdb::PhysicalOperator& FewRowsOperator::large(duckdb::GlobalSinkState& global) const {
  return global.Cast<GlobalSink>().is_of_stretches ? *of_stretches_ : inner_;
}

duckdb::SinkResultType FewRowsOperator::give(ExecutionContext& context, DataChunk& rows,
                                             duckdb::GlobalSinkState& global,
                                             duckdb::LocalSinkState& local_state,
                                             duckdb::InterruptState& interrupt) const {
  auto& local = local_state.Cast<LocalSink>();
  PhysicalOperator& inner = large(global);
  duckdb::OperatorSinkInput input{*inner.sink_state, *local.inner, interrupt};
  return inner.Sink(context, local.stretches ? local.stretches->take(rows) : rows, input);
}

/// From now on DuckDB's operator takes this thread's rows, those gathered before and those of threads that
/// have ended.
void FewRowsOperator::become_large(ExecutionContext& context, duckdb::GlobalSinkState& global_state,
                                   duckdb::LocalSinkState& local_state, DataChunk* rows_at_hand,
                                   duckdb::InterruptState& interrupt) const {
  auto& global = global_state.Cast<GlobalSink>();
  auto& local = local_state.Cast<LocalSink>();
  std::vector<Gathered> gathered;
  {
    const std::scoped_lock guard(global.mutex);
    if (!global.is_large) {
      global.is_of_stretches =
          of_stretches_ != nullptr && rows_at_hand != nullptr &&
          GroupStretches::are_long(inner_.Cast<duckdb::PhysicalHashAggregate>(), *rows_at_hand);
      PhysicalOperator& inner = large(global);
      inner.sink_state = inner.GetGlobalSinkState(context.client);
      global.is_large = true;
    }
    gathered = std::move(global.gathered);
    global.gathered.clear();
  }
  local.inner = large(global).GetLocalSinkState(context);
  local.inner->partition_info = local.partition_info;
  if (global.is_of_stretches)
    local.stretches = make_uniq<GroupStretches>(inner_.Cast<duckdb::PhysicalHashAggregate>());
  if (!local.rows.is_empty()) gathered.push_back(std::move(local.rows));
  local.rows = {};
  for (auto& rows : gathered) {
    if (rows.few) give(context, *rows.few, global, local, interrupt);
    if (!rows.many) continue;
    for (auto& chunk : rows.many->Chunks()) give(context, chunk, global, local, interrupt);
  }
}

void FewRowsOperator::keep(ClientContext& client, duckdb::LocalSinkState& state, DataChunk& chunk) const {
  Gathered& rows = state.Cast<LocalSink>().rows;
  if (!rows.many && (rows.few ? rows.few->size() : 0) + chunk.size() <= kMostRows) {
    if (!rows.few) {
      rows.few = make_uniq<DataChunk>();
      rows.few->Initialize(duckdb::Allocator::Get(client), chunk.GetTypes());
    }
    rows.few->Append(chunk, true);
    return;
  }
  if (!rows.many) {
    // In DuckDB's memory, which is within a budget and may spill.
    rows.many = make_uniq<duckdb::ColumnDataCollection>(client, chunk.GetTypes());
    if (rows.few) rows.many->Append(*rows.few);
    rows.few.reset();
  }
  rows.many->Append(chunk);
}

duckdb::SinkResultType FewRowsOperator::Sink(ExecutionContext& context, DataChunk& chunk,
                                             duckdb::OperatorSinkInput& input) const {
  auto& global = input.global_state.Cast<GlobalSink>();
  auto& local = input.local_state.Cast<LocalSink>();
  if (!global.is_large) {
    const idx_t row_count = global.row_count.fetch_add(chunk.size()) + chunk.size();
    if (!local.rows.order && !keys_.empty()) local.rows.order = make_uniq<RowsInOrder>(context.client, keys_);
    const bool is_in_order = local.rows.order && local.rows.order->follow(chunk);
    if (row_count <= kMostRows || (is_in_order && row_count <= kMostInOrder)) {
      keep(context.client, local, chunk);
      return duckdb::SinkResultType::NEED_MORE_INPUT;
    }
  }
  if (!local.inner) become_large(context, global, local, &chunk, input.interrupt_state);
  return give(context, chunk, global, local, input.interrupt_state);
}

duckdb::SinkCombineResultType FewRowsOperator::Combine(ExecutionContext& context,
                                                       duckdb::OperatorSinkCombineInput& input) const {
  auto& global = input.global_state.Cast<GlobalSink>();
  auto& local = input.local_state.Cast<LocalSink>();
  if (!local.inner) {
    const std::scoped_lock guard(global.mutex);
    if (!global.is_large) {
      if (!local.rows.is_empty()) global.gathered.push_back(std::move(local.rows));
      return duckdb::SinkCombineResultType::FINISHED;
    }
  }
  if (!local.inner) become_large(context, global, local, nullptr, input.interrupt_state);
  PhysicalOperator& inner = large(global);
  duckdb::OperatorSinkCombineInput inner_input{*inner.sink_state, *local.inner, input.interrupt_state};
  return inner.Combine(context, inner_input);
}

void FewRowsOperator::PrepareFinalize(ClientContext& context, duckdb::GlobalSinkState& state) const {
  if (state.Cast<GlobalSink>().is_large) large(state).PrepareFinalize(context, *large(state).sink_state);
}

duckdb::SinkFinalizeType FewRowsOperator::Finalize(duckdb::Pipeline& pipeline, duckdb::Event& event,
                                                   ClientContext& context,
                                                   duckdb::OperatorSinkFinalizeInput& input) const {
  auto& global = input.global_state.Cast<GlobalSink>();
  if (global.is_large) {
    PhysicalOperator& inner = large(global);
    duckdb::OperatorSinkFinalizeInput inner_input{*inner.sink_state, input.interrupt_state};
    return inner.Finalize(pipeline, event, context, inner_input);
  }
  if (global.gathered.empty()) return duckdb::SinkFinalizeType::NO_OUTPUT_POSSIBLE;
  if (come_in_order(global)) return duckdb::SinkFinalizeType::READY;
  if (global.row_count > kMostRows)
    return finalize_large(pipeline, event, context, global, input.interrupt_state);
  DataChunk& rows = *global.gathered.front().few;
  for (std::size_t i = 1; i < global.gathered.size(); ++i) rows.Append(*global.gathered[i].few, true);
  global.result = make_uniq<DataChunk>();
  global.result->Initialize(duckdb::Allocator::Get(context), types);
  global.arena = make_uniq<duckdb::ArenaAllocator>(duckdb::Allocator::Get(context));
  answer(context, *global.arena, rows, *global.result);
  global.gathered.resize(1);  // which the result may refer to
  return duckdb::SinkFinalizeType::READY;
}

bool FewRowsOperator::come_in_order(duckdb::GlobalSinkState& state) const {
  auto& gathered = state.Cast<GlobalSink>().gathered;
  const bool is_each_in_order = std::all_of(gathered.begin(), gathered.end(), [](const Gathered& rows) {
    return rows.order && rows.order->is_in_order();
  });
  if (!is_each_in_order) return false;
  std::sort(gathered.begin(), gathered.end(),
            [](const Gathered& a, const Gathered& b) { return a.order->begins_before(*b.order); });
  for (std::size_t i = 1; i < gathered.size(); ++i) {
    if (!gathered[i - 1].order->ends_before(*gathered[i].order)) return false;
  }
  return true;
}

/// Each thread's rows were in order and all of them together are not: DuckDB's operator gets them after all.
duckdb::SinkFinalizeType FewRowsOperator::finalize_large(duckdb::Pipeline& pipeline, duckdb::Event& event,
                                                         ClientContext& context,
                                                         duckdb::GlobalSinkState& global,
                                                         duckdb::InterruptState& interrupt) const {
  duckdb::ThreadContext thread(context);
  ExecutionContext execution(context, thread, &pipeline);
  LocalSink local;
  become_large(execution, global, local, nullptr, interrupt);
  duckdb::OperatorSinkCombineInput combine{*inner_.sink_state, *local.inner, interrupt};
  inner_.Combine(execution, combine);
  inner_.PrepareFinalize(context, *inner_.sink_state);
  duckdb::OperatorSinkFinalizeInput finalize{*inner_.sink_state, interrupt};
  return inner_.Finalize(pipeline, event, context, finalize);
}

unique_ptr<duckdb::GlobalSourceState> FewRowsOperator::GetGlobalSourceState(ClientContext& context) const {
  auto state = make_uniq<GlobalSource>();
  if (sink_state->Cast<GlobalSink>().is_large)
    state->inner = large(*sink_state).GetGlobalSourceState(context);
  return state;
}

unique_ptr<duckdb::LocalSourceState> FewRowsOperator::GetLocalSourceState(
    ExecutionContext& context, duckdb::GlobalSourceState& state) const {
  auto local = make_uniq<LocalSource>();
  auto& global = state.Cast<GlobalSource>();
  if (global.inner) local->inner = large(*sink_state).GetLocalSourceState(context, *global.inner);
  return local;
}

namespace {

/// The next rows of what came in order, of these columns; false after the last.
bool next_in_order(GlobalSink& sink, GlobalSource& source, const duckdb::vector<idx_t>& columns,
                   DataChunk& chunk) {
  for (; source.part < sink.gathered.size(); ++source.part, source.scan.reset()) {
    Gathered& rows = sink.gathered[source.part];
    if (rows.few) {
      ++source.part;
      for (idx_t i = 0; i < columns.size(); ++i) chunk.data[i].Reference(rows.few->data[columns[i]]);
      chunk.SetCardinality(rows.few->size());
      return true;
    }
    if (!source.scan) {
      source.scan = make_uniq<duckdb::ColumnDataScanState>();
      rows.many->InitializeScan(*source.scan, columns);
    }
    if (rows.many->Scan(*source.scan, chunk)) return true;
  }
  return false;
}

}  // namespace

duckdb::SourceResultType FewRowsOperator::GetData(ExecutionContext& context, DataChunk& chunk,
                                                  duckdb::OperatorSourceInput& input) const {
  auto& global = input.global_state.Cast<GlobalSource>();
  if (global.inner) {
    auto& local = input.local_state.Cast<LocalSource>();
    duckdb::OperatorSourceInput inner{*global.inner, *local.inner, input.interrupt_state};
    return large(*sink_state).GetData(context, chunk, inner);
  }
  auto& sink = sink_state->Cast<GlobalSink>();
  if (sink.result) {
    if (global.is_given.exchange(true)) return duckdb::SourceResultType::FINISHED;
    chunk.Reference(*sink.result);
    return duckdb::SourceResultType::HAVE_MORE_OUTPUT;
  }
  if (sink.gathered.empty()) return duckdb::SourceResultType::FINISHED;
  return next_in_order(sink, global, inner_.Cast<duckdb::PhysicalOrder>().projections, chunk)
             ? duckdb::SourceResultType::HAVE_MORE_OUTPUT
             : duckdb::SourceResultType::FINISHED;
}

duckdb::OperatorPartitionData FewRowsOperator::GetPartitionData(
    ExecutionContext& context, DataChunk& chunk, duckdb::GlobalSourceState& global_state,
    duckdb::LocalSourceState& local_state, const duckdb::OperatorPartitionInfo& info) const {
  auto& global = global_state.Cast<GlobalSource>();
  if (!global.inner) return duckdb::OperatorPartitionData(0);
  return large(*sink_state)
      .GetPartitionData(context, chunk, *global.inner, *local_state.Cast<LocalSource>().inner, info);
}

void FewRowsOrder::answer(ClientContext& context, duckdb::ArenaAllocator&, DataChunk& rows,
                          DataChunk& out) const {
  const auto& order = inner_.Cast<duckdb::PhysicalOrder>();
  duckdb::SelectionVector places;
  const bool is_moved = sort_few(context, order.orders, rows, places);
  for (idx_t i = 0; i < order.projections.size(); ++i) {
    out.data[i].Reference(rows.data[order.projections[i]]);
    if (is_moved) out.data[i].Slice(places, rows.size());
  }
  out.SetCardinality(rows.size());
}

void FewRowsGroups::answer(ClientContext&, duckdb::ArenaAllocator& arena, DataChunk& rows,
                           DataChunk& out) const {
  FewGroups groups(inner_.Cast<duckdb::PhysicalHashAggregate>(), arena);
  groups.add(rows);
  groups.finish(out);
}

}  // namespace tickstone::duck
