// SPDX-License-Identifier: Apache-2.0
#include "catalog/operator_classes.hpp"

#include <array>

#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

// PostgreSQL 15's: oid, method, name, family, type, default, type of the stored key.
constexpr auto kClasses = std::to_array<OperatorClass>({
    {10000, "btree", "array_ops", 397, "anyarray", true, 0},
    {10003, "btree", "bool_ops", 424, "bool", true, 0},
    {10004, "btree", "bpchar_ops", 426, "bpchar", true, 0},
    {4219, "btree", "bpchar_pattern_ops", 2097, "bpchar", false, 0},
    {10006, "btree", "bytea_ops", 428, "bytea", true, 0},
    {10007, "btree", "char_ops", 429, "char", true, 0},
    {3122, "btree", "date_ops", 434, "date", true, 0},
    {10012, "btree", "float4_ops", 1970, "float4", true, 0},
    {3123, "btree", "float8_ops", 1970, "float8", true, 0},
    {1979, "btree", "int2_ops", 1976, "int2", true, 0},
    {1978, "btree", "int4_ops", 1976, "int4", true, 0},
    {3124, "btree", "int8_ops", 1976, "int8", true, 0},
    {10022, "btree", "interval_ops", 1982, "interval", true, 0},
    {10088, "btree", "jsonb_ops", 4033, "jsonb", true, 0},
    {10028, "btree", "name_ops", 1994, "name", true, 2275},
    {3125, "btree", "numeric_ops", 1988, "numeric", true, 0},
    {1981, "btree", "oid_ops", 1989, "oid", true, 0},
    {10032, "btree", "oidvector_ops", 1991, "oidvector", true, 0},
    {3126, "btree", "text_ops", 1994, "text", true, 0},
    {4217, "btree", "text_pattern_ops", 2095, "text", false, 0},
    {10038, "btree", "time_ops", 1996, "time", true, 0},
    {3128, "btree", "timestamp_ops", 434, "timestamp", true, 0},
    {3127, "btree", "timestamptz_ops", 434, "timestamptz", true, 0},
    {10069, "btree", "enum_ops", 3522, "anyenum", true, 0},
    {10065, "btree", "uuid_ops", 2968, "uuid", true, 0},
    {10044, "btree", "varchar_ops", 1994, "text", false, 0},
    {4218, "btree", "varchar_pattern_ops", 2095, "text", false, 0},
    {10064, "gin", "array_ops", 2745, "anyarray", true, 2283},
    {10090, "gin", "jsonb_ops", 4036, "jsonb", true, 25},
    {10091, "gin", "jsonb_path_ops", 4037, "jsonb", false, 23},
    {10001, "hash", "array_ops", 627, "anyarray", true, 0},
    {10048, "hash", "bool_ops", 2222, "bool", true, 0},
    {10005, "hash", "bpchar_ops", 427, "bpchar", true, 0},
    {10058, "hash", "bpchar_pattern_ops", 2231, "bpchar", false, 0},
    {10049, "hash", "bytea_ops", 2223, "bytea", true, 0},
    {10008, "hash", "char_ops", 431, "char", true, 0},
    {10011, "hash", "date_ops", 435, "date", true, 0},
    {10013, "hash", "float4_ops", 1971, "float4", true, 0},
    {10014, "hash", "float8_ops", 1971, "float8", true, 0},
    {10019, "hash", "int2_ops", 1977, "int2", true, 0},
    {10020, "hash", "int4_ops", 1977, "int4", true, 0},
    {10021, "hash", "int8_ops", 1977, "int8", true, 0},
    {10023, "hash", "interval_ops", 1983, "interval", true, 0},
    {10089, "hash", "jsonb_ops", 4034, "jsonb", true, 0},
    {10029, "hash", "name_ops", 1995, "name", true, 0},
    {10030, "hash", "numeric_ops", 1998, "numeric", true, 0},
    {10031, "hash", "oid_ops", 1990, "oid", true, 0},
    {10033, "hash", "oidvector_ops", 1992, "oidvector", true, 0},
    {10037, "hash", "text_ops", 1995, "text", true, 0},
    {10056, "hash", "text_pattern_ops", 2229, "text", false, 0},
    {10039, "hash", "time_ops", 1997, "time", true, 0},
    {10046, "hash", "timestamp_ops", 2040, "timestamp", true, 0},
    {10040, "hash", "timestamptz_ops", 1999, "timestamptz", true, 0},
    {10070, "hash", "enum_ops", 3523, "anyenum", true, 0},
    {10066, "hash", "uuid_ops", 2969, "uuid", true, 0},
    {10045, "hash", "varchar_ops", 1995, "text", false, 0},
    {10057, "hash", "varchar_pattern_ops", 2229, "text", false, 0},
});

}  // namespace

std::span<const OperatorClass> operator_classes() { return kClasses; }

Oid default_operator_class(std::string_view method, const SqlType& type) {
  std::string_view name = "anyarray";
  if (type.is_enum()) {
    name = "anyenum";
  } else if (!type.is_array) {
    const TypeFacts* facts = find_type_facts(oid_of(type));
    if (facts == nullptr) return 0;
    name = facts->name;
    // Types that are indexed as another one.
    if (name == "varchar") name = "text";
    if (name.starts_with("reg")) name = "oid";
    if (name == "timestamp_ns") name = "timestamptz";
  }
  for (const auto& candidate : kClasses) {
    if (candidate.is_default && candidate.method == method && candidate.type == name) return candidate.oid;
  }
  return 0;
}

}  // namespace tickstone::catalog
