// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tickstone {

/// A regular expression of PostgreSQL's kind in RE2's words: `\m`, `\M`, `\y` are word boundaries, `\Z` the
/// end. What RE2 has not (back references, looking around) stays as it is, and RE2 refuses it.
std::string regex_for_re2(std::string_view pattern);

}  // namespace tickstone
