// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tickstone {

/// jsonb's text: keys ordered by length then bytes, the last of equal keys kept, `", "` and `": "` between,
/// numbers exact as PostgreSQL prints them (exponents expanded). Errors: InvalidTextRepresentation ("invalid
/// input syntax for type json").
std::string normalize_jsonb(std::string_view text);
/// Checks JSON syntax only; json keeps its text. Errors as above.
void check_json(std::string_view text);

}  // namespace tickstone
