// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include "catalog/objects.hpp"

namespace tickstone::catalog {

/// What pg_stat_statements knows of one statement. Times in milliseconds.
struct StatementCounts {
  std::int64_t user_oid = 0;
  std::int64_t query_id = 0;
  bool is_top_level = true;
  std::string text;
  std::uint64_t calls = 0, rows = 0;
  double total_ms = 0, min_ms = 0, max_ms = 0, mean_ms = 0;
  double square_sum = 0;  // of the distances from the mean
  double stddev_ms() const { return calls > 1 ? std::sqrt(square_sum / static_cast<double>(calls)) : 0; }
};

/// Rows of one table that statements wrote since the database was opened.
struct TableCounts {
  std::uint64_t inserted = 0, updated = 0, deleted = 0;
};

/// What the database counted since it was opened.
struct DatabaseCounts {
  std::uint64_t transactions_committed = 0, transactions_rolled_back = 0;
  std::uint64_t rows_returned = 0, rows_inserted = 0, rows_updated = 0, rows_deleted = 0;
  std::uint64_t errors = 0, deadlocks = 0, serialization_failures = 0, cancellations = 0;
  std::uint64_t sessions_started = 0;
  std::int64_t since_us = 0;
};

}  // namespace tickstone::catalog
