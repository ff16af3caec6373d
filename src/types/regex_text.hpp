// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tickstone {

/// A regular expression of PostgreSQL's kind in RE2's words: `\m`, `\M`, `\y` are word boundaries, `\Z` the
/// end. What RE2 has not (back references, looking around) stays as it is, and RE2 refuses it.
std::string regex_for_re2(std::string_view pattern);

/// A pattern of SIMILAR TO as PostgreSQL's regular expression, which matches the whole text. `escape` is '\0'
/// where there is none. Where it stands before double quotes, these part what comes before, as little as can
/// be, and after from what substring() gives, which is a group of its own.
/// Errors: InvalidRegularExpression for more than two of these.
std::string similar_regex(std::string_view pattern, char escape);

}  // namespace tickstone
