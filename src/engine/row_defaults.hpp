// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "engine/write_target.hpp"

namespace tickstone::engine {

/// The defaults of a table's columns within one statement: what is the same for all its rows is made once.
class RowDefaults {
 public:
  RowDefaults(SessionContext& context, const WriteTarget& target)
      : context_(context), target_(target), values_(target.column_count()) {}

  /// Appends `count` rows' defaults of the column. Errors: those of its expression and of the cast.
  void append(std::size_t column, Column& into, std::size_t count = 1);

 private:
  const Value& value(std::size_t column);

  SessionContext& context_;
  const WriteTarget& target_;
  std::vector<std::optional<Value>> values_;
};

}  // namespace tickstone::engine
