// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "engine/action.hpp"

namespace tickstone::engine {

/// A dimension as a statement asks for it: `by_range(...)`, `by_hash(...)`, or the arguments of the old
/// forms.
struct DimensionRequest {
  std::string column;
  bool is_hash = false;
  std::optional<Value> interval;           // of a range
  std::optional<std::int64_t> partitions;  // of a hash
};

/// Whether the expression is a call of by_range or by_hash.
bool is_dimension_call(const sql::Expr& expr);
/// Errors: NullValueNotAllowed, InvalidParameterValue.
DimensionRequest read_dimension_call(SessionContext& context, const sql::Expr& expr,
                                     std::span<const Value> parameters);
/// Adds it to `relation`, which has no rows that contradict it; its column becomes NOT NULL if it is a range.
/// Errors: UndefinedColumn, WrongObjectType, InvalidParameterValue, FeatureNotSupported.
void add_dimension_to(SessionContext& context, catalog::RelationObject& relation,
                      const DimensionRequest& request);

}  // namespace tickstone::engine
