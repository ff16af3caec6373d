// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "storage/segment.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

/// A directory of its own, gone with the object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tickstone_segment_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  /// A name not used before.
  std::filesystem::path next_file() { return path_ / (std::to_string(++count_) + ".seg"); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int count_ = 0;
};

/// Minute bars: series (symbol, timeframe), time, and columns of every kind.
inline TableSchema bars_schema() {
  TableSchema schema;
  schema.id = 20000;
  schema.name = "ohlcv";
  schema.columns = {{1, "symbol", SqlType::of(TypeId::Text), true},
                    {2, "timestamp", SqlType::of(TypeId::TimestampTz), true},
                    {3, "timeframe", SqlType::of(TypeId::Varchar), true},
                    {4, "close", SqlType::of(TypeId::Numeric), false},
                    {5, "volume", SqlType::of(TypeId::BigInt), false},
                    {6, "vwap", SqlType::of(TypeId::Double), false},
                    {7, "note", SqlType::of(TypeId::Text), false}};
  schema.primary_key = {1, 2, 3};
  schema.primary_key_name = "ohlcv_pkey";
  schema.series_key = {1, 3};
  schema.time_column = 2;
  schema.chunk_interval = 604'800'000'000;
  return schema;
}

inline Batch empty_batch(const TableSchema& schema) {
  Batch batch;
  for (const auto& column : schema.columns) batch.columns.emplace_back(column.type);
  if (schema.primary_key.empty()) batch.columns.emplace_back(SqlType::of(TypeId::BigInt));
  return batch;
}

inline std::shared_ptr<const Segment> write_and_open(
    const std::filesystem::path& path, const TableSchema& schema, const std::vector<Batch>& batches,
    std::uint32_t row_group_rows, std::shared_ptr<BlockCache> cache = make_block_cache(8 << 20)) {
  auto writer = SegmentWriter::create(posix_file_system(), path, schema, row_group_rows);
  for (const auto& batch : batches) writer->append(batch);
  writer->finish();
  return Segment::open(posix_file_system(), path, std::move(cache));
}

/// `series_count` symbols of `rows_per_series` minutes each, in segment order.
inline Batch make_bars(int series_count, int rows_per_series) {
  Batch batch = empty_batch(bars_schema());
  for (int s = 0; s < series_count; ++s) {
    for (int i = 0; i < rows_per_series; ++i) {
      batch.columns[0].append_bytes("SYM" + std::to_string(1000 + s));
      batch.columns[1].append_fixed<std::int64_t>(1'767'623'400'000'000 + i * 60'000'000LL);
      batch.columns[2].append_bytes("1m");
      batch.columns[3].append_decimal({18715 + (i * 7 + s) % 300, 2});
      if (i % 11 == 3) {
        batch.columns[4].append_null();
      } else {
        batch.columns[4].append_fixed<std::int64_t>(1000 + (i * 7919) % 5000);
      }
      batch.columns[5].append_fixed<double>(100.0 + (i % 100) * 0.25);
      if (i % 3 == 0) {
        batch.columns[6].append_null();
      } else {
        batch.columns[6].append_bytes("note " + std::to_string(i));
      }
    }
  }
  return batch;
}

}  // namespace tickstone::storage
