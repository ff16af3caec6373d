// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/own_rows.hpp"
#include "storage/scan.hpp"

namespace tickstone::storage {

/// A stretch of rows that one thread reads at a time.
struct ScanUnit {
  std::shared_ptr<const ChunkState> chunk;  // keeps the layers alive; nullptr for own rows in memory
  SealedSegment* sealed = nullptr;
  std::size_t row_group = 0;
  std::shared_ptr<OpenChunk> open;
  bool is_own = false;
  std::uint64_t first_row = 0;  // of the row group or the block, in its layer
  std::uint32_t row_count = 0;
  /// Half-open ranges of rows from `first_row` that may match; each sorted by time where `is_time_sorted`.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  bool is_time_sorted = false;
  bool filters_time = false;  // rows outside of the time range are in it
};

/// What the predicates say of time and series.
struct ScanFilter {
  TimeRange time;  // half-open; end INT64_MAX includes the last instant
  bool has_time = false;
  bool is_empty = false;  // nothing can match
  /// By position in the series key: the values asked for; empty where any matches.
  std::vector<std::vector<Value>> series;
  bool has_series = false;
};

struct ScanPlan {
  std::vector<ScanUnit> units;
  ScanFilter filter;
  ScanStatistics statistics;
  std::uint64_t estimated_rows = 0;
};

ScanPlan plan_scan(const TableView& view, const ScanRequest& request);

}  // namespace tickstone::storage
