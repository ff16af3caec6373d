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

/// A condition right above a scan that is an OR of equalities of one column: tells the scan the operands.
void push_choices(const duckdb::Expression& expression, duckdb::LogicalOperator& scan);
/// A filter above a join that marks the rows which are one of some constants: tells the scan below these.
void push_marked_constants(duckdb::LogicalOperator& filter);

/// DISTINCT ON, aggregates that look at the ends of time, and the filter of a row_number() that must be 1:
/// tells the scan below which rows of each series count.
void push_series_end(duckdb::LogicalOperator& op);

}  // namespace tickstone::duck
