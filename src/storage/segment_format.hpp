// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "storage/format_version.hpp"
#include "storage/segment.hpp"

namespace tickstone::storage {

// The layout of a segment file, which docs/format/segment.md describes byte by byte.

inline constexpr std::string_view kSegmentMagic = "TKSTSEG\n";
inline constexpr std::string_view kSegmentEndMagic = "TKSTEND\n";
/// Version 1 had no filters and no counts of nulls.
inline constexpr FormatVersions kSegmentVersions{.oldest = 1, .newest = 2};
inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kSegmentTrailerBytes = 40;
inline constexpr std::size_t kBlockChecksumBytes = 8;
/// Longer texts are cut in ranges.
inline constexpr std::size_t kRangeTextBytes = 32;

struct SegmentColumn {
  ColumnSchema schema;  // kRowIdColumn for the row id
  ColumnLayout layout;
  int integer_digits = 0;  // NUMERIC only
};

struct BlockLocation {
  std::uint64_t offset = 0;
  std::uint32_t size_bytes = 0;  // with its checksum
};

/// What stands behind the blocks. `ranges`, `blocks` and `filters` have one entry a row group and column, row
/// group by row group; a filter of no bytes is none.
struct SegmentFooter {
  TableSchema schema;
  std::vector<SegmentColumn> columns;
  std::vector<RowGroupInfo> row_groups;
  std::vector<BlockLocation> blocks;
  std::vector<BlockLocation> filters;
  std::vector<ColumnRange> ranges;
  std::vector<SeriesEntry> series;
  std::vector<Column> first_keys;  // one column for each of `sort_columns`, one row a row group

  std::uint64_t row_count() const {
    return row_groups.empty() ? 0 : row_groups.back().first_row + row_groups.back().row_count;
  }
};

struct SegmentHeader {
  std::uint32_t version = kSegmentVersions.newest;
  std::uint64_t seed = 0;  // of every checksum behind the header
};

struct SegmentTrailer {
  std::uint64_t footer_offset = 0;
  std::uint64_t footer_bytes = 0;
  std::uint64_t footer_checksum = 0;
};

/// Errors of all that read: DataCorrupted; FeatureNotSupported for a newer format version.
void write_header(const SegmentHeader& header, ByteWriter& out);
SegmentHeader read_header(std::span<const std::byte> bytes);
void write_trailer(const SegmentTrailer& trailer, std::uint64_t seed, ByteWriter& out);
SegmentTrailer read_trailer(std::span<const std::byte> bytes, std::uint64_t seed);
void write_footer(const SegmentFooter& footer, std::uint32_t version, ByteWriter& out);
SegmentFooter read_footer(std::span<const std::byte> bytes, std::uint64_t footer_offset,
                          std::uint32_t version);

/// The checksum of block `block_index`: another block in its place does not pass.
std::uint64_t block_checksum(std::span<const std::byte> block, std::uint64_t seed, std::size_t block_index);
/// The same of the filter that follows block `block_index`.
std::uint64_t filter_checksum(std::span<const std::byte> filter, std::uint64_t seed, std::size_t block_index);

/// The columns of a segment's rows: the schema's, and the row id last where the table has no primary key.
std::vector<ColumnSchema> stored_columns(const TableSchema& schema);
/// Whether ranges of such a column are kept: its values' order is the order of their bytes or numbers.
bool keeps_range(const SqlType& type);

}  // namespace tickstone::storage
