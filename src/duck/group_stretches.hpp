// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <duckdb/execution/operator/aggregate/physical_hash_aggregate.hpp>
#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/storage/arena_allocator.hpp>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// GROUP BY over rows that mostly follow each other in one group, as those of segments by series and time do:
/// each stretch of them becomes one row, of what is grouped by and of pointers to the aggregates' states, and
/// DuckDB's hash table, which takes longer for a row than all else, looks at those. Threads: one each.
class GroupStretches {
 public:
  /// A grouping that gives the same as `op` where it is given what `take` gives. nullptr where an aggregate
  /// would not be the same when its parts are combined (sums of floats), or is more than a state of few
  /// bytes.
  static duckdb::PhysicalHashAggregate* plan(duckdb::ClientContext& context,
                                             duckdb::PhysicalPlanGenerator& planner,
                                             const duckdb::PhysicalHashAggregate& op);
  /// Whether the stretches of these rows, as `op` is given them, are long enough to gain by it.
  static bool are_long(const duckdb::PhysicalHashAggregate& op, duckdb::DataChunk& rows);

  /// Lifetime: of `op`, which is not the one that `plan` gives but what that was made of.
  explicit GroupStretches(const duckdb::PhysicalHashAggregate& op);

  /// One row for each stretch of `rows`. Lifetime: until the next call.
  duckdb::DataChunk& take(duckdb::DataChunk& rows);

 private:
  struct Aggregate {
    Aggregate(const duckdb::BoundAggregateExpression& expression, duckdb::ArenaAllocator& arena);
    duckdb::data_ptr_t state(duckdb::idx_t stretch) const { return states.get() + stretch * size; }

    const duckdb::BoundAggregateExpression& expression;
    duckdb::AggregateInputData input;
    std::size_t size;                          // of a state, with what it is aligned to
    std::unique_ptr<duckdb::data_t[]> states;  // of a vector of stretches
    std::vector<duckdb::data_ptr_t> pointers;  // to those, of each row or of each stretch
  };

  /// Which of a stretch's values give what all of them do.
  enum class Decisive : std::uint8_t { All, First, Last, Least, Greatest };
  struct Values {
    duckdb::data_ptr_t data;
    duckdb::idx_t width;  // 0: the same value for all rows
    duckdb::PhysicalType type;
    duckdb::idx_t column;
  };

  void find_starts(duckdb::DataChunk& rows);
  Decisive decisive_of(const Aggregate& aggregate, const std::vector<Values>& values, duckdb::idx_t rows);
  /// Whether each value is greater than the one before in its stretch.
  bool is_ascending(const Values& values, duckdb::idx_t rows);
  void update(Aggregate& aggregate, duckdb::DataChunk& rows);
  /// Stretch by stretch. False where the function or a column is not made for it.
  bool update_each(Aggregate& aggregate, duckdb::DataChunk& rows, std::vector<duckdb::Vector>& inputs);
  duckdb::idx_t end_of(duckdb::idx_t stretch, duckdb::idx_t row_count) const {
    return stretch + 1 < count_ ? starts_.get_index(stretch + 1) : row_count;
  }

  const duckdb::PhysicalHashAggregate& op_;
  duckdb::ArenaAllocator arena_;
  std::vector<Aggregate> aggregates_;
  std::vector<std::uint8_t> is_start_;  // of each row: whether a stretch begins with it
  duckdb::SelectionVector starts_;
  duckdb::idx_t count_ = 0;                                // of stretches
  std::vector<std::pair<duckdb::idx_t, bool>> ascending_;  // columns of these rows that were looked at
  duckdb::DataChunk out_;
};

}  // namespace tickstone::duck
