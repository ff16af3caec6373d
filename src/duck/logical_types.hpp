// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/instance.hpp"
#include "types/value.hpp"

namespace tickstone::duck {

/// How a column of ours looks to DuckDB. NUMERIC is DECIMAL(18,s) or DECIMAL(38,s) by layout; oid and the reg
/// types are BIGINT, name and "char" are VARCHAR (DuckDB has no use for the difference; the rewriter's output
/// types say what the client is told).
duckdb::LogicalType logical_type_of(const SqlType& type, const ColumnLayout& layout);
duckdb::LogicalType logical_type_of(const SqlType& type);
/// Of an enum type its own ENUM, whose codes are the places of the labels in their order.
duckdb::LogicalType logical_type_of(const SourceColumn& column);

/// JSONB as DuckDB sees it: VARCHAR under another name, in jsonb's normal form.
const duckdb::LogicalType& jsonb_type();
/// The toolkit's candlestick: VARCHAR under another name.
const duckdb::LogicalType& candlestick_type();
bool is_candlestick(const duckdb::LogicalType& type);
bool is_json(const duckdb::LogicalType& type);
bool is_jsonb(const duckdb::LogicalType& type);

/// What a result column is in our types, and its layout. Types that PostgreSQL has no word for are text.
SqlType sql_type_of(const duckdb::LogicalType& type);
ColumnLayout layout_of(const duckdb::LogicalType& type, const SqlType& sql_type);

/// Exact both ways; a NUMERIC becomes the DECIMAL that holds it.
duckdb::Value to_duck(const Value& value);
/// Errors: none for types that `sql_type_of` knows; others come as text.
Value from_duck(const duckdb::Value& value);

inline Int128 to_int128(duckdb::hugeint_t value) {
  return static_cast<Int128>((static_cast<UInt128>(static_cast<std::uint64_t>(value.upper)) << 64) |
                             value.lower);
}
inline duckdb::hugeint_t to_hugeint(Int128 value) {
  duckdb::hugeint_t result;
  result.upper = static_cast<std::int64_t>(value >> 64);
  result.lower = static_cast<std::uint64_t>(value);
  return result;
}
/// DuckDB keeps UUIDs with the top bit flipped, so that they order as signed numbers.
inline Int128 flip_uuid(Int128 value) { return value ^ (Int128{1} << 127); }
inline duckdb::interval_t to_duck_interval(Int128 packed) {
  const IntervalValue value = unpack_interval(packed);
  duckdb::interval_t result;
  result.months = value.months;
  result.days = value.days;
  result.micros = value.micros;
  return result;
}
inline IntervalValue from_duck_interval(const duckdb::interval_t& value) {
  return IntervalValue{value.months, value.days, value.micros};
}
inline Int128 pack_duck_interval(const duckdb::interval_t& value) {
  return pack_interval(from_duck_interval(value));
}

}  // namespace tickstone::duck
