// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_format.hpp"

#include <algorithm>
#include <cstring>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/codec/block_codec.hpp"
#include "storage/codec/integer_stream.hpp"
#include "storage/row_time.hpp"
#include "storage/schema_codec.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kLeastBlockBytes = 8 + kBlockChecksumBytes;
/// Filters, and counts of nulls where version 1 says only whether there are some.
constexpr std::uint32_t kVersionOfFilters = 2;

[[noreturn]] void throw_corrupted(const char* what) { throw Error(ErrorCode::DataCorrupted, what); }

const ColumnSchema& need_column(const TableSchema& schema, ColumnId id) {
  for (const auto& column : schema.columns) {
    if (column.id == id) return column;
  }
  throw_corrupted("a key names an unknown column");
}

void write_layout(ColumnLayout layout, ByteWriter& out) {
  out.put(layout.physical);
  out.put(layout.scale);
}

ColumnLayout read_layout(ByteReader& in, const SqlType& type) {
  const auto physical = in.get<std::uint8_t>();
  const auto scale = in.get<std::uint8_t>();
  if (physical > static_cast<std::uint8_t>(Physical::Bytes) || scale > kMaxNumericDigits) {
    throw_corrupted("a column has an unknown layout");
  }
  const ColumnLayout layout{static_cast<Physical>(physical), scale};
  const bool is_decimal = type.id == TypeId::Numeric && !type.is_array;
  const bool fits = is_decimal ? layout.physical == Physical::Int64 || layout.physical == Physical::Int128
                               : layout == initial_layout(type);
  if (!fits) throw_corrupted("a column's layout does not fit its type");
  return layout;
}

void write_list(const std::vector<std::int64_t>& values, ByteWriter& out) {
  for (std::size_t at = 0; at < values.size(); at += kMaxBlockRows) {
    write_integers(std::span(values).subspan(at, std::min(kMaxBlockRows, values.size() - at)), out);
  }
}

std::vector<std::int64_t> read_list(ByteReader& in, std::size_t count) {
  std::vector<std::int64_t> values;
  while (values.size() < count) {
    const std::size_t part = std::min(kMaxBlockRows, count - values.size());
    IntegerDecoder decoder(in, part);
    values.resize(values.size() + part);
    decoder.read_all(values.data() + values.size() - part);
  }
  return values;
}

/// A column of any number of rows, as blocks of at most kMaxBlockRows.
void write_column(const Column& column, ByteWriter& out) {
  write_layout(column.layout(), out);
  for (std::size_t at = 0; at < column.size(); at += kMaxBlockRows) {
    Column part(column.type(), column.layout());
    const auto rows = column.view();
    for (std::size_t row = at; row < std::min(column.size(), at + kMaxBlockRows); ++row)
      part.append_from(rows, row);
    ByteWriter block;
    encode_block(part.view(), block);
    out.put(static_cast<std::uint32_t>(block.size()));
    out.put_bytes(block.bytes());
  }
}

Column read_column(ByteReader& in, const SqlType& type, std::size_t row_count) {
  Column column(type, read_layout(in, type));
  while (column.size() < row_count) {
    const std::size_t part = std::min(kMaxBlockRows, row_count - column.size());
    const auto block =
        decode_block(in.get_bytes(in.get<std::uint32_t>()), type, column.layout(), part, /*dictionary_id=*/0);
    column.append_all(block->view());
  }
  return column;
}

std::int64_t sum_of(const std::vector<std::int64_t>& values, std::int64_t least, std::int64_t most) {
  std::int64_t sum = 0;
  for (const std::int64_t value : values) {
    if (value < least || value > most || __builtin_add_overflow(sum, value, &sum)) {
      throw_corrupted("a size in the footer is out of range");
    }
  }
  return sum;
}

void write_row_groups(const SegmentFooter& footer, std::uint32_t version, ByteWriter& out) {
  std::vector<std::int64_t> row_counts;
  std::vector<std::int64_t> block_sizes;
  std::vector<std::int64_t> filter_sizes;
  for (const auto& group : footer.row_groups) row_counts.push_back(group.row_count);
  for (const auto& block : footer.blocks) block_sizes.push_back(block.size_bytes);
  out.put(static_cast<std::uint32_t>(row_counts.size()));
  write_list(row_counts, out);
  write_list(block_sizes, out);
  if (version < kVersionOfFilters) return;
  for (const auto& filter : footer.filters) filter_sizes.push_back(filter.size_bytes);
  write_list(filter_sizes, out);
}

/// Blocks, each with its filter, stand one behind the other from the header to the footer: only their sizes
/// are written.
void read_row_groups(ByteReader& in, std::uint64_t footer_offset, std::uint32_t version,
                     SegmentFooter& footer) {
  const std::size_t group_count = in.get<std::uint32_t>();
  const std::size_t block_count = group_count * footer.columns.size();
  if (group_count == 0 || block_count > footer_offset / kLeastBlockBytes) {
    throw_corrupted("the footer has an impossible number of row groups");
  }
  const auto row_counts = read_list(in, group_count);
  const auto block_sizes = read_list(in, block_count);
  const auto filter_sizes =
      version < kVersionOfFilters ? std::vector<std::int64_t>(block_count) : read_list(in, block_count);
  sum_of(row_counts, 1, kMaxBlockRows);
  const auto blocks_bytes = static_cast<std::uint64_t>(sum_of(block_sizes, kLeastBlockBytes, UINT32_MAX)) +
                            static_cast<std::uint64_t>(sum_of(filter_sizes, 0, UINT32_MAX));
  if (blocks_bytes + kSegmentHeaderBytes != footer_offset) {
    throw_corrupted("the blocks do not fill the file");
  }
  std::uint64_t first_row = 0;
  for (const std::int64_t row_count : row_counts) {
    footer.row_groups.push_back({first_row, static_cast<std::uint32_t>(row_count)});
    first_row += static_cast<std::uint64_t>(row_count);
  }
  std::uint64_t offset = kSegmentHeaderBytes;
  for (std::size_t block = 0; block < block_count; ++block) {
    for (auto [sizes, locations] :
         {std::pair{&block_sizes, &footer.blocks}, {&filter_sizes, &footer.filters}}) {
      const auto size = static_cast<std::uint32_t>((*sizes)[block]);
      locations->push_back({offset, size});
      offset += size;
    }
  }
}

void write_ranges(const SegmentFooter& footer, std::uint32_t version, ByteWriter& out) {
  const std::size_t column_count = footer.columns.size();
  for (std::size_t column = 0; column < column_count; ++column) {
    const auto& type = footer.columns[column].schema.type;
    std::vector<std::int64_t> null_counts;
    Column minimum(type);
    Column maximum(type);
    for (std::size_t i = column; i < footer.ranges.size(); i += column_count) {
      const auto& range = footer.ranges[i];
      null_counts.push_back(version < kVersionOfFilters ? (range.has_nulls ? 1 : 0)
                                                        : std::int64_t{range.null_count.value_or(0)});
      append_value(minimum, range.has_values ? range.minimum : Value::null_of(type));
      append_value(maximum, range.has_values ? range.maximum : Value::null_of(type));
    }
    write_list(null_counts, out);
    if (!keeps_range(type)) continue;
    write_column(minimum, out);
    write_column(maximum, out);
  }
}

void read_ranges(ByteReader& in, std::uint32_t version, SegmentFooter& footer) {
  const std::size_t column_count = footer.columns.size();
  const std::size_t group_count = footer.row_groups.size();
  footer.ranges.resize(column_count * group_count);
  for (std::size_t column = 0; column < column_count; ++column) {
    const auto& type = footer.columns[column].schema.type;
    const auto null_counts = read_list(in, group_count);
    for (std::size_t group = 0; group < group_count; ++group) {
      auto& range = footer.ranges[group * column_count + column];
      range.has_nulls = null_counts[group] != 0;
      if (version < kVersionOfFilters) continue;
      if (null_counts[group] < 0 || null_counts[group] > footer.row_groups[group].row_count) {
        throw_corrupted("a row group has an impossible number of nulls");
      }
      range.null_count = static_cast<std::uint32_t>(null_counts[group]);
    }
    if (!keeps_range(type)) continue;
    const Column minimum = read_column(in, type, group_count);
    const Column maximum = read_column(in, type, group_count);
    for (std::size_t group = 0; group < group_count; ++group) {
      auto& range = footer.ranges[group * column_count + column];
      range.minimum = value_at(minimum.view(), group);
      range.maximum = value_at(maximum.view(), group);
      range.has_values = !range.minimum.is_null && !range.maximum.is_null;
    }
  }
}

void write_series(const SegmentFooter& footer, ByteWriter& out) {
  out.put(static_cast<std::uint32_t>(footer.series.size()));
  if (footer.series.empty()) return;
  for (std::size_t i = 0; i < footer.schema.series_key.size(); ++i) {
    Column keys(need_column(footer.schema, footer.schema.series_key[i]).type);
    for (const auto& entry : footer.series) append_value(keys, entry.key[i]);
    write_column(keys, out);
  }
  std::vector<std::int64_t> row_counts;
  std::vector<std::int64_t> min_times;
  std::vector<std::int64_t> max_times;
  for (const auto& entry : footer.series) {
    row_counts.push_back(static_cast<std::int64_t>(entry.row_count));
    min_times.push_back(entry.min_time);
    max_times.push_back(entry.max_time_inclusive);
  }
  write_list(row_counts, out);
  write_list(min_times, out);
  write_list(max_times, out);
}

void read_series(ByteReader& in, SegmentFooter& footer) {
  const std::size_t series_count = in.get<std::uint32_t>();
  if (series_count > footer.row_count() || (series_count == 0) == footer.schema.time_column.has_value()) {
    throw_corrupted("the footer has an impossible number of series");
  }
  if (series_count == 0) return;
  std::vector<Column> keys;
  for (const ColumnId id : footer.schema.series_key) {
    keys.push_back(read_column(in, need_column(footer.schema, id).type, series_count));
  }
  const auto row_counts = read_list(in, series_count);
  const auto min_times = read_list(in, series_count);
  const auto max_times = read_list(in, series_count);
  if (static_cast<std::uint64_t>(sum_of(row_counts, 1, INT64_MAX)) != footer.row_count()) {
    throw_corrupted("the series do not have the segment's rows");
  }
  std::uint64_t first_row = 0;
  for (std::size_t i = 0; i < series_count; ++i) {
    SeriesEntry entry;
    for (const auto& column : keys) entry.key.push_back(value_at(column.view(), i));
    entry.first_row = first_row;
    entry.row_count = static_cast<std::uint64_t>(row_counts[i]);
    entry.min_time = min_times[i];
    entry.max_time_inclusive = max_times[i];
    first_row += entry.row_count;
    footer.series.push_back(std::move(entry));
  }
}

}  // namespace

void write_header(const SegmentHeader& header, ByteWriter& out) {
  const std::size_t start = out.size();
  out.put_raw(kSegmentMagic.data(), kSegmentMagic.size());
  out.put(header.version);
  out.put(std::uint32_t{0});
  out.put(header.seed);
  out.put(checksum64(out.bytes().subspan(start)));
}

SegmentHeader read_header(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "segment header");
  const auto magic = in.get_bytes(kSegmentMagic.size());
  if (std::memcmp(magic.data(), kSegmentMagic.data(), kSegmentMagic.size()) != 0) {
    throw_corrupted("it does not begin as a segment does");
  }
  SegmentHeader header;
  const auto version = header.version = in.get<std::uint32_t>();
  const auto flags = in.get<std::uint32_t>();
  header.seed = in.get<std::uint64_t>();
  // Later versions keep these 32 bytes, so that a version can be told from damage.
  if (in.get<std::uint64_t>() != checksum64(bytes.first(kSegmentHeaderBytes - 8))) {
    throw_corrupted("the checksum of its header does not match");
  }
  check_format_version("it", version, kSegmentVersions);
  if (flags != 0) {
    throw Error(ErrorCode::FeatureNotSupported, "it has flags that this program does not know", {},
                "Open the data directory with a newer program.");
  }
  return header;
}

void write_trailer(const SegmentTrailer& trailer, std::uint64_t seed, ByteWriter& out) {
  const std::size_t start = out.size();
  out.put(trailer.footer_offset);
  out.put(trailer.footer_bytes);
  out.put(trailer.footer_checksum);
  out.put(checksum64(out.bytes().subspan(start), seed));
  out.put_raw(kSegmentEndMagic.data(), kSegmentEndMagic.size());
}

SegmentTrailer read_trailer(std::span<const std::byte> bytes, std::uint64_t seed) {
  ByteReader in(bytes, "segment trailer");
  SegmentTrailer trailer;
  trailer.footer_offset = in.get<std::uint64_t>();
  trailer.footer_bytes = in.get<std::uint64_t>();
  trailer.footer_checksum = in.get<std::uint64_t>();
  if (in.get<std::uint64_t>() != checksum64(bytes.first(kSegmentTrailerBytes - 16), seed)) {
    throw_corrupted("the checksum of its trailer does not match");
  }
  const auto magic = in.get_bytes(kSegmentEndMagic.size());
  if (std::memcmp(magic.data(), kSegmentEndMagic.data(), kSegmentEndMagic.size()) != 0) {
    throw_corrupted("it does not end as a segment does");
  }
  return trailer;
}

void write_footer(const SegmentFooter& footer, std::uint32_t version, ByteWriter& out) {
  put_schema(footer.schema, out);
  for (const auto& column : footer.columns) {
    write_layout(column.layout, out);
    out.put(static_cast<std::uint8_t>(column.integer_digits));
  }
  write_row_groups(footer, version, out);
  write_ranges(footer, version, out);
  write_series(footer, out);
  for (const auto& keys : footer.first_keys) write_column(keys, out);
}

SegmentFooter read_footer(std::span<const std::byte> bytes, std::uint64_t footer_offset,
                          std::uint32_t version) {
  ByteReader in(bytes, "segment footer");
  SegmentFooter footer;
  footer.schema = get_schema(in);
  if (footer.schema.time_column &&
      !is_time_column_type(need_column(footer.schema, *footer.schema.time_column).type)) {
    throw_corrupted("a time column has no times");
  }
  for (auto& stored : stored_columns(footer.schema)) {
    SegmentColumn column;
    column.schema = std::move(stored);
    column.layout = read_layout(in, column.schema.type);
    column.integer_digits = in.get<std::uint8_t>();
    footer.columns.push_back(std::move(column));
  }
  read_row_groups(in, footer_offset, version, footer);
  read_ranges(in, version, footer);
  read_series(in, footer);
  for (const ColumnId id : sort_columns(footer.schema)) {
    const auto found = std::find_if(footer.columns.begin(), footer.columns.end(),
                                    [&](const SegmentColumn& column) { return column.schema.id == id; });
    footer.first_keys.push_back(read_column(in, found->schema.type, footer.row_groups.size()));
  }
  if (!in.at_end()) throw_corrupted("the footer is longer than its parts");
  return footer;
}

std::uint64_t block_checksum(std::span<const std::byte> block, std::uint64_t seed, std::size_t block_index) {
  return checksum64(block, seed + (block_index + 1) * 0x9E37'79B9'7F4A'7C15ULL);
}

std::uint64_t filter_checksum(std::span<const std::byte> filter, std::uint64_t seed,
                              std::size_t block_index) {
  return block_checksum(filter, ~seed, block_index);
}

std::vector<ColumnSchema> stored_columns(const TableSchema& schema) {
  auto columns = schema.columns;
  if (schema.primary_key.empty()) {
    columns.push_back({kRowIdColumn, "row id", SqlType::of(TypeId::BigInt), /*not_null=*/true});
  }
  return columns;
}

std::vector<ColumnId> sort_columns(const TableSchema& schema) {
  std::vector<ColumnId> columns = schema.series_key;
  const auto add = [&](ColumnId id) {
    if (std::find(columns.begin(), columns.end(), id) == columns.end()) columns.push_back(id);
  };
  if (schema.time_column) add(*schema.time_column);
  for (const ColumnId id : schema.primary_key) add(id);
  if (schema.primary_key.empty()) add(kRowIdColumn);
  return columns;
}

bool keeps_range(const SqlType& type) {
  if (type.is_array) return false;
  switch (type.id) {
    case TypeId::Boolean:
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Enum:
    case TypeId::Real:
    case TypeId::Double:
    case TypeId::Numeric:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Bytea:
    case TypeId::Date:
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs:
    case TypeId::Uuid:
    case TypeId::Oid:
    case TypeId::Name:
    case TypeId::InternalChar:
      return true;
    case TypeId::Unknown:
    case TypeId::Char:  // its order ignores trailing spaces
    case TypeId::Interval:
    case TypeId::Json:
    case TypeId::Jsonb:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
    case TypeId::Void:
    case TypeId::Record:
    case TypeId::Int2Vector:
    case TypeId::OidVector:
    case TypeId::AclItem:
    case TypeId::Candlestick:
      return false;
  }
  return false;
}

}  // namespace tickstone::storage
