// SPDX-License-Identifier: Apache-2.0
#include "duck/few_groups.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include <duckdb/function/create_sort_key.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::PhysicalType;
using duckdb::Vector;

/// One column of the keys at hand.
struct KeyColumn {
  KeyColumn(Vector& vector, idx_t count) : width(*plain_width(vector.GetType().InternalType())) {
    vector.ToUnifiedFormat(count, format);
  }

  bool is_same(idx_t a, idx_t b) const {
    const auto left = format.sel->get_index(a);
    const auto right = format.sel->get_index(b);
    if (left == right) return true;
    const bool is_valid = format.validity.RowIsValid(left);
    if (is_valid != format.validity.RowIsValid(right)) return false;
    if (!is_valid) return true;
    if (width == sizeof(std::int64_t)) {
      const auto* values = reinterpret_cast<const std::int64_t*>(format.data);
      return values[left] == values[right];
    }
    if (width > 0) return std::memcmp(format.data + left * width, format.data + right * width, width) == 0;
    const auto* texts = reinterpret_cast<const duckdb::string_t*>(format.data);
    return texts[left] == texts[right];
  }

  void append(idx_t row, std::string& key) const {
    const auto at = format.sel->get_index(row);
    const bool is_valid = format.validity.RowIsValid(at);
    key += is_valid ? '\1' : '\0';
    if (!is_valid) return;
    if (width > 0) {
      key.append(reinterpret_cast<const char*>(format.data + at * width), width);
      return;
    }
    const auto& text = reinterpret_cast<const duckdb::string_t*>(format.data)[at];
    const auto size = static_cast<std::uint32_t>(text.GetSize());
    key.append(reinterpret_cast<const char*>(&size), sizeof size);
    key.append(text.GetData(), size);
  }

  duckdb::UnifiedVectorFormat format;
  std::size_t width;  // 0: text
};

}  // namespace

std::optional<std::size_t> plain_width(PhysicalType type) {
  switch (type) {
    case PhysicalType::BOOL:
    case PhysicalType::INT8:
    case PhysicalType::UINT8:
    case PhysicalType::INT16:
    case PhysicalType::UINT16:
    case PhysicalType::INT32:
    case PhysicalType::UINT32:
    case PhysicalType::INT64:
    case PhysicalType::UINT64:
    case PhysicalType::INT128:
    case PhysicalType::UINT128:
      return duckdb::GetTypeIdSize(type);
    case PhysicalType::VARCHAR:
      return 0;
    default:
      return std::nullopt;
  }
}

void KeyNumbers::grow() {
  constexpr std::size_t kFewestSlots = 256;
  slots_.assign(std::max(kFewestSlots, slots_.size() * 2), 0);
  for (std::uint32_t number = 0; number < ends_.size(); ++number) {
    auto at = std::hash<std::string_view>()(key_of(number)) % slots_.size();
    while (slots_[at] != 0) at = (at + 1) % slots_.size();
    slots_[at] = number + 1;
  }
}

std::pair<std::uint32_t, bool> KeyNumbers::find(std::string_view key) {
  if (ends_.size() * 2 >= slots_.size()) grow();
  auto at = std::hash<std::string_view>()(key) % slots_.size();
  for (; slots_[at] != 0; at = (at + 1) % slots_.size()) {
    if (key_of(slots_[at] - 1) == key) return {slots_[at] - 1, false};
  }
  bytes_ += key;
  ends_.push_back(bytes_.size());
  slots_[at] = static_cast<std::uint32_t>(ends_.size());
  return {slots_[at] - 1, true};
}

bool FewGroups::is_possible(const duckdb::PhysicalHashAggregate& op) {
  const auto& data = op.grouped_aggregate_data;
  // One set of all columns has lists of GROUPING calls that are empty.
  const bool has_calls = std::any_of(data.grouping_functions.begin(), data.grouping_functions.end(),
                                     [](const auto& call) { return !call.empty(); });
  if (data.groups.empty() || op.grouping_sets.size() != 1 ||
      op.grouping_sets[0].size() != data.groups.size() || has_calls) {
    return false;
  }
  return std::all_of(data.groups.begin(), data.groups.end(),
                     [](const auto& group) {
                       return group->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF;
                     }) &&
         AggregateStates::are_possible(data.aggregates);
}

FewGroups::FewGroups(const duckdb::PhysicalHashAggregate& op, duckdb::ArenaAllocator& arena)
    : columns_(op.grouped_aggregate_data.groups) {
  for (const auto& group : columns_) {
    types_.push_back(group->return_type);
    is_plain_ &= plain_width(group->return_type.InternalType()).has_value();
  }
  for (const auto& expression : op.grouped_aggregate_data.aggregates) {
    const auto& aggregate = expression->Cast<duckdb::BoundAggregateExpression>();
    // DuckDB's operator has changed the column of a FILTER to the one that it copies it to.
    aggregates_.emplace_back(
        aggregate, arena,
        aggregate.filter ? std::optional(op.filter_indexes.at(aggregate.filter.get())) : std::nullopt);
  }
}

bool FewGroups::add(DataChunk& rows) {
  DataChunk keys;
  keys.InitializeEmpty(types_);
  for (idx_t i = 0; i < columns_.size(); ++i)
    keys.data[i].Reference(rows.data[columns_[i]->Cast<duckdb::BoundReferenceExpression>().index]);
  keys.SetCardinality(rows.size());
  groups_.resize(rows.size());
  first_rows_.Initialize(rows.size());
  new_groups_ = 0;
  if (is_plain_) {
    find_by_values(keys);
  } else {
    find_by_sort_keys(keys);
  }
  if (known_.count() > kMostGroups) return false;
  if (new_groups_ > 0) {
    if (keys_.ColumnCount() == 0)
      keys_.Initialize(duckdb::Allocator::DefaultAllocator(), types_, kMostGroups);
    for (idx_t i = 0; i < types_.size(); ++i) {
      duckdb::VectorOperations::Copy(keys.data[i], keys_.data[i], first_rows_, new_groups_, 0,
                                     known_.count() - new_groups_);
    }
    keys_.SetCardinality(known_.count());
  }
  for (auto& aggregate : aggregates_) {
    aggregate.grow(known_.count());
    aggregate.update(rows, groups_);
  }
  return true;
}

std::uint32_t FewGroups::group_of(std::string_view key, idx_t row) {
  const auto [group, is_new] = known_.find(key);
  if (is_new) first_rows_.set_index(new_groups_++, row);
  return group;
}

void FewGroups::find_by_values(DataChunk& keys) {
  std::vector<KeyColumn> columns;
  columns.reserve(keys.ColumnCount());
  for (auto& column : keys.data) columns.emplace_back(column, keys.size());
  std::string key;
  for (idx_t row = 0; row < keys.size(); ++row) {
    bool is_same = row > 0;
    for (std::size_t i = 0; is_same && i < columns.size(); ++i) is_same = columns[i].is_same(row - 1, row);
    if (is_same) {
      groups_[row] = groups_[row - 1];
      continue;
    }
    key.clear();
    for (const auto& column : columns) column.append(row, key);
    groups_[row] = group_of(key, row);
  }
}

void FewGroups::find_by_sort_keys(DataChunk& keys) {
  duckdb::vector<duckdb::OrderModifiers> modifiers;
  for (idx_t i = 0; i < keys.ColumnCount(); ++i)
    modifiers.emplace_back(duckdb::OrderType::ASCENDING, duckdb::OrderByNullType::NULLS_LAST);
  Vector sort_keys(duckdb::LogicalType::BLOB, keys.size());
  duckdb::CreateSortKeyHelpers::CreateSortKey(keys, modifiers, sort_keys);
  sort_keys.Flatten(keys.size());
  const auto* texts = duckdb::FlatVector::GetData<duckdb::string_t>(sort_keys);
  for (idx_t row = 0; row < keys.size(); ++row) {
    if (row > 0 && texts[row] == texts[row - 1]) {
      groups_[row] = groups_[row - 1];
    } else {
      groups_[row] = group_of({texts[row].GetData(), texts[row].GetSize()}, row);
    }
  }
}

void FewGroups::finish(DataChunk& out) {
  for (idx_t i = 0; i < types_.size(); ++i) out.data[i].Reference(keys_.data[i]);
  for (std::size_t i = 0; i < aggregates_.size(); ++i) aggregates_[i].finalize(out.data[types_.size() + i]);
  out.SetCardinality(known_.count());
}

}  // namespace tickstone::duck
