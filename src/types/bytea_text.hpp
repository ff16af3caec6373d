// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tickstone {

/// The value of a hexadecimal digit, -1 for any other character.
int hex_digit(char c);

/// bytea's text, both ways: `\x` and hexadecimal digits, or the escape form. Errors: InvalidParameterValue
/// for wrong hexadecimal digits, InvalidTextRepresentation for a wrong escape.
std::string parse_bytea(std::string_view text);
void append_bytea_hex(std::string& out, std::string_view bytes);
void append_bytea_escape(std::string& out, std::string_view bytes);

}  // namespace tickstone
