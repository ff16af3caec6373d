// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tickstone/parameter.hpp>

#include "types/value.hpp"

namespace tickstone::market {

/// `parameter` read as a value of `type`. Errors: those of the type's input function.
Value value_of(const Parameter& parameter, const SqlType& type, const FormatContext& format);

}  // namespace tickstone::market
