// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "storage/sealed_segment.hpp"

namespace tickstone::storage {

/// How a chunk's segments are to lie.
///
/// A chunk of up to `segment_rows` is merged in tiers: few segments while it takes rows, one when it is
/// quiet. A larger one is kept as slices, disjoint stretches of keys of about `segment_rows` each, in
/// segments of level 1; new segments (level 0) are merged with one another and cut along the slices, and each
/// slice is merged in tiers. So no merge is larger than a few slices, and what a row costs does not depend on
/// the size of its table.
struct CompactionRules {
  std::uint64_t segment_rows = 4'000'000;
  std::size_t max_segments = 4;             // that may hold a key, in a chunk or slice that takes rows
  std::uint64_t least_piece_rows = 16'384;  // smaller ones are not cut along slices
  std::uint64_t ended_fraction = 5;   // a segment with more than one row in so many ended is written anew
  std::uint64_t quiet_fraction = 16;  // a quiet chunk with less than one new row in so many waits longer
};

enum class ChunkActivity : std::uint8_t { Active, Quiet, LongQuiet };

struct CompactionChoice {
  std::vector<std::shared_ptr<SealedSegment>> inputs;
  Batch boundaries;  // keys in sort order where new segments begin; no columns: none
  std::uint8_t level = 0;
  bool is_promotion = false;  // the inputs only change their level
};

struct CompactionPlan {
  std::optional<CompactionChoice> choice;  // what to do next
  std::size_t depth = 0;                   // most segments that may hold one key
};

/// Errors: DataCorrupted, IoError, from reading first and last keys.
CompactionPlan plan_compaction(const std::vector<std::shared_ptr<SealedSegment>>& segments,
                               ChunkActivity activity, const CompactionRules& rules);

}  // namespace tickstone::storage
