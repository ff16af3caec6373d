// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "types/array_value.hpp"
#include "types/bytea_text.hpp"
#include "types/candlestick.hpp"
#include "types/field_parser.hpp"
#include "types/float_text.hpp"
#include "types/json_text.hpp"
#include "types/type_modifier.hpp"
#include "types/utf8.hpp"
#include "types/uuid_text.hpp"
#include "types/value.hpp"

namespace tickstone {

namespace {

constexpr std::size_t kNameBytes = 63;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed_spaces(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

[[noreturn]] void throw_syntax(std::string_view type_name, std::string_view text,
                               ErrorCode code = ErrorCode::InvalidTextRepresentation) {
  // Only text that is UTF-8 may stand in a message.
  check_utf8(text);
  throw Error(code, fmt::format("invalid input syntax for type {}: \"{}\"", type_name, text));
}

/// The value of a parser that answers bad syntax with nothing.
template <typename T>
T parsed_datetime(std::optional<T> value, std::string_view type_name, std::string_view text) {
  if (!value) throw_syntax(type_name, text, ErrorCode::InvalidDatetimeFormat);
  return *value;
}

bool parse_boolean(std::string_view text) {
  const auto word = trimmed_spaces(text);
  const auto is_prefix_of = [&](std::string_view full, std::size_t least) {
    if (word.size() < least || word.size() > full.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if ((word[i] | 0x20) != full[i]) return false;
    }
    return true;
  };
  if (is_prefix_of("true", 1) || is_prefix_of("yes", 1) || is_prefix_of("on", 2) || word == "1") return true;
  if (is_prefix_of("false", 1) || is_prefix_of("no", 1) || is_prefix_of("off", 2) || word == "0")
    return false;
  throw_syntax("boolean", text);
}

template <typename T>
T parse_integer(std::string_view text, std::string_view type_name) {
  std::size_t at = 0;
  while (at < text.size() && is_space(text[at])) ++at;
  bool is_negative = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) is_negative = text[at++] == '-';
  if (at == text.size() || !is_digit(text[at])) throw_syntax(type_name, text);
  T value = 0;  // counted down: the negative side holds one more
  for (; at < text.size() && is_digit(text[at]); ++at) {
    const T digit = static_cast<T>(text[at] - '0');
    if (__builtin_mul_overflow(value, T{10}, &value) || __builtin_sub_overflow(value, digit, &value)) {
      check_utf8(text);
      throw Error(ErrorCode::NumericValueOutOfRange,
                  fmt::format("value \"{}\" is out of range for type {}", text, type_name));
    }
  }
  while (at < text.size() && is_space(text[at])) ++at;
  if (at != text.size()) throw_syntax(type_name, text);
  if (is_negative) return value;
  if (value == std::numeric_limits<T>::min()) {
    throw Error(ErrorCode::NumericValueOutOfRange,
                fmt::format("value \"{}\" is out of range for type {}", text, type_name));
  }
  return static_cast<T>(-value);
}

std::uint32_t parse_oid(std::string_view text) {
  const auto number = trimmed_spaces(text);
  std::size_t at = !number.empty() && (number.front() == '-' || number.front() == '+') ? 1 : 0;
  if (at == number.size()) throw_syntax("oid", text);
  std::int64_t value = 0;
  bool is_large = false;
  for (; at < number.size(); ++at) {
    if (!is_digit(number[at])) throw_syntax("oid", text);
    value = value * 10 + (number[at] - '0');
    if (value > std::numeric_limits<std::uint32_t>::max()) {
      is_large = true;
      value = 0;
    }
  }
  const bool is_negative = number.front() == '-';
  if (is_large || (is_negative && value > std::int64_t{1} << 31)) {
    throw Error(ErrorCode::NumericValueOutOfRange,
                fmt::format("value \"{}\" is out of range for type oid", text));
  }
  return static_cast<std::uint32_t>(is_negative ? -value : value);
}

/// The reg types take numbers here; names are the catalog's to find, but those of types are known.
std::uint32_t parse_oid_name(TypeId id, std::string_view text, const FormatContext& context) {
  if (text == "-") return 0;
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) return parse_oid(text);
  check_utf8(text);
  if (context.names != nullptr) return context.names->object_oid(id, text);
  switch (id) {
    case TypeId::Regtype: {
      std::string_view name = text;
      const bool is_array = name.size() > 2 && name.substr(name.size() - 2) == "[]";
      if (is_array) name.remove_suffix(2);
      if (const auto type = type_id_from_name(name)) return oid_of(SqlType{*type, is_array});
      throw Error(ErrorCode::UndefinedObject, fmt::format("type \"{}\" does not exist", text));
    }
    case TypeId::Regproc:
      throw Error(ErrorCode::UndefinedFunction, fmt::format("function \"{}\" does not exist", text));
    case TypeId::Regrole:
      throw Error(ErrorCode::UndefinedObject, fmt::format("role \"{}\" does not exist", text));
    case TypeId::Regnamespace:
      throw Error(ErrorCode::InvalidSchemaName, fmt::format("schema \"{}\" does not exist", text));
    default:
      throw Error(ErrorCode::UndefinedTable, fmt::format("relation \"{}\" does not exist", text));
  }
}

/// The local wall clock, which `now` and `today` mean where no zone is kept.
std::int64_t local_now_us(const FormatContext& context) {
  return context.now_us + context.zone->offset_seconds_at_utc(context.now_us) * kMicrosPerSecond;
}

/// Microseconds since midnight.
std::int64_t clock_of(std::int64_t us) {
  const std::int64_t rest = us % kMicrosPerDay;
  return rest < 0 ? rest + kMicrosPerDay : rest;
}

IntervalValue round_interval(const SqlType& type, IntervalValue value) {
  value.micros = round_fraction(type, value.micros, 0);
  return value;
}

void append_parsed_text(Column& column, std::string_view text) {
  check_utf8(text);
  const SqlType& type = column.type();
  if (type.id == TypeId::Name) {
    std::size_t size = std::min(text.size(), kNameBytes);
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    column.append_bytes(text.substr(0, size));
  } else if (type.id == TypeId::InternalChar) {
    column.append_bytes(text.substr(0, 1));
  } else {
    std::string buffer;
    column.append_bytes(fit_length(type, text, LengthRule::Refuse, buffer));
  }
}

Decimal parse_numeric(std::string_view text) {
  const auto value = parse_decimal(text);
  if (!value) throw_syntax("numeric", text);
  return *value;
}

}  // namespace

void append_parsed(Column& column, std::string_view text, const FormatContext& context) {
  const SqlType& type = column.type();
  if (const auto fast = find_field_parser(type, context); fast != nullptr && fast(column, text, context))
    return;
  if (type.is_array) {
    column.append_bytes(parse_array_text(text, type.element(), context));
    return;
  }
  switch (type.id) {
    case TypeId::Boolean:
      column.append_fixed(static_cast<std::uint8_t>(parse_boolean(text) ? 1 : 0));
      return;
    case TypeId::SmallInt:
      column.append_fixed(parse_integer<std::int16_t>(text, "smallint"));
      return;
    case TypeId::Integer:
      column.append_fixed(parse_integer<std::int32_t>(text, "integer"));
      return;
    case TypeId::BigInt:
      column.append_fixed(parse_integer<std::int64_t>(text, "bigint"));
      return;
    case TypeId::Real:
      column.append_fixed(parse_real(text));
      return;
    case TypeId::Double:
      column.append_fixed(parse_double(text));
      return;
    case TypeId::Numeric:
      column.append_decimal(parse_numeric(text));
      return;
    case TypeId::Unknown:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Name:
    case TypeId::InternalChar:
    case TypeId::Void:
    case TypeId::Record:
    case TypeId::Int2Vector:
    case TypeId::OidVector:
    case TypeId::AclItem:
      append_parsed_text(column, text);
      return;
    case TypeId::Bytea:
      column.append_bytes(parse_bytea(text));
      return;
    case TypeId::Date:
      column.append_fixed(
          parsed_datetime(parse_date(text, local_now_us(context), context.dates.order), "date", text));
      return;
    case TypeId::Time: {
      const bool is_now = trimmed_spaces(text) == "now";
      const std::int64_t now = local_now_us(context);
      const std::int64_t us = is_now ? clock_of(now) : parsed_datetime(parse_time(text), "time", text);
      column.append_fixed(round_fraction(type, us, 0));
      return;
    }
    case TypeId::Timestamp: {
      const auto us = parsed_datetime(parse_timestamp(text, local_now_us(context), context.dates.order),
                                      "timestamp", text);
      column.append_fixed(round_fraction(type, us, kPostgresEpochUs));
      return;
    }
    case TypeId::TimestampTz: {
      const auto us =
          parsed_datetime(parse_timestamptz(text, *context.zone, context.now_us, context.dates.order),
                          "timestamp with time zone", text);
      column.append_fixed(round_fraction(type, us, kPostgresEpochUs));
      return;
    }
    case TypeId::TimestampNs: {
      const bool is_now = trimmed_spaces(text) == "now";
      column.append_fixed(is_now
                              ? context.now_us * 1000
                              : parsed_datetime(parse_timestamp_ns(text, *context.zone, context.dates.order),
                                                "timestamp_ns", text));
      return;
    }
    case TypeId::Interval:
      column.append_fixed(pack_interval(
          round_interval(type, parsed_datetime(parse_interval(text, context.intervals), "interval", text))));
      return;
    case TypeId::Uuid: {
      const auto uuid = parse_uuid(text);
      if (!uuid) throw_syntax("uuid", text);
      column.append_fixed(*uuid);
      return;
    }
    case TypeId::Json:
      check_json(text);
      column.append_bytes(text);
      return;
    case TypeId::Jsonb:
      column.append_bytes(normalize_jsonb(text));
      return;
    case TypeId::Candlestick:
      column.append_bytes(normalize_candlestick(text));
      return;
    case TypeId::Oid:
      column.append_fixed(parse_oid(text));
      return;
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      column.append_fixed(parse_oid_name(type.id, text, context));
      return;
    case TypeId::Enum: {
      const auto labels = context.names == nullptr ? nullptr : context.names->enum_labels(type.user_oid());
      if (labels == nullptr)
        throw Error(ErrorCode::UndefinedObject,
                    fmt::format("type with OID {} does not exist", type.user_oid()));
      check_utf8(text);
      column.append_fixed(labels->number_of(text));
      return;
    }
  }
}

Value parse_value(const SqlType& type, std::string_view text, const FormatContext& context) {
  if (type.is_bare_numeric()) {
    auto value = Value::of_numeric(parse_numeric(text));
    value.type = type;
    return value;
  }
  if (!type.is_array && (type.id == TypeId::Text || (type.id == TypeId::Varchar && type.precision < 0))) {
    check_utf8(text);
    return Value{type, false, 0, 0, 0, std::string(text)};
  }
  Column column(type);
  append_parsed(column, text, context);
  Value value = value_at(column.view(), 0);
  if (type.is_enum()) value.text = text, value.scale = Value::kHasLabel;
  return value;
}

}  // namespace tickstone
