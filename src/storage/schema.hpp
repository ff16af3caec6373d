// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "types/sql_type.hpp"

namespace tickstone::storage {

using TableId = std::uint32_t;
using ColumnId = std::uint32_t;  // stable: never reused within a table
using CommitSeq = std::uint64_t;

/// The hidden BIGINT key of a table without a primary key; may be asked for in any scan of such a table.
inline constexpr ColumnId kRowIdColumn = 0xFFFF'FFFF;
/// Tables below this number belong to the system catalog and have fixed numbers.
inline constexpr TableId kFirstUserTable = 16384;  // table ids are also PostgreSQL OIDs

struct ColumnSchema {
  ColumnId id = 0;
  std::string name;  // for messages and files; the catalog has the last word
  SqlType type;
  bool not_null = false;
};

/// What storage must know of a table. A plain table has no time column and one unbounded chunk.
struct TableSchema {
  TableId id = 0;
  std::string name;  // for messages
  std::vector<ColumnSchema> columns;
  std::vector<ColumnId> primary_key;  // in key order; empty: the hidden row id
  std::string primary_key_name;       // for messages
  std::vector<ColumnId> series_key;   // what segments sort by before the time column
  std::optional<ColumnId> time_column;
  /// Units: of the time column (microseconds, also of UUIDs; days for DATE; the integer itself).
  std::int64_t chunk_interval = 0;
  std::int64_t chunk_origin = 0;
  bool temporary = false;  // unlogged, gone when the store closes

  const ColumnSchema* find(ColumnId column) const;
  std::size_t index_of(ColumnId column) const;  // column must exist
};

/// What identifies a row for erase and lookup: the primary key's columns, or (time column if any, row id).
std::vector<ColumnId> key_columns(const TableSchema& schema);

/// Half-open `[start, end)` in the units of the time column.
struct TimeRange {
  std::int64_t start = INT64_MIN;
  std::int64_t end = INT64_MAX;
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

/// When something was made that older files do not say of.
inline constexpr std::int64_t kUnknownTime = INT64_MIN;

/// A chunk that a transaction makes in the place of others.
struct MadeChunk {
  TimeRange range;
  std::uint32_t label = 0;
  std::int64_t created_us = kUnknownTime;  // unknown: when it commits
};

}  // namespace tickstone::storage
