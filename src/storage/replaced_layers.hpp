// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "storage/locate.hpp"
#include "storage/merge_rows.hpp"
#include "storage/state.hpp"
#include "storage/state_builder.hpp"

namespace tickstone::storage {

class StoreCore;

/// Rows that commits end while someone copies them. Threads: all calls under the commit mutex, but `watch`,
/// which comes before.
class EndsTracker {
 public:
  void watch(const void* layer) { layers_.insert(layer); }
  void note(const RowPlace& place, CommitSeq seq) {
    const void* layer = place.open != nullptr ? static_cast<const void*>(place.open) : place.sealed;
    if (layers_.contains(layer)) ends_.emplace_back(place, seq);
  }
  const std::vector<std::pair<RowPlace, CommitSeq>>& ends() const { return ends_; }

 private:
  std::unordered_set<const void*> layers_;
  std::vector<std::pair<RowPlace, CommitSeq>> ends_;
};

/// One chunk's layers and the segments that take their place: disjoint stretches of keys, none where no row
/// is left.
struct ReplacedLayers {
  struct Made {
    std::shared_ptr<SealedSegment> sealed;
    std::uint64_t first_row = 0;  // among all rows that were written
  };
  TableId table = 0;
  std::int64_t start = 0;  // of the chunk's range
  std::uint32_t chunk = 0;
  std::vector<MergeInput> inputs;
  std::vector<Made> made;
  std::uint64_t written_bytes = 0;

  /// Where a row of input `input` is now; an empty place where it is gone.
  std::pair<SealedSegment*, std::uint64_t> moved(const MergeInput& input, std::uint64_t row) const;
};

struct BuildLimits {
  std::uint64_t segment_rows = UINT64_MAX;
  const std::vector<ColumnView>* boundaries = nullptr;  // as `MergeLimits`
  std::uint8_t level = 0;
  /// Called with the bytes that were read or written since; may wait, or throw to give up.
  std::function<void(std::uint64_t bytes)> pace;
};

/// Writes the rows of `replaced.inputs` that are visible at `seq` to new segments, reads them back and
/// compares counts and checksums with what was read. Until a manifest adopts the segments their files go with
/// the objects. Errors: DiskFull, IoError, DataCorrupted; ProgramLimitExceeded past 4 billion rows.
void build_segments(StoreCore& core, const TableState& table, CommitSeq seq, const BuildLimits& limits,
                    ReplacedLayers& replaced);

/// Ends in the copies what has ended meanwhile in the layers that they were made from.
void end_moved_rows(const EndsTracker& tracker, const std::vector<ReplacedLayers>& replaced);
/// Puts the new segments in the place of the old layers, where the chunk is still there.
void install(const std::vector<ReplacedLayers>& replaced, StateBuilder& state);

}  // namespace tickstone::storage
