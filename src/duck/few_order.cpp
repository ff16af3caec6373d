// SPDX-License-Identifier: Apache-2.0
#include "duck/few_order.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

#include <duckdb/function/create_sort_key.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

using Compare = int (*)(const UnifiedVectorFormat& column, idx_t a, idx_t b);

template <typename T>
int compare_values(const UnifiedVectorFormat& column, idx_t a, idx_t b) {
  const auto* values = reinterpret_cast<const T*>(column.data);
  return values[a] < values[b] ? -1 : values[b] < values[a] ? 1 : 0;
}

int compare_texts(const UnifiedVectorFormat& column, idx_t a, idx_t b) {
  const auto* values = reinterpret_cast<const duckdb::string_t*>(column.data);
  const std::string_view left(values[a].GetData(), values[a].GetSize());
  return left.compare({values[b].GetData(), values[b].GetSize()});
}

/// Of types that DuckDB sorts by their plain values; nullptr for others.
Compare compare_of(PhysicalType type) {
  switch (type) {
    case PhysicalType::BOOL:
    case PhysicalType::UINT8:
      return compare_values<std::uint8_t>;
    case PhysicalType::INT8:
      return compare_values<std::int8_t>;
    case PhysicalType::UINT16:
      return compare_values<std::uint16_t>;
    case PhysicalType::INT16:
      return compare_values<std::int16_t>;
    case PhysicalType::UINT32:
      return compare_values<std::uint32_t>;
    case PhysicalType::INT32:
      return compare_values<std::int32_t>;
    case PhysicalType::UINT64:
      return compare_values<std::uint64_t>;
    case PhysicalType::INT64:
      return compare_values<std::int64_t>;
    case PhysicalType::INT128:
      return compare_values<duckdb::hugeint_t>;
    case PhysicalType::VARCHAR:
      return compare_texts;
    default:
      return nullptr;
  }
}

struct OrderColumn {
  UnifiedVectorFormat format;
  Compare compare = nullptr;
  bool is_descending = false;
  bool has_nulls_first = false;

  int order(idx_t left, idx_t right) const {
    const auto a = format.sel->get_index(left);
    const auto b = format.sel->get_index(right);
    const bool a_valid = format.validity.RowIsValid(a);
    const bool b_valid = format.validity.RowIsValid(b);
    if (a_valid && b_valid) return is_descending ? -compare(format, a, b) : compare(format, a, b);
    if (a_valid == b_valid) return 0;
    return a_valid == has_nulls_first ? 1 : -1;
  }
};

/// Nothing where a key is computed, or of a type that is compared in another way.
std::optional<std::vector<OrderColumn>> plain_columns(const duckdb::vector<duckdb::BoundOrderByNode>& orders,
                                                      DataChunk& rows) {
  std::vector<OrderColumn> columns(orders.size());
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const auto& one = orders[i];
    columns[i].compare = compare_of(one.expression->return_type.InternalType());
    columns[i].is_descending = one.type == duckdb::OrderType::DESCENDING;
    columns[i].has_nulls_first = one.null_order == duckdb::OrderByNullType::NULLS_FIRST;
    if (columns[i].compare == nullptr ||
        one.expression->GetExpressionClass() != duckdb::ExpressionClass::BOUND_REF) {
      return std::nullopt;
    }
    rows.data[one.expression->Cast<duckdb::BoundReferenceExpression>().index].ToUnifiedFormat(
        rows.size(), columns[i].format);
  }
  return columns;
}

template <typename IsBefore>
bool sort_places(idx_t count, duckdb::SelectionVector& places, IsBefore is_before) {
  bool is_sorted = true;
  for (idx_t row = 1; is_sorted && row < count; ++row) is_sorted = !is_before(row, row - 1);
  if (is_sorted) return false;
  places.Initialize(count);
  std::iota(places.data(), places.data() + count, 0U);
  std::stable_sort(places.data(), places.data() + count, is_before);
  return true;
}

/// By DuckDB's own keys, whose bytes are in the order.
bool sort_by_keys(duckdb::ClientContext& context, const duckdb::vector<duckdb::BoundOrderByNode>& orders,
                  DataChunk& rows, duckdb::SelectionVector& places) {
  const idx_t count = rows.size();
  duckdb::vector<duckdb::LogicalType> key_types;
  duckdb::vector<duckdb::OrderModifiers> modifiers;
  duckdb::ExpressionExecutor executor(context);
  for (const auto& one : orders) {
    executor.AddExpression(*one.expression);
    key_types.push_back(one.expression->return_type);
    modifiers.emplace_back(one.type, one.null_order);
  }
  DataChunk keys;
  keys.Initialize(duckdb::Allocator::DefaultAllocator(), key_types);
  executor.Execute(rows, keys);
  Vector sort_keys(duckdb::LogicalType::BLOB, count);
  duckdb::CreateSortKeyHelpers::CreateSortKey(keys, modifiers, sort_keys);
  sort_keys.Flatten(count);
  const auto* texts = duckdb::FlatVector::GetData<duckdb::string_t>(sort_keys);
  return sort_places(count, places, [&](idx_t a, idx_t b) {
    return std::string_view(texts[a].GetData(), texts[a].GetSize()) <
           std::string_view(texts[b].GetData(), texts[b].GetSize());
  });
}

}  // namespace

bool sort_few(duckdb::ClientContext& context, const duckdb::vector<duckdb::BoundOrderByNode>& orders,
              DataChunk& rows, duckdb::SelectionVector& places) {
  const auto columns = plain_columns(orders, rows);
  if (!columns) return sort_by_keys(context, orders, rows, places);
  return sort_places(rows.size(), places, [&](idx_t a, idx_t b) {
    for (const auto& column : *columns) {
      const int order = column.order(a, b);
      if (order != 0) return order < 0;
    }
    return false;
  });
}

}  // namespace tickstone::duck
