// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sql/lexer.hpp"

namespace tickstone::sql {

/// Appends what a token of kind String, EscapeString, DollarString or Number stands for; other kinds as they
/// are. Errors: SyntaxError for an escape that is none.
void append_literal_text(std::string& out, TokenKind kind, std::string_view token);

}  // namespace tickstone::sql
