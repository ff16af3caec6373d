// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "storage/scan.hpp"
#include "storage/schema.hpp"
#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

// The time of a row: the value of its time column or, of a UUID of version 7, the microseconds that it begins
// with. The column itself stays the key: many UUIDs have one time, and their order is also that of their
// times.

/// Whether columns of the type may be a table's time.
bool is_time_column_type(const SqlType& type);
/// Units: of the time column; microseconds of UUIDs.
std::int64_t time_of(const ColumnView& column, std::size_t row);
std::int64_t time_of(const Value& value);

/// Errors: FeatureNotSupported for a UUID of another version than 7, whose first bits are no time.
void check_times(const TableSchema& schema, const std::vector<ColumnView>& columns);

/// Times before the result have no row that fulfils the bound.
Int128 least_time(const ColumnPredicate::Bound& lower);
/// The result and times after it have no row that fulfils the bound.
Int128 end_time(const ColumnPredicate::Bound& upper);
/// A bound that divides the rows of a time column just as the time does; nothing where the type has no value
/// that late.
std::optional<Value> bound_at(const SqlType& type, std::int64_t time);

}  // namespace tickstone::storage
