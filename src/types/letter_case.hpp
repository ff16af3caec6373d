// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tickstone {

/// Letters one by one, as PostgreSQL changes their case in a database of UTF-8 with C.UTF-8: of one character
/// comes one.
std::string in_upper_case(std::string_view text);
std::string in_lower_case(std::string_view text);
/// The first letter of each word in upper case, the others in lower case. Letters and digits make words.
std::string with_initials(std::string_view text);

}  // namespace tickstone
