// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace tickstone {

/// jsonb's text: keys ordered by length then bytes, the last of equal keys kept, `", "` and `": "` between,
/// numbers exact as PostgreSQL prints them (exponents expanded). Errors: InvalidTextRepresentation ("invalid
/// input syntax for type json").
std::string normalize_jsonb(std::string_view text);
/// Checks JSON syntax only; json keeps its text. Errors as above.
void check_json(std::string_view text);
/// PostgreSQL's order of two jsonb texts: object over array over boolean over number over string over null.
std::strong_ordering compare_jsonb(std::string_view a, std::string_view b);

}  // namespace tickstone
