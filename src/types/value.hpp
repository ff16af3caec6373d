// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "types/column.hpp"
#include "types/date_style.hpp"
#include "types/object_naming.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

/// One SQL value. `integer` holds every integer layout (Bool too, NUMERIC scaled by `scale`), `number` the
/// floats, `text` Bytes. One of an enum type that was read from a text has the label in `text` beside its
/// number, and says so with `scale` kHasLabel.
struct Value {
  SqlType type;
  bool is_null = true;
  std::uint8_t scale = 0;
  Int128 integer = 0;
  double number = 0;
  std::string text;

  static constexpr std::uint8_t kHasLabel = 1;

  static Value null_of(const SqlType& type) { return Value{type}; }
  static Value of_text(std::string text) {
    return Value{SqlType::of(TypeId::Text), false, 0, 0, 0, std::move(text)};
  }
  static Value of_bigint(std::int64_t value) { return Value{SqlType::of(TypeId::BigInt), false, 0, value}; }
  static Value of_integer(std::int32_t value) { return Value{SqlType::of(TypeId::Integer), false, 0, value}; }
  static Value of_bool(bool value) { return Value{SqlType::of(TypeId::Boolean), false, 0, value ? 1 : 0}; }
  static Value of_double(double value) { return Value{SqlType::of(TypeId::Double), false, 0, 0, value}; }
  static Value of_timestamptz(std::int64_t us) {
    return Value{SqlType::of(TypeId::TimestampTz), false, 0, us};
  }
  static Value of_numeric(Decimal value) {
    return Value{SqlType::of(TypeId::Numeric), false, value.scale, value.unscaled};
  }
};

Value value_at(const ColumnView& column, std::size_t row);
void append_value(Column& column, const Value& value);
/// PostgreSQL's order of two non-null values of one type (numbers of different scale compared exactly; NaN
/// above all; text by bytes).
std::strong_ordering compare_values(const Value& a, const Value& b);

/// What text output and input depend on.
class TextEncoding;

struct FormatContext {
  const TimeZone* zone = &utc_zone();
  std::int64_t now_us = 0;     // for 'now', 'today'
  int extra_float_digits = 1;  // PostgreSQL's default: shortest exact
  bool bytea_escape = false;
  DateStyle dates = {};
  IntervalStyle intervals = IntervalStyle::Postgres;
  const TextEncoding* client = nullptr;  // of what goes over the wire; nullptr: UTF-8
  const ObjectNaming* names = nullptr;   // nullptr: numbers stand for what only a catalog names
};

/// PostgreSQL's output function of the type; the value must not be null.
void append_text(std::string& out, const ColumnView& column, std::size_t row, const FormatContext& context);
std::string to_text(const Value& value, const FormatContext& context = {});

/// PostgreSQL's input function: appends `text`, read as the column's type. Varchar and Char lengths, NUMERIC
/// precision, JSON syntax and UTF-8 are checked. Errors: InvalidTextRepresentation `invalid input syntax for
/// type integer: "x"`, InvalidDatetimeFormat, DatetimeFieldOverflow, NumericValueOutOfRange,
/// StringDataRightTruncation. The column is unchanged after an error.
void append_parsed(Column& column, std::string_view text, const FormatContext& context = {});
Value parse_value(const SqlType& type, std::string_view text, const FormatContext& context = {});

/// Assignment casts between types, whole columns: integer to numeric, timestamp to timestamptz, text to
/// anything by its input function, anything to text, and so on. Errors: DatatypeMismatch where PostgreSQL has
/// no assignment cast; range errors.
enum class CastStrength : std::uint8_t { Implicit, Assignment, Explicit };
Column cast_column(const ColumnView& source, const SqlType& target, CastStrength strength,
                   const FormatContext& context = {});
/// One value by the same rules and errors.
Value cast_value(const Value& value, const SqlType& target, CastStrength strength,
                 const FormatContext& context = {});
bool can_cast(const SqlType& from, const SqlType& to, CastStrength strength);

}  // namespace tickstone
