// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "catalog/catalog.hpp"
#include "engine/session_context.hpp"

namespace tickstone::engine {

/// What may divide a hypertable by time. UUIDs do it by the time in them, in microseconds.
bool is_time_type(const SqlType& type);
/// TimescaleDB's chunk interval where none is given, in the units of the type: microseconds, days (DATE),
/// nanoseconds or integers.
std::int64_t default_interval(SessionContext& context, const SqlType& type);
/// An interval, or an integer (microseconds for times and dates), in the units of the type.
/// Errors: InvalidParameterValue.
std::int64_t interval_in_units(SessionContext& context, const SqlType& type, const Value& value);

/// The time dimension. Errors: HypertableNotExist where the relation is no hypertable.
const catalog::HypertableInfo::Dimension& time_dimension(const catalog::RelationObject& relation);
/// Of the time column, or of an aggregate's buckets. Errors: as `time_dimension`.
SqlType time_type_of(const catalog::RelationObject& relation);
/// A bound of time as drop_chunks and policies take it: an interval counts back from now; a timestamp, date,
/// text or integer stands for itself. Units of the result: of the time column.
std::int64_t time_bound(SessionContext& context, const SqlType& time_type, const Value& bound);

}  // namespace tickstone::engine
