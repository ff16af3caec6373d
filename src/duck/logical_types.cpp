// SPDX-License-Identifier: Apache-2.0
#include "duck/logical_types.hpp"

#include "duck/functions/wide_functions.hpp"
#include "duck/instance.hpp"
#include "types/array_value.hpp"

namespace tickstone::duck {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;

namespace {

LogicalType element_type_of(const SqlType& type, const ColumnLayout& layout) {
  switch (type.id) {
    case TypeId::Boolean:
      return LogicalType::BOOLEAN;
    case TypeId::SmallInt:
      return LogicalType::SMALLINT;
    case TypeId::Integer:
      return LogicalType::INTEGER;
    case TypeId::BigInt:
    case TypeId::Oid:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      return LogicalType::BIGINT;
    case TypeId::Real:
      return LogicalType::FLOAT;
    case TypeId::Double:
      return LogicalType::DOUBLE;
    case TypeId::Numeric:
      return LogicalType::DECIMAL(layout.physical == Physical::Int128 ? 38 : 18, layout.scale);
    case TypeId::Bytea:
      return LogicalType::BLOB;
    case TypeId::Date:
      return LogicalType::DATE;
    case TypeId::Time:
      return LogicalType::TIME;
    case TypeId::Timestamp:
      return LogicalType::TIMESTAMP;
    case TypeId::TimestampTz:
      return LogicalType::TIMESTAMP_TZ;
    case TypeId::TimestampNs:
      return LogicalType::TIMESTAMP_NS;
    case TypeId::Interval:
      return LogicalType::INTERVAL;
    case TypeId::Uuid:
      return LogicalType::UUID;
    case TypeId::Json:
      return LogicalType::JSON();
    case TypeId::Jsonb:
      return jsonb_type();
    case TypeId::Candlestick:
      return candlestick_type();
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
    case TypeId::Enum:  // without its labels: `enum_type`
      return LogicalType::VARCHAR;
  }
  return LogicalType::VARCHAR;
}

/// The layout of NUMERIC elements inside arrays, which are texts in our encoding: any scale fits in this one.
constexpr ColumnLayout kElementNumeric{Physical::Int128, 12};

LogicalType text_type_named(const char* name) {
  LogicalType type(LogicalTypeId::VARCHAR);
  type.SetAlias(name);
  return type;
}

bool is_text_named(const LogicalType& type, const char* name) {
  return type.id() == LogicalTypeId::VARCHAR && type.HasAlias() && type.GetAlias() == name;
}

}  // namespace

const LogicalType& jsonb_type() {
  static const LogicalType kType = text_type_named("JSONB");
  return kType;
}

bool is_jsonb(const LogicalType& type) { return is_text_named(type, "JSONB"); }

const LogicalType& candlestick_type() {
  static const LogicalType kType = text_type_named("CANDLESTICK");
  return kType;
}

bool is_candlestick(const LogicalType& type) { return is_text_named(type, "CANDLESTICK"); }

bool is_json(const LogicalType& type) { return type.IsJSONType() || is_jsonb(type); }

LogicalType logical_type_of(const SqlType& type, const ColumnLayout& layout) {
  if (type.is_array) return LogicalType::LIST(element_type_of(type, kElementNumeric));
  return element_type_of(type, layout);
}

LogicalType logical_type_of(const SqlType& type) {
  if (type.id == TypeId::Numeric && !type.is_array && type.precision < 0) return LogicalType::DECIMAL(38, 12);
  return logical_type_of(type, initial_layout(type));
}

LogicalType logical_type_of(const SourceColumn& column) {
  if (column.type.id != TypeId::Enum || column.labels == nullptr)
    return logical_type_of(column.type, column.layout);
  const auto& labels = column.labels->labels;
  // A type without labels has no values, and DuckDB no such type: as in the texts of queries, one that no
  // label can be.
  const std::string none(EnumLabels::kMaxBytes + 1, '-');
  const idx_t count = std::max<std::size_t>(labels.size(), 1);
  duckdb::Vector texts(LogicalType::VARCHAR, count);
  auto* strings = duckdb::FlatVector::GetData<duckdb::string_t>(texts);
  for (idx_t i = 0; i < count; ++i)
    strings[i] = duckdb::StringVector::AddString(texts, i < labels.size() ? labels[i].text : none);
  const LogicalType type = LogicalType::ENUM(texts, count);
  return column.type.is_array ? LogicalType::LIST(type) : type;
}

SqlType sql_type_of(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return SqlType::of(TypeId::Boolean);
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::SMALLINT:
      return SqlType::of(TypeId::SmallInt);
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::INTEGER_LITERAL:
      return SqlType::of(TypeId::Integer);
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::BIGINT:
      return SqlType::of(TypeId::BigInt);
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::DECIMAL:
      return SqlType::of(TypeId::Numeric);
    case LogicalTypeId::FLOAT:
      return SqlType::of(TypeId::Real);
    case LogicalTypeId::DOUBLE:
      return SqlType::of(TypeId::Double);
    case LogicalTypeId::BLOB:
      return SqlType::of(is_wide_numeric(type) ? TypeId::Numeric : TypeId::Bytea);
    case LogicalTypeId::DATE:
      return SqlType::of(TypeId::Date);
    case LogicalTypeId::TIME:
      return SqlType::of(TypeId::Time);
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP:
      return SqlType::of(TypeId::Timestamp);
    case LogicalTypeId::TIMESTAMP_NS:
      return SqlType::of(TypeId::TimestampNs);
    case LogicalTypeId::TIMESTAMP_TZ:
      return SqlType::of(TypeId::TimestampTz);
    case LogicalTypeId::INTERVAL:
      return SqlType::of(TypeId::Interval);
    case LogicalTypeId::UUID:
      return SqlType::of(TypeId::Uuid);
    case LogicalTypeId::VARCHAR:
      if (is_jsonb(type)) return SqlType::of(TypeId::Jsonb);
      if (is_candlestick(type)) return SqlType::of(TypeId::Candlestick);
      if (type.IsJSONType()) return SqlType::of(TypeId::Json);
      return SqlType::of(TypeId::Text);
    case LogicalTypeId::STRUCT:
      return SqlType::of(TypeId::Record);
    case LogicalTypeId::LIST: {
      const auto& child = duckdb::ListType::GetChildType(type);
      // An array of arrays comes as one text: our arrays have one dimension.
      if (child.id() == LogicalTypeId::LIST || child.id() == LogicalTypeId::ARRAY) {
        return SqlType::of(TypeId::Text);
      }
      SqlType element = sql_type_of(child);
      element.is_array = true;
      return element;
    }
    case LogicalTypeId::ENUM:  // its label; the rewriter knows which type it is
      return SqlType::of(TypeId::Text);
    case LogicalTypeId::UNKNOWN:
      return SqlType::of(TypeId::Unknown);
    default:
      return SqlType::of(TypeId::Text);
  }
}

ColumnLayout layout_of(const LogicalType& type, const SqlType& sql_type) {
  if (sql_type.id == TypeId::Numeric && !sql_type.is_array) {
    if (type.id() != LogicalTypeId::DECIMAL) return {Physical::Int128, 0};
    const auto scale = duckdb::DecimalType::GetScale(type);
    return {duckdb::DecimalType::GetWidth(type) <= 18 ? Physical::Int64 : Physical::Int128, scale};
  }
  return initial_layout(sql_type);
}

duckdb::Value to_duck(const Value& value) {
  if (value.is_null) {
    return duckdb::Value(logical_type_of(value.type));
  }
  if (value.type.is_array) {
    SqlType element = value.type.element();
    const LogicalType type = element_type_of(element, kElementNumeric);
    duckdb::vector<duckdb::Value> elements;
    for (const auto& part : decode_array(value.text)) {
      if (!part) {
        elements.emplace_back(type);
        continue;
      }
      Value one{element, false};
      const auto physical = element.id == TypeId::Numeric ? Physical::Bytes : physical_of(element);
      if (element.id == TypeId::Numeric) {
        elements.push_back(to_duck(parse_value(element, *part)).DefaultCastAs(type));
        continue;
      }
      switch (physical) {
        case Physical::Bytes:
          one.text = std::string(*part);
          break;
        case Physical::Float32: {
          float number;
          std::memcpy(&number, part->data(), sizeof number);
          one.number = number;
          break;
        }
        case Physical::Float64:
          std::memcpy(&one.number, part->data(), sizeof one.number);
          break;
        default: {
          // Little-endian, sign-extended.
          Int128 integer = 0;
          std::memcpy(&integer, part->data(), std::min(part->size(), sizeof integer));
          const int shift = static_cast<int>(128 - 8 * part->size());
          if (shift > 0) integer = (integer << shift) >> shift;
          one.integer = integer;
        }
      }
      elements.push_back(to_duck(one));
    }
    return duckdb::Value::LIST(type, std::move(elements));
  }
  switch (value.type.id) {
    case TypeId::Boolean:
      return duckdb::Value::BOOLEAN(value.integer != 0);
    case TypeId::SmallInt:
      return duckdb::Value::SMALLINT(static_cast<std::int16_t>(value.integer));
    case TypeId::Integer:
      return duckdb::Value::INTEGER(static_cast<std::int32_t>(value.integer));
    case TypeId::BigInt:
    case TypeId::Oid:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      return duckdb::Value::BIGINT(static_cast<std::int64_t>(value.integer));
    case TypeId::Real:
      return duckdb::Value::FLOAT(static_cast<float>(value.number));
    case TypeId::Double:
      return duckdb::Value::DOUBLE(value.number);
    case TypeId::Numeric: {
      const int digits = std::max<int>(digit_count(value.integer), value.scale);
      if (digits <= 18)
        return duckdb::Value::DECIMAL(static_cast<std::int64_t>(value.integer), 18, value.scale);
      return duckdb::Value::DECIMAL(to_hugeint(value.integer), 38, value.scale);
    }
    case TypeId::Bytea:
      return duckdb::Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(value.text.data()),
                                 value.text.size());
    case TypeId::Date:
      return duckdb::Value::DATE(duckdb::date_t(static_cast<std::int32_t>(value.integer)));
    case TypeId::Time:
      return duckdb::Value::TIME(duckdb::dtime_t(static_cast<std::int64_t>(value.integer)));
    case TypeId::Timestamp:
      return duckdb::Value::TIMESTAMP(duckdb::timestamp_t(static_cast<std::int64_t>(value.integer)));
    case TypeId::TimestampTz:
      return duckdb::Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(static_cast<std::int64_t>(value.integer)));
    case TypeId::TimestampNs:
      return duckdb::Value::TIMESTAMPNS(duckdb::timestamp_ns_t(static_cast<std::int64_t>(value.integer)));
    case TypeId::Interval:
      return duckdb::Value::INTERVAL(to_duck_interval(value.integer));
    case TypeId::Uuid:
      return duckdb::Value::UUID(to_hugeint(flip_uuid(value.integer)));
    case TypeId::Enum:
      // Read from a text, it has that beside its number.
      if (value.scale != Value::kHasLabel)
        throw Error(ErrorCode::InternalError, "a value of an enum type has no label");
      return duckdb::Value(value.text);
    case TypeId::Json:
    case TypeId::Jsonb:
    case TypeId::Candlestick: {
      duckdb::Value text(value.text);
      text.Reinterpret(logical_type_of(value.type));
      return text;
    }
    default:
      return duckdb::Value(value.text);
  }
}

Value from_duck(const duckdb::Value& value) {
  const SqlType type = sql_type_of(value.type());
  Value result = Value::null_of(type);
  if (value.IsNull()) return result;
  result.is_null = false;
  if (type.is_array) {
    ArrayBuilder builder;
    for (const auto& child : duckdb::ListValue::GetChildren(value)) {
      if (child.IsNull()) {
        builder.add_null();
        continue;
      }
      const Value element = from_duck(child);
      if (element.type.id == TypeId::Numeric) {
        builder.add(to_text(element));
        continue;
      }
      switch (physical_of(element.type)) {
        case Physical::Bytes:
          builder.add(element.text);
          break;
        case Physical::Float32: {
          const auto number = static_cast<float>(element.number);
          builder.add({reinterpret_cast<const char*>(&number), sizeof number});
          break;
        }
        case Physical::Float64:
          builder.add({reinterpret_cast<const char*>(&element.number), sizeof element.number});
          break;
        default:
          builder.add(
              {reinterpret_cast<const char*>(&element.integer), width_bytes(physical_of(element.type))});
      }
    }
    result.text = builder.finish();
    return result;
  }
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN:
      result.integer = value.GetValueUnsafe<bool>() ? 1 : 0;
      return result;
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::BIGINT:
      result.integer = value.GetValue<std::int64_t>();
      return result;
    case LogicalTypeId::UBIGINT:
      result.integer = static_cast<Int128>(value.GetValueUnsafe<std::uint64_t>());
      return result;
    case LogicalTypeId::HUGEINT:
      result.integer = to_int128(value.GetValueUnsafe<duckdb::hugeint_t>());
      return result;
    case LogicalTypeId::DECIMAL:
      result.scale = duckdb::DecimalType::GetScale(value.type());
      switch (value.type().InternalType()) {
        case duckdb::PhysicalType::INT16:
          result.integer = value.GetValueUnsafe<std::int16_t>();
          return result;
        case duckdb::PhysicalType::INT32:
          result.integer = value.GetValueUnsafe<std::int32_t>();
          return result;
        case duckdb::PhysicalType::INT64:
          result.integer = value.GetValueUnsafe<std::int64_t>();
          return result;
        default:
          result.integer = to_int128(value.GetValueUnsafe<duckdb::hugeint_t>());
          return result;
      }
    case LogicalTypeId::FLOAT:
      result.number = value.GetValueUnsafe<float>();
      return result;
    case LogicalTypeId::DOUBLE:
      result.number = value.GetValueUnsafe<double>();
      return result;
    case LogicalTypeId::DATE:
      result.integer = value.GetValueUnsafe<duckdb::date_t>().days;
      return result;
    case LogicalTypeId::TIME:
      result.integer = value.GetValueUnsafe<duckdb::dtime_t>().micros;
      return result;
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ:
      result.integer = value.GetValueUnsafe<std::int64_t>();
      return result;
    case LogicalTypeId::INTERVAL:
      result.integer = pack_duck_interval(value.GetValueUnsafe<duckdb::interval_t>());
      return result;
    case LogicalTypeId::UUID:
      result.integer = flip_uuid(to_int128(value.GetValueUnsafe<duckdb::hugeint_t>()));
      return result;
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
      if (is_wide_numeric(value.type())) {
        const auto number = to_decimal(decode_wide(duckdb::StringValue::Get(value)));
        if (!number) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
        result.integer = number->unscaled;
        result.scale = number->scale;
        return result;
      }
      result.text = duckdb::StringValue::Get(value);
      return result;
    default:
      break;
  }
  if (type.id == TypeId::Timestamp) {
    result.integer = value.DefaultCastAs(LogicalType::TIMESTAMP).GetValueUnsafe<std::int64_t>();
    return result;
  }
  result.text = value.ToString();
  return result;
}

std::string duck_type_name(const SqlType& type, const ColumnLayout& layout) {
  return logical_type_of(type, layout).ToString();
}

}  // namespace tickstone::duck
