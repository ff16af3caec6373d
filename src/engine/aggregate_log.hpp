// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "catalog/objects.hpp"
#include "catalog/system_tables.hpp"
#include "storage/store.hpp"
#include "storage/time_ranges.hpp"

/// What continuous aggregates must remember, as rows of system tables: in the same log, commits and snapshots
/// as all else. Times are in the units of the time column.
namespace tickstone::engine {

using catalog::kAggregateStateTable;
using catalog::kChangeLogTable;
using catalog::kInvalidationTable;

enum class AggregateValue : std::uint8_t {
  Threshold = 1,  // of a source: changes from there on need not be logged
  Watermark = 2,  // of an aggregate: the exclusive end of what was materialized
};

/// Makes the tables where a store has none yet.
void create_aggregate_tables(storage::Store& store);

std::optional<std::int64_t> find_aggregate_value(const storage::ReadView& view, catalog::Oid relation,
                                                 AggregateValue kind);
void put_aggregate_value(storage::Transaction& transaction, catalog::Oid relation, AggregateValue kind,
                         std::int64_t value);
/// All values of a kind.
std::vector<std::pair<catalog::Oid, std::int64_t>> aggregate_values(const storage::ReadView& view,
                                                                    AggregateValue kind);

/// Ranges of one relation in one of the logs.
struct LoggedRanges {
  storage::TimeRanges ranges;             // as logged: they may overlap, in no order
  std::vector<std::int64_t> generations;  // of kInvalidationTable: when they got there
  Batch keys;                             // to erase them by
};
LoggedRanges read_logged_ranges(const storage::ReadView& view, storage::TableId log, catalog::Oid relation);
void append_logged_ranges(storage::Transaction& transaction, storage::TableId log, catalog::Oid relation,
                          const storage::TimeRanges& ranges, std::int64_t generation = 0);
/// The newest generation of all that is logged.
std::int64_t newest_generation(const storage::ReadView& view);
/// After all rows of an aggregate went: nothing of it is materialized.
void empty_aggregate(storage::Transaction& transaction, catalog::Oid aggregate);
/// Erases all that is kept of a relation.
void forget_aggregate(storage::Transaction& transaction, const storage::ReadView& view,
                      catalog::Oid relation);

}  // namespace tickstone::engine
