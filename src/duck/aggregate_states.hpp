// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <duckdb/storage/arena_allocator.hpp>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// The states of one aggregate function of DuckDB's, one a group, destroyed whatever happens.
class AggregateStates {
 public:
  /// Whether all are aggregates of columns, with columns as their FILTERs at most.
  static bool are_possible(const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& aggregates);
  /// The column that its FILTER is as DuckDB planned it; nothing where it has none.
  static std::optional<std::size_t> filter_column(const duckdb::BoundAggregateExpression& aggregate);

  /// `filter`: the column of the rows that its FILTER is. Lifetime: of the other arguments, and the arena's
  /// as long as the results.
  AggregateStates(const duckdb::BoundAggregateExpression& aggregate, duckdb::ArenaAllocator& arena,
                  std::optional<std::size_t> filter);
  ~AggregateStates();
  AggregateStates(const AggregateStates&) = delete;
  AggregateStates& operator=(const AggregateStates&) = delete;

  /// There are `count` groups from now on.
  void grow(std::size_t count);
  /// `groups`: of each row.
  void update(duckdb::DataChunk& rows, const std::vector<std::uint32_t>& groups);
  /// All rows are of the only group, by the function for that: where all totals of a query have one, DuckDB
  /// takes it.
  void update_all(duckdb::DataChunk& rows);
  /// `out` has room for all groups.
  void finalize(duckdb::Vector& out);

 private:
  /// The rows that the FILTER lets through, in `chosen_`; all of them where there is none.
  duckdb::idx_t choose(duckdb::DataChunk& rows);
  std::vector<duckdb::Vector> inputs_of(duckdb::DataChunk& rows, duckdb::idx_t count);

  const duckdb::BoundAggregateExpression& aggregate_;
  const duckdb::AggregateFunction& function_;
  duckdb::AggregateInputData input_;
  std::optional<std::size_t> filter_;
  std::size_t size_;
  std::vector<std::unique_ptr<duckdb::data_t[]>> blocks_;
  std::vector<duckdb::data_ptr_t> states_;  // by group
  duckdb::SelectionVector chosen_;
};

}  // namespace tickstone::duck
