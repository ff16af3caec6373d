// SPDX-License-Identifier: Apache-2.0
#include "storage/segment.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <unordered_map>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "storage/block_cache.hpp"
#include "storage/codec/block_codec.hpp"
#include "storage/membership_filter.hpp"
#include "storage/row_order.hpp"
#include "storage/segment_format.hpp"

namespace tickstone::storage {

namespace {

class OpenSegment final : public Segment {
 public:
  OpenSegment(FileSystem& files, const std::filesystem::path& path, std::shared_ptr<BlockCache> cache)
      : file_(files.open(path, FileSystem::Mode::Read)), cache_(std::move(cache)) {
    TICKSTONE_CHECK(cache_ != nullptr);
    size_bytes_ = file_->size_bytes();
    read_ends();
    for (std::size_t i = 0; i < footer_.columns.size(); ++i) {
      column_indexes_.emplace(footer_.columns[i].schema.id, i);
    }
    for (const ColumnId id : sort_columns(footer_.schema)) sort_indexes_.push_back(index_of(id));
    for (const auto& keys : footer_.first_keys) first_key_views_.push_back(keys.view());
    static std::atomic<std::uint64_t> opened{0};
    number_ = ++opened;
    choose_time_range();
  }

  ~OpenSegment() override {
    for (std::size_t block = 0; block < footer_.blocks.size(); ++block) {
      cache_->erase(cache_key(block));
      if (footer_.filters[block].size_bytes != 0) cache_->erase(filter_cache_key(block));
    }
  }

  const TableSchema& schema() const override { return footer_.schema; }
  std::uint64_t row_count() const override { return footer_.row_count(); }
  std::uint64_t size_bytes() const override { return size_bytes_; }
  ColumnSize column_size(ColumnId column) const override {
    const std::size_t index = index_of(column);
    ColumnSize size;
    for (std::size_t group = 0; group < footer_.row_groups.size(); ++group) {
      size.block_bytes += footer_.blocks[block_index(group, index)].size_bytes;
      size.filter_bytes += footer_.filters[block_index(group, index)].size_bytes;
    }
    return size;
  }
  const std::vector<RowGroupInfo>& row_groups() const override { return footer_.row_groups; }
  const ColumnRange& range(std::size_t row_group, ColumnId column) const override {
    return footer_.ranges[block_index(row_group, index_of(column))];
  }
  bool has_filter(std::size_t row_group, ColumnId column) const override {
    return footer_.filters[block_index(row_group, index_of(column))].size_bytes != 0;
  }
  bool may_contain(std::size_t row_group, ColumnId column, const Value& value) const override {
    const std::size_t index = index_of(column);
    if (footer_.filters[block_index(row_group, index)].size_bytes == 0) return true;
    const auto hash = filter_hash(footer_.columns[index].schema.type, value);
    if (!hash) return true;
    const auto filter = read_filter(row_group, index);
    return filter_may_hold({filter->data.data(), filter->data.size()}, *hash);
  }
  TimeRange time_range() const override { return time_range_; }
  bool has_column(ColumnId column) const override { return column_indexes_.contains(column); }
  ColumnLayout layout(ColumnId column) const override { return footer_.columns[index_of(column)].layout; }
  int integer_digits(ColumnId column) const override {
    return footer_.columns[index_of(column)].integer_digits;
  }
  const std::vector<SeriesEntry>& series() const override { return footer_.series; }

  std::pair<std::uint64_t, std::uint64_t> find_series(const std::vector<Value>& key) const override {
    if (footer_.series.empty()) return {0, row_count()};
    const auto [first, last] = entries_of(key);
    if (first == last) return {0, 0};
    const auto& back = *(last - 1);
    return {first->first_row, back.first_row + back.row_count};
  }

  std::optional<std::int64_t> last_time(const std::vector<Value>& key) const override {
    const auto [first, last] = entries_of(key);
    if (first == last) return std::nullopt;
    std::int64_t newest = first->max_time_inclusive;
    for (auto entry = first; entry != last; ++entry) newest = std::max(newest, entry->max_time_inclusive);
    return newest;
  }

  std::shared_ptr<const Block> read(std::size_t row_group, ColumnId column) const override {
    return read_decoded(row_group, index_of(column));
  }

  std::vector<std::int64_t> find(const Batch& sorted_keys) const override;
  void verify() const override;

 private:
  using Entries = std::vector<SeriesEntry>::const_iterator;

  std::size_t index_of(ColumnId column) const {
    const auto found = column_indexes_.find(column);
    TICKSTONE_CHECK(found != column_indexes_.end());
    return found->second;
  }
  std::size_t block_index(std::size_t row_group, std::size_t column) const {
    TICKSTONE_CHECK(row_group < footer_.row_groups.size());
    return row_group * footer_.columns.size() + column;
  }
  /// Unique among all blocks of all segments that were ever open in this process.
  std::uint64_t cache_key(std::size_t block) const { return (number_ << 32) + block + 1; }

  std::uint64_t filter_cache_key(std::size_t block) const { return cache_key(block) | 1U << 31; }

  std::pair<Entries, Entries> entries_of(const std::vector<Value>& key) const {
    const auto& series = footer_.series;
    const auto first = std::partition_point(series.begin(), series.end(), [&](const SeriesEntry& entry) {
      return order_prefix(entry.key, key) < 0;
    });
    const auto last = std::partition_point(
        first, series.end(), [&](const SeriesEntry& entry) { return order_prefix(entry.key, key) == 0; });
    return {first, last};
  }

  [[noreturn]] void throw_damaged(std::uint64_t offset, const std::string& what) const {
    throw Error(ErrorCode::DataCorrupted,
                fmt::format("segment file \"{}\" is damaged at offset {}", file_->path().string(), offset),
                what);
  }

  /// Runs `action` on bytes at `offset`; what it finds wrong is reported with the file's name.
  template <typename Action>
  auto reading(std::uint64_t offset, const std::string& where, const Action& action) const {
    try {
      return action();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::DataCorrupted) throw_damaged(offset, where + error.message());
      if (error.code() != ErrorCode::FeatureNotSupported) throw;
      throw Error(
          error.code(),
          fmt::format("could not open segment file \"{}\": {}", file_->path().string(), error.message()),
          error.detail(), error.hint());
    }
  }

  std::vector<std::byte> read_bytes(std::uint64_t offset, std::size_t size) const {
    std::vector<std::byte> bytes(size);
    if (file_->read_at(offset, bytes) != size) throw_damaged(offset, "the file is shorter than it was");
    return bytes;
  }

  void read_ends() {
    if (size_bytes_ < kSegmentHeaderBytes + kSegmentTrailerBytes) {
      throw_damaged(size_bytes_, "the file is too short for a segment");
    }
    const auto header = read_bytes(0, kSegmentHeaderBytes);
    const auto read = reading(0, "", [&] { return read_header(header); });
    seed_ = read.seed;
    version_ = read.version;
    const std::uint64_t trailer_offset = size_bytes_ - kSegmentTrailerBytes;
    const auto trailer_bytes = read_bytes(trailer_offset, kSegmentTrailerBytes);
    const auto trailer = reading(trailer_offset, "", [&] { return read_trailer(trailer_bytes, seed_); });
    if (trailer.footer_offset < kSegmentHeaderBytes || trailer.footer_offset > trailer_offset ||
        trailer.footer_bytes != trailer_offset - trailer.footer_offset) {
      throw_damaged(trailer_offset, "the footer is not where the trailer says");
    }
    const auto footer = read_bytes(trailer.footer_offset, trailer.footer_bytes);
    if (checksum64(footer, seed_) != trailer.footer_checksum) {
      throw_damaged(trailer.footer_offset, "the checksum of the footer does not match");
    }
    footer_ = reading(trailer.footer_offset, "",
                      [&] { return read_footer(footer, trailer.footer_offset, version_); });
  }

  void choose_time_range() {
    if (footer_.series.empty()) return;
    time_range_ = {INT64_MAX, INT64_MIN};
    for (const auto& entry : footer_.series) {
      time_range_.start = std::min(time_range_.start, entry.min_time);
      time_range_.end = std::max(time_range_.end, entry.max_time_inclusive);
    }
    if (time_range_.end != INT64_MAX) ++time_range_.end;
  }

  std::string describe(std::size_t row_group, std::size_t column) const {
    return fmt::format("row group {}, column \"{}\": ", row_group, footer_.columns[column].schema.name);
  }

  /// The bytes of a block or filter, whose checksum matches.
  template <typename Checksum>
  std::unique_ptr<std::byte[]> read_checked(const BlockLocation& location, std::size_t row_group,
                                            std::size_t column, std::size_t index,
                                            const Checksum& checksum_of) const {
    auto buffer = std::make_unique_for_overwrite<std::byte[]>(location.size_bytes);
    const std::span<std::byte> bytes(buffer.get(), location.size_bytes);
    if (bytes.size() < kBlockChecksumBytes || file_->read_at(location.offset, bytes) != bytes.size()) {
      throw_damaged(location.offset, "the file is shorter than it was");
    }
    const auto content = bytes.first(bytes.size() - kBlockChecksumBytes);
    std::uint64_t checksum = 0;
    std::memcpy(&checksum, bytes.data() + content.size(), sizeof(checksum));
    if (checksum != checksum_of(content, seed_, index)) {
      throw_damaged(location.offset, describe(row_group, column) + "the checksum does not match");
    }
    return buffer;
  }

  std::shared_ptr<const DecodedBlock> load_filter(std::size_t row_group, std::size_t column) const {
    const std::size_t index = block_index(row_group, column);
    const auto& location = footer_.filters[index];
    const auto buffer = read_checked(location, row_group, column, index, filter_checksum);
    const std::span bytes(buffer.get(), location.size_bytes - kBlockChecksumBytes);
    return reading(location.offset, describe(row_group, column), [&] {
      check_filter(bytes);
      auto filter = std::make_shared<DecodedBlock>();
      filter->data = Buffer<std::byte>(bytes.size());
      filter->stored_bytes = bytes.size();
      std::memcpy(filter->data.data(), bytes.data(), bytes.size());
      return std::shared_ptr<const DecodedBlock>(std::move(filter));
    });
  }

  std::shared_ptr<const DecodedBlock> read_filter(std::size_t row_group, std::size_t column) const {
    const std::uint64_t key = filter_cache_key(block_index(row_group, column));
    if (auto filter = cache_->find(key)) return filter;
    return cache_->insert(key, load_filter(row_group, column));
  }

  std::shared_ptr<const DecodedBlock> decode(std::size_t row_group, std::size_t column) const {
    return decode(row_group, column, footer_.columns[column].layout);
  }

  std::shared_ptr<const DecodedBlock> decode(std::size_t row_group, std::size_t column,
                                             ColumnLayout layout) const {
    const std::size_t index = block_index(row_group, column);
    const auto& location = footer_.blocks[index];
    const auto buffer = read_checked(location, row_group, column, index, block_checksum);
    const std::span encoded(buffer.get(), location.size_bytes - kBlockChecksumBytes);
    const auto& stored = footer_.columns[column];
    return reading(location.offset, describe(row_group, column), [&] {
      return decode_block(encoded, stored.schema.type, layout, footer_.row_groups[row_group].row_count,
                          cache_key(index), [&](std::uint16_t number, ColumnLayout wanted) {
                            return read_related(row_group, column, number, wanted);
                          });
    });
  }

  /// The block that the one of `column` is relative to. Only columns before it are: no circle.
  std::shared_ptr<const DecodedBlock> read_related(std::size_t row_group, std::size_t column,
                                                   std::size_t number, ColumnLayout layout) const {
    if (number >= column) throw Error(ErrorCode::DataCorrupted, "it is relative to a column behind it");
    if (footer_.columns[number].layout == layout) return read_decoded(row_group, number);
    return decode(row_group, number, layout);  // as it was written, not as wide as the whole segment's
  }

  std::shared_ptr<const DecodedBlock> read_decoded(std::size_t row_group, std::size_t column) const {
    const std::uint64_t key = cache_key(block_index(row_group, column));
    if (auto block = cache_->find(key)) return block;
    return cache_->insert(key, decode(row_group, column));
  }

  void verify_filter(std::size_t row_group, std::size_t column, const DecodedBlock& block) const;

  std::unique_ptr<File> file_;
  std::shared_ptr<BlockCache> cache_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t seed_ = 0;
  std::uint32_t version_ = 0;
  std::uint64_t number_ = 0;
  SegmentFooter footer_;
  TimeRange time_range_;
  std::unordered_map<ColumnId, std::size_t> column_indexes_;
  std::vector<std::size_t> sort_indexes_;
  std::vector<ColumnView> first_key_views_;
};

std::vector<std::int64_t> OpenSegment::find(const Batch& sorted_keys) const {
  TICKSTONE_CHECK(sorted_keys.columns.size() == sort_indexes_.size());
  std::vector<ColumnView> keys;
  for (const auto& column : sorted_keys.columns) keys.push_back(column.view());
  std::vector<std::int64_t> found(sorted_keys.row_count(), -1);

  const std::size_t group_count = footer_.row_groups.size();
  std::size_t group = 0;
  std::size_t loaded_group = group_count;
  std::vector<std::shared_ptr<const DecodedBlock>> blocks;
  std::vector<ColumnView> columns;
  std::size_t row = 0;  // of the loaded group: rows before it are below the key
  for (std::size_t key = 0; key < found.size(); ++key) {
    const auto starts_after = [&](std::size_t candidate) {
      return order_rows(first_key_views_, candidate, keys, key).order > 0;
    };
    // The last row group that does not start above the key: most often the same as before.
    if (starts_after(group)) continue;
    if (group + 1 < group_count && !starts_after(group + 1)) {
      std::size_t low = group + 1;
      std::size_t high = group_count;
      while (high - low > 1) {
        const std::size_t middle = low + (high - low) / 2;
        (starts_after(middle) ? high : low) = middle;
      }
      group = low;
    }
    if (loaded_group != group) {
      blocks.clear();
      columns.clear();
      for (const std::size_t index : sort_indexes_) {
        blocks.push_back(read_decoded(group, index));
        columns.push_back(blocks.back()->view());
      }
      loaded_group = group;
      row = 0;
    }
    std::size_t low = row;
    std::size_t high = footer_.row_groups[group].row_count;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (order_rows(columns, middle, keys, key).order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    row = low;
    if (row < footer_.row_groups[group].row_count && order_rows(columns, row, keys, key).order == 0) {
      found[key] = static_cast<std::int64_t>(footer_.row_groups[group].first_row + row);
    }
  }
  return found;
}

/// A filter that left out a value would hide its rows.
void OpenSegment::verify_filter(std::size_t row_group, std::size_t column, const DecodedBlock& block) const {
  const auto filter = load_filter(row_group, column);
  const std::span<const std::byte> bytes(filter->data.data(), filter->data.size());
  const auto rows = block.view();
  Column flat(rows.type, rows.layout);
  flat.append_all(rows);
  for (const std::uint64_t hash : distinct_hashes(flat.view())) {
    if (filter_may_hold(bytes, hash)) continue;
    throw_damaged(footer_.filters[block_index(row_group, column)].offset,
                  describe(row_group, column) + "its filter does not have all values");
  }
}

void OpenSegment::verify() const {
  // The ends again from the file, not from memory.
  const auto header = read_bytes(0, kSegmentHeaderBytes);
  reading(0, "", [&] { return read_header(header); });
  const std::uint64_t trailer_offset = size_bytes_ - kSegmentTrailerBytes;
  const auto trailer_bytes = read_bytes(trailer_offset, kSegmentTrailerBytes);
  const auto trailer = reading(trailer_offset, "", [&] { return read_trailer(trailer_bytes, seed_); });
  const auto footer = read_bytes(trailer.footer_offset, trailer.footer_bytes);
  if (checksum64(footer, seed_) != trailer.footer_checksum) {
    throw_damaged(trailer.footer_offset, "the checksum of the footer does not match");
  }
  for (std::size_t group = 0; group < footer_.row_groups.size(); ++group) {
    for (std::size_t column = 0; column < footer_.columns.size(); ++column) {
      const auto block = decode(group, column);
      if (footer_.filters[block_index(group, column)].size_bytes != 0) verify_filter(group, column, *block);
    }
  }
}

}  // namespace

std::shared_ptr<const Segment> Segment::open(FileSystem& files, const std::filesystem::path& path,
                                             std::shared_ptr<BlockCache> cache) {
  return std::make_shared<OpenSegment>(files, path, std::move(cache));
}

}  // namespace tickstone::storage
