// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// Keeps intervals apart that are equal and not the same, as a day and 24 hours: DuckDB's optimizers would
/// compute one of `t + interval '1 day'` and `t + interval '24 hours'` for both. Before any other rule.
void keep_intervals_apart(duckdb::ClientContext& context, duckdb::LogicalOperator& plan);

/// The same of a statement's parameters, which are compared when it is bound, before there is a plan: those
/// are given as texts.
void keep_intervals_apart(duckdb::case_insensitive_map_t<duckdb::BoundParameterData>& parameters);

}  // namespace tickstone::duck
