// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "duck/scan.hpp"

/// What the parts of the scan's optimizer share.
namespace tickstone::duck {

/// Of a scan of ours; nullptr for all other operators.
ScanBindData* bind_data_of(duckdb::LogicalOperator& op);

/// Below filters and projections, where `binding` is a column of a scan of ours.
struct FoundScan {
  duckdb::LogicalGet* get = nullptr;
  ScanBindData* bind = nullptr;
  std::size_t column = 0;
};
/// The scan of a stored table below `below`, whose column `expression` is, through casts that keep its order.
std::optional<FoundScan> find_scan(duckdb::LogicalOperator& below, const duckdb::Expression& expression);

/// Something that has one value throughout an execution.
bool is_operand(const duckdb::Expression& expression);

/// DISTINCT ON, aggregates that look at the ends of time, and the filter of a row_number() that must be 1:
/// tells the scan below which rows of each series count.
void push_series_end(duckdb::LogicalOperator& op);

}  // namespace tickstone::duck
