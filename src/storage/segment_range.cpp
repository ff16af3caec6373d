// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_range.hpp"

#include <algorithm>
#include <cstring>

#include "base/short_text.hpp"
#include "storage/row_order.hpp"
#include "storage/segment_format.hpp"
#include "types/decimal.hpp"

namespace tickstone::storage {

namespace {

std::string cut_minimum(std::string_view text) { return std::string(text.substr(0, kRangeTextBytes)); }

/// The least text of few bytes that is above every text with the same beginning.
std::string cut_maximum(std::string_view text) {
  if (text.size() <= kRangeTextBytes) return std::string(text);
  // A byte 0xFF cannot be raised: the one before it is, or, where all are, the text goes on to the first that
  // can.
  std::size_t size = kRangeTextBytes;
  while (size > 0 && text[size - 1] == '\xFF') --size;
  if (size == 0) {
    size = kRangeTextBytes;
    while (size < text.size() && text[size] == '\xFF') ++size;
    if (size == text.size()) return std::string(text);
    ++size;
  }
  std::string cut(text.substr(0, size));
  cut.back() = static_cast<char>(static_cast<unsigned char>(cut.back()) + 1);
  return cut;
}

struct Extremes {
  std::size_t minimum_row = 0;
  std::size_t maximum_row = 0;
};

template <typename T>
Extremes extremes_of_fixed(const ColumnView& column, std::size_t first) {
  if (column.validity == nullptr && column.form == ColumnView::Form::Flat) {
    // Where they are is looked for when it is known what they are.
    const auto value_at = [&](std::size_t row) {
      T value;
      std::memcpy(&value, static_cast<const char*>(column.data) + row * sizeof(T), sizeof(T));
      return value;
    };
    T minimum = value_at(0);
    T maximum = minimum;
    for (std::size_t row = 1; row < column.size; ++row) {
      minimum = std::min(minimum, value_at(row));
      maximum = std::max(maximum, value_at(row));
    }
    Extremes rows;
    while (value_at(rows.minimum_row) != minimum) ++rows.minimum_row;
    while (value_at(rows.maximum_row) != maximum) ++rows.maximum_row;
    return rows;
  }
  Extremes rows{first, first};
  T minimum = column.fixed<T>(first);
  T maximum = minimum;
  for (std::size_t row = first + 1; row < column.size; ++row) {
    if (column.is_null(row)) continue;
    const T value = column.fixed<T>(row);
    if (value < minimum) {
      minimum = value;
      rows.minimum_row = row;
    }
    if (maximum < value) {
      maximum = value;
      rows.maximum_row = row;
    }
  }
  return rows;
}

Extremes extremes_of(const ColumnView& column, std::size_t first) {
  if (column.layout.physical == Physical::Int64) return extremes_of_fixed<std::int64_t>(column, first);
  if (column.layout.physical == Physical::Int32 && column.type.id != TypeId::Oid)
    return extremes_of_fixed<std::int32_t>(column, first);
  const bool is_text = column.layout.physical == Physical::Bytes && column.validity == nullptr;
  Extremes rows{first, first};
  for (std::size_t row = first + 1; row < column.size; ++row) {
    if (column.is_null(row) || (is_text && equal_texts(column.bytes(row), column.bytes(row - 1)))) continue;
    if (order_cells(column, row, column, rows.minimum_row) < 0) rows.minimum_row = row;
    if (order_cells(column, row, column, rows.maximum_row) > 0) rows.maximum_row = row;
  }
  return rows;
}

}  // namespace

ColumnRange range_of(const ColumnView& column) {
  ColumnRange range;
  range.minimum = Value::null_of(column.type);
  range.maximum = Value::null_of(column.type);
  std::size_t first = column.size;
  std::uint32_t null_count = 0;
  for (std::size_t row = 0; row < column.size; ++row) {
    if (column.is_null(row)) {
      ++null_count;
    } else if (first == column.size) {
      first = row;
      if (column.validity == nullptr) break;
    }
  }
  range.has_nulls = null_count > 0;
  range.null_count = null_count;
  if (first == column.size || !keeps_range(column.type)) return range;
  const Extremes rows = extremes_of(column, first);
  range.has_values = true;
  if (column.layout.physical == Physical::Bytes) {
    for (Value* value : {&range.minimum, &range.maximum}) value->is_null = false;
    range.minimum.text = cut_minimum(column.bytes(rows.minimum_row));
    range.maximum.text = cut_maximum(column.bytes(rows.maximum_row));
  } else {
    range.minimum = value_at(column, rows.minimum_row);
    range.maximum = value_at(column, rows.maximum_row);
  }
  return range;
}

int integer_digits_of(const ColumnView& column) {
  Int128 lowest = 0;
  Int128 highest = 0;
  if (column.layout.physical == Physical::Int64 && column.size > 0 && column.validity == nullptr) {
    const Extremes rows = extremes_of_fixed<std::int64_t>(column, 0);
    lowest = std::min<Int128>(0, column.fixed<std::int64_t>(rows.minimum_row));
    highest = std::max<Int128>(0, column.fixed<std::int64_t>(rows.maximum_row));
    return std::max(0, std::max(digit_count(lowest), digit_count(highest)) - column.layout.scale);
  }
  for (std::size_t row = 0; row < column.size; ++row) {
    if (column.is_null(row)) continue;
    const Int128 value = column.integer(row);
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  const int digits = std::max(digit_count(lowest), digit_count(highest));
  return std::max(0, digits - column.layout.scale);
}

}  // namespace tickstone::storage
