// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <duckdb/execution/operator/aggregate/physical_hash_aggregate.hpp>

#include "duck/aggregate_states.hpp"

namespace tickstone::duck {

/// Bytes of a value that is equal to another one just where its bytes are; 0 of texts, nothing of other
/// types.
std::optional<std::size_t> plain_width(duckdb::PhysicalType type);

/// Numbers keys of bytes in the order in which they first come.
class KeyNumbers {
 public:
  std::size_t count() const { return ends_.size(); }
  /// The key's number, and whether it is new.
  std::pair<std::uint32_t, bool> find(std::string_view key);

 private:
  std::string_view key_of(std::uint32_t number) const {
    const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
    return std::string_view(bytes_).substr(begin, ends_[number] - begin);
  }
  void grow();

  std::string bytes_;  // of all keys
  std::vector<std::size_t> ends_;
  std::vector<std::uint32_t> slots_;  // a number and 1, at the hash of its key or after it; 0: free
};

/// What a GROUP BY of columns answers, by DuckDB's aggregate functions. Made for few groups whose rows mostly
/// follow each other, such as the bars of one series.
class FewGroups {
 public:
  static constexpr std::size_t kMostGroups = STANDARD_VECTOR_SIZE;

  /// Whether that is all the operator does, and there are columns to group by.
  static bool is_possible(const duckdb::PhysicalHashAggregate& op);

  /// Lifetime: of both arguments, and the arena's as long as the answer.
  FewGroups(const duckdb::PhysicalHashAggregate& op, duckdb::ArenaAllocator& arena);

  /// False where there would be more groups than kMostGroups; then there is no answer.
  bool add(duckdb::DataChunk& rows);
  std::size_t count() const { return known_.count(); }
  /// One row a group: its columns, then the aggregates. Once, into an initialized chunk with room for all.
  void finish(duckdb::DataChunk& out);

 private:
  void find_by_values(duckdb::DataChunk& keys);
  void find_by_sort_keys(duckdb::DataChunk& keys);
  std::uint32_t group_of(std::string_view key, duckdb::idx_t row);

  const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& columns_;
  duckdb::vector<duckdb::LogicalType> types_;
  bool is_plain_ = true;  // equal values have equal bytes
  std::deque<AggregateStates> aggregates_;
  KeyNumbers known_;
  duckdb::DataChunk keys_;              // one row a group
  std::vector<std::uint32_t> groups_;   // of the rows at hand
  duckdb::SelectionVector first_rows_;  // ... of groups that are new with them
  std::size_t new_groups_ = 0;
};

}  // namespace tickstone::duck
