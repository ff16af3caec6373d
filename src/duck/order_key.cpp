// SPDX-License-Identifier: Apache-2.0
#include "duck/order_key.hpp"

#include <cmath>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <duckdb/planner/expression/bound_reference_expression.hpp>

namespace tickstone::duck {

namespace {

using duckdb::idx_t;
using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;

/// NaN is above all else, as in PostgreSQL.
template <typename T>
int compare_values(const UnifiedVectorFormat& a, idx_t a_at, const UnifiedVectorFormat& b, idx_t b_at) {
  const T& left = reinterpret_cast<const T*>(a.data)[a_at];
  const T& right = reinterpret_cast<const T*>(b.data)[b_at];
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(left) || std::isnan(right))
      return static_cast<int>(std::isnan(left)) - static_cast<int>(std::isnan(right));
  }
  return left < right ? -1 : right < left ? 1 : 0;
}

int compare_texts(const UnifiedVectorFormat& a, idx_t a_at, const UnifiedVectorFormat& b, idx_t b_at) {
  const auto& left = reinterpret_cast<const duckdb::string_t*>(a.data)[a_at];
  const auto& right = reinterpret_cast<const duckdb::string_t*>(b.data)[b_at];
  return std::string_view(left.GetData(), left.GetSize()).compare({right.GetData(), right.GetSize()});
}

decltype(OrderKey::compare) compare_of(PhysicalType type) {
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
    case PhysicalType::FLOAT:
      return compare_values<float>;
    case PhysicalType::DOUBLE:
      return compare_values<double>;
    case PhysicalType::VARCHAR:
      return compare_texts;
    default:
      return nullptr;
  }
}

}  // namespace

int OrderKey::order(const UnifiedVectorFormat& a, idx_t a_row, const UnifiedVectorFormat& b,
                    idx_t b_row) const {
  const idx_t left = a.sel->get_index(a_row);
  const idx_t right = b.sel->get_index(b_row);
  const bool is_left_there = a.validity.RowIsValid(left);
  const bool is_right_there = b.validity.RowIsValid(right);
  if (is_left_there && is_right_there) {
    const int ascending = compare(a, left, b, right);
    return is_descending ? -ascending : ascending;
  }
  if (is_left_there == is_right_there) return 0;
  return is_left_there == has_nulls_first ? 1 : -1;
}

void OrderKey::set_direction(const duckdb::BoundOrderByNode& order) {
  is_descending = order.type == duckdb::OrderType::DESCENDING;
  has_nulls_first = order.null_order == duckdb::OrderByNullType::NULLS_FIRST;
}

std::optional<OrderKey> order_key_by(idx_t column, const duckdb::LogicalType& type) {
  OrderKey key;
  key.column = column;
  key.type = type;
  key.compare = compare_of(type.InternalType());
  if (key.compare == nullptr) return std::nullopt;
  return key;
}

std::vector<OrderKey> order_keys_of(const duckdb::vector<duckdb::BoundOrderByNode>& orders) {
  std::vector<OrderKey> keys;
  for (const auto& one : orders) {
    if (one.expression->GetExpressionClass() != duckdb::ExpressionClass::BOUND_REF) return {};
    const auto& column = one.expression->Cast<duckdb::BoundReferenceExpression>();
    auto key = order_key_by(column.index, column.return_type);
    if (!key) return {};
    key->set_direction(one);
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace tickstone::duck
