// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "storage/key_index.hpp"
#include "storage/numeric_layout.hpp"
#include "storage/row_ends.hpp"
#include "storage/schema.hpp"
#include "storage/series_map.hpp"
#include "storage/stable_vector.hpp"
#include "storage/text_dictionary.hpp"
#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

using RowNumber = std::uint32_t;
inline constexpr RowNumber kNoRow = UINT32_MAX;

class OpenChunk;

/// What an open chunk must know of the layers below it to tell that a new row's key cannot be there.
class OlderLayers {
 public:
  virtual ~OlderLayers() = default;
  /// Rows of the series of `row` later than this are in no layer below. INT64_MIN: none are; INT64_MAX:
  /// unknown.
  virtual std::int64_t last_time(const OpenChunk& rows, RowNumber row) const = 0;
  /// Grows when an earlier answer may no longer hold.
  virtual std::uint64_t version() const = 0;
};

/// Rows of one chunk in memory, in the order they came, with the commits that made and ended each.
///
/// Shape: blocks of 64, 64, 128, ... 4096 rows and then of 8192, whose arrays never move. Rows without a
/// primary key carry their row id as one more column after the schema's. Threads: one appends or ends rows at
/// a time; any number read rows below a `row_count()` they loaded.
class OpenChunk {
 public:
  static constexpr RowNumber kBlockRows = 8192;
  static constexpr RowNumber kFirstBlockRows = 64;
  /// So few rows are compared one by one: those of a small transaction never have an index.
  static constexpr RowNumber kUnindexedRows = 4;

  OpenChunk(std::shared_ptr<const TableSchema> schema, TableLayout layout);
  ~OpenChunk();

  const TableSchema& schema() const { return *schema_; }
  const std::shared_ptr<const TableSchema>& shared_schema() const { return schema_; }
  const TableLayout& layout() const { return layout_; }
  bool has_row_ids() const { return has_row_ids_; }
  std::size_t column_count() const { return layouts_.size(); }  // row id included
  ColumnLayout column_layout(std::size_t column) const { return layouts_[column]; }
  SqlType column_type(std::size_t column) const;
  std::size_t memory_bytes() const {
    return memory_bytes_.load(std::memory_order_relaxed) + dictionary_bytes();
  }

  // The appending thread.

  /// Rows to take over: `rows[i]` of each column for i in [0, count), or `first + i` where `rows` is nullptr.
  struct Rows {
    const std::vector<ColumnView>* columns = nullptr;
    const RowNumber* rows = nullptr;
    RowNumber first = 0;
    RowNumber count = 0;
  };
  /// Appends and returns the number of the first row. Rows whose keys may be here or below already are
  /// appended to `suspects` (by their new numbers, ascending), which may be nullptr. NUMERIC columns are
  /// converted to this layout.
  RowNumber append(const Rows& rows, CommitSeq created, const OlderLayers& older,
                   std::vector<RowNumber>* suspects);
  /// Ends a row's life, or with kNeverEnded takes that back.
  void set_ended(RowNumber row, CommitSeq seq);
  /// Makes rows that a transaction gathered its own: all are created by `seq`; those that ended before never
  /// were.
  void adopt(CommitSeq seq);

  // Any thread.
  RowNumber row_count() const { return row_count_.load(std::memory_order_acquire); }
  CommitSeq created(RowNumber row) const;
  CommitSeq ended(RowNumber row) const;
  bool is_live(RowNumber row) const { return ended(row) == kNeverEnded; }
  bool is_visible(RowNumber row, CommitSeq seq) const { return created(row) <= seq && ended(row) > seq; }
  /// Rows [0, n) were created at or before `seq`, the others after.
  RowNumber visible_prefix(CommitSeq seq) const;
  /// Exact.
  std::uint64_t visible_row_count(CommitSeq seq) const;
  std::uint64_t live_row_count() const;
  /// The newest commit that created a row.
  CommitSeq newest_created() const;

  static std::size_t block_of(RowNumber row) {
    if (row >= kBlockRows) return 7 + row / kBlockRows;
    return row < kFirstBlockRows ? 0 : static_cast<std::size_t>(std::bit_width(row)) - 6;
  }
  static RowNumber block_begin(std::size_t block) {
    if (block >= 8) return static_cast<RowNumber>(block - 7) * kBlockRows;
    return block == 0 ? 0 : kFirstBlockRows << (block - 1);
  }
  static RowNumber block_capacity(std::size_t block) {
    if (block >= 8) return kBlockRows;
    return block == 0 ? kFirstBlockRows : kFirstBlockRows << (block - 1);
  }
  /// True where no row of the block has ended.
  bool is_block_whole(std::size_t block) const { return blocks_[block].ends.ended_count() == 0; }
  /// Inclusive bounds of the time column over the block's rows so far.
  std::pair<std::int64_t, std::int64_t> block_times(std::size_t block) const;

  /// Keeps what a view borrows alive.
  struct Lease {
    std::shared_ptr<const void> keep_alive;
    std::vector<std::uint64_t> validity;
    std::shared_ptr<const TextDictionary::Snapshot> dictionary;
  };
  /// Rows [first, first + count) of one column, which lie in one block. Lifetime: the lease's and the
  /// chunk's.
  ColumnView view(std::size_t column, RowNumber first, RowNumber count, Lease& lease) const;
  void append_cells(Column& out, std::size_t column, const RowNumber* rows, std::size_t count) const;
  /// All columns of the rows, the row id last where there is one.
  Batch gather(const std::vector<RowNumber>& rows) const;
  std::int64_t time(RowNumber row) const;

  /// Rows visible at `seq` in the order of segments.
  std::vector<RowNumber> sorted_rows(CommitSeq seq) const;

  const SeriesMap& series() const { return series_; }
  SeriesMap& series() { return series_; }
  std::uint32_t series_of(RowNumber row) const;
  /// Rows of a series below `limit`, ascending. Those before `from_time` may be left out.
  std::vector<RowNumber> series_rows(std::uint32_t series, RowNumber limit,
                                     std::int64_t from_time = INT64_MIN) const;
  /// The row of a series appended last, as far as `is_ordered` says also its newest: following
  /// `previous_in_series` from it, times never grow. kNoRow where there is none yet.
  struct SeriesHead {
    RowNumber row = kNoRow;
    bool is_ordered = false;
  };
  SeriesHead series_head(std::uint32_t series) const;
  RowNumber previous_in_series(RowNumber row) const {
    const std::size_t number = block_of(row);
    return blocks_[number].previous[row - block_begin(number)];
  }
  /// The series key of a row as values, for the directory of a segment.
  std::vector<Value> series_values(RowNumber row) const;
  /// The series of another open chunk's row here, if any. The chunks are of one table.
  std::optional<std::uint32_t> find_series_of(const OpenChunk& other, RowNumber row) const;
  /// False where no row below `row_count()` can have the key (columns as `key_columns`); quick.
  bool may_hold(const std::vector<ColumnView>& key, std::size_t key_row) const;
  /// The series whose key's leading columns have these values.
  std::vector<std::uint32_t> find_series(const std::vector<const Value*>& leading) const;
  /// Newest time of a series here (any thread).
  std::int64_t series_last_time(std::uint32_t series) const;

  void append_key(std::string& out, RowNumber row) const;
  enum class Found : std::uint8_t {
    Absent,  // no version of the key here was made at or before the commit: look below
    Visible,
    Gone,  // it was, and has ended: it is in no layer below either
  };
  struct FoundRow {
    Found found = Found::Absent;
    RowNumber row = kNoRow;  // of the newest version at the commit
  };
  /// False where no other row here, ended ones included, can have the key of this one.
  bool may_have_key_twice(RowNumber row) const {
    return !series_in_key_ || !series_[series_of(row)].is_in_key_order.load(std::memory_order_relaxed);
  }
  /// Looks among rows below `limit` that were created at or before `seq`. `key`: as `append_key` writes it.
  FoundRow find(std::string_view key, std::uint64_t hash, CommitSeq seq, RowNumber limit = kNoRow) const;

 private:
  friend class KeyIndex;

  struct Cells {
    std::byte* data = nullptr;          // values, or codes of a dictionary
    std::uint32_t* offsets = nullptr;   // flat texts
    std::uint64_t* validity = nullptr;  // nullptr for row ids; words are accessed atomically
    std::atomic<std::uint32_t> null_count{0};
    bool is_dictionary = false;
    std::shared_ptr<char[]> heap;  // flat texts; replaced by a larger one under `heap_mutex_`
    std::size_t heap_size = 0;
    std::size_t heap_capacity = 0;
  };
  struct Block {
    std::unique_ptr<std::byte[]> slab;
    CommitSeq* created = nullptr;
    std::uint32_t* series = nullptr;
    RowNumber* previous = nullptr;  // of the same series, or kNoRow
    std::unique_ptr<Cells[]> columns;
    RowEnds ends;
    std::atomic<std::int64_t> min_time{INT64_MAX};
    std::atomic<std::int64_t> max_time{INT64_MIN};
  };

  void make_block(std::size_t block);
  void append_column(std::size_t column, const ColumnView& source, const Rows& rows, RowNumber first);
  void append_texts(Cells& cells, std::size_t column, const ColumnView& source, const RowNumber* rows,
                    RowNumber source_first, RowNumber at, RowNumber count);
  static void mark_nulls(Cells& cells, const ColumnView& source, const RowNumber* rows,
                         RowNumber source_first, RowNumber at, RowNumber count);
  void follow_series(RowNumber first, RowNumber count, const OlderLayers& older,
                     std::vector<RowNumber>* suspects);
  std::strong_ordering compare_key_tail(RowNumber a, RowNumber b) const;
  std::strong_ordering compare_in(std::size_t column, RowNumber a, RowNumber b) const;
  bool is_null(const Block& block, std::size_t column, RowNumber offset) const;
  template <typename T>
  void append_values(Column& out, std::size_t column, const RowNumber* rows, std::size_t count) const;
  void append_texts_of(Column& out, std::size_t column, const RowNumber* rows, std::size_t count) const;
  bool find_cells(std::size_t column, const RowNumber* rows, std::size_t count, std::size_t width,
                  const std::byte** cells, std::uint64_t& validity) const;
  ColumnView fixed_view(std::size_t column, const Block& block) const;
  void append_part(std::string& out, std::size_t column, RowNumber row) const;
  std::uint32_t series_code(std::size_t position, RowNumber row);
  std::size_t dictionary_bytes() const;

  std::shared_ptr<const TableSchema> schema_;
  TableLayout layout_;
  std::vector<ColumnLayout> layouts_;  // row id included
  bool has_row_ids_ = false;
  std::optional<std::size_t> time_index_;
  std::vector<std::size_t> key_indexes_;   // as `key_columns`
  std::vector<std::size_t> tail_indexes_;  // what orders rows of a series after time
  std::vector<std::size_t> series_indexes_;
  bool series_in_key_ = false;  // else keys are ordered within the whole chunk alone
  std::vector<bool> always_dictionary_;
  std::vector<bool> is_flat_;  // a text column whose values repeat too little for a dictionary
  std::int64_t max_time_ = INT64_MIN;
  // Of all rows, told before the rows are; any thread reads them.
  std::atomic<std::int64_t> first_time_{INT64_MAX};
  std::atomic<std::int64_t> last_time_{INT64_MIN};
  std::vector<std::unique_ptr<TextDictionary>> dictionaries_;  // by column; Bytes only
  std::vector<std::unique_ptr<TextDictionary>>
      series_dictionaries_;  // canonical values of series columns that are no Bytes
  StableVector<Block, 4> blocks_;
  std::atomic<RowNumber> row_count_{0};
  std::atomic<RowNumber> adopted_rows_{0};  // rows below were all created by `adopted_seq_`
  std::atomic<CommitSeq> adopted_seq_{0};
  SeriesMap series_;
  mutable KeyIndex index_;
  mutable std::shared_mutex heap_mutex_;
  std::atomic<std::size_t> memory_bytes_{0};
};

}  // namespace tickstone::storage
