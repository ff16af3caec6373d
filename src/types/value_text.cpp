// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "types/array_value.hpp"
#include "types/bytea_text.hpp"
#include "types/date_style_text.hpp"
#include "types/float_text.hpp"
#include "types/uuid_text.hpp"
#include "types/value.hpp"

namespace tickstone {

namespace {

template <typename T>
void append_number(std::string& out, T value) {
  char buffer[24];
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out.append(buffer, written.ptr);
}

void append_oid_name(std::string& out, TypeId id, std::uint32_t oid, const FormatContext& context) {
  if (oid == 0) {
    out.push_back('-');
    return;
  }
  if (context.names != nullptr) {
    out += context.names->object_name(id, oid);
    return;
  }
  if (id == TypeId::Regtype) {
    if (const auto type = type_from_oid(oid)) {
      out += to_sql(*type);
      return;
    }
  }
  append_number(out, oid);
}

void append_label(std::string& out, const SqlType& type, std::int32_t number, const FormatContext& context) {
  const auto labels = context.names == nullptr ? nullptr : context.names->enum_labels(type.user_oid());
  const auto* label = labels == nullptr ? nullptr : labels->find(number);
  if (label != nullptr)
    out += label->text;
  else
    append_number(out, number);
}

void append_bytes_text(std::string& out, const SqlType& type, std::string_view bytes,
                       const FormatContext& context) {
  if (type.is_array) {
    out += format_array_text(bytes, type.element(), context);
  } else if (type.id == TypeId::Bytea) {
    if (context.bytea_escape) {
      append_bytea_escape(out, bytes);
    } else {
      append_bytea_hex(out, bytes);
    }
  } else {
    out.append(bytes);
  }
}

/// All types but floats and those of Bytes.
void append_integer_text(std::string& out, const SqlType& type, Int128 value, int scale,
                         const FormatContext& context) {
  switch (type.id) {
    case TypeId::Boolean:
      out.push_back(value != 0 ? 't' : 'f');
      return;
    case TypeId::Numeric:
      append_decimal(out, value, scale);
      return;
    case TypeId::Date:
      append_date(out, static_cast<std::int32_t>(value), context.dates);
      return;
    case TypeId::Time:
      append_time(out, static_cast<std::int64_t>(value));
      return;
    case TypeId::Timestamp:
      append_timestamp(out, static_cast<std::int64_t>(value), context.dates);
      return;
    case TypeId::TimestampTz:
      append_timestamptz(out, static_cast<std::int64_t>(value), *context.zone, context.dates);
      return;
    case TypeId::TimestampNs:
      append_timestamp_ns(out, static_cast<std::int64_t>(value), *context.zone);
      return;
    case TypeId::Interval:
      out += format_interval(unpack_interval(value), context.intervals);
      return;
    case TypeId::Uuid:
      append_uuid(out, value);
      return;
    case TypeId::Oid:
      append_number(out, static_cast<std::uint32_t>(value));
      return;
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      append_oid_name(out, type.id, static_cast<std::uint32_t>(value), context);
      return;
    case TypeId::Enum:
      append_label(out, type, static_cast<std::int32_t>(value), context);
      return;
    default:
      append_number(out, static_cast<std::int64_t>(value));
      return;
  }
}

}  // namespace

void append_text(std::string& out, const ColumnView& column, std::size_t row, const FormatContext& context) {
  switch (column.layout.physical) {
    case Physical::Bytes:
      append_bytes_text(out, column.type, column.bytes(row), context);
      return;
    case Physical::Float32:
      append_real(out, column.fixed<float>(row), context.extra_float_digits);
      return;
    case Physical::Float64:
      append_double(out, column.fixed<double>(row), context.extra_float_digits);
      return;
    case Physical::Int64:
      if (column.type.id == TypeId::BigInt) {
        append_number(out, column.fixed<std::int64_t>(row));
        return;
      }
      append_integer_text(out, column.type, column.fixed<std::int64_t>(row), column.layout.scale, context);
      return;
    default:
      append_integer_text(out, column.type, column.integer(row), column.layout.scale, context);
      return;
  }
}

std::string to_text(const Value& value, const FormatContext& context) {
  std::string out;
  switch (physical_of(value.type)) {
    case Physical::Bytes:
      append_bytes_text(out, value.type, value.text, context);
      break;
    case Physical::Float32:
      append_real(out, static_cast<float>(value.number), context.extra_float_digits);
      break;
    case Physical::Float64:
      append_double(out, value.number, context.extra_float_digits);
      break;
    default:
      append_integer_text(out, value.type, value.integer, value.scale, context);
      break;
  }
  return out;
}

}  // namespace tickstone
