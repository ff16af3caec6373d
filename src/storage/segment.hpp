// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/file_system.hpp"
#include "storage/scan.hpp"
#include "storage/schema.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Order of rows in a segment: series key columns, time column, the rest of the key (or row id). Byte order
/// for texts, numeric otherwise.
std::vector<ColumnId> sort_columns(const TableSchema& schema);

struct ColumnRange {  // minimum and maximum of one column in one row group; absent where all are null or it
                      // is not kept
  bool has_values = false;
  bool has_nulls = false;
  std::optional<std::uint32_t> null_count;  // unknown in files of format version 1
  Value minimum, maximum;  // long texts may be cut: still bounds, minimum rounded down and maximum up
};

struct RowGroupInfo {
  std::uint64_t first_row = 0;
  std::uint32_t row_count = 0;
};

/// One series of a hypertable's segment: rows [first_row, first_row + row_count), times [min_time, max_time]
/// inclusive.
struct SeriesEntry {
  std::vector<Value> key;
  std::uint64_t first_row = 0;
  std::uint64_t row_count = 0;
  std::int64_t min_time = 0, max_time_inclusive = 0;
};

/// Writes one immutable file. `append` takes rows in segment order, unique by key; columns are schema columns
/// in order and, for a table without primary key, the row id last. Cost: memory of one row group.
class SegmentWriter {
 public:
  static std::unique_ptr<SegmentWriter> create(FileSystem& files, const std::filesystem::path& path,
                                               const TableSchema& schema, std::uint32_t row_group_rows);
  virtual ~SegmentWriter() = default;  // removes the file unless finished
  /// Errors: InternalError for rows that are not in order, DiskFull, IoError.
  virtual void append(const Batch& rows) = 0;
  /// Writes series directory and footer, syncs the file and the folder it is in. Returns its size in bytes.
  /// Errors: InternalError without a row; NumericValueOutOfRange where a NUMERIC column needs more than 38
  /// digits together.
  virtual std::uint64_t finish() = 0;
};

class BlockCache;
std::shared_ptr<BlockCache> make_block_cache(std::size_t capacity_bytes);
std::size_t cached_bytes(const BlockCache& cache);

/// An open segment. Its footer (schema, series directory, row-group ranges) is in memory; columns are read,
/// checked against their checksum and decoded by row group through the block cache. Threads: any. Errors:
/// DataCorrupted naming file and offset; FeatureNotSupported for a newer format version.
class Segment {
 public:
  static std::shared_ptr<const Segment> open(FileSystem& files, const std::filesystem::path& path,
                                             std::shared_ptr<BlockCache> cache);
  virtual ~Segment() = default;

  virtual const TableSchema& schema() const = 0;  // as it was when written
  virtual std::uint64_t row_count() const = 0;
  virtual std::uint64_t size_bytes() const = 0;
  struct ColumnSize {
    std::uint64_t block_bytes = 0;
    std::uint64_t filter_bytes = 0;
  };
  /// What a column takes of the file.
  virtual ColumnSize column_size(ColumnId column) const = 0;
  virtual const std::vector<RowGroupInfo>& row_groups() const = 0;
  virtual const ColumnRange& range(std::size_t row_group,
                                   ColumnId column) const = 0;  // of a column the segment has
  /// False where no row of the row group has this value in the column: by its filter, if one was made (by
  /// minimum and maximum `range` says more).
  virtual bool may_contain(std::size_t row_group, ColumnId column, const Value& value) const = 0;
  /// Whether the column of the row group has a filter.
  virtual bool has_filter(std::size_t row_group, ColumnId column) const = 0;
  virtual TimeRange time_range() const = 0;  // half-open, of the rows in it
  virtual bool has_column(ColumnId column) const = 0;
  virtual ColumnLayout layout(ColumnId column) const = 0;
  /// The largest number of integer digits in a NUMERIC column, for widening.
  virtual int integer_digits(ColumnId column) const = 0;

  /// Rows [begin, end) that may hold the series (all rows when the schema has no series key or `key` is
  /// shorter: prefix match).
  virtual std::pair<std::uint64_t, std::uint64_t> find_series(const std::vector<Value>& key) const = 0;
  /// Empty for tables without series key and time column.
  virtual const std::vector<SeriesEntry>& series() const = 0;
  /// Inclusive newest time of that series here, if any.
  virtual std::optional<std::int64_t> last_time(const std::vector<Value>& key) const = 0;

  /// A decoded column of one row group. Lifetime: the pointer's.
  struct Block {
    virtual ~Block() = default;
    virtual ColumnView view() const = 0;  // Flat, Constant or Dictionary, row_count of the row group
    std::uint64_t stored_bytes = 0;       // of the file that it was decoded from
  };
  virtual std::shared_ptr<const Block> read(std::size_t row_group, ColumnId column) const = 0;

  /// Row numbers of the given keys (all of `sort_columns`, in that order, sorted ascending), or -1. Cost:
  /// decodes the key columns of touched row groups.
  virtual std::vector<std::int64_t> find(const Batch& sorted_keys) const = 0;

  /// Reads and checks every byte. Errors as above.
  virtual void verify() const = 0;
};

}  // namespace tickstone::storage
