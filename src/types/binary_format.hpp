// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone {

/// PostgreSQL's send function of the type, as DataRow and binary COPY carry it: a 32-bit length in network
/// order and the bytes, length -1 for NULL. TIMESTAMP_NS is a 64-bit number of nanoseconds since 1970.
///
/// Errors: UndefinedFunction for a type without a binary form (record).
void append_binary_field(std::string& out, const ColumnView& column, std::size_t row);
void append_binary_field(std::string& out, const Value& value);

/// Whether each value of such a column takes at most `kMostShortBinaryBytes` so, as numbers and moments do.
bool is_short_binary(const ColumnView& column);
inline constexpr std::size_t kMostShortBinaryBytes = 40;
/// The same as `append_binary_field` of a value that is not null, of such a column, where there is room for
/// it. Returns the end of what is written.
char* put_short_binary_field(char* at, const ColumnView& column, std::size_t row);

/// PostgreSQL's receive function of the type: one value's bytes, without the length.
///
/// Errors: InvalidBinaryRepresentation (22P03) for bytes that are no such value, and those of the input
/// function for texts, lengths and ranges.
Value receive_value(const SqlType& type, std::string_view bytes);
/// The same into a column, which is unchanged after an error.
void append_received(Column& column, std::string_view bytes);

}  // namespace tickstone
