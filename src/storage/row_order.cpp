// SPDX-License-Identifier: Apache-2.0
#include "storage/row_order.hpp"

#include <algorithm>
#include <cmath>

#include "base/short_text.hpp"
#include "types/decimal.hpp"

namespace tickstone::storage {

namespace {

template <typename T>
int order_of(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int order_floats(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return order_of(std::isnan(a), std::isnan(b));
  return order_of(a, b);
}

int order_decimals(Decimal a, Decimal b) {
  return a.scale == b.scale ? order_of(a.unscaled, b.unscaled) : compare(a, b);
}

/// By bytes: the top bit is no sign.
int order_uuids(Int128 a, Int128 b) { return order_of(static_cast<UInt128>(a), static_cast<UInt128>(b)); }

/// Int32 types whose values have no sign are ordered as `ColumnView::integer` widens them.
bool is_plain_int64(const ColumnView& a, const ColumnView& b) {
  return a.layout == b.layout && a.layout.physical == Physical::Int64;
}

/// Quickly; false where it is not known.
bool is_same_text(const ColumnView& a, std::size_t a_row, const ColumnView& b, std::size_t b_row) {
  return a.layout.physical == Physical::Bytes && b.layout.physical == Physical::Bytes &&
         a.validity == nullptr && b.validity == nullptr && equal_texts(a.bytes(a_row), b.bytes(b_row));
}

}  // namespace

int order_cells(const ColumnView& a, std::size_t a_row, const ColumnView& b, std::size_t b_row) {
  const bool a_null = a.is_null(a_row);
  const bool b_null = b.is_null(b_row);
  if (a_null || b_null) return order_of(a_null, b_null);
  if (is_plain_int64(a, b)) return order_of(a.fixed<std::int64_t>(a_row), b.fixed<std::int64_t>(b_row));
  switch (a.layout.physical) {
    case Physical::Bytes: {
      const int order = a.bytes(a_row).compare(b.bytes(b_row));
      return order_of(order, 0);
    }
    case Physical::Float32:
    case Physical::Float64:
      return order_floats(a.number(a_row), b.number(b_row));
    case Physical::Bool:
    case Physical::Int16:
    case Physical::Int32:
    case Physical::Int64:
    case Physical::Int128:
      break;
  }
  if (a.type.id == TypeId::Uuid) return order_uuids(a.integer(a_row), b.integer(b_row));
  return order_decimals({a.integer(a_row), a.layout.scale}, {b.integer(b_row), b.layout.scale});
}

int order_values(const Value& a, const Value& b) {
  if (a.is_null || b.is_null) return order_of(a.is_null, b.is_null);
  if (a.type.is_array) return order_of(a.text.compare(b.text), 0);
  switch (physical_of(a.type)) {
    case Physical::Bytes:
      return order_of(a.text.compare(b.text), 0);
    case Physical::Float32:
    case Physical::Float64:
      return order_floats(a.number, b.number);
    case Physical::Bool:
    case Physical::Int16:
    case Physical::Int32:
    case Physical::Int64:
    case Physical::Int128:
      break;
  }
  if (a.type.id == TypeId::Uuid) return order_uuids(a.integer, b.integer);
  return order_decimals({a.integer, a.scale}, {b.integer, b.scale});
}

RowOrder order_rows(std::span<const ColumnView> a, std::size_t a_row, std::span<const ColumnView> b,
                    std::size_t b_row) {
  for (std::size_t column = 0; column < a.size(); ++column) {
    // Neighbours in sort order mostly have the first columns in common.
    if (is_same_text(a[column], a_row, b[column], b_row)) continue;
    const int order = order_cells(a[column], a_row, b[column], b_row);
    if (order != 0) return {order, column};
  }
  return {0, a.size()};
}

int order_prefix(const std::vector<Value>& entry, const std::vector<Value>& key) {
  const std::size_t count = std::min(entry.size(), key.size());
  for (std::size_t i = 0; i < count; ++i) {
    const int order = order_values(entry[i], key[i]);
    if (order != 0) return order;
  }
  return 0;
}

}  // namespace tickstone::storage
