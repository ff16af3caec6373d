// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/schema.hpp"

/// The tables below the first user table: what must be remembered in the same log, commits and snapshots as
/// the rows. 1 is the objects table (catalog.hpp). Numbers are never used again for something else.
namespace tickstone::catalog {

/// Values by relation: (oid, kind) to a time.
inline constexpr storage::TableId kAggregateStateTable = 2;
/// Changed times of a source that its aggregates have not been told of: one row a range.
inline constexpr storage::TableId kChangeLogTable = 3;
/// Ranges of an aggregate that are not what its query gives.
inline constexpr storage::TableId kInvalidationTable = 4;
/// How jobs have run: these change with each run, and the catalog does not.
inline constexpr storage::TableId kJobStatisticsTable = 5;
inline constexpr storage::TableId kJobHistoryTable = 6;

}  // namespace tickstone::catalog
