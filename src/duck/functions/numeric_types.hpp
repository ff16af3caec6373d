// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "duck/duckdb_api.hpp"
#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"

namespace tickstone::duck {

/// What PostgreSQL sees in a numeric type of DuckDB's.
enum class NumberKind : std::uint8_t { None, SmallInt, Integer, BigInt, Numeric, Real, Double };

NumberKind number_kind(const duckdb::LogicalType& type);
inline bool is_integer_kind(NumberKind kind) {
  return kind == NumberKind::SmallInt || kind == NumberKind::Integer || kind == NumberKind::BigInt;
}
duckdb::LogicalType type_of(NumberKind integer_or_float);

/// Scale of an exact number; 0 for integers.
int scale_of(const duckdb::LogicalType& type);
/// The type in which our loops read an exact number: BIGINT, DECIMAL(18,s) or DECIMAL(38,s).
duckdb::LogicalType loop_type(const duckdb::LogicalType& type);
inline bool is_wide(const duckdb::LogicalType& loop) {
  return loop.InternalType() == duckdb::PhysicalType::INT128;
}

/// An argument that has no type yet: an untyped literal, a parameter or NULL.
bool is_untyped(const duckdb::Expression& expression);

/// Gives a bound function its types: arguments are cast to `arguments`.
void set_types(duckdb::ScalarFunction& function, duckdb::vector<duckdb::LogicalType> arguments,
               duckdb::LogicalType result);
[[noreturn]] void throw_no_operator(const std::string& name, const duckdb::LogicalType& left,
                                    const duckdb::LogicalType& right);
[[noreturn]] void throw_no_function(const std::string& name,
                                    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments);

/// Binds what DuckDB would have bound: `set` is DuckDB's own.
duckdb::unique_ptr<duckdb::FunctionData> bind_original(
    duckdb::ClientContext& context, const duckdb::ScalarFunctionSet& set, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments);

/// DuckDB's overloads that one of ours falls back to.
struct OriginalSet : duckdb::ScalarFunctionInfo {
  explicit OriginalSet(duckdb::ScalarFunctionSet set_in) : set(std::move(set_in)) {}
  duckdb::ScalarFunctionSet set;
};

[[noreturn]] inline void throw_division_by_zero() {
  throw_through_duckdb(ErrorCode::DivisionByZero, "division by zero");
}
[[noreturn]] inline void throw_numeric_overflow() {
  throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
}
[[noreturn]] void throw_integer_overflow(NumberKind kind);

/// Reads an exact number of a loop type.
inline Int128 widen(std::int64_t value) { return value; }
inline Int128 widen(duckdb::hugeint_t value) { return to_int128(value); }

}  // namespace tickstone::duck
