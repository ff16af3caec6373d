// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "storage/state.hpp"

namespace tickstone::storage {

/// A layer whose rows go into a new segment.
struct MergeInput {
  std::shared_ptr<OpenChunk> open;
  std::shared_ptr<SealedSegment> sealed;
  /// Filled: the row in the new segment for each row here, or kNoRow.
  std::vector<std::uint32_t> moved_to;
};

/// Writes the rows of all layers that are visible at `seq`, in order. Returns how many; `newest` is raised to
/// the newest commit that made one.
std::uint64_t merge_rows(const TableState& table, CommitSeq seq, std::vector<MergeInput>& inputs,
                         SegmentWriter& writer, CommitSeq& newest);

}  // namespace tickstone::storage
