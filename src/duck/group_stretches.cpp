// SPDX-License-Identifier: Apache-2.0
#include "duck/group_stretches.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <duckdb/planner/expression/bound_reference_expression.hpp>

#include "duck/few_groups.hpp"

namespace tickstone::duck {

namespace {

using duckdb::AggregateFunction;
using duckdb::AggregateInputData;
using duckdb::BoundAggregateExpression;
using duckdb::BoundReferenceExpression;
using duckdb::data_ptr_t;
using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::PhysicalHashAggregate;
using duckdb::PhysicalType;
using duckdb::Vector;

/// Rows a stretch has to have on average.
constexpr idx_t kLong = 6;

/// An aggregate whose rows are states of `function`, as pointers to them.
struct OfStates final : duckdb::FunctionData {
  OfStates(AggregateFunction function_in, duckdb::unique_ptr<duckdb::FunctionData> data_in)
      : function(std::move(function_in)), data(std::move(data_in)) {}

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<OfStates>(function, data ? data->Copy() : nullptr);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    return function == other.Cast<OfStates>().function &&
           duckdb::FunctionData::Equals(data.get(), other.Cast<OfStates>().data.get());
  }

  AggregateFunction function;
  duckdb::unique_ptr<duckdb::FunctionData> data;
};

void combine_with(Vector& source, Vector& target, AggregateInputData& input, idx_t count) {
  const auto& of = input.bind_data->Cast<OfStates>();
  AggregateInputData inner(of.data.get(), input.allocator);
  of.function.combine(source, target, inner, count);
}

void update_with_states(Vector inputs[], AggregateInputData& input, idx_t, Vector& states, idx_t count) {
  inputs[0].Flatten(count);
  combine_with(inputs[0], states, input, count);
}

void combine_states(Vector& source, Vector& target, AggregateInputData& input, idx_t count) {
  combine_with(source, target, input, count);
}

void finalize_states(Vector& states, AggregateInputData& input, Vector& result, idx_t count, idx_t offset) {
  const auto& of = input.bind_data->Cast<OfStates>();
  AggregateInputData inner(of.data.get(), input.allocator);
  of.function.finalize(states, inner, result, count, offset);
}

bool is_whole(PhysicalType type) { return plain_width(type).value_or(0) > 0; }
bool is_float(PhysicalType type) { return type == PhysicalType::FLOAT || type == PhysicalType::DOUBLE; }

/// Whether it is the same however its rows are parted, and its state has nothing outside itself.
bool is_parted(const BoundAggregateExpression& aggregate) {
  const AggregateFunction& function = aggregate.function;
  if (aggregate.IsDistinct() || aggregate.filter || aggregate.order_bys || function.destructor != nullptr ||
      function.update == nullptr || function.combine == nullptr || function.finalize == nullptr) {
    return false;
  }
  const std::string_view name = function.name;
  if (name == "count_star") return aggregate.children.empty();
  const auto are_all = [&](auto accepts) {
    return std::all_of(aggregate.children.begin(), aggregate.children.end(), [&](const auto& child) {
      return child->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF &&
             accepts(child->return_type.InternalType());
    });
  };
  if (name == "sum" || name == "avg") return aggregate.children.size() == 1 && are_all(is_whole);
  constexpr std::string_view kOthers[] = {"count",   "min",     "max",          "first",       "last",
                                          "arg_min", "arg_max", "arg_min_null", "arg_max_null"};
  return std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers) &&
         !aggregate.children.empty() && aggregate.children.size() <= 2 &&
         are_all([](PhysicalType type) { return is_whole(type) || is_float(type); });
}

/// What `op` is given of a group's column.
Vector& column_of(const duckdb::Expression& group, DataChunk& rows) {
  return rows.data[group.Cast<BoundReferenceExpression>().index];
}

/// Marks the rows whose value is another one than that of the row before.
void mark_changes(Vector& column, idx_t count, std::uint8_t* is_start) {
  if (column.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR) return;
  duckdb::UnifiedVectorFormat format;
  column.ToUnifiedFormat(count, format);
  const PhysicalType type = column.GetType().InternalType();
  if (type == PhysicalType::INT64 && format.validity.AllValid()) {
    const auto* values = duckdb::UnifiedVectorFormat::GetData<std::int64_t>(format);
    if (!format.sel->IsSet()) {
      for (idx_t row = 1; row < count; ++row)
        is_start[row] |= static_cast<std::uint8_t>(values[row] != values[row - 1]);
      return;
    }
    for (idx_t row = 1; row < count; ++row) {
      is_start[row] |= static_cast<std::uint8_t>(values[format.sel->get_index(row)] !=
                                                 values[format.sel->get_index(row - 1)]);
    }
    return;
  }
  const std::size_t width = *plain_width(type);
  const auto differ = [&](idx_t a, idx_t b) {
    const bool is_valid = format.validity.RowIsValid(a);
    if (is_valid != format.validity.RowIsValid(b)) return true;
    if (!is_valid) return false;
    if (width > 0) return std::memcmp(format.data + a * width, format.data + b * width, width) != 0;
    const auto* texts = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
    return texts[a] != texts[b];
  };
  for (idx_t row = 1; row < count; ++row) {
    const idx_t before = format.sel->get_index(row - 1), at = format.sel->get_index(row);
    if (before != at && is_start[row] == 0) is_start[row] = static_cast<std::uint8_t>(differ(before, at));
  }
}

void mark_starts(const PhysicalHashAggregate& op, DataChunk& rows, std::vector<std::uint8_t>& is_start) {
  is_start.assign(rows.size(), 0);
  if (rows.size() == 0) return;
  is_start[0] = 1;
  for (const auto& group : op.grouped_aggregate_data.groups)
    mark_changes(column_of(*group, rows), rows.size(), is_start.data());
}

}  // namespace

PhysicalHashAggregate* GroupStretches::plan(duckdb::ClientContext& context,
                                            duckdb::PhysicalPlanGenerator& planner,
                                            const PhysicalHashAggregate& op) {
  const auto& data = op.grouped_aggregate_data;
  const bool is_possible =
      !data.aggregates.empty() &&
      std::all_of(
          data.groups.begin(), data.groups.end(),
          [](const auto& group) { return plain_width(group->return_type.InternalType()).has_value(); }) &&
      std::all_of(data.aggregates.begin(), data.aggregates.end(), [](const auto& aggregate) {
        return is_parted(aggregate->template Cast<BoundAggregateExpression>());
      });
  if (!is_possible) return nullptr;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> groups, aggregates;
  for (const auto& group : data.groups)
    groups.push_back(duckdb::make_uniq<BoundReferenceExpression>(group->return_type, groups.size()));
  for (const auto& expression : data.aggregates) {
    const auto& aggregate = expression->Cast<BoundAggregateExpression>();
    AggregateFunction function = aggregate.function;
    function.arguments = {LogicalType::POINTER};
    function.update = update_with_states;
    function.combine = combine_states;
    function.finalize = finalize_states;
    function.simple_update = nullptr;
    function.window = nullptr;
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> children;
    children.push_back(
        duckdb::make_uniq<BoundReferenceExpression>(LogicalType::POINTER, groups.size() + aggregates.size()));
    auto states = duckdb::make_uniq<OfStates>(aggregate.function,
                                              aggregate.bind_info ? aggregate.bind_info->Copy() : nullptr);
    aggregates.push_back(duckdb::make_uniq<BoundAggregateExpression>(std::move(function), std::move(children),
                                                                     nullptr, std::move(states),
                                                                     duckdb::AggregateType::NON_DISTINCT));
  }
  return &planner
              .Make<PhysicalHashAggregate>(context, op.types, std::move(aggregates), std::move(groups),
                                           op.estimated_cardinality)
              .Cast<PhysicalHashAggregate>();
}

bool GroupStretches::are_long(const PhysicalHashAggregate& op, DataChunk& rows) {
  std::vector<std::uint8_t> is_start;
  mark_starts(op, rows, is_start);
  const auto count = static_cast<idx_t>(std::count(is_start.begin(), is_start.end(), 1));
  return count * kLong <= rows.size();
}

GroupStretches::Aggregate::Aggregate(const BoundAggregateExpression& expression_in,
                                     duckdb::ArenaAllocator& arena)
    : expression(expression_in),
      input(expression_in.bind_info.get(), arena),
      size((expression_in.function.state_size(expression_in.function) + 15) / 16 * 16),
      states(std::make_unique_for_overwrite<duckdb::data_t[]>(size * STANDARD_VECTOR_SIZE)),
      pointers(STANDARD_VECTOR_SIZE) {}

GroupStretches::GroupStretches(const PhysicalHashAggregate& op)
    : op_(op), arena_(duckdb::Allocator::DefaultAllocator()), starts_(STANDARD_VECTOR_SIZE) {
  duckdb::vector<LogicalType> types;
  for (const auto& group : op.grouped_aggregate_data.groups) types.push_back(group->return_type);
  const auto& aggregates = op.grouped_aggregate_data.aggregates;
  aggregates_.reserve(aggregates.size());
  for (const auto& aggregate : aggregates) {
    aggregates_.emplace_back(aggregate->Cast<BoundAggregateExpression>(), arena_);
    types.push_back(LogicalType::POINTER);
  }
  out_.InitializeEmpty(types);
}

void GroupStretches::find_starts(DataChunk& rows) {
  ascending_.clear();
  mark_starts(op_, rows, is_start_);
  count_ = 0;
  const auto* const begin = is_start_.data();
  const auto* const end = begin + rows.size();
  for (const auto* at = begin; at < end; ++at) {
    at = static_cast<const std::uint8_t*>(std::memchr(at, 1, static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    starts_.set_index(count_++, static_cast<idx_t>(at - begin));
  }
}

bool GroupStretches::is_ascending(const Values& values, idx_t rows) {
  for (const auto& [column, is_so] : ascending_) {
    if (column == values.column) return is_so;
  }
  const auto* at = reinterpret_cast<const std::int64_t*>(values.data);
  bool is_so = true;
  for (idx_t row = 1; row < rows; ++row) is_so &= (at[row] > at[row - 1]) | (is_start_[row] != 0);
  ascending_.emplace_back(values.column, is_so);
  return is_so;
}

/// Segments have a series' rows by time, so that first and last are mostly the ends of a stretch.
GroupStretches::Decisive GroupStretches::decisive_of(const Aggregate& aggregate,
                                                     const std::vector<Values>& values, idx_t rows) {
  const auto is_long = [](const Values& one) {
    return one.width == sizeof(std::int64_t) && one.type == PhysicalType::INT64;
  };
  const std::string_view name = aggregate.expression.function.name;
  if (values.size() == 1 && is_long(values[0])) {
    if (name == "min") return Decisive::Least;
    if (name == "max") return Decisive::Greatest;
  }
  if (values.size() == 2 && is_long(values[1])) {
    const bool is_first = name == "first" || name.starts_with("arg_min");
    const bool is_last = name == "last" || name.starts_with("arg_max");
    // Of equal moments it is the first row's value that both functions keep.
    if ((is_first || is_last) && is_ascending(values[1], rows))
      return is_first ? Decisive::First : Decisive::Last;
  }
  return Decisive::All;
}

bool GroupStretches::update_each(Aggregate& aggregate, DataChunk& rows, std::vector<Vector>& inputs) {
  const AggregateFunction& function = aggregate.expression.function;
  if (function.simple_update == nullptr) return false;
  std::vector<Values> values;
  std::vector<Vector> parts;  // of each column, which lie where the stretch does
  parts.reserve(std::max<std::size_t>(1, inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Vector& input = inputs[i];
    const auto type = input.GetType().InternalType();
    const idx_t column = aggregate.expression.children[i]->Cast<BoundReferenceExpression>().index;
    if (input.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR) {
      values.push_back({input.GetData(), 0, type, column});
      parts.emplace_back(input);
      continue;
    }
    input.Flatten(rows.size());
    if (!duckdb::FlatVector::Validity(input).AllValid()) return false;
    values.push_back({input.GetData(), duckdb::GetTypeIdSize(type), type, column});
    parts.emplace_back(input.GetType(), input.GetData());
  }
  const Decisive decisive = decisive_of(aggregate, values, rows.size());
  std::int64_t extreme = 0;
  for (idx_t stretch = 0; stretch < count_; ++stretch) {
    idx_t begin = starts_.get_index(stretch), end = end_of(stretch, rows.size());
    if (decisive == Decisive::Least || decisive == Decisive::Greatest) {
      const auto* all = reinterpret_cast<const std::int64_t*>(values[0].data);
      extreme = decisive == Decisive::Least ? *std::min_element(all + begin, all + end)
                                            : *std::max_element(all + begin, all + end);
      duckdb::FlatVector::SetData(parts[0], reinterpret_cast<data_ptr_t>(&extreme));
      function.simple_update(parts.data(), aggregate.input, 1, aggregate.state(stretch), 1);
      continue;
    }
    if (decisive == Decisive::First) end = begin + 1;
    if (decisive == Decisive::Last) begin = end - 1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].width != 0)
        duckdb::FlatVector::SetData(parts[i], values[i].data + begin * values[i].width);
    }
    function.simple_update(parts.data(), aggregate.input, parts.size(), aggregate.state(stretch),
                           end - begin);
  }
  return true;
}

void GroupStretches::update(Aggregate& aggregate, DataChunk& rows) {
  const AggregateFunction& function = aggregate.expression.function;
  for (idx_t stretch = 0; stretch < count_; ++stretch)
    function.initialize(function, aggregate.state(stretch));
  std::vector<Vector> inputs;
  inputs.reserve(std::max<std::size_t>(1, aggregate.expression.children.size()));
  for (const auto& child : aggregate.expression.children)
    inputs.emplace_back(rows.data[child->Cast<BoundReferenceExpression>().index]);
  if (update_each(aggregate, rows, inputs)) return;
  for (idx_t stretch = 0; stretch < count_; ++stretch) {
    std::fill(aggregate.pointers.begin() + static_cast<std::ptrdiff_t>(starts_.get_index(stretch)),
              aggregate.pointers.begin() + static_cast<std::ptrdiff_t>(end_of(stretch, rows.size())),
              aggregate.state(stretch));
  }
  Vector states(LogicalType::POINTER, reinterpret_cast<data_ptr_t>(aggregate.pointers.data()));
  function.update(inputs.data(), aggregate.input, inputs.size(), states, rows.size());
}

DataChunk& GroupStretches::take(DataChunk& rows) {
  find_starts(rows);
  const auto& groups = op_.grouped_aggregate_data.groups;
  for (idx_t i = 0; i < groups.size(); ++i) {
    Vector& column = column_of(*groups[i], rows);
    if (column.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR) {
      out_.data[i].Reference(column);
    } else {
      out_.data[i].Slice(column, starts_, count_);
    }
  }
  for (std::size_t i = 0; i < aggregates_.size(); ++i) {
    Aggregate& aggregate = aggregates_[i];
    update(aggregate, rows);
    for (idx_t stretch = 0; stretch < count_; ++stretch)
      aggregate.pointers[stretch] = aggregate.state(stretch);
    Vector states(LogicalType::POINTER, reinterpret_cast<data_ptr_t>(aggregate.pointers.data()));
    out_.data[groups.size() + i].Reference(states);
  }
  out_.SetCardinality(count_);
  return out_;
}

}  // namespace tickstone::duck
