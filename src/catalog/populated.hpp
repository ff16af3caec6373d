// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "catalog/objects.hpp"

namespace tickstone::catalog {

/// The option by which a materialized view without rows, not even none, is known.
inline constexpr const char* kUnpopulated = "tickstone.unpopulated";
/// That of a view through which rows can be written.
inline constexpr const char* kUpdatable = "tickstone.updatable";

/// False: it was made or emptied WITH NO DATA, and not refreshed since.
inline bool is_populated(const RelationObject& relation) {
  return std::none_of(relation.options.begin(), relation.options.end(),
                      [](const auto& option) { return option.first == kUnpopulated; });
}

}  // namespace tickstone::catalog
