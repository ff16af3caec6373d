// SPDX-License-Identifier: Apache-2.0
#include "duck/short_steps.hpp"

#include <algorithm>
#include <deque>
#include <numeric>

#include <duckdb/execution/operator/aggregate/physical_ungrouped_aggregate.hpp>
#include <duckdb/execution/operator/filter/physical_filter.hpp>
#include <duckdb/execution/operator/helper/physical_limit.hpp>
#include <duckdb/execution/operator/helper/physical_streaming_limit.hpp>
#include <duckdb/execution/operator/order/physical_order.hpp>
#include <duckdb/execution/operator/order/physical_top_n.hpp>
#include <duckdb/execution/operator/projection/physical_projection.hpp>
#include <duckdb/planner/expression/bound_parameter_data.hpp>

#include "duck/error_translation.hpp"
#include "duck/few_groups.hpp"
#include "duck/few_order.hpp"
#include "duck/few_rows_operator.hpp"
#include "duck/result_reader.hpp"
#include "duck/rows_in_order.hpp"
#include "duck/window_step.hpp"

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::PhysicalOperator;
using duckdb::PhysicalOperatorType;

/// What executors may keep of memory between runs.
constexpr std::size_t kMostKeptBytes = 64 << 10;
constexpr idx_t kMostRows = STANDARD_VECTOR_SIZE;

duckdb::Allocator& allocator() { return duckdb::Allocator::DefaultAllocator(); }

/// What an operator of ours stands for.
const PhysicalOperator& without_few_rows(const PhysicalOperator& op) {
  const auto* few = dynamic_cast<const FewRowsOperator*>(&op);
  return few == nullptr ? op : few->inner();
}

class FilterStep final : public ShortStep {
 public:
  FilterStep(duckdb::ClientContext& context, ShortExpressions& expressions, ShortStep& above)
      : executor_(expressions.executor(context)), above_(above) {}

  Flow take(DataChunk& rows) override {
    kept_.Initialize(rows.size());
    const idx_t count = executor_.SelectExpression(rows, kept_);
    if (count == 0) return Flow::More;
    if (count < rows.size()) rows.Slice(kept_, count);
    return above_.take(rows);
  }
  Flow end() override { return above_.end(); }

 private:
  duckdb::ExpressionExecutor& executor_;
  duckdb::SelectionVector kept_;
  ShortStep& above_;
};

class ProjectionStep final : public ShortStep {
 public:
  ProjectionStep(duckdb::ClientContext& context, ShortExpressions& expressions, ShortStep& above)
      : executor_(expressions.executor(context)), projected_(expressions.projected()), above_(above) {}

  Flow take(DataChunk& rows) override {
    projected_.Reset();
    executor_.Execute(rows, projected_);
    return above_.take(projected_);
  }
  Flow end() override { return above_.end(); }

 private:
  duckdb::ExpressionExecutor& executor_;
  DataChunk& projected_;
  ShortStep& above_;
};

class GroupsStep final : public ShortStep {
 public:
  GroupsStep(const duckdb::PhysicalHashAggregate& op, ShortStep& above)
      : op_(op), arena_(allocator()), groups_(op, arena_), above_(above) {}

  Flow take(DataChunk& rows) override { return groups_.add(rows) ? Flow::More : Flow::TooMuch; }
  Flow end() override {
    if (groups_.count() > 0) {
      out_.Initialize(allocator(), op_.types, groups_.count());
      groups_.finish(out_);
      if (above_.take(out_) == Flow::TooMuch) return Flow::TooMuch;
    }
    return above_.end();
  }

 private:
  const duckdb::PhysicalHashAggregate& op_;
  duckdb::ArenaAllocator arena_;
  FewGroups groups_;
  DataChunk out_;
  ShortStep& above_;
};

using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

/// Aggregates of all rows: DuckDB has a plain operator for them, and groups without columns where one of them
/// has no function for that.
class TotalsStep final : public ShortStep {
 public:
  TotalsStep(const PhysicalOperator& op, ShortStep& above)
      : op_(op),
        is_grouping_(op.type == PhysicalOperatorType::HASH_GROUP_BY),
        arena_(allocator()),
        above_(above) {
    for (const auto& expression : aggregates_of(op)) {
      const auto& aggregate = expression->Cast<duckdb::BoundAggregateExpression>();
      auto filter = AggregateStates::filter_column(aggregate);
      if (filter && is_grouping_)
        filter = op.Cast<duckdb::PhysicalHashAggregate>().filter_indexes.at(aggregate.filter.get());
      states_.emplace_back(aggregate, arena_, filter).grow(1);
    }
  }

  static const Expressions& aggregates_of(const PhysicalOperator& op) {
    return op.type == PhysicalOperatorType::HASH_GROUP_BY
               ? op.Cast<duckdb::PhysicalHashAggregate>().grouped_aggregate_data.aggregates
               : op.Cast<duckdb::PhysicalUngroupedAggregate>().aggregates;
  }

  Flow take(DataChunk& rows) override {
    if (is_grouping_) groups_.assign(rows.size(), 0);
    for (auto& one : states_) {
      if (is_grouping_) {
        one.update(rows, groups_);
      } else {
        one.update_all(rows);
      }
    }
    return Flow::More;
  }
  Flow end() override {
    out_.Initialize(allocator(), op_.types, 1);
    for (std::size_t i = 0; i < states_.size(); ++i) states_[i].finalize(out_.data[i]);
    out_.SetCardinality(1);
    return above_.take(out_) == Flow::TooMuch ? Flow::TooMuch : above_.end();
  }

 private:
  const PhysicalOperator& op_;
  const bool is_grouping_;
  duckdb::ArenaAllocator arena_;
  std::deque<AggregateStates> states_;
  std::vector<std::uint32_t> groups_;
  DataChunk out_;
  ShortStep& above_;
};

bool is_totals(const PhysicalOperator& op) {
  if (op.type == PhysicalOperatorType::UNGROUPED_AGGREGATE) return true;
  if (op.type != PhysicalOperatorType::HASH_GROUP_BY) return false;
  const auto& grouping = op.Cast<duckdb::PhysicalHashAggregate>();
  return grouping.grouped_aggregate_data.groups.empty() && grouping.grouping_sets.size() == 1;
}

/// ORDER BY, with a LIMIT that is a constant or without one. More rows than it sorts it sends on as they
/// come, as long as they come in order.
class OrderStep final : public ShortStep {
 public:
  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t limit = UINT64_MAX;
  };
  /// `columns`: of the rows, in the order of the output; nullptr: all.
  OrderStep(duckdb::ClientContext& context, const PhysicalOperator& op,
            const duckdb::vector<duckdb::BoundOrderByNode>& orders, const duckdb::vector<idx_t>* columns,
            Range range, bool is_input_kept, ShortStep& above)
      : context_(context),
        op_(op),
        orders_(orders),
        columns_(columns),
        range_(range),
        is_input_kept_(is_input_kept),
        keys_(range.offset == 0 && range.limit == UINT64_MAX ? order_keys_of(orders)
                                                             : std::vector<OrderKey>()),
        above_(above) {}

  Flow take(DataChunk& rows) override {
    if (in_order_) return pass_on(rows);
    if (gathered_.size() + rows.size() > kMostRows) {
      if (keys_.empty()) return Flow::TooMuch;
      in_order_.emplace(context_, keys_);
      const Flow flow = pass_on(gathered_);
      return flow == Flow::More ? pass_on(rows) : flow;
    }
    if (gathered_.ColumnCount() == 0) {
      if (is_input_kept_) {
        gathered_.InitializeEmpty(rows.GetTypes());
        gathered_.Reference(rows);
        return Flow::More;
      }
      gathered_.Initialize(allocator(), rows.GetTypes());
    }
    gathered_.Append(rows);
    return Flow::More;
  }

  Flow end() override {
    if (in_order_) return above_.end();
    const idx_t count = gathered_.size();
    const idx_t first = std::min<std::uint64_t>(range_.offset, count);
    const idx_t wanted = std::min<std::uint64_t>(range_.limit, count - first);
    if (wanted == 0) return above_.end();
    duckdb::SelectionVector places;
    bool is_moved = sort_few(context_, orders_, gathered_, places);
    if (wanted < count) {
      duckdb::SelectionVector some(wanted);
      for (idx_t i = 0; i < wanted; ++i)
        some.set_index(i, is_moved ? places.get_index(first + i) : first + i);
      places.Initialize(some);
      is_moved = true;
    }
    out_.InitializeEmpty(op_.types);
    for (idx_t i = 0; i < out_.ColumnCount(); ++i) {
      out_.data[i].Reference(gathered_.data[columns_ == nullptr ? i : (*columns_)[i]]);
      if (is_moved) out_.data[i].Slice(places, wanted);
    }
    out_.SetCardinality(wanted);
    return above_.take(out_) == Flow::TooMuch ? Flow::TooMuch : above_.end();
  }

 private:
  Flow pass_on(DataChunk& rows) {
    if (rows.size() == 0) return Flow::More;
    if (!in_order_->follow(rows)) return Flow::TooMuch;
    if (out_.ColumnCount() == 0) out_.InitializeEmpty(op_.types);
    for (idx_t i = 0; i < out_.ColumnCount(); ++i)
      out_.data[i].Reference(rows.data[columns_ == nullptr ? i : (*columns_)[i]]);
    out_.SetCardinality(rows.size());
    return above_.take(out_);
  }

  duckdb::ClientContext& context_;
  const PhysicalOperator& op_;
  const duckdb::vector<duckdb::BoundOrderByNode>& orders_;
  const duckdb::vector<idx_t>* columns_;
  Range range_;
  bool is_input_kept_;
  const std::vector<OrderKey> keys_;
  std::optional<RowsInOrder> in_order_;
  DataChunk gathered_;
  DataChunk out_;
  ShortStep& above_;
};

class LimitStep final : public ShortStep {
 public:
  LimitStep(std::uint64_t limit, std::uint64_t offset, ShortStep& above)
      : left_(limit), to_skip_(offset), above_(above) {}

  Flow take(DataChunk& rows) override {
    const idx_t skipped = std::min<std::uint64_t>(to_skip_, rows.size());
    const idx_t wanted = std::min<std::uint64_t>(left_, rows.size() - skipped);
    to_skip_ -= skipped;
    left_ -= wanted;
    if (wanted > 0) {
      if (wanted < rows.size()) {
        duckdb::SelectionVector some(wanted);
        for (idx_t i = 0; i < wanted; ++i) some.set_index(i, skipped + i);
        rows.Slice(some, wanted);
      }
      const Flow flow = above_.take(rows);
      if (flow != Flow::More) return flow;
    }
    return left_ == 0 ? Flow::Enough : Flow::More;
  }
  Flow end() override { return above_.end(); }

 private:
  std::uint64_t left_;
  std::uint64_t to_skip_;
  ShortStep& above_;
};

/// The number that a LIMIT or OFFSET is now: `none` where it is none. Nothing where it is computed.
std::optional<std::int64_t> number_of(const duckdb::BoundLimitNode& node, std::int64_t none) {
  const duckdb::Value* value = nullptr;
  switch (node.Type()) {
    case duckdb::LimitNodeType::UNSET:
      return none;
    case duckdb::LimitNodeType::CONSTANT_VALUE:
      return static_cast<std::int64_t>(std::min<idx_t>(node.GetConstantValue(), INT64_MAX));
    case duckdb::LimitNodeType::EXPRESSION_VALUE: {
      const auto& expression = node.GetValueExpression();
      if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_PARAMETER)
        value = &expression.Cast<duckdb::BoundParameterExpression>().parameter_data->GetValue();
      break;
    }
    default:
      break;
  }
  if (value == nullptr || value->type().id() != duckdb::LogicalTypeId::BIGINT) return std::nullopt;
  return value->IsNull() ? none : value->GetValueUnsafe<std::int64_t>();
}

/// Errors: InvalidRowCountInLimit, InvalidRowCountInOffset, through DuckDB.
void check_row_count(std::int64_t number, ErrorCode code, const char* word) {
  if (number < 0) throw_through_duckdb(code, std::string(word) + " must not be negative");
}

struct LimitNodes {
  const duckdb::BoundLimitNode& limit;
  const duckdb::BoundLimitNode& offset;
};

LimitNodes limit_nodes(const PhysicalOperator& op) {
  if (op.type == PhysicalOperatorType::LIMIT) {
    const auto& limit = op.Cast<duckdb::PhysicalLimit>();
    return {limit.limit_val, limit.offset_val};
  }
  const auto& limit = op.Cast<duckdb::PhysicalStreamingLimit>();
  return {limit.limit_val, limit.offset_val};
}

bool is_limit(const PhysicalOperator& op) {
  return op.type == PhysicalOperatorType::LIMIT || op.type == PhysicalOperatorType::STREAMING_LIMIT;
}

}  // namespace

// What computes expressions

ShortExpressions::ShortExpressions(const PhysicalOperator& op) : op_(op) {
  if (op.type == PhysicalOperatorType::FILTER) {
    look_at(*op.Cast<duckdb::PhysicalFilter>().expression, true);
    return;
  }
  for (const auto& one : op.Cast<duckdb::PhysicalProjection>().select_list) {
    look_at(*one, true);
    if (one->GetExpressionClass() != duckdb::ExpressionClass::BOUND_REF)
      buffer_bytes_ += kMostRows * duckdb::GetTypeIdSize(one->return_type.InternalType());
  }
}

void ShortExpressions::look_at(const duckdb::Expression& expression, bool is_top) {
  are_volatile_ |= expression.IsVolatile();
  switch (expression.GetExpressionClass()) {
    case duckdb::ExpressionClass::BOUND_REF:
    case duckdb::ExpressionClass::BOUND_CONSTANT:
    case duckdb::ExpressionClass::BOUND_PARAMETER:
      return;
    case duckdb::ExpressionClass::BOUND_FUNCTION: {
      const auto& function = expression.Cast<duckdb::BoundFunctionExpression>();
      needs_query_ |= function.function.name == "current_query";
      // What a function makes of a dictionary is remembered beside its state.
      may_be_kept_ &= function.function.init_local_state == nullptr &&
                      std::none_of(function.children.begin(), function.children.end(), [](const auto& child) {
                        return child->return_type.InternalType() == duckdb::PhysicalType::VARCHAR;
                      });
      break;
    }
    case duckdb::ExpressionClass::BOUND_CAST:
      may_be_kept_ &= expression.Cast<duckdb::BoundCastExpression>().bound_cast.init_local_state == nullptr;
      break;
    default:
      break;
  }
  if (!is_top) buffer_bytes_ += kMostRows * duckdb::GetTypeIdSize(expression.return_type.InternalType());
  duckdb::ExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::Expression& child) { look_at(child, false); });
}

duckdb::ExpressionExecutor& ShortExpressions::executor(duckdb::ClientContext& context) {
  if (!executor_) {
    executor_ = op_.type == PhysicalOperatorType::FILTER
                    ? std::make_unique<duckdb::ExpressionExecutor>(
                          context, *op_.Cast<duckdb::PhysicalFilter>().expression)
                    : std::make_unique<duckdb::ExpressionExecutor>(
                          context, op_.Cast<duckdb::PhysicalProjection>().select_list);
  }
  return *executor_;
}

DataChunk& ShortExpressions::projected() {
  if (!projected_) {
    duckdb::vector<bool> is_computed;
    for (const auto& one : op_.Cast<duckdb::PhysicalProjection>().select_list)
      is_computed.push_back(one->GetExpressionClass() != duckdb::ExpressionClass::BOUND_REF);
    projected_ = std::make_unique<DataChunk>();
    projected_->Initialize(allocator(), op_.types, is_computed);
  }
  return *projected_;
}

void ShortExpressions::release() {
  if (may_be_kept_ && buffer_bytes_ <= kMostKeptBytes) {
    if (projected_) projected_->Reset();  // of what it refers to
    return;
  }
  executor_.reset();
  projected_.reset();
}

// Operators

bool has_short_step(const PhysicalOperator& wrapped) {
  const PhysicalOperator& op = without_few_rows(wrapped);
  switch (op.type) {
    case PhysicalOperatorType::FILTER:
    case PhysicalOperatorType::PROJECTION:
      return !ShortExpressions(op).needs_query();
    case PhysicalOperatorType::HASH_GROUP_BY:
    case PhysicalOperatorType::UNGROUPED_AGGREGATE:
      return is_totals(op) ? AggregateStates::are_possible(TotalsStep::aggregates_of(op))
                           : FewGroups::is_possible(op.Cast<duckdb::PhysicalHashAggregate>());
    case PhysicalOperatorType::ORDER_BY:
    case PhysicalOperatorType::LIMIT:
    case PhysicalOperatorType::STREAMING_LIMIT:
      return true;
    case PhysicalOperatorType::TOP_N:
      return !op.Cast<duckdb::PhysicalTopN>().dynamic_filter;
    case PhysicalOperatorType::WINDOW:
      return has_window_step(op);
    default:
      return false;
  }
}

Gathering gathering_of(const PhysicalOperator& wrapped) {
  const PhysicalOperator& op = without_few_rows(wrapped);
  switch (op.type) {
    case PhysicalOperatorType::HASH_GROUP_BY:
    case PhysicalOperatorType::UNGROUPED_AGGREGATE:
      return is_totals(op) ? Gathering::Totals : Gathering::Groups;
    case PhysicalOperatorType::ORDER_BY:
    case PhysicalOperatorType::TOP_N:
      return Gathering::Rows;
    case PhysicalOperatorType::WINDOW:
      return Gathering::Windows;
    default:
      return Gathering::Nothing;
  }
}

std::unique_ptr<ShortStep> make_short_step(duckdb::ClientContext& context, const PhysicalOperator& wrapped,
                                           ShortExpressions* expressions, bool is_input_kept,
                                           ShortStep& above) {
  const PhysicalOperator& op = without_few_rows(wrapped);
  switch (op.type) {
    case PhysicalOperatorType::FILTER:
      return std::make_unique<FilterStep>(context, *expressions, above);
    case PhysicalOperatorType::PROJECTION:
      return std::make_unique<ProjectionStep>(context, *expressions, above);
    case PhysicalOperatorType::HASH_GROUP_BY:
    case PhysicalOperatorType::UNGROUPED_AGGREGATE:
      if (is_totals(op)) return std::make_unique<TotalsStep>(op, above);
      return std::make_unique<GroupsStep>(op.Cast<duckdb::PhysicalHashAggregate>(), above);
    case PhysicalOperatorType::WINDOW:
      return make_window_step(context, op, above);
    case PhysicalOperatorType::ORDER_BY: {
      const auto& order = op.Cast<duckdb::PhysicalOrder>();
      return std::make_unique<OrderStep>(context, op, order.orders, &order.projections, OrderStep::Range{},
                                         is_input_kept, above);
    }
    case PhysicalOperatorType::TOP_N: {
      const auto& top = op.Cast<duckdb::PhysicalTopN>();
      return std::make_unique<OrderStep>(context, op, top.orders, nullptr,
                                         OrderStep::Range{top.offset, top.limit}, is_input_kept, above);
    }
    default: {
      const auto nodes = limit_nodes(op);
      const auto limit = number_of(nodes.limit, INT64_MAX);
      const auto offset = number_of(nodes.offset, 0);
      if (!limit || !offset) return nullptr;
      check_row_count(*offset, ErrorCode::InvalidRowCountInOffset, "OFFSET");
      check_row_count(*limit, ErrorCode::InvalidRowCountInLimit, "LIMIT");
      return std::make_unique<LimitStep>(static_cast<std::uint64_t>(*limit),
                                         static_cast<std::uint64_t>(*offset), above);
    }
  }
}

std::optional<std::uint64_t> limit_of(const PhysicalOperator& op) {
  if (!is_limit(op)) return std::nullopt;
  const auto nodes = limit_nodes(op);
  const auto limit = number_of(nodes.limit, INT64_MAX);
  const auto offset = number_of(nodes.offset, 0);
  const auto is_small = [](const auto& number) { return number && *number >= 0 && *number <= UINT32_MAX; };
  if (!is_small(limit) || !is_small(offset)) return std::nullopt;
  return static_cast<std::uint64_t>(*limit + *offset);
}

Flow ShortAnswer::take(DataChunk& rows) {
  batches.push_back(batch_from_chunk(rows, LongNumbers::AsText));
  for (const auto& column : batches.back().columns) bytes_ += column.memory_bytes();
  return bytes_ > most_bytes_ ? Flow::TooMuch : Flow::More;
}

}  // namespace tickstone::duck
