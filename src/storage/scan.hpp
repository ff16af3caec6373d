// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "storage/schema.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

/// One conjunct over one column. NULL never matches. A scan may return rows that do not match (the caller
/// filters again), never omits one that does.
struct ColumnPredicate {
  struct Bound {
    Value value;
    bool inclusive = true;
  };
  ColumnId column = 0;
  std::optional<Bound> lower;
  std::optional<Bound> upper;
  std::vector<Value> in;  // when not empty: one of these
  /// Instead of all the above.
  enum class NullTest : std::uint8_t { None, IsNull, IsNotNull };
  NullTest null_test = NullTest::None;
};

/// Whether the oldest or the newest rows come first: chunk by chunk, and within one by how far its parts
/// reach. Rows of neighbouring parts may overlap, and rows within a batch come in any order; a caller that
/// has enough says so with `tighten`.
enum class ScanOrder : std::uint8_t { Any, TimeAscending, TimeDescending };

/// Which rows of each series decide the answer: all of them, or those with its oldest or its newest time.
enum class SeriesEnd : std::uint8_t { All, Oldest, Newest };

struct ScanRequest {
  TableId table = 0;
  std::vector<ColumnId> columns;  // what to return, in this order; may name kRowIdColumn
  std::vector<ColumnPredicate> predicates;
  ScanOrder order = ScanOrder::Any;
  /// Rows of a series other than these may be left out: of the rows that match the predicates on time and
  /// series, which are all that counts here, those with the series' outermost time are returned, and maybe
  /// more.
  SeriesEnd series_end = SeriesEnd::All;
  std::uint32_t first_batch_rows =
      2048;  // the first batch's most rows; each later one may have twice as many
};

/// Up to `kScanRows` rows. Lifetime of the views: until the next read with the same state, or the scan's end.
struct ScanBatch {
  std::size_t row_count = 0;
  /// All rows are known to meet all predicates of the request, each of which was comparable with its column.
  bool meets_predicates = false;
  std::vector<ColumnView> columns;  // in the layout of `TableScan::layouts()`
};
inline constexpr std::size_t kScanRows = 2048;  // DuckDB's vector size

/// What a scan did and left out; EXPLAIN shows it. A scan with an order plans chunk by chunk: what it has not
/// come to is not counted as read.
struct ScanStatistics {
  std::uint64_t chunks_total = 0, chunks_read = 0;
  std::uint64_t row_groups_total = 0, row_groups_read = 0;
  // Why the others were not: by minimum, maximum and count of nulls; by a filter of values. What is left was
  // outside of the series or times asked for.
  std::uint64_t row_groups_out_of_range = 0, row_groups_without_value = 0;
  std::uint64_t open_rows_read = 0;
  std::uint64_t blocks_read = 0, block_bytes_read = 0;  // of segments, by reading; bytes as they are stored
  std::vector<std::uint32_t> chunk_numbers;             // of those read
};

/// A planned scan: pruned by chunk, series directory and row-group minimum and maximum when it is made.
/// Threads: `make_state` and `read` with distinct states from any thread at once; units are handed out under
/// the hood.
class TableScan {
 public:
  class State {
   public:
    virtual ~State() = default;
    /// Globally increasing number of the unit that the last batch came from, for order-preserving callers.
    virtual std::uint64_t unit_index() const = 0;
  };
  virtual ~TableScan() = default;
  virtual std::unique_ptr<State> make_state() = 0;
  /// False at the end. Never returns true with no rows. Errors: DataCorrupted with file and offset, IoError.
  virtual bool read(State& state, ScanBatch& out) = 0;
  virtual std::size_t max_threads() const = 0;
  virtual std::uint64_t estimated_rows() const = 0;  // at most, where the order is Any
  virtual ScanStatistics statistics() const = 0;
  /// From now on rows that do not match `predicate` need not be returned either (the bound that a Top-N has
  /// reached): what has not been handed out yet may be left out. Threads: any.
  virtual void tighten(const ColumnPredicate& /*predicate*/) {}
  /// Layout of each returned column, fixed for the scan.
  virtual const std::vector<ColumnLayout>& layouts() const = 0;
};

}  // namespace tickstone::storage
