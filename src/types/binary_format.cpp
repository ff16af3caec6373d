// SPDX-License-Identifier: Apache-2.0
#include "types/binary_format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"
#include "types/array_value.hpp"
#include "types/binary_numeric.hpp"
#include "types/binary_receiver.hpp"
#include "types/interval.hpp"
#include "types/timestamp.hpp"

namespace tickstone {
namespace {

// PostgreSQL's range of timestamps, in its own epoch.
constexpr std::int64_t kMinTimestampUs = -211'813'488'000'000'000;
constexpr std::int64_t kEndTimestampUs = 9'223'371'331'200'000'000;
constexpr std::int32_t kMinDateDays = -2'451'545;
constexpr std::int32_t kEndDateDays = 2'145'031'949;
static_assert(kMostNumericFieldBytes <= kMostShortBinaryBytes);
constexpr std::int32_t kMaxArrayElements = 134'217'727;

template <typename T>
char* put_fixed_field(char* at, T value) {
  store_big_endian(at, static_cast<std::int32_t>(sizeof(T)));
  store_big_endian(at + 4, value);
  return at + 4 + sizeof(T);
}

template <typename T>
void append_fixed_field(std::string& out, T value) {
  char field[4 + sizeof(T)];
  out.append(field, put_fixed_field(field, value));
}

void append_bytes_field(std::string& out, std::string_view bytes) {
  append_big_endian(out, static_cast<std::int32_t>(bytes.size()));
  out.append(bytes);
}

std::int64_t to_wire_timestamp(std::int64_t us) {
  if (us == kTimestampInfinity) return INT64_MAX;
  if (us == kTimestampNegInfinity) return INT64_MIN;
  // Bytes from outside may say what is no moment: that wraps.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(us) -
                                   static_cast<std::uint64_t>(kPostgresEpochUs));
}

std::int32_t to_wire_date(std::int32_t days) {
  if (days == kDateInfinity) return INT32_MAX;
  if (days == kDateNegInfinity) return INT32_MIN;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(days) -
                                   static_cast<std::uint32_t>(kPostgresEpochDays));
}

void append_interval_field(std::string& out, Int128 packed) {
  const auto interval = unpack_interval(packed);
  append_big_endian(out, std::int32_t{16});
  append_big_endian(out, interval.micros);
  append_big_endian(out, interval.days);
  append_big_endian(out, interval.months);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// From the text form, so that only the type's own input and output know how a column holds it.
void append_uuid_field(std::string& out, std::string_view text) {
  append_big_endian(out, std::int32_t{16});
  int high = -1;
  for (const char c : text) {
    const int digit = hex_value(c);
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
}

void append_array_start(std::string& out, std::size_t count, bool has_nulls, std::uint32_t element_oid,
                        std::int32_t lower_bound) {
  append_big_endian(out, std::int32_t{1});
  append_big_endian(out, std::int32_t{has_nulls ? 1 : 0});
  append_big_endian(out, element_oid);
  append_big_endian(out, static_cast<std::int32_t>(count));
  append_big_endian(out, lower_bound);
}

void append_array_field(std::string& out, std::string_view encoded, const SqlType& element) {
  const auto elements = decode_array(encoded);
  const auto length_at = out.size();
  append_big_endian(out, std::int32_t{0});
  const bool has_nulls =
      std::any_of(elements.begin(), elements.end(), [](const auto& e) { return !e.has_value(); });
  if (elements.empty()) {
    append_big_endian(out, std::int32_t{0});
    append_big_endian(out, std::int32_t{0});
    append_big_endian(out, oid_of(element));
  } else {
    append_array_start(out, elements.size(), has_nulls, oid_of(element), 1);
    for (const auto& part : elements) {
      append_binary_field(out, part ? array_element_value(*part, element) : Value::null_of(element));
    }
  }
  store_big_endian(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
}

/// int2vector and oidvector: "1 2 3" as an array whose lower bound is 0.
template <typename T>
void append_vector_field(std::string& out, std::string_view text, TypeId element) {
  std::vector<T> items;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    T item{};
    const auto [next, problem] = std::from_chars(at, end, item);
    if (problem != std::errc{}) {
      ++at;
      continue;
    }
    items.push_back(item);
    at = next;
  }
  const auto length_at = out.size();
  append_big_endian(out, std::int32_t{0});
  append_array_start(out, items.size(), false, oid_of(SqlType::of(element)), 0);
  for (const auto item : items) append_fixed_field(out, item);
  store_big_endian(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
}

void append_texts(std::string& out, const SqlType& type, std::string_view text) {
  switch (type.id) {
    case TypeId::Jsonb:
      append_big_endian(out, static_cast<std::int32_t>(text.size() + 1));
      out.push_back('\x01');
      out.append(text);
      return;
    case TypeId::InternalChar:
      append_big_endian(out, std::int32_t{1});
      out.push_back(text.empty() ? '\0' : text.front());
      return;
    case TypeId::Int2Vector:
      append_vector_field<std::int16_t>(out, text, TypeId::SmallInt);
      return;
    case TypeId::OidVector:
      append_vector_field<std::uint32_t>(out, text, TypeId::Oid);
      return;
    case TypeId::Void:
      append_big_endian(out, std::int32_t{0});
      return;
    case TypeId::Record:
    case TypeId::AclItem:
    case TypeId::Enum:  // its labels are the catalog's to find: `parse_value`
      throw Error(ErrorCode::UndefinedFunction,
                  "no binary output function available for type " + to_sql(type));
    default:
      append_bytes_field(out, text);
      return;
  }
}

std::int64_t receive_timestamp(std::string_view bytes) {
  const auto us = receive_fixed<std::int64_t>(bytes);
  if (us == INT64_MAX) return kTimestampInfinity;
  if (us == INT64_MIN) return kTimestampNegInfinity;
  if (us < kMinTimestampUs || us >= kEndTimestampUs) {
    throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  }
  std::int64_t since_1970;
  if (__builtin_add_overflow(us, kPostgresEpochUs, &since_1970)) {
    throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  }
  return since_1970;
}

std::int32_t receive_date(std::string_view bytes) {
  const auto days = receive_fixed<std::int32_t>(bytes);
  if (days == INT32_MAX) return kDateInfinity;
  if (days == INT32_MIN) return kDateNegInfinity;
  if (days < kMinDateDays || days >= kEndDateDays)
    throw Error(ErrorCode::DatetimeFieldOverflow, "date out of range");
  return days + kPostgresEpochDays;
}

Int128 receive_interval(std::string_view bytes) {
  Receiver in(bytes);
  IntervalValue interval;
  interval.micros = in.take<std::int64_t>();
  interval.days = in.take<std::int32_t>();
  interval.months = in.take<std::int32_t>();
  in.expect_end();
  return pack_interval(interval);
}

std::string uuid_text(std::string_view bytes) {
  if (bytes.size() != 16) fail_format();
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

/// The elements of a received array. Shape: `lower_bound` is any, as in PostgreSQL's vectors.
std::vector<Value> receive_elements(std::string_view bytes, const SqlType& element) {
  Receiver in(bytes);
  const auto dimensions = in.take<std::int32_t>();
  const auto flags = in.take<std::int32_t>();
  const auto element_oid = in.take<std::uint32_t>();
  if (dimensions < 0 || dimensions > 6) fail_format("invalid number of dimensions");
  if (flags != 0 && flags != 1) fail_format("invalid array flags");
  if (element_oid != oid_of(element)) {
    throw Error(ErrorCode::DatatypeMismatch, "binary data has array element type " +
                                                 std::to_string(element_oid) + " instead of expected " +
                                                 std::to_string(oid_of(element)));
  }
  if (dimensions > 1)
    throw Error(ErrorCode::FeatureNotSupported, "arrays of several dimensions are not supported");
  std::vector<Value> values;
  if (dimensions == 0) {
    in.expect_end();
    return values;
  }
  const auto count = in.take<std::int32_t>();
  in.take<std::int32_t>();  // the lower bound is not kept
  if (count < 0 || count > kMaxArrayElements) {
    throw Error(ErrorCode::ProgramLimitExceeded, "array size exceeds the maximum allowed");
  }
  // Every element takes its four bytes of length: a false count cannot make room for more than there is.
  if (static_cast<std::size_t>(count) > in.remaining() / 4) {
    throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
  }
  values.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    const auto size = in.take<std::int32_t>();
    if (size < -1) fail_format();
    values.push_back(size < 0 ? Value::null_of(element)
                              : receive_value(element, in.take_bytes(static_cast<std::size_t>(size))));
  }
  in.expect_end();
  return values;
}

Value receive_array(const SqlType& type, std::string_view bytes) {
  ArrayBuilder builder;
  for (const auto& value : receive_elements(bytes, type.element())) {
    if (value.is_null) {
      builder.add_null();
    } else {
      builder.add(array_element_bytes(value));
    }
  }
  return Value{type, false, 0, 0, 0, builder.finish()};
}

Value receive_vector(const SqlType& type, std::string_view bytes, TypeId element) {
  std::string text;
  for (const auto& value : receive_elements(bytes, SqlType::of(element))) {
    if (value.is_null) fail_format();
    if (!text.empty()) text += ' ';
    text += std::to_string(static_cast<std::int64_t>(value.integer));
  }
  return Value{type, false, 0, 0, 0, std::move(text)};
}

Value of_integer_as(const SqlType& type, Int128 value) { return Value{type, false, 0, value}; }

}  // namespace

bool is_short_binary(const ColumnView& column) {
  if (column.type.is_array || column.layout.physical == Physical::Bytes) return false;
  return column.layout.physical != Physical::Int128 || column.type.id == TypeId::Numeric;
}

char* put_short_binary_field(char* at, const ColumnView& column, std::size_t row) {
  switch (column.type.id) {
    case TypeId::Numeric:
      return put_numeric_field(at, column.integer(row), column.layout.scale);
    case TypeId::Date:
      return put_fixed_field(at, to_wire_date(column.fixed<std::int32_t>(row)));
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      return put_fixed_field(at, to_wire_timestamp(column.fixed<std::int64_t>(row)));
    default:
      break;
  }
  switch (column.layout.physical) {
    case Physical::Bool:
      return put_fixed_field(at, static_cast<std::uint8_t>(column.fixed<std::uint8_t>(row) != 0));
    case Physical::Int16:
      return put_fixed_field(at, column.fixed<std::int16_t>(row));
    case Physical::Int32:
      return put_fixed_field(at, column.fixed<std::int32_t>(row));
    case Physical::Int64:
      return put_fixed_field(at, column.fixed<std::int64_t>(row));
    case Physical::Float32:
      return put_fixed_field(at, column.fixed<std::uint32_t>(row));
    case Physical::Float64:
      return put_fixed_field(at, column.fixed<std::uint64_t>(row));
    case Physical::Int128:
    case Physical::Bytes:
      break;
  }
  fail_format();
}

void append_binary_field(std::string& out, const ColumnView& column, std::size_t row) {
  if (column.is_null(row)) {
    append_big_endian(out, std::int32_t{-1});
    return;
  }
  if (is_short_binary(column)) {
    char field[kMostShortBinaryBytes];
    out.append(field, put_short_binary_field(field, column, row));
    return;
  }
  if (column.type.is_array) {
    append_array_field(out, column.bytes(row), column.type.element());
    return;
  }
  switch (column.type.id) {
    case TypeId::Numeric:
      return append_numeric_field(out, column.bytes(row));
    case TypeId::Interval:
      return append_interval_field(out, column.fixed<Int128>(row));
    case TypeId::Uuid: {
      std::string text;
      append_text(text, column, row, FormatContext{});
      return append_uuid_field(out, text);
    }
    default:
      if (column.layout.physical != Physical::Bytes) fail_format();
      return append_texts(out, column.type, column.bytes(row));
  }
}

void append_binary_field(std::string& out, const Value& value) {
  Column column(value.type);
  append_value(column, value);
  append_binary_field(out, column.view(), 0);
}

Value receive_value(const SqlType& type, std::string_view bytes) {
  if (type.is_array) return receive_array(type, bytes);
  switch (type.id) {
    case TypeId::Boolean:
      return of_integer_as(type, receive_fixed<std::uint8_t>(bytes) != 0 ? 1 : 0);
    case TypeId::SmallInt:
      return of_integer_as(type, receive_fixed<std::int16_t>(bytes));
    case TypeId::Integer:
      return of_integer_as(type, receive_fixed<std::int32_t>(bytes));
    case TypeId::Oid:
      return of_integer_as(type, receive_fixed<std::uint32_t>(bytes));
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      return of_integer_as(type, static_cast<std::int32_t>(receive_fixed<std::uint32_t>(bytes)));
    case TypeId::BigInt:
    case TypeId::TimestampNs:
      return of_integer_as(type, receive_fixed<std::int64_t>(bytes));
    case TypeId::Time: {
      const auto us = receive_fixed<std::int64_t>(bytes);
      if (us < 0 || us > kMicrosPerDay) throw Error(ErrorCode::DatetimeFieldOverflow, "time out of range");
      return of_integer_as(type, us);
    }
    case TypeId::Real:
      return Value{type, false, 0, 0, std::bit_cast<float>(receive_fixed<std::uint32_t>(bytes))};
    case TypeId::Double:
      return Value{type, false, 0, 0, std::bit_cast<double>(receive_fixed<std::uint64_t>(bytes))};
    case TypeId::Numeric: {
      const auto decimal = receive_decimal(bytes);
      if (type.precision < 0) return Value{type, false, decimal.scale, decimal.unscaled};
      Column column(type);  // rounds to the declared scale and checks the precision
      column.append_decimal(decimal);
      return value_at(column.view(), 0);
    }
    case TypeId::Date:
      return of_integer_as(type, receive_date(bytes));
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      return of_integer_as(type, receive_timestamp(bytes));
    case TypeId::Interval:
      return of_integer_as(type, receive_interval(bytes));
    case TypeId::Uuid:
      return parse_value(type, uuid_text(bytes));
    case TypeId::Bytea:
      return Value{type, false, 0, 0, 0, std::string(bytes)};
    case TypeId::Jsonb:
      if (bytes.empty() || bytes.front() != '\x01') fail_format("unsupported jsonb version number");
      return parse_value(type, bytes.substr(1));
    case TypeId::InternalChar:
      if (bytes.size() != 1) fail_format();
      return Value{type, false, 0, 0, 0, std::string(bytes.front() == '\0' ? "" : bytes)};
    case TypeId::Int2Vector:
      return receive_vector(type, bytes, TypeId::SmallInt);
    case TypeId::OidVector:
      return receive_vector(type, bytes, TypeId::Oid);
    case TypeId::Void:
      return Value{type, false};
    case TypeId::Record:
    case TypeId::AclItem:
    case TypeId::Enum:  // its labels are the catalog's to find: `parse_value`
      throw Error(ErrorCode::UndefinedFunction,
                  "no binary input function available for type " + to_sql(type));
    case TypeId::Unknown:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Name:
    case TypeId::Json:
    case TypeId::Candlestick:
      return parse_value(type, bytes);
  }
  fail_format();
}

void append_received(Column& column, std::string_view bytes) {
  const SqlType& type = column.type();
  if (!type.is_array) {
    switch (type.id) {
      case TypeId::BigInt:
        return column.append_fixed(receive_fixed<std::int64_t>(bytes));
      case TypeId::Timestamp:
      case TypeId::TimestampTz:
        return column.append_fixed(receive_timestamp(bytes));
      case TypeId::Numeric:
        if (type.precision < 0 && column.layout().physical == Physical::Int64) {
          if (const auto value = receive_short_decimal(bytes, column.layout().scale))
            return column.append_fixed(*value);
        }
        return column.append_decimal(receive_decimal(bytes));
      case TypeId::Text:
      case TypeId::Varchar:
        return append_parsed(column, bytes);
      default:
        break;
    }
  }
  append_value(column, receive_value(type, bytes));
}

}  // namespace tickstone
