// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <optional>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "storage/codec/block_codec.hpp"
#include "storage/membership_filter.hpp"
#include "storage/row_order.hpp"
#include "storage/row_time.hpp"
#include "storage/segment.hpp"
#include "storage/segment_format.hpp"
#include "storage/segment_range.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kWriteBytes = 1 << 20;
/// A row group of long texts ends before its row count is reached.
constexpr std::size_t kMaxRowGroupTextBytes = 16 << 20;
/// Columns that others may be relative to: each is tried.
constexpr std::size_t kMaxRelated = 4;
/// Integers this dense between minimum and maximum are not to be found in many other row groups.
constexpr std::uint64_t kLeastSpread = 4;

/// Rows [begin, end) of a Flat column.
ColumnView slice(ColumnView column, std::size_t begin, std::size_t end) {
  const std::size_t width = width_bytes(column.layout.physical);
  if (column.data != nullptr) column.data = static_cast<const char*>(column.data) + begin * width;
  if (column.layout.physical == Physical::Bytes) column.offsets += begin;
  column.bit_offset += begin;
  column.size = end - begin;
  return column;
}

class Writer final : public SegmentWriter {
 public:
  Writer(FileSystem& files, const std::filesystem::path& path, const TableSchema& schema,
         std::uint32_t row_group_rows)
      : files_(files), path_(path), row_group_rows_(row_group_rows) {
    TICKSTONE_CHECK(row_group_rows > 0 && row_group_rows <= kMaxBlockRows);
    footer_.schema = schema;
    for (auto& stored : stored_columns(schema)) {
      SegmentColumn column;
      column.layout = initial_layout(stored.type);
      column.schema = std::move(stored);
      pending_.emplace_back(column.schema.type, column.layout);
      footer_.columns.push_back(std::move(column));
    }
    for (const ColumnId id : sort_columns(schema)) {
      const std::size_t index = column_index(id);
      sort_indexes_.push_back(index);
      footer_.first_keys.emplace_back(footer_.columns[index].schema.type);
      if (schema.time_column == id) time_sort_index_ = sort_indexes_.size() - 1;
    }
    for (std::size_t i = 0; i < footer_.columns.size(); ++i) may_have_filter_.push_back(may_have_filter(i));
    const std::string name = path.filename().string();
    header_.seed = checksum64(std::as_bytes(std::span(name.data(), name.size())), schema.id);
    file_ = files.open(path, FileSystem::Mode::Create);
    write_header(header_, buffer_);
  }

  ~Writer() override {
    if (is_finished_) return;
    file_.reset();
    try {
      files_.remove(path_);
    } catch (const Error&) {
      // Boundary: a file that is in no manifest is removed when the store opens.
    }
  }

  void append(const Batch& rows) override {
    TICKSTONE_CHECK(!is_finished_ && rows.columns.size() == footer_.columns.size());
    const std::size_t row_count = rows.row_count();
    if (row_count == 0) return;
    std::vector<ColumnView> columns;
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
      TICKSTONE_CHECK(rows.columns[i].size() == row_count &&
                      rows.columns[i].type() == footer_.columns[i].schema.type);
      columns.push_back(rows.columns[i].view());
    }
    std::vector<ColumnView> keys;
    for (const std::size_t index : sort_indexes_) keys.push_back(columns[index]);

    std::size_t begin = 0;
    std::size_t text_bytes = 0;
    const bool counts_texts =
        pending_text_bytes_ + text_bytes_of(columns, 0, row_count) > kMaxRowGroupTextBytes;
    for (std::size_t row = 0; row < row_count; ++row) {
      const bool is_new_series = note_key(keys, row);
      const std::size_t pending_rows = pending_.front().size() + (row - begin);
      if (pending_rows == row_group_rows_ ||
          (is_new_series && pending_rows >= row_group_rows_ - row_group_rows_ / 4) ||
          pending_text_bytes_ + text_bytes > kMaxRowGroupTextBytes) {
        take(columns, begin, row);
        flush_row_group();
        begin = row;
        text_bytes = 0;
      }
      if (counts_texts) text_bytes += text_bytes_of(columns, row, row + 1);
    }
    take(columns, begin, row_count);
    pending_text_bytes_ += text_bytes_of(columns, begin, row_count);
    last_key_.clear();
    for (const auto& key : keys) last_key_.emplace_back(key.type, key.layout).append_from(key, row_count - 1);
  }

  std::uint64_t finish() override {
    TICKSTONE_CHECK(!is_finished_);
    flush_row_group();
    if (footer_.row_groups.empty()) throw Error(ErrorCode::InternalError, "a segment needs at least one row");
    choose_layouts();
    SegmentTrailer trailer;
    trailer.footer_offset = written_bytes_ + buffer_.size();
    ByteWriter footer;
    write_footer(footer_, header_.version, footer);
    trailer.footer_bytes = footer.size();
    trailer.footer_checksum = checksum64(footer.bytes(), header_.seed);
    buffer_.put_bytes(footer.bytes());
    write_trailer(trailer, header_.seed, buffer_);
    write_buffer();
    file_->sync_data();
    files_.sync_directory(path_.parent_path());
    is_finished_ = true;
    file_.reset();
    return written_bytes_;
  }

 private:
  std::size_t column_index(ColumnId id) const {
    for (std::size_t i = 0; i < footer_.columns.size(); ++i) {
      if (footer_.columns[i].schema.id == id) return i;
    }
    TICKSTONE_CHECK(!"column of the table");
    return 0;
  }

  static std::size_t text_bytes_of(const std::vector<ColumnView>& columns, std::size_t begin,
                                   std::size_t end) {
    std::size_t bytes = 0;
    for (const auto& column : columns) {
      if (column.layout.physical == Physical::Bytes) bytes += column.offsets[end] - column.offsets[begin];
    }
    return bytes;
  }

  /// Checks the order and keeps the series directory. True where a series other than the previous row's
  /// begins.
  bool note_key(const std::vector<ColumnView>& keys, std::size_t row) {
    const std::size_t series_columns = footer_.schema.series_key.size();
    bool is_new_series = row_count_ == 0;
    if (row_count_ > 0) {
      RowOrder order;
      if (row > 0) {
        order = order_rows(keys, row - 1, keys, row);
      } else {
        std::vector<ColumnView> last;
        for (const auto& column : last_key_) last.push_back(column.view());
        order = order_rows(last, 0, keys, row);
      }
      if (order.order >= 0) {
        throw Error(ErrorCode::InternalError, "rows of a segment are not in order",
                    "Row " + std::to_string(row_count_) + " does not come after the row before it.");
      }
      is_new_series = order.column_index < series_columns;
    }
    ++row_count_;
    if (!time_sort_index_) return is_new_series;
    const auto& times = keys[*time_sort_index_];
    if (times.is_null(row)) throw Error(ErrorCode::InternalError, "a row of a segment has no time");
    const std::int64_t time = time_of(times, row);
    if (is_new_series) {
      SeriesEntry entry;
      for (std::size_t i = 0; i < series_columns; ++i) entry.key.push_back(value_at(keys[i], row));
      entry.first_row = row_count_ - 1;
      entry.min_time = time;
      footer_.series.push_back(std::move(entry));
    }
    ++footer_.series.back().row_count;
    footer_.series.back().max_time_inclusive = time;
    return is_new_series;
  }

  void take(const std::vector<ColumnView>& columns, std::size_t begin, std::size_t end) {
    if (begin == end) return;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      // The first rows of a row group bring their layout.
      if (pending_[i].size() == 0) pending_[i] = Column(columns[i].type, columns[i].layout);
      pending_[i].append_all(slice(columns[i], begin, end));
    }
  }

  void flush_row_group() {
    const std::size_t row_count = pending_.front().size();
    if (row_count == 0) return;
    for (std::size_t i = 0; i < sort_indexes_.size(); ++i) {
      footer_.first_keys[i].append_from(pending_[sort_indexes_[i]].view(), 0);
    }
    std::vector<RelatedColumn> related;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      const auto view = pending_[i].view();
      note_layout(footer_.columns[i], view);
      footer_.ranges.push_back(range_of(view));
      ByteWriter block;
      const Codec codec = encode_block(view, block, related);
      // Later columns may be written relative to this one; it is not relative itself, so two blocks are the
      // most.
      if (codec == Codec::Integers && view.layout.physical == Physical::Int64 &&
          related.size() < kMaxRelated) {
        related.push_back({static_cast<std::uint16_t>(i), view});
      }
      block.put(block_checksum(block.bytes(), header_.seed, footer_.blocks.size()));
      if (block.size() > UINT32_MAX)
        throw Error(ErrorCode::ProgramLimitExceeded, "a segment's block exceeds 4 GB");
      footer_.blocks.push_back({written_bytes_ + buffer_.size(), static_cast<std::uint32_t>(block.size())});
      buffer_.put_bytes(block.bytes());
      put_filter(i, view);
      if (buffer_.size() >= kWriteBytes) write_buffer();
    }
    for (auto& column : pending_) column.clear();
    const std::uint64_t first_row = footer_.row_count();
    footer_.row_groups.push_back({first_row, static_cast<std::uint32_t>(row_count)});
    pending_text_bytes_ = 0;
  }

  /// Not for what rows are sorted by first, which finds its row groups by itself.
  bool may_have_filter(std::size_t column) const {
    const ColumnId id = footer_.columns[column].schema.id;
    const auto& series = footer_.schema.series_key;
    const bool is_uuid =
        footer_.columns[column].schema.type.id == TypeId::Uuid;  // one is looked for, or a range
    return has_filter_type(footer_.columns[column].schema.type) && id != kRowIdColumn &&
           (footer_.schema.time_column != id || is_uuid) && sort_indexes_.front() != column &&
           (!time_sort_index_ || std::find(series.begin(), series.end(), id) == series.end());
  }

  /// A filter behind the block just written, where one says more than minimum and maximum do.
  void put_filter(std::size_t column, const ColumnView& rows) {
    const std::uint64_t offset = written_bytes_ + buffer_.size();
    std::vector<std::uint64_t> hashes;
    if (may_have_filter_[column] && may_be_filter_worth(column, rows)) hashes = distinct_hashes(rows);
    if (hashes.size() < 2 || !is_filter_worth(column, rows, hashes.size())) {
      footer_.filters.push_back({offset, 0});
      return;
    }
    const auto filter = make_filter(hashes);
    buffer_.put_bytes(filter);
    buffer_.put(filter_checksum(filter, header_.seed, footer_.filters.size()));
    footer_.filters.push_back({offset, static_cast<std::uint32_t>(filter.size() + kBlockChecksumBytes)});
  }

  static bool is_constant(const ColumnRange& range) {
    return range.has_values && range.minimum.text.size() < kRangeTextBytes &&
           order_values(range.minimum, range.maximum) == 0;
  }

  /// Before the values are counted.
  bool may_be_filter_worth(std::size_t column, const ColumnView& rows) const {
    if (is_constant(footer_.ranges.back())) return false;
    return !is_in_key(column) && has_narrow_values(rows) ? is_filter_worth(column, rows, least_distinct(rows))
                                                         : true;
  }
  static bool has_narrow_values(const ColumnView& rows) {
    return rows.layout.physical != Physical::Bytes && rows.layout.physical != Physical::Int128;
  }
  /// Of integers outside of the key that are worth a filter.
  static std::size_t least_distinct(const ColumnView& rows) { return rows.size - rows.size / 20; }
  bool is_in_key(std::size_t column) const {
    const auto& key = footer_.schema.primary_key;
    return std::find(key.begin(), key.end(), footer_.columns[column].schema.id) != key.end();
  }

  /// Texts and UUIDs always; integers where they look like numbers of things, and row groups overlap.
  bool is_filter_worth(std::size_t column, const ColumnView& rows, std::size_t distinct) const {
    if (!has_narrow_values(rows)) return true;
    if (!is_in_key(column) && distinct < least_distinct(rows)) return false;
    const auto& range = footer_.ranges.back();
    return range.maximum.integer - range.minimum.integer > Int128{kLeastSpread} * distinct;
  }

  void note_layout(SegmentColumn& column, const ColumnView& rows) {
    if (column.schema.type.id != TypeId::Numeric || column.schema.type.is_array) return;
    const int digits = integer_digits_of(rows);
    const bool is_first = footer_.row_groups.empty();
    column.integer_digits = is_first ? digits : std::max(column.integer_digits, digits);
    column.layout.scale = is_first ? rows.layout.scale : std::max(column.layout.scale, rows.layout.scale);
  }

  /// A bare NUMERIC column is as narrow as all its values allow together.
  void choose_layouts() {
    for (auto& column : footer_.columns) {
      if (!column.schema.type.is_bare_numeric()) continue;
      const int digits = column.integer_digits + column.layout.scale;
      if (digits > kMaxNumericDigits) {
        throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format",
                    "Values of column \"" + column.schema.name + "\" need more than 38 digits together.");
      }
      column.layout.physical = digits <= kMaxInt64Digits ? Physical::Int64 : Physical::Int128;
    }
  }

  void write_buffer() {
    file_->write_at(written_bytes_, buffer_.bytes());
    written_bytes_ += buffer_.size();
    buffer_.clear();
  }

  FileSystem& files_;
  std::filesystem::path path_;
  std::size_t row_group_rows_;
  std::unique_ptr<File> file_;
  SegmentHeader header_;
  SegmentFooter footer_;
  std::vector<std::size_t> sort_indexes_;  // columns in sort order
  std::optional<std::size_t> time_sort_index_;
  std::vector<bool> may_have_filter_;
  std::vector<Column> pending_;
  std::size_t pending_text_bytes_ = 0;
  std::vector<Column> last_key_;  // of the last batch
  std::uint64_t row_count_ = 0;
  ByteWriter buffer_;
  std::uint64_t written_bytes_ = 0;
  bool is_finished_ = false;
};

}  // namespace

std::unique_ptr<SegmentWriter> SegmentWriter::create(FileSystem& files, const std::filesystem::path& path,
                                                     const TableSchema& schema,
                                                     std::uint32_t row_group_rows) {
  return std::make_unique<Writer>(files, path, schema, row_group_rows);
}

}  // namespace tickstone::storage
