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

/// A relation in FROM of a continuous aggregate's query.
struct AggregateRelation {
  QualifiedName name;
  std::string alias;            // the name where there is none
  bool is_only = false;         // FROM ONLY
  bool is_optional = false;     // its rows may be missing: right of a LEFT JOIN
  bool is_in_subquery = false;  // of a LATERAL one
};
/// Errors: FeatureNotSupported `invalid continuous aggregate view` for FROM clauses that an aggregate cannot
/// have.
std::vector<AggregateRelation> aggregate_relations_of(const Expr& query);

/// Errors: FeatureNotSupported `invalid continuous aggregate query` for clauses that an aggregate cannot
/// have.
void check_aggregate_query(const Expr& query);

/// The query with one more column at its end.
std::string with_target(const Expr& query, const Expr& expression, const std::string& name);

}  // namespace tickstone::sql
