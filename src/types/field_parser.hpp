// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone {

/// Appends `text` where it is written in the type's everyday form; else returns false and leaves the column
/// as it was, for `append_parsed` to read or refuse. Errors: those of `Column::append_decimal`.
using FieldParser = bool (*)(Column& column, std::string_view text, const FormatContext& context);

/// The fast way for a column of `type`, or nullptr where there is none. Same results as `append_parsed`.
FieldParser find_field_parser(const SqlType& type, const FormatContext& context);

}  // namespace tickstone
