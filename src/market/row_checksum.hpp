// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "market/table_facts.hpp"

namespace tickstone::market {

/// What rows of a range are told by: the same on every home for the same rows in any order.
struct RowSum {
  std::uint64_t row_count = 0;
  std::string checksum = "0";
  friend bool operator==(const RowSum&, const RowSum&) = default;
};

/// Both of a range of `table`, by a query of PostgreSQL's that every home answers alike: the sum over all
/// rows of 18 digits made of the MD5 of the row's texts. NUMERIC counts without trailing zeros, which not
/// every home keeps. Cost: reads the range.
RowSum row_sum(Connection& connection, const TableFacts& table, const TimeRange& range);

}  // namespace tickstone::market
