// SPDX-License-Identifier: Apache-2.0
#include "storage/row_time.hpp"

#include <string>

#include <tickstone/error.hpp>

#include "types/uuid_text.hpp"
#include "types/uuid_v7.hpp"

namespace tickstone::storage {

namespace {

/// What UUIDs of version 7 have at least in the bits behind their time: the version and the variant.
constexpr UInt128 kLeastBehindTime = UInt128{7} << 76 | UInt128{1} << 63;
constexpr UInt128 kBehindTime = (UInt128{1} << 80) - 1;

bool is_uuid(const SqlType& type) { return type.id == TypeId::Uuid && !type.is_array; }

}  // namespace

bool is_time_column_type(const SqlType& type) {
  if (is_uuid(type)) return true;
  const Physical physical = physical_of(type);
  return physical == Physical::Int16 || physical == Physical::Int32 || physical == Physical::Int64;
}

std::int64_t time_of(const ColumnView& column, std::size_t row) {
  if (column.layout.physical == Physical::Int128) return uuid_leading_time(column.integer(row));
  return static_cast<std::int64_t>(column.integer(row));
}

std::int64_t time_of(const Value& value) {
  return is_uuid(value.type) ? uuid_leading_time(value.integer) : static_cast<std::int64_t>(value.integer);
}

void check_times(const TableSchema& schema, const std::vector<ColumnView>& columns) {
  if (!schema.time_column || !is_uuid(schema.find(*schema.time_column)->type)) return;
  const ColumnView& times = columns[schema.index_of(*schema.time_column)];
  for (std::size_t row = 0; row < times.size; ++row) {
    if (times.is_null(row) || uuid_version(times.integer(row)) == 7) continue;
    std::string text;
    append_uuid(text, times.integer(row));
    const std::string& name = schema.find(*schema.time_column)->name;
    throw Error(ErrorCode::FeatureNotSupported, text + " is not a version 7 UUID",
                "Column \"" + name + "\" divides \"" + schema.name +
                    "\" into chunks by the time in its UUIDs, which only version 7 has.",
                "generate_uuidv7() makes one of now, to_uuidv7() one of any time.")
        .about(schema.name, name);
  }
}

Int128 least_time(const ColumnPredicate::Bound& lower) {
  if (is_uuid(lower.value.type)) return time_of(lower.value);  // others of its time may be above it
  return lower.value.integer + (lower.inclusive ? 0 : 1);
}

Int128 end_time(const ColumnPredicate::Bound& upper) {
  if (!is_uuid(upper.value.type)) return upper.value.integer + (upper.inclusive ? 1 : 0);
  const UInt128 behind = static_cast<UInt128>(upper.value.integer) & kBehindTime;
  const bool is_before_all = upper.inclusive ? behind < kLeastBehindTime : behind <= kLeastBehindTime;
  return Int128{time_of(upper.value)} + (is_before_all ? 0 : 1);
}

std::optional<Value> bound_at(const SqlType& type, std::int64_t time) {
  Value bound{type, false};
  bound.integer = time;
  if (!is_uuid(type)) return bound;
  const auto floor = uuid_floor(time);
  if (!floor) return std::nullopt;
  bound.integer = *floor;
  return bound;
}

}  // namespace tickstone::storage
