// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "types/value.hpp"

namespace tickstone::pgwire {

/// How one value crosses the wire; the numbers are the protocol's format codes.
enum class ValueFormat : std::int16_t { Text = 0, Binary = 1 };

/// Errors: ProtocolViolation `unsupported format code: 2`.
ValueFormat format_from_code(std::int16_t code);

/// One format for each result column, from Bind's list of none (all text), one (for all) or one each.
/// Errors: ProtocolViolation for any other count.
std::vector<ValueFormat> resolve_result_formats(std::span<const ValueFormat> given, std::size_t column_count);

/// A parameter's bytes as a value of `type`, by the type's input or receive function.
/// Errors: those of `parse_value` and `receive_value`.
Value decode_parameter(const SqlType& type, ValueFormat format, std::string_view bytes,
                       const FormatContext& context);

}  // namespace tickstone::pgwire
