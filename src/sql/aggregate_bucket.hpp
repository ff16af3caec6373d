// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sql/statement.hpp"

namespace tickstone::sql {

/// What `aggregate_shape_of` leaves out.
struct AggregateBucket {
  std::size_t position = 0;  // of the time_bucket among the targets
  // Its further arguments, where they are given: origin, "offset" (of integers too), timezone.
  std::optional<Constant> origin, offset, timezone;
  /// Positions among the targets of the columns that the query groups by beside it.
  std::vector<std::size_t> group_columns;
};
/// Errors: FeatureNotSupported as of `aggregate_shape_of`, and for arguments that are not constant.
AggregateBucket aggregate_bucket_of(const Expr& query);

}  // namespace tickstone::sql
