// SPDX-License-Identifier: Apache-2.0
#include "duck/aggregate_states.hpp"

#include <algorithm>

#include <duckdb/planner/expression/bound_reference_expression.hpp>

namespace tickstone::duck {

namespace {

using duckdb::data_ptr_t;
using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::Vector;

bool is_column(const duckdb::Expression& expression) {
  return expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF;
}

Vector vector_of(std::vector<data_ptr_t>& states) {
  return {duckdb::LogicalType::POINTER, reinterpret_cast<data_ptr_t>(states.data())};
}

}  // namespace

bool AggregateStates::are_possible(const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& aggregates) {
  return std::all_of(aggregates.begin(), aggregates.end(), [](const auto& expression) {
    const auto& one = expression->template Cast<duckdb::BoundAggregateExpression>();
    return !one.IsDistinct() && !one.order_bys && one.function.update != nullptr &&
           one.function.finalize != nullptr && (!one.filter || is_column(*one.filter)) &&
           std::all_of(one.children.begin(), one.children.end(),
                       [](const auto& child) { return is_column(*child); });
  });
}

std::optional<std::size_t> AggregateStates::filter_column(const duckdb::BoundAggregateExpression& aggregate) {
  if (!aggregate.filter) return std::nullopt;
  return aggregate.filter->Cast<duckdb::BoundReferenceExpression>().index;
}

AggregateStates::AggregateStates(const duckdb::BoundAggregateExpression& aggregate,
                                 duckdb::ArenaAllocator& arena, std::optional<std::size_t> filter)
    : aggregate_(aggregate),
      function_(aggregate.function),
      input_(aggregate.bind_info.get(), arena),
      filter_(filter),
      size_((function_.state_size(function_) + 15) / 16 * 16) {}

AggregateStates::~AggregateStates() {
  if (function_.destructor == nullptr || states_.empty()) return;
  Vector all = vector_of(states_);
  function_.destructor(all, input_, states_.size());
}

void AggregateStates::grow(std::size_t count) {
  if (count <= states_.size()) return;
  const std::size_t more = count - states_.size();
  auto* at = blocks_
                 .emplace_back(
                     std::make_unique_for_overwrite<duckdb::data_t[]>(std::max<std::size_t>(size_ * more, 1)))
                 .get();
  states_.reserve(count);
  for (std::size_t i = 0; i < more; ++i, at += size_) {
    function_.initialize(function_, at);
    states_.push_back(at);
  }
}

idx_t AggregateStates::choose(DataChunk& rows) {
  if (!filter_) return rows.size();
  duckdb::UnifiedVectorFormat format;
  rows.data[*filter_].ToUnifiedFormat(rows.size(), format);
  const auto* values = reinterpret_cast<const bool*>(format.data);
  chosen_.Initialize(rows.size());
  idx_t count = 0;
  for (idx_t row = 0; row < rows.size(); ++row) {
    const auto at = format.sel->get_index(row);
    if (format.validity.RowIsValid(at) && values[at]) chosen_.set_index(count++, row);
  }
  return count;
}

std::vector<Vector> AggregateStates::inputs_of(DataChunk& rows, idx_t count) {
  std::vector<Vector> inputs;
  inputs.reserve(std::max<std::size_t>(1, aggregate_.children.size()));
  for (const auto& child : aggregate_.children) {
    Vector& column = rows.data[child->Cast<duckdb::BoundReferenceExpression>().index];
    if (filter_) {
      inputs.emplace_back(column, chosen_, count);
    } else {
      inputs.emplace_back(column);
    }
  }
  return inputs;
}

void AggregateStates::update(DataChunk& rows, const std::vector<std::uint32_t>& groups) {
  const idx_t count = choose(rows);
  if (count == 0) return;
  auto inputs = inputs_of(rows, count);
  std::vector<data_ptr_t> pointers(count);
  for (idx_t i = 0; i < count; ++i) pointers[i] = states_[groups[filter_ ? chosen_.get_index(i) : i]];
  Vector states = vector_of(pointers);
  function_.update(inputs.data(), input_, inputs.size(), states, count);
}

void AggregateStates::update_all(DataChunk& rows) {
  const idx_t count = choose(rows);
  if (count == 0) return;
  auto inputs = inputs_of(rows, count);
  function_.simple_update(inputs.data(), input_, inputs.size(), states_.front(), count);
}

void AggregateStates::finalize(Vector& out) {
  Vector all = vector_of(states_);
  function_.finalize(all, input_, out, states_.size(), 0);
}

}  // namespace tickstone::duck
