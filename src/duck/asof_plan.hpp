// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// Plans an as-of join whose right side is a scan of ours as an operator of ours. Children come first.
void merge_asof(duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

/// The first rows of an as-of LEFT JOIN by what is on its left are those of the first rows on the left, each
/// of which comes out once: has these found before the join, everywhere in the plan.
void push_top_into_asof(duckdb::LogicalOperator& plan);

}  // namespace tickstone::duck
