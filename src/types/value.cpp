// SPDX-License-Identifier: Apache-2.0
#include "types/value.hpp"

#include <cmath>
#include <limits>

#include <tickstone/error.hpp>

#include "types/array_value.hpp"
#include "types/json_text.hpp"

namespace tickstone {

namespace {

bool is_float(const SqlType& type) {
  return !type.is_array && (type.id == TypeId::Real || type.id == TypeId::Double);
}

template <typename T>
void append_integer(Column& column, const Value& value) {
  if (value.integer < std::numeric_limits<T>::min() || value.integer > std::numeric_limits<T>::max()) {
    throw Error(ErrorCode::NumericValueOutOfRange, to_sql(column.type()) + " out of range");
  }
  column.append_fixed(static_cast<T>(value.integer));
}

std::strong_ordering order(int comparison) { return comparison <=> 0; }

std::strong_ordering compare_doubles(double a, double b) {
  const bool a_is_nan = std::isnan(a);
  const bool b_is_nan = std::isnan(b);
  if (a_is_nan || b_is_nan) return (a_is_nan ? 1 : 0) <=> (b_is_nan ? 1 : 0);
  return order(a < b ? -1 : a > b ? 1 : 0);
}

double number_of(const Value& value) {
  return is_float(value.type) ? value.number : to_double({value.integer, value.scale});
}

/// The length of an interval as PostgreSQL compares it: a month is 30 days, a day 24 hours.
Int128 span_of(Int128 packed) {
  const auto interval = unpack_interval(packed);
  return (Int128{interval.months} * 30 + interval.days) * kMicrosPerDay + interval.micros;
}

std::string_view without_padding(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Value value_at(const ColumnView& column, std::size_t row) {
  Value value{column.type};
  if (column.is_null(row)) return value;
  value.is_null = false;
  switch (column.layout.physical) {
    case Physical::Float32:
    case Physical::Float64:
      value.number = column.number(row);
      break;
    case Physical::Bytes:
      // A number past 38 digits has a text, and no value of ours.
      if (column.type.id == TypeId::Numeric && !column.type.is_array) {
        const auto decimal = parse_decimal(column.bytes(row));
        if (!decimal) throw Error(ErrorCode::DataCorrupted, "a number's text is none");
        value.integer = decimal->unscaled;
        value.scale = decimal->scale;
        break;
      }
      value.text = std::string(column.bytes(row));
      break;
    default:
      value.integer = column.integer(row);
      value.scale = column.layout.scale;
      break;
  }
  return value;
}

void append_value(Column& column, const Value& value) {
  if (value.is_null) {
    column.append_null();
    return;
  }
  if (column.type().id == TypeId::Numeric && !column.type().is_array) {
    column.append_decimal({value.integer, value.scale});
    return;
  }
  switch (column.layout().physical) {
    case Physical::Bool:
      column.append_fixed(static_cast<std::uint8_t>(value.integer != 0 ? 1 : 0));
      return;
    case Physical::Int16:
      append_integer<std::int16_t>(column, value);
      return;
    case Physical::Int32:
      if (column.type().id == TypeId::Oid) {
        append_integer<std::uint32_t>(column, value);
      } else {
        append_integer<std::int32_t>(column, value);
      }
      return;
    case Physical::Int64:
      append_integer<std::int64_t>(column, value);
      return;
    case Physical::Int128:
      column.append_fixed(value.integer);
      return;
    case Physical::Float32:
      column.append_fixed(static_cast<float>(number_of(value)));
      return;
    case Physical::Float64:
      column.append_fixed(number_of(value));
      return;
    case Physical::Bytes:
      column.append_bytes(value.text);
      return;
  }
}

std::strong_ordering compare_values(const Value& a, const Value& b) {
  if (a.type.is_array) {
    const auto left = decode_array(a.text);
    const auto right = decode_array(b.text);
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
      if (!left[i] || !right[i]) {  // a null element is above all
        if (left[i].has_value() != right[i].has_value()) return order(left[i] ? -1 : 1);
        continue;
      }
      const auto element = compare_values(array_element_value(*left[i], a.type.element()),
                                          array_element_value(*right[i], b.type.element()));
      if (element != std::strong_ordering::equal) return element;
    }
    return left.size() <=> right.size();
  }
  switch (physical_of(a.type)) {
    case Physical::Bytes:
      if (a.type.id == TypeId::Char) return order(without_padding(a.text).compare(without_padding(b.text)));
      if (a.type.id == TypeId::Jsonb) return compare_jsonb(a.text, b.text);
      return order(a.text.compare(b.text));
    case Physical::Float32:
    case Physical::Float64:
      return compare_doubles(a.number, number_of(b));
    default:
      break;
  }
  if (is_float(b.type)) return compare_doubles(number_of(a), b.number);
  if (a.type.id == TypeId::Interval) {
    const Int128 left = span_of(a.integer);
    const Int128 right = span_of(b.integer);
    return order(left < right ? -1 : left > right ? 1 : 0);
  }
  if (a.type.id == TypeId::Uuid) {  // bytes in their order: the top bit is no sign
    const auto left = static_cast<UInt128>(a.integer);
    const auto right = static_cast<UInt128>(b.integer);
    return order(left < right ? -1 : left > right ? 1 : 0);
  }
  return order(compare(Decimal{a.integer, a.scale}, Decimal{b.integer, b.scale}));
}

}  // namespace tickstone
