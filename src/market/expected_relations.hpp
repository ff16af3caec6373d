// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "market/schema.hpp"

namespace tickstone::market {

/// A table or view that a version of the schema makes.
struct ExpectedRelation {
  std::string name;
  std::vector<std::string> columns;  // of a table
  int version = 0;
};

/// What the SQL of the versions makes for the application, the layer of the first version left out.
std::vector<ExpectedRelation> expected_relations(const std::vector<Migration>& migrations);

}  // namespace tickstone::market
