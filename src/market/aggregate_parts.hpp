// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace tickstone::market {

/// The query of a continuous aggregate in the parts that `_tickstone.create_continuous_aggregate` takes,
/// which stands for CREATE MATERIALIZED VIEW on PostgreSQL without TimescaleDB.
struct AggregateParts {
  std::string select_list;
  std::string hypertable;
  std::string where_clause = "true";
  std::string group_by;
  std::string bucket_column;  // as it is called in the select list, unquoted
  std::string bucket_width;   // an expression
};

/// Takes the text apart at its top level. Errors: FeatureNotSupported saying what of the query PostgreSQL
/// without TimescaleDB has no aggregates for: joins, HAVING, buckets of a time zone.
AggregateParts aggregate_parts(const std::string& query);

}  // namespace tickstone::market
