// SPDX-License-Identifier: Apache-2.0
#include "duck/rows_in_order.hpp"

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <duckdb/common/vector_operations/vector_operations.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;

bool is_compared(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::VARCHAR:
      return true;
    default:
      return false;
  }
}

/// NaN is above all else, as in PostgreSQL.
template <typename T>
int order_of(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b))
      return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  }
  return a < b ? -1 : (b < a ? 1 : 0);
}

/// The order of two cells by a key, NULLs and direction included.
template <typename T>
int order_of_cells(const UnifiedVectorFormat& a, idx_t a_row, const UnifiedVectorFormat& b, idx_t b_row,
                   const OrderKey& key) {
  const idx_t i = a.sel->get_index(a_row);
  const idx_t j = b.sel->get_index(b_row);
  const bool is_known = a.validity.RowIsValid(i);
  if (!is_known || !b.validity.RowIsValid(j)) {
    const int nulls_last = static_cast<int>(!is_known) - static_cast<int>(!b.validity.RowIsValid(j));
    return key.has_nulls_first ? -nulls_last : nulls_last;
  }
  const int ascending =
      order_of(UnifiedVectorFormat::GetData<T>(a)[i], UnifiedVectorFormat::GetData<T>(b)[j]);
  return key.is_descending ? -ascending : ascending;
}

/// Calls `visit` with a value of the key's C++ type.
template <typename Visit>
auto with_type(const OrderKey& key, const Visit& visit) {
  switch (key.type.InternalType()) {
    case PhysicalType::BOOL:
      return visit(bool());
    case PhysicalType::INT16:
      return visit(std::int16_t());
    case PhysicalType::INT32:
      return visit(std::int32_t());
    case PhysicalType::INT64:
      return visit(std::int64_t());
    case PhysicalType::INT128:
      return visit(duckdb::hugeint_t());
    case PhysicalType::FLOAT:
      return visit(float());
    case PhysicalType::DOUBLE:
      return visit(double());
    case PhysicalType::VARCHAR:
      return visit(duckdb::string_t());
    default:
      throw duckdb::InternalException("no order of this type");
  }
}

/// Of the rows of which the keys before do not decide, those of which this one does not either; false where a
/// row belongs before the one that it follows. `undecided` are numbers of rows from 1 on.
template <typename T>
bool keep_undecided(const UnifiedVectorFormat& format, const OrderKey& key,
                    std::vector<std::uint32_t>& undecided) {
  std::size_t kept = 0;
  for (const std::uint32_t row : undecided) {
    // A dictionary's text that follows itself.
    const bool is_same = format.sel->get_index(row - 1) == format.sel->get_index(row);
    const int order = is_same ? 0 : order_of_cells<T>(format, row - 1, format, row, key);
    if (order > 0) return false;
    if (order == 0) undecided[kept++] = row;
  }
  undecided.resize(kept);
  return true;
}

/// Whether the rows of a chunk follow each other in order.
bool are_in_order(DataChunk& rows, const std::vector<OrderKey>& keys) {
  std::vector<std::uint32_t> undecided(rows.size() > 0 ? rows.size() - 1 : 0);
  for (std::size_t i = 0; i < undecided.size(); ++i) undecided[i] = static_cast<std::uint32_t>(i + 1);
  for (const OrderKey& key : keys) {
    if (undecided.empty()) break;
    UnifiedVectorFormat format;
    rows.data[key.column].ToUnifiedFormat(rows.size(), format);
    const bool is_in_order =
        with_type(key, [&](auto value) { return keep_undecided<decltype(value)>(format, key, undecided); });
    if (!is_in_order) return false;
  }
  return true;
}

/// The order of the one row of `a`, which has the keys' columns alone, and the first row of `b`, which has
/// them in the places `b_columns` says.
int order_of_rows(DataChunk& a, DataChunk& b, const std::vector<OrderKey>& keys, bool b_has_keys_alone) {
  for (std::size_t k = 0; k < keys.size(); ++k) {
    UnifiedVectorFormat left;
    UnifiedVectorFormat right;
    a.data[k].ToUnifiedFormat(a.size(), left);
    b.data[b_has_keys_alone ? k : keys[k].column].ToUnifiedFormat(b.size(), right);
    const int order = with_type(
        keys[k], [&](auto value) { return order_of_cells<decltype(value)>(left, 0, right, 0, keys[k]); });
    if (order != 0) return order;
  }
  return 0;
}

}  // namespace

std::vector<OrderKey> order_keys_of(const duckdb::PhysicalOrder& order) {
  std::vector<OrderKey> keys;
  for (const auto& one : order.orders) {
    const bool is_plain =
        one.expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF &&
        is_compared(one.expression->return_type) &&
        (one.type == duckdb::OrderType::ASCENDING || one.type == duckdb::OrderType::DESCENDING) &&
        (one.null_order == duckdb::OrderByNullType::NULLS_FIRST ||
         one.null_order == duckdb::OrderByNullType::NULLS_LAST);
    if (!is_plain) return {};
    keys.push_back({one.expression->Cast<duckdb::BoundReferenceExpression>().index,
                    one.expression->return_type, one.type == duckdb::OrderType::DESCENDING,
                    one.null_order == duckdb::OrderByNullType::NULLS_FIRST});
  }
  return keys;
}

RowsInOrder::RowsInOrder(duckdb::ClientContext& context, const std::vector<OrderKey>& keys) : keys_(keys) {
  duckdb::vector<duckdb::LogicalType> types;
  for (const OrderKey& key : keys) types.push_back(key.type);
  first_.Initialize(duckdb::Allocator::Get(context), types, 1);
  last_.Initialize(duckdb::Allocator::Get(context), types, 1);
}

bool RowsInOrder::follow(DataChunk& rows) {
  if (rows.size() == 0 || !is_in_order_) return is_in_order_;
  is_in_order_ =
      (last_.size() == 0 || order_of_rows(last_, rows, keys_, false) <= 0) && are_in_order(rows, keys_);
  if (!is_in_order_) return false;
  const auto copy_row = [&](DataChunk& to, idx_t row) {
    to.Reset();
    for (std::size_t k = 0; k < keys_.size(); ++k)
      duckdb::VectorOperations::Copy(rows.data[keys_[k].column], to.data[k], row + 1, row, 0);
    to.SetCardinality(1);
  };
  if (first_.size() == 0) copy_row(first_, 0);
  copy_row(last_, rows.size() - 1);
  return true;
}

bool RowsInOrder::ends_before(RowsInOrder& other) {
  return order_of_rows(last_, other.first_, keys_, true) <= 0;
}

bool RowsInOrder::begins_before(RowsInOrder& other) {
  return order_of_rows(first_, other.first_, keys_, true) < 0;
}

}  // namespace tickstone::duck
