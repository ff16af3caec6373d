// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tickstone {

/// The SQL types of Tickstone. The numbers are part of the storage format: append only.
enum class TypeId : std::uint8_t {
  Unknown = 0,  // an untyped literal or NULL
  Boolean = 1,
  SmallInt = 2,
  Integer = 3,
  BigInt = 4,
  Real = 5,
  Double = 6,
  Numeric = 7,
  Text = 8,
  Varchar = 9,  // modifier: the length limit, or -1
  Char = 10,    // bpchar; modifier: the length
  Bytea = 11,
  Date = 12,         // days since 1970-01-01
  Time = 13,         // microseconds since midnight
  Timestamp = 14,    // microseconds since 1970-01-01, without zone
  TimestampTz = 15,  // microseconds since 1970-01-01 UTC
  TimestampNs = 16,  // nanoseconds since 1970-01-01 UTC
  Interval = 17,
  Uuid = 18,
  Json = 19,
  Jsonb = 20,
  Oid = 21,
  Name = 22,
  InternalChar = 23,  // "char"
  Regclass = 24,
  Regtype = 25,
  Regproc = 26,
  Regnamespace = 27,
  Void = 28,
  Record = 29,
  Int2Vector = 30,  // text inside, as PostgreSQL prints it
  OidVector = 31,
  AclItem = 32,
  Candlestick = 33,  // text inside, in the toolkit's form
  Regrole = 34,
  Enum = 35,  // of CREATE TYPE: the number of a label, see `EnumLabels`; its modifiers hold the type's OID
};

/// How a column's values lie in memory and on disk.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // Physical::Int128 beside the integer type Int128
enum class Physical : std::uint8_t {
  Bool = 0,  // one byte, 0 or 1
  Int16 = 1,
  Int32 = 2,   // Integer, Date, Oid and the reg types, Enum
  Int64 = 3,   // BigInt, times, and NUMERIC of up to 18 digits (scaled integer)
  Int128 = 4,  // NUMERIC of up to 38 digits, Uuid, Interval (packed, see interval.hpp)
  Float32 = 5,
  Float64 = 6,
  Bytes = 7,  // texts, bytea, JSON; arrays in the encoding of array_value.hpp
};
#pragma GCC diagnostic pop

/// Bytes of one value; 0 for Bytes.
std::size_t width_bytes(Physical physical);

/// A type as SQL writes it: id, modifiers, and whether it is an array of it.
struct SqlType {
  TypeId id = TypeId::Unknown;
  bool is_array = false;
  /// Numeric: declared precision, or -1 (a bare NUMERIC). Varchar and Char: length, or -1. Times: fraction
  /// digits, or -1.
  std::int16_t precision = -1;
  /// Numeric with a declared precision: its scale.
  std::int16_t scale = 0;

  friend bool operator==(const SqlType&, const SqlType&) = default;

  static SqlType of(TypeId id) { return SqlType{id}; }
  static SqlType array_of(TypeId id) { return SqlType{id, true}; }
  /// A type that a user made: its OID lies in the modifiers, which such a type has none of. Below 0 is what
  /// `precision` then always is.
  static SqlType enum_of(std::uint32_t oid) {
    return SqlType{TypeId::Enum, false, static_cast<std::int16_t>(-1 - static_cast<int>(oid >> 16)),
                   static_cast<std::int16_t>(oid & 0xffff)};
  }
  /// Of such a type, its OID; that of arrays of it is the next one.
  std::uint32_t user_oid() const {
    return static_cast<std::uint32_t>(-1 - precision) << 16 | static_cast<std::uint16_t>(scale);
  }
  bool is_enum() const { return id == TypeId::Enum && !is_array; }
  static SqlType numeric(int precision, int scale) {
    return SqlType{TypeId::Numeric, false, static_cast<std::int16_t>(precision),
                   static_cast<std::int16_t>(scale)};
  }
  bool is_bare_numeric() const { return id == TypeId::Numeric && !is_array && precision < 0; }
  SqlType element() const {
    SqlType e = *this;
    e.is_array = false;
    return e;
  }
};

/// The physical form of a type; for NUMERIC the narrow one, which a column may outgrow (`ColumnLayout`).
Physical physical_of(const SqlType& type);

/// How one column lies in one place: a bare NUMERIC may be Int64 of scale 6 in one segment and Int128 of 12
/// in the next.
struct ColumnLayout {
  Physical physical = Physical::Int64;
  std::uint8_t scale = 0;
  friend bool operator==(const ColumnLayout&, const ColumnLayout&) = default;
};

/// The layout that a new column of `type` starts with: a bare NUMERIC is Int64 of scale 6.
ColumnLayout initial_layout(const SqlType& type);

/// As `format_type()` and psql's \d print it: `numeric(10,2)`, `timestamp with time zone`, `text[]`.
std::string to_sql(const SqlType& type);

/// From a type name as PostgreSQL's grammar gives it (`int4`, `timestamptz`, `numeric`, lower case, no
/// modifiers), or nothing where there is no such type. Accepts internal names, SQL names and aliases
/// (`float8`, `double precision`).
std::optional<TypeId> type_id_from_name(std::string_view name);

/// timestamp_ns is not PostgreSQL's: numbers that PostgreSQL leaves free.
inline constexpr std::uint32_t kTimestampNsOid = 9120;
inline constexpr std::uint32_t kTimestampNsArrayOid = 9121;
/// Nor is the toolkit's candlestick.
inline constexpr std::uint32_t kCandlestickOid = 9122;
inline constexpr std::uint32_t kCandlestickArrayOid = 9123;

/// PostgreSQL's type OID (`is_array` gives the array type's), and its typmod as RowDescription and
/// pg_attribute carry it.
std::uint32_t oid_of(const SqlType& type);
std::int32_t typmod_of(const SqlType& type);
/// pg_type.typlen: -1 for variable lengths.
std::int16_t typlen_of(const SqlType& type);
std::optional<SqlType> type_from_oid(std::uint32_t oid, std::int32_t typmod = -1);

/// The character string types, whose text is their value: Text, Varchar, Char, Name, "char" and Unknown.
bool is_text_like(TypeId id);
/// SmallInt, Integer, BigInt.
bool is_integer(TypeId id);
/// The types whose values are the OIDs of objects and whose text is their names: Regclass and its kin.
bool is_object_name(TypeId id);

}  // namespace tickstone
