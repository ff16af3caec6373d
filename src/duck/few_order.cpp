// SPDX-License-Identifier: Apache-2.0
#include "duck/few_order.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include <duckdb/function/create_sort_key.hpp>

#include "duck/order_key.hpp"

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

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
  const auto keys = order_keys_of(orders);
  if (keys.empty()) return sort_by_keys(context, orders, rows, places);
  std::vector<UnifiedVectorFormat> columns(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    rows.data[keys[i].column].ToUnifiedFormat(rows.size(), columns[i]);
  return sort_places(rows.size(), places, [&](idx_t a, idx_t b) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const int order = keys[i].order(columns[i], a, columns[i], b);
      if (order != 0) return order < 0;
    }
    return false;
  });
}

}  // namespace tickstone::duck
