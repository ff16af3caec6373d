// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "storage/row_checksum.hpp"
#include "storage/row_marks.hpp"
#include "storage/state.hpp"

namespace tickstone::storage {

/// A layer whose rows go into new segments.
struct MergeInput {
  std::shared_ptr<OpenChunk> open;
  std::shared_ptr<SealedSegment> sealed;
  const RowMarks* left_out = nullptr;  // visible rows that do not go along
  /// Filled: the row among all that are written for each row here, or kNoRow.
  std::vector<std::uint32_t> moved_to;
  /// Filled: of the rows that were read.
  RowChecksum checksum;

  const void* layer() const { return open != nullptr ? static_cast<const void*>(open.get()) : sealed.get(); }
  std::uint64_t row_count() const {
    return open != nullptr ? open->row_count() : sealed->segment().row_count();
  }
  bool leaves_out(std::uint64_t row) const { return left_out != nullptr && left_out->has(row); }
  /// Of those that go along.
  std::uint64_t visible_row_count(CommitSeq seq) const {
    const auto visible = open != nullptr ? open->visible_row_count(seq) : sealed->visible_row_count(seq);
    return left_out == nullptr ? visible : visible - left_out->count();
  }
};

/// Where merged rows go.
class MergeSink {
 public:
  virtual ~MergeSink() = default;
  /// Rows of the table's layout, in order; `newest`: the newest commit that made one of them, or later.
  virtual void append(const Batch& rows, CommitSeq newest) = 0;
  /// What follows goes into another segment.
  virtual void cut() = 0;
};

struct MergeLimits {
  std::uint64_t segment_rows = UINT64_MAX;              // at most so many between two cuts
  const std::vector<ColumnView>* boundaries = nullptr;  // keys in sort order; each begins a segment
};

/// Hands on the rows of all layers that are visible at `seq`, in order. Returns how many.
std::uint64_t merge_rows(const TableState& table, CommitSeq seq, std::vector<MergeInput>& inputs,
                         const MergeLimits& limits, MergeSink& sink);

}  // namespace tickstone::storage
