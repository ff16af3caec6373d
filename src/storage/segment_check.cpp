// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_check.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/codec/block_codec.hpp"
#include "storage/membership_filter.hpp"
#include "storage/row_order.hpp"
#include "storage/row_time.hpp"
#include "storage/segment_range.hpp"

namespace tickstone::storage {

namespace {

using DecodedPointer = std::shared_ptr<const DecodedBlock>;

/// Follows the rows of a segment and compares them with its series directory.
class SeriesCheck {
 public:
  SeriesCheck(const SegmentFooter& footer, std::vector<ColumnId> sort_columns)
      : footer_(footer), key_columns_(footer.schema.series_key.size()) {
    if (!footer.schema.time_column) return;
    const auto at = std::find(sort_columns.begin(), sort_columns.end(), *footer.schema.time_column);
    time_column_ = static_cast<std::size_t>(at - sort_columns.begin());
    is_on_ = true;
  }

  bool is_on() const { return is_on_; }
  /// Rows were skipped: what follows cannot be compared.
  void give_up() { is_on_ = false; }
  /// True where the series directory does not have this row.
  bool differs(const std::vector<ColumnView>& keys, std::size_t row, bool begins) {
    const ColumnView& times = keys[time_column_];
    if (times.is_null(row)) return true;
    const std::int64_t time = time_of(times, row);
    if (begins) {
      if (row_ > 0 && is_last_wrong()) return true;
      if (row_ > 0) ++entry_;
      if (entry_ >= footer_.series.size()) return true;
      const auto& entry = footer_.series[entry_];
      if (entry.first_row != row_ || entry.min_time != time) return true;
      for (std::size_t i = 0; i < key_columns_; ++i) {
        if (order_values(entry.key[i], value_at(keys[i], row)) != 0) return true;
      }
    }
    ++row_;
    last_time_ = time;
    return false;
  }
  bool differs_at_end() const {
    return is_on_ && (is_last_wrong() || entry_ + 1 != footer_.series.size() || row_ != footer_.row_count());
  }
  std::size_t key_column_count() const { return key_columns_; }

 private:
  bool is_last_wrong() const {
    const auto& entry = footer_.series[entry_];
    return entry.first_row + entry.row_count != row_ || entry.max_time_inclusive != last_time_;
  }

  const SegmentFooter& footer_;
  std::size_t key_columns_;
  std::size_t time_column_ = 0;
  bool is_on_ = false;
  std::size_t entry_ = 0;
  std::uint64_t row_ = 0;
  std::int64_t last_time_ = 0;
};

class SegmentCheck {
 public:
  SegmentCheck(FileSystem& files, const std::filesystem::path& path, const DamageFound& found)
      : file_(files.open(path, FileSystem::Mode::Read)), found_(found) {}

  std::optional<SegmentFooter> run() {
    size_bytes_ = file_->size_bytes();
    if (size_bytes_ < kSegmentHeaderBytes + kSegmentTrailerBytes) {
      found_(size_bytes_, "the file is too short for a segment");
      return std::nullopt;
    }
    if (!read_ends()) return std::nullopt;
    sort_columns_ = sort_columns(footer_.schema);
    for (const ColumnId id : sort_columns_) {
      const auto at = std::find_if(footer_.columns.begin(), footer_.columns.end(),
                                   [&](const SegmentColumn& column) { return column.schema.id == id; });
      sort_indexes_.push_back(static_cast<std::size_t>(at - footer_.columns.begin()));
    }
    SeriesCheck series(footer_, sort_columns_);
    for (std::size_t group = 0; group < footer_.row_groups.size(); ++group) check_row_group(group, series);
    if (series.differs_at_end()) found_(footer_offset_, "the series directory does not end with the rows");
    return std::move(footer_);
  }

 private:
  std::vector<std::byte> read_bytes(std::uint64_t offset, std::size_t size) const {
    std::vector<std::byte> bytes(size);
    if (file_->read_at(offset, bytes) != size) {
      throw Error(ErrorCode::DataCorrupted, "the file is shorter than it was");
    }
    return bytes;
  }

  /// Runs `action`; what it finds wrong is damage at `offset`.
  template <typename Action>
  bool is_fine(std::uint64_t offset, const std::string& where, const Action& action) const {
    std::string what;
    try {
      action();
      return true;
    } catch (const Error& error) {
      what = where + error.message() + (error.detail().empty() ? "" : ": " + error.detail());
    }
    found_(offset, what);
    return false;
  }

  bool read_ends() {
    SegmentHeader header;
    if (!is_fine(0, "", [&] { header = read_header(read_bytes(0, kSegmentHeaderBytes)); })) return false;
    seed_ = header.seed;
    const std::uint64_t trailer_offset = size_bytes_ - kSegmentTrailerBytes;
    SegmentTrailer trailer;
    if (!is_fine(trailer_offset, "",
                 [&] { trailer = read_trailer(read_bytes(trailer_offset, kSegmentTrailerBytes), seed_); })) {
      return false;
    }
    footer_offset_ = trailer.footer_offset;
    if (footer_offset_ < kSegmentHeaderBytes || footer_offset_ > trailer_offset ||
        trailer.footer_bytes != trailer_offset - footer_offset_) {
      found_(trailer_offset, "the footer is not where the trailer says");
      return false;
    }
    return is_fine(footer_offset_, "", [&] {
      const auto bytes = read_bytes(footer_offset_, trailer.footer_bytes);
      if (checksum64(bytes, seed_) != trailer.footer_checksum) {
        throw Error(ErrorCode::DataCorrupted, "the checksum of the footer does not match");
      }
      footer_ = read_footer(bytes, footer_offset_, header.version);
    });
  }

  std::string describe(std::size_t group, std::size_t column) const {
    return fmt::format("row group {}, column \"{}\": ", group, footer_.columns[column].schema.name);
  }
  const BlockLocation& location(std::size_t group, std::size_t column) const {
    return footer_.blocks[group * footer_.columns.size() + column];
  }

  /// The bytes of a block or filter without their checksum.
  template <typename Checksum>
  std::vector<std::byte> read_checked(const BlockLocation& place, std::size_t index,
                                      const Checksum& checksum_of) const {
    if (place.size_bytes < kBlockChecksumBytes) {
      throw Error(ErrorCode::DataCorrupted, "it is too short for its checksum");
    }
    auto bytes = read_bytes(place.offset, place.size_bytes);
    const auto content = std::span(bytes).first(bytes.size() - kBlockChecksumBytes);
    std::uint64_t checksum = 0;
    std::memcpy(&checksum, bytes.data() + content.size(), sizeof(checksum));
    if (checksum != checksum_of(content, seed_, index)) {
      throw Error(ErrorCode::DataCorrupted, "the checksum does not match");
    }
    bytes.resize(content.size());
    return bytes;
  }

  DecodedPointer decode(std::size_t group, std::size_t column, ColumnLayout layout) const {
    const std::size_t index = group * footer_.columns.size() + column;
    const auto encoded = read_checked(footer_.blocks[index], index, block_checksum);
    const auto read_related = [&](std::uint16_t number, ColumnLayout wanted) {
      // Only columns before it are: no circle.
      if (number >= column) throw Error(ErrorCode::DataCorrupted, "it is relative to a column behind it");
      return decode(group, number, wanted);
    };
    return decode_block(encoded, footer_.columns[column].schema.type, layout,
                        footer_.row_groups[group].row_count, /*dictionary_id=*/index + 1, read_related);
  }

  /// nullptr where the block is damaged, or one before it in the row group that it is relative to, which has
  /// been told then.
  DecodedPointer read_block(std::size_t group, std::size_t column,
                            const std::vector<DecodedPointer>& before) const {
    const std::size_t index = group * footer_.columns.size() + column;
    const auto& place = footer_.blocks[index];
    const auto& stored = footer_.columns[column];
    DecodedPointer block;
    is_fine(place.offset, describe(group, column), [&] {
      const auto encoded = read_checked(place, index, block_checksum);
      bool is_related_damaged = false;
      const auto read_related = [&](std::uint16_t number, ColumnLayout wanted) -> DecodedPointer {
        if (number >= column) throw Error(ErrorCode::DataCorrupted, "it is relative to a column behind it");
        is_related_damaged = before[number] == nullptr;
        if (is_related_damaged)
          throw Error(ErrorCode::DataCorrupted, "the column it is relative to is damaged");
        return stored_layout(number) == wanted ? before[number] : decode(group, number, wanted);
      };
      try {
        block = decode_block(encoded, stored.schema.type, stored.layout, footer_.row_groups[group].row_count,
                             /*dictionary_id=*/index + 1, read_related);
      } catch (const Error&) {
        if (!is_related_damaged) throw;
      }
    });
    return block;
  }
  ColumnLayout stored_layout(std::size_t column) const { return footer_.columns[column].layout; }

  /// A filter that left out a value would hide its rows. `block` may be nullptr: it is damaged itself.
  void check_values(std::size_t group, std::size_t column, const DecodedPointer& block) const {
    const std::size_t index = group * footer_.columns.size() + column;
    const auto& place = footer_.filters[index];
    if (place.size_bytes == 0) return;
    is_fine(place.offset, describe(group, column) + "filter: ", [&] {
      const auto filter = read_checked(place, index, filter_checksum);
      check_filter(filter);
      if (block == nullptr) return;
      const auto rows = block->view();
      Column flat(rows.type, rows.layout);
      flat.append_all(rows);
      for (const std::uint64_t hash : distinct_hashes(flat.view())) {
        if (!filter_may_hold(filter, hash)) {
          throw Error(ErrorCode::DataCorrupted, "it does not have all values");
        }
      }
    });
  }

  void check_row_group(std::size_t group, SeriesCheck& series) {
    std::vector<DecodedPointer> blocks;
    for (std::size_t column = 0; column < footer_.columns.size(); ++column) {
      blocks.push_back(read_block(group, column, blocks));
      if (blocks.back() != nullptr) check_range(group, column, blocks.back()->view());
      check_values(group, column, blocks.back());
    }
    std::vector<ColumnView> keys;
    for (const std::size_t index : sort_indexes_) {
      if (blocks[index] == nullptr) {
        // Other columns than the key can be damaged alone.
        last_key_.clear();
        series.give_up();
        return;
      }
      keys.push_back(blocks[index]->view());
    }
    check_order(group, keys, series);
  }

  void check_order(std::size_t group, const std::vector<ColumnView>& keys, SeriesCheck& series) {
    const auto& info = footer_.row_groups[group];
    const std::uint64_t offset = location(group, sort_indexes_.front()).offset;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (order_cells(footer_.first_keys[i].view(), group, keys[i], 0) != 0) {
        found_(footer_offset_,
               fmt::format("the first key of row group {} is not that of its first row", group));
        break;
      }
    }
    std::vector<ColumnView> last;
    for (const auto& column : last_key_) last.push_back(column.view());
    for (std::size_t row = 0; row < info.row_count; ++row) {
      bool begins_series = info.first_row + row == 0;
      if (row > 0 || !last.empty()) {
        const RowOrder order =
            row > 0 ? order_rows(keys, row - 1, keys, row) : order_rows(last, 0, keys, row);
        if (order.order >= 0) {
          found_(offset, fmt::format("row {} {} the row before it", info.first_row + row,
                                     order.order == 0 ? "has the key of" : "does not come after"));
          series.give_up();
          break;
        }
        begins_series = order.column_index < series.key_column_count();
      }
      if (series.is_on() && series.differs(keys, row, begins_series)) {
        found_(footer_offset_,
               fmt::format("the series directory does not agree with row {}", info.first_row + row));
        series.give_up();
      }
    }
    last_key_.clear();
    for (const auto& key : keys) {
      last_key_.emplace_back(key.type, key.layout).append_from(key, info.row_count - 1);
    }
  }

  void check_range(std::size_t group, std::size_t column, const ColumnView& rows) const {
    const auto& stored = footer_.columns[column];
    const auto& kept = footer_.ranges[group * footer_.columns.size() + column];
    const ColumnRange actual = range_of(rows);
    const bool is_outside =
        actual.has_values && (!kept.has_values || order_values(kept.minimum, actual.minimum) > 0 ||
                              order_values(kept.maximum, actual.maximum) < 0);
    const bool has_other_nulls = kept.null_count && kept.null_count != actual.null_count;
    if (is_outside || has_other_nulls || (actual.has_nulls && !kept.has_nulls)) {
      found_(footer_offset_, describe(group, column) + "values lie outside of the range that the footer has");
    }
    if (stored.schema.type.id == TypeId::Numeric && !stored.schema.type.is_array &&
        integer_digits_of(rows) > stored.integer_digits) {
      found_(footer_offset_, describe(group, column) + "values have more digits than the footer says");
    }
  }

  std::unique_ptr<File> file_;
  const DamageFound& found_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t seed_ = 0;
  std::uint64_t footer_offset_ = 0;
  SegmentFooter footer_;
  std::vector<ColumnId> sort_columns_;
  std::vector<std::size_t> sort_indexes_;
  std::vector<Column> last_key_;  // of the row group before; empty where it could not be read
};

}  // namespace

std::optional<SegmentFooter> check_segment(FileSystem& files, const std::filesystem::path& path,
                                           const DamageFound& found) {
  return SegmentCheck(files, path, found).run();
}

}  // namespace tickstone::storage
