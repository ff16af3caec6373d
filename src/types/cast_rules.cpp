// SPDX-License-Identifier: Apache-2.0
#include "types/value.hpp"

namespace tickstone {

namespace {

/// The strings of PostgreSQL's type category S: any type becomes one by assignment, and one becomes any by a
/// cast.
bool is_string(TypeId id) {
  return id == TypeId::Text || id == TypeId::Varchar || id == TypeId::Char || id == TypeId::Name;
}

/// Where a number stands among those that become one another: implicitly upwards, by assignment down.
int number_rank(TypeId id) {
  switch (id) {
    case TypeId::SmallInt:
      return 1;
    case TypeId::Integer:
      return 2;
    case TypeId::BigInt:
      return 3;
    case TypeId::Numeric:
      return 4;
    case TypeId::Real:
      return 5;
    case TypeId::Double:
      return 6;
    default:
      return 0;
  }
}

struct CastRow {
  TypeId from;
  TypeId to;
  CastStrength needs;
};

constexpr CastRow kCasts[] = {
    {TypeId::Boolean, TypeId::Integer, CastStrength::Explicit},
    {TypeId::Integer, TypeId::Boolean, CastStrength::Explicit},
    {TypeId::InternalChar, TypeId::Integer, CastStrength::Explicit},
    {TypeId::Integer, TypeId::InternalChar, CastStrength::Explicit},
    {TypeId::Jsonb, TypeId::Boolean, CastStrength::Explicit},
    {TypeId::Jsonb, TypeId::SmallInt, CastStrength::Explicit},
    {TypeId::Jsonb, TypeId::Integer, CastStrength::Explicit},
    {TypeId::Jsonb, TypeId::BigInt, CastStrength::Explicit},
    {TypeId::Jsonb, TypeId::Real, CastStrength::Explicit},
    {TypeId::Jsonb, TypeId::Double, CastStrength::Explicit},
    {TypeId::Jsonb, TypeId::Numeric, CastStrength::Explicit},
    {TypeId::Json, TypeId::Jsonb, CastStrength::Assignment},
    {TypeId::Jsonb, TypeId::Json, CastStrength::Assignment},
    {TypeId::InternalChar, TypeId::Text, CastStrength::Implicit},
    {TypeId::Text, TypeId::InternalChar, CastStrength::Assignment},
    {TypeId::Varchar, TypeId::InternalChar, CastStrength::Assignment},
    {TypeId::Char, TypeId::InternalChar, CastStrength::Assignment},
    {TypeId::Name, TypeId::Text, CastStrength::Implicit},
    {TypeId::Text, TypeId::Name, CastStrength::Implicit},
    {TypeId::Varchar, TypeId::Name, CastStrength::Implicit},
    {TypeId::Char, TypeId::Name, CastStrength::Implicit},
    {TypeId::Text, TypeId::Varchar, CastStrength::Implicit},
    {TypeId::Text, TypeId::Char, CastStrength::Implicit},
    {TypeId::Varchar, TypeId::Text, CastStrength::Implicit},
    {TypeId::Varchar, TypeId::Char, CastStrength::Implicit},
    {TypeId::Char, TypeId::Text, CastStrength::Implicit},
    {TypeId::Char, TypeId::Varchar, CastStrength::Implicit},
    {TypeId::Text, TypeId::Regclass, CastStrength::Implicit},
    {TypeId::Varchar, TypeId::Regclass, CastStrength::Implicit},
    {TypeId::Date, TypeId::Timestamp, CastStrength::Implicit},
    {TypeId::Date, TypeId::TimestampTz, CastStrength::Implicit},
    {TypeId::Date, TypeId::TimestampNs, CastStrength::Implicit},
    {TypeId::Time, TypeId::Interval, CastStrength::Implicit},
    {TypeId::Interval, TypeId::Time, CastStrength::Assignment},
    {TypeId::Timestamp, TypeId::TimestampTz, CastStrength::Implicit},
    {TypeId::Timestamp, TypeId::TimestampNs, CastStrength::Implicit},
    {TypeId::Timestamp, TypeId::Date, CastStrength::Assignment},
    {TypeId::Timestamp, TypeId::Time, CastStrength::Assignment},
    {TypeId::TimestampTz, TypeId::TimestampNs, CastStrength::Implicit},
    {TypeId::TimestampTz, TypeId::Timestamp, CastStrength::Assignment},
    {TypeId::TimestampTz, TypeId::Date, CastStrength::Assignment},
    {TypeId::TimestampTz, TypeId::Time, CastStrength::Assignment},
    {TypeId::TimestampNs, TypeId::TimestampTz, CastStrength::Assignment},
    {TypeId::TimestampNs, TypeId::Timestamp, CastStrength::Assignment},
    {TypeId::TimestampNs, TypeId::Date, CastStrength::Assignment},
    {TypeId::TimestampNs, TypeId::Time, CastStrength::Assignment},
};

bool can_cast_scalar(TypeId from, TypeId to, CastStrength strength) {
  if (from == to || from == TypeId::Unknown) return true;
  if (to == TypeId::Unknown || from == TypeId::Void || to == TypeId::Void) return false;
  const auto is_enough = [strength](CastStrength needed) { return strength >= needed; };
  if (const int rank = number_rank(from); rank != 0) {
    if (const int wanted = number_rank(to); wanted != 0)
      return wanted > rank || is_enough(CastStrength::Assignment);
    if (rank <= 3 && (to == TypeId::Oid || is_object_name(to))) return true;
  }
  if (from == TypeId::Oid) {
    if (is_object_name(to)) return true;
    if (to == TypeId::Integer || to == TypeId::BigInt) return is_enough(CastStrength::Assignment);
  }
  if (is_object_name(from)) {
    if (to == TypeId::Oid) return true;
    if (to == TypeId::Integer || to == TypeId::BigInt) return is_enough(CastStrength::Assignment);
  }
  for (const auto& row : kCasts) {
    if (row.from == from && row.to == to) return is_enough(row.needs);
  }
  if (is_string(to)) return is_enough(CastStrength::Assignment);
  if (is_string(from)) return is_enough(CastStrength::Explicit);
  return false;
}

}  // namespace

bool can_cast(const SqlType& from, const SqlType& to, CastStrength strength) {
  if (from.id == TypeId::Enum && to.id == TypeId::Enum && from.user_oid() != to.user_oid()) return false;
  if (from.is_array && to.is_array) return can_cast_scalar(from.id, to.id, strength);
  if (from.is_array) return is_string(to.id) && strength >= CastStrength::Assignment;
  if (to.is_array) {
    return from.id == TypeId::Unknown || (is_string(from.id) && strength == CastStrength::Explicit);
  }
  return can_cast_scalar(from.id, to.id, strength);
}

}  // namespace tickstone
