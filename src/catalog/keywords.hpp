// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone::catalog {

/// Where a keyword of PostgreSQL's grammar may stand as a name.
enum class KeywordCategory : std::uint8_t { Unreserved, ColumnName, TypeOrFunction, Reserved };

struct Keyword {
  std::string word;
  KeywordCategory category = KeywordCategory::Unreserved;
  bool is_bare_label = true;  // may be a column label without AS
};

const std::vector<Keyword>& keywords();  // by word
const Keyword* find_keyword(std::string_view word);

}  // namespace tickstone::catalog
