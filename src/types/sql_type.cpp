// SPDX-License-Identifier: Apache-2.0
#include "types/sql_type.hpp"

#include <array>

#include "base/check.hpp"

namespace tickstone {

namespace {

struct TypeRow {
  TypeId id;
  Physical physical;
  std::int16_t typlen;
  std::uint32_t oid;
  std::uint32_t array_oid;
  std::string_view sql_name;
};

// Ordered by id, so that a type is its own index.
constexpr std::array<TypeRow, 36> kTypes = {{
    {TypeId::Unknown, Physical::Bytes, -2, 705, 0, "unknown"},
    {TypeId::Boolean, Physical::Bool, 1, 16, 1000, "boolean"},
    {TypeId::SmallInt, Physical::Int16, 2, 21, 1005, "smallint"},
    {TypeId::Integer, Physical::Int32, 4, 23, 1007, "integer"},
    {TypeId::BigInt, Physical::Int64, 8, 20, 1016, "bigint"},
    {TypeId::Real, Physical::Float32, 4, 700, 1021, "real"},
    {TypeId::Double, Physical::Float64, 8, 701, 1022, "double precision"},
    {TypeId::Numeric, Physical::Int64, -1, 1700, 1231, "numeric"},
    {TypeId::Text, Physical::Bytes, -1, 25, 1009, "text"},
    {TypeId::Varchar, Physical::Bytes, -1, 1043, 1015, "character varying"},
    {TypeId::Char, Physical::Bytes, -1, 1042, 1014, "character"},
    {TypeId::Bytea, Physical::Bytes, -1, 17, 1001, "bytea"},
    {TypeId::Date, Physical::Int32, 4, 1082, 1182, "date"},
    {TypeId::Time, Physical::Int64, 8, 1083, 1183, "time without time zone"},
    {TypeId::Timestamp, Physical::Int64, 8, 1114, 1115, "timestamp without time zone"},
    {TypeId::TimestampTz, Physical::Int64, 8, 1184, 1185, "timestamp with time zone"},
    {TypeId::TimestampNs, Physical::Int64, 8, kTimestampNsOid, kTimestampNsArrayOid, "timestamp_ns"},
    {TypeId::Interval, Physical::Int128, 16, 1186, 1187, "interval"},
    {TypeId::Uuid, Physical::Int128, 16, 2950, 2951, "uuid"},
    {TypeId::Json, Physical::Bytes, -1, 114, 199, "json"},
    {TypeId::Jsonb, Physical::Bytes, -1, 3802, 3807, "jsonb"},
    {TypeId::Oid, Physical::Int32, 4, 26, 1028, "oid"},
    {TypeId::Name, Physical::Bytes, 64, 19, 1003, "name"},
    {TypeId::InternalChar, Physical::Bytes, 1, 18, 1002, "\"char\""},
    {TypeId::Regclass, Physical::Int32, 4, 2205, 2210, "regclass"},
    {TypeId::Regtype, Physical::Int32, 4, 2206, 2211, "regtype"},
    {TypeId::Regproc, Physical::Int32, 4, 24, 1008, "regproc"},
    {TypeId::Regnamespace, Physical::Int32, 4, 4089, 4090, "regnamespace"},
    {TypeId::Void, Physical::Bytes, 4, 2278, 0, "void"},
    {TypeId::Record, Physical::Bytes, -1, 2249, 2287, "record"},
    {TypeId::Int2Vector, Physical::Bytes, -1, 22, 1006, "int2vector"},
    {TypeId::OidVector, Physical::Bytes, -1, 30, 1013, "oidvector"},
    {TypeId::AclItem, Physical::Bytes, 12, 1033, 1034, "aclitem"},
    {TypeId::Candlestick, Physical::Bytes, -1, kCandlestickOid, kCandlestickArrayOid, "candlestick"},
    {TypeId::Regrole, Physical::Int32, 4, 4096, 4097, "regrole"},
    {TypeId::Enum, Physical::Int32, 4, 0, 0, "anyenum"},
}};

const TypeRow& row_of(TypeId id) {
  const auto index = static_cast<std::size_t>(id);
  TICKSTONE_CHECK(index < kTypes.size());
  return kTypes[index];
}

struct NameRow {
  std::string_view name;
  TypeId id;
};

// The grammar turns CHAR into bpchar, so that a bare `char` is PostgreSQL's internal "char".
constexpr NameRow kNames[] = {
    {"bool", TypeId::Boolean},
    {"boolean", TypeId::Boolean},
    {"int2", TypeId::SmallInt},
    {"smallint", TypeId::SmallInt},
    {"int4", TypeId::Integer},
    {"int", TypeId::Integer},
    {"integer", TypeId::Integer},
    {"int8", TypeId::BigInt},
    {"bigint", TypeId::BigInt},
    {"float4", TypeId::Real},
    {"real", TypeId::Real},
    {"float8", TypeId::Double},
    {"float", TypeId::Double},
    {"double precision", TypeId::Double},
    {"numeric", TypeId::Numeric},
    {"decimal", TypeId::Numeric},
    {"dec", TypeId::Numeric},
    {"text", TypeId::Text},
    {"varchar", TypeId::Varchar},
    {"character varying", TypeId::Varchar},
    {"bpchar", TypeId::Char},
    {"character", TypeId::Char},
    {"bytea", TypeId::Bytea},
    {"date", TypeId::Date},
    {"time", TypeId::Time},
    {"time without time zone", TypeId::Time},
    {"timestamp", TypeId::Timestamp},
    {"timestamp without time zone", TypeId::Timestamp},
    {"timestamptz", TypeId::TimestampTz},
    {"timestamp with time zone", TypeId::TimestampTz},
    {"timestamp_ns", TypeId::TimestampNs},
    {"interval", TypeId::Interval},
    {"uuid", TypeId::Uuid},
    {"json", TypeId::Json},
    {"jsonb", TypeId::Jsonb},
    {"candlestick", TypeId::Candlestick},
    {"oid", TypeId::Oid},
    {"xid", TypeId::Oid},  // as wide, and written alike
    {"name", TypeId::Name},
    {"char", TypeId::InternalChar},
    {"\"char\"", TypeId::InternalChar},
    {"regclass", TypeId::Regclass},
    {"regtype", TypeId::Regtype},
    {"regproc", TypeId::Regproc},
    {"regnamespace", TypeId::Regnamespace},
    {"regrole", TypeId::Regrole},
    {"void", TypeId::Void},
    {"record", TypeId::Record},
    {"int2vector", TypeId::Int2Vector},
    {"oidvector", TypeId::OidVector},
    {"aclitem", TypeId::AclItem},
    {"unknown", TypeId::Unknown},
};

/// Digits that a declared NUMERIC(p,s) can take unscaled: a negative scale pads zeros, one above p leaves
/// fraction only.
int declared_digits(const SqlType& type) {
  if (type.scale < 0) return type.precision - type.scale;
  return type.precision > type.scale ? type.precision : type.scale;
}

std::string time_name(std::string_view head, int precision, std::string_view tail) {
  std::string name(head);
  if (precision >= 0) name += "(" + std::to_string(precision) + ")";
  name += tail;
  return name;
}

std::string element_to_sql(const SqlType& type) {
  switch (type.id) {
    case TypeId::Numeric:
      if (type.precision < 0) return "numeric";
      return "numeric(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
    case TypeId::Varchar:
      return time_name("character varying", type.precision, "");
    case TypeId::Char:
      return type.precision < 0 ? "bpchar" : time_name("character", type.precision, "");
    case TypeId::Time:
      return time_name("time", type.precision, " without time zone");
    case TypeId::Timestamp:
      return time_name("timestamp", type.precision, " without time zone");
    case TypeId::TimestampTz:
      return time_name("timestamp", type.precision, " with time zone");
    case TypeId::Interval:
      return time_name("interval", type.precision, "");
    default:
      return std::string(row_of(type.id).sql_name);
  }
}

}  // namespace

std::size_t width_bytes(Physical physical) {
  switch (physical) {
    case Physical::Bool:
      return 1;
    case Physical::Int16:
      return 2;
    case Physical::Int32:
    case Physical::Float32:
      return 4;
    case Physical::Int64:
    case Physical::Float64:
      return 8;
    case Physical::Int128:
      return 16;
    case Physical::Bytes:
      return 0;
  }
  return 0;
}

Physical physical_of(const SqlType& type) {
  if (type.is_array) return Physical::Bytes;
  if (type.id == TypeId::Numeric && type.precision >= 0 && declared_digits(type) > 18)
    return Physical::Int128;
  return row_of(type.id).physical;
}

ColumnLayout initial_layout(const SqlType& type) {
  ColumnLayout layout{physical_of(type), 0};
  if (type.id == TypeId::Numeric && !type.is_array) {
    if (type.precision < 0) {
      layout.scale = 6;
    } else if (type.scale > 0) {
      layout.scale = static_cast<std::uint8_t>(type.scale > 38 ? 38 : type.scale);
    }
  }
  return layout;
}

std::string to_sql(const SqlType& type) { return element_to_sql(type) + (type.is_array ? "[]" : ""); }

std::optional<TypeId> type_id_from_name(std::string_view name) {
  constexpr std::string_view kCatalogPrefix = "pg_catalog.";
  if (name.substr(0, kCatalogPrefix.size()) == kCatalogPrefix) name.remove_prefix(kCatalogPrefix.size());
  for (const auto& row : kNames) {
    if (row.name == name) return row.id;
  }
  return std::nullopt;
}

std::uint32_t oid_of(const SqlType& type) {
  if (type.id == TypeId::Enum) return type.user_oid() + (type.is_array ? 1 : 0);
  const auto& row = row_of(type.id);
  return type.is_array ? row.array_oid : row.oid;
}

std::int32_t typmod_of(const SqlType& type) {
  if (type.precision < 0) return -1;
  switch (type.id) {
    case TypeId::Numeric:
      return ((static_cast<std::int32_t>(type.precision) << 16) | (type.scale & 0x7ff)) + 4;
    case TypeId::Varchar:
    case TypeId::Char:
      return type.precision + 4;
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      return type.precision;
    case TypeId::Interval:
      return (0x7fff << 16) | type.precision;  // all fields, this precision
    default:
      return -1;
  }
}

std::int16_t typlen_of(const SqlType& type) {
  return type.is_array ? std::int16_t{-1} : row_of(type.id).typlen;
}

std::optional<SqlType> type_from_oid(std::uint32_t oid, std::int32_t typmod) {
  if (oid == 0) return std::nullopt;
  for (const auto& row : kTypes) {
    if (row.oid != oid && row.array_oid != oid) continue;
    SqlType type{row.id, row.oid != oid};
    if (typmod < 0) return type;
    switch (row.id) {
      case TypeId::Numeric:
        if (typmod < 4) break;
        type.precision = static_cast<std::int16_t>(((typmod - 4) >> 16) & 0xffff);
        type.scale = static_cast<std::int16_t>((((typmod - 4) & 0x7ff) ^ 1024) - 1024);  // 11 bits, signed
        break;
      case TypeId::Varchar:
      case TypeId::Char:
        if (typmod >= 4 && typmod - 4 <= INT16_MAX) type.precision = static_cast<std::int16_t>(typmod - 4);
        break;
      case TypeId::Time:
      case TypeId::Timestamp:
      case TypeId::TimestampTz:
        if (typmod <= 6) type.precision = static_cast<std::int16_t>(typmod);
        break;
      case TypeId::Interval:
        if ((typmod & 0xffff) <= 6) type.precision = static_cast<std::int16_t>(typmod & 0xffff);
        break;
      default:
        break;
    }
    return type;
  }
  return std::nullopt;
}

bool is_text_like(TypeId id) {
  switch (id) {
    case TypeId::Unknown:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Name:
    case TypeId::InternalChar:
      return true;
    default:
      return false;
  }
}

bool is_object_name(TypeId id) {
  return id == TypeId::Regclass || id == TypeId::Regtype || id == TypeId::Regproc ||
         id == TypeId::Regnamespace || id == TypeId::Regrole;
}

bool is_integer(TypeId id) { return id == TypeId::SmallInt || id == TypeId::Integer || id == TypeId::BigInt; }

}  // namespace tickstone
