// SPDX-License-Identifier: Apache-2.0
#include "storage/numeric_layout.hpp"

#include <algorithm>
#include <cstring>

#include <tickstone/error.hpp>

namespace tickstone::storage {

namespace {

[[noreturn]] void throw_overflow(const TableSchema& schema, const ColumnSchema& column) {
  Error error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format",
              "Column \"" + column.name + "\" would need more than 38 digits to hold all its values.");
  error.about(schema.name, column.name);
  throw error;
}

UInt128 magnitude(Int128 value) {
  return value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

/// The largest absolute value; null rows hold zero or anything small, and count as what they hold only where
/// valid.
UInt128 largest_magnitude(const ColumnView& column) {
  UInt128 largest = 0;
  if (column.form == ColumnView::Form::Flat && column.layout.physical == Physical::Int64 &&
      column.validity == nullptr) {
    std::int64_t lowest = 0;
    std::int64_t highest = 0;
    const auto* values = static_cast<const std::int64_t*>(column.data);
    for (std::size_t row = 0; row < column.size; ++row) {
      lowest = std::min(lowest, values[row]);
      highest = std::max(highest, values[row]);
    }
    return std::max(magnitude(lowest), magnitude(highest));
  }
  for (std::size_t row = 0; row < column.size; ++row) {
    if (!column.is_null(row)) largest = std::max(largest, magnitude(column.integer(row)));
  }
  return largest;
}

int digits_of(UInt128 value) {
  int digits = 0;
  for (; value != 0; value /= 10) ++digits;
  return digits;
}

/// Digits after the point that the values need, at least `held`.
int needed_scale(const ColumnView& column, int held) {
  int scale = held;
  for (std::size_t row = 0; row < column.size && scale < column.layout.scale; ++row) {
    if (column.is_null(row)) continue;
    scale = std::max<int>(scale, trimmed({column.integer(row), column.layout.scale}).scale);
  }
  return scale;
}

void grow(TableLayout& layout, std::size_t index, int scale, int integer_digits, const TableSchema& schema) {
  auto& column = layout.columns[index];
  scale = std::max<int>(scale, column.scale);
  integer_digits = std::max<int>(integer_digits, layout.integer_digits[index]);
  if (integer_digits + scale > kMaxNumericDigits) throw_overflow(schema, schema.columns[index]);
  layout.integer_digits[index] = static_cast<std::uint8_t>(integer_digits);
  column.scale = static_cast<std::uint8_t>(scale);
  column.physical = integer_digits + scale <= kMaxInt64Digits && column.physical == Physical::Int64
                        ? Physical::Int64
                        : Physical::Int128;
}

}  // namespace

TableLayout initial_table_layout(const TableSchema& schema) {
  TableLayout layout;
  for (const auto& column : schema.columns) layout.columns.push_back(initial_layout(column.type));
  layout.integer_digits.resize(schema.columns.size());
  return layout;
}

TableLayout carried_layout(const TableLayout& from, const TableSchema& old_schema,
                           const TableSchema& new_schema) {
  TableLayout layout = initial_table_layout(new_schema);
  for (std::size_t i = 0; i < new_schema.columns.size(); ++i) {
    const auto* old_column = old_schema.find(new_schema.columns[i].id);
    if (old_column == nullptr || old_column->type != new_schema.columns[i].type) continue;
    const std::size_t old_index = old_schema.index_of(old_column->id);
    layout.columns[i] = from.columns[old_index];
    layout.integer_digits[i] = from.integer_digits[old_index];
  }
  return layout;
}

TableLayout widened_for(const TableLayout& layout, const TableSchema& schema,
                        const std::vector<ColumnView>& columns) {
  TableLayout widened = layout;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (!schema.columns[i].type.is_bare_numeric()) continue;
    const auto& column = columns[i];
    const int scale = needed_scale(column, layout.columns[i].scale);
    const int digits = digits_of(largest_magnitude(column)) - column.layout.scale;
    grow(widened, i, scale, std::max(digits, 0), schema);
  }
  return widened;
}

bool holds(const TableLayout& layout, const TableSchema& schema, const std::vector<ColumnView>& columns) {
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (!schema.columns[i].type.is_bare_numeric()) continue;
    const auto& column = columns[i];
    const auto& held = layout.columns[i];
    if (needed_scale(column, held.scale) > held.scale) return false;
    const int digits = layout.integer_digits[i] + column.layout.scale;
    if (digits < kMaxNumericDigits && largest_magnitude(column) >= static_cast<UInt128>(power_of_ten(digits)))
      return false;
  }
  return true;
}

TableLayout widened_for(const TableLayout& layout, const TableSchema& schema, const TableLayout& other) {
  TableLayout widened = layout;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (!schema.columns[i].type.is_bare_numeric()) continue;
    grow(widened, i, other.columns[i].scale, other.integer_digits[i], schema);
  }
  return widened;
}

void convert_decimals(const ColumnView& source, std::size_t first, std::size_t count, ColumnLayout target,
                      std::byte* out) {
  const std::size_t width = width_bytes(target.physical);
  if (target.scale >= source.layout.scale && source.form == ColumnView::Form::Flat) {
    const Int128 factor = power_of_ten(target.scale - source.layout.scale);
    const Int128 limit =
        target.physical == Physical::Int64 ? Int128{INT64_MAX} : power_of_ten(kMaxNumericDigits);
    const Int128 most = limit / factor;
    for (std::size_t i = 0; i < count; ++i) {
      const Int128 held = source.is_null(first + i) ? Int128{0} : source.integer(first + i);
      if (held > most || held < -most)
        throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
      const Int128 value = held * factor;
      std::memcpy(out + i * width, &value, width);
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    Int128 value = 0;
    if (!source.is_null(first + i)) {
      const Decimal held = trimmed({source.integer(first + i), source.layout.scale});
      const auto scaled =
          held.scale > target.scale ? std::nullopt : rescale(held.unscaled, held.scale, target.scale);
      if (!scaled || (target.physical == Physical::Int64 && (*scaled > INT64_MAX || *scaled < INT64_MIN))) {
        throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
      }
      value = *scaled;
    }
    std::memcpy(out + i * width, &value, width);
  }
}

}  // namespace tickstone::storage
