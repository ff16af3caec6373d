// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "storage/own_rows.hpp"
#include "storage/scan.hpp"
#include "storage/scan_plan.hpp"

namespace tickstone::storage {

/// Finds the visible rows with the newest (or oldest) time of each series, by the directories of segments and
/// the chains of open chunks: chunks are looked at from that end of time, and a part of a series whose times
/// cannot be it is passed by. Cost: an entry of a directory for each series and segment, and a block of times
/// for each part that may be it.
class SeriesEnds {
 public:
  SeriesEnds(const TableView& view, SeriesEnd end, const ScanFilter& filter)
      : view_(view), is_newest_(end == SeriesEnd::Newest), filter_(filter) {}

  /// False where the ordinary plan has to do: tables without series or time, a transaction's own rows.
  static bool is_known(const TableView& view, const ScanFilter& filter);

  /// Appends units of single rows. False, with nothing appended, where a segment has no directory of series.
  bool plan(std::deque<ScanUnit>& units, ScanStatistics& statistics);

 private:
  struct Hash {
    std::size_t operator()(const std::vector<Value>& key) const;
  };
  struct Equal {
    bool operator()(const std::vector<Value>& a, const std::vector<Value>& b) const;
  };
  using Known = std::unordered_map<std::vector<Value>, std::int64_t, Hash, Equal>;

  bool is_past(std::int64_t a, std::int64_t b) const { return is_newest_ ? a > b : a < b; }
  bool is_in_time(std::int64_t time) const {
    return time >= filter_.time.start && (time < filter_.time.end || filter_.time.end == INT64_MAX);
  }
  /// Its segments, those that reach furthest to that end of time first: what they have passes the others by.
  std::vector<SealedSegment*> from_the_end(const ChunkState& chunk) const;
  void add_open(const std::shared_ptr<const ChunkState>& chunk, const std::shared_ptr<OpenChunk>& open,
                std::deque<ScanUnit>& units, ScanStatistics& statistics);
  void add_segment(const std::shared_ptr<const ChunkState>& chunk, SealedSegment& sealed,
                   std::deque<ScanUnit>& units, ScanStatistics& statistics);
  std::vector<RowNumber> outermost(const OpenChunk& open, std::uint32_t series, RowNumber limit,
                                   std::int64_t& time) const;
  std::vector<std::uint64_t> outermost(const SealedSegment& sealed, const SeriesEntry& entry,
                                       std::int64_t& time, ScanStatistics& statistics) const;
  /// Remembers a series' time; false where one further out is known.
  bool note(const std::vector<Value>& key, std::int64_t time);

  const TableView& view_;
  const bool is_newest_;
  const ScanFilter& filter_;
  Known known_;
};

}  // namespace tickstone::storage
