// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <duckdb/planner/expression/bound_window_expression.hpp>

#include "duck/duckdb_api.hpp"
#include "duck/order_key.hpp"

namespace tickstone::duck {

/// Of each row, the rows that a window function looks at: `[begins[row], ends[row])`. Neither goes back from
/// one row to the next.
struct WindowFrames {
  std::vector<std::uint32_t> begins;
  std::vector<std::uint32_t> ends;
};

/// Where a frame ends on one side.
struct FrameEdge {
  duckdb::WindowBoundary kind = duckdb::WindowBoundary::INVALID;
  std::int64_t offset = 0;  // of rows, from zero on
};

/// The rows of a window in its order: partitions one after the other, in each of them groups of rows that are
/// equal in the order (peers).
class WindowRows {
 public:
  /// `keys`: those of the partitions, so many, then those of the order.
  WindowRows(std::vector<OrderKey> keys, std::size_t partition_keys)
      : keys_(std::move(keys)), partition_keys_(partition_keys) {}

  /// Finds partitions and peers of rows that lie flat. False where the rows are not in the window's order;
  /// then nothing is known.
  bool find(duckdb::DataChunk& rows);
  /// The places of the rows in the window's order; equal ones as they come.
  std::vector<std::uint32_t> sorted(duckdb::DataChunk& rows) const;

  std::uint32_t count() const { return count_; }
  /// Where the partitions begin; at the end, the number of rows. Likewise the groups of peers.
  const std::vector<std::uint32_t>& partitions() const { return partitions_; }
  const std::vector<std::uint32_t>& peers() const { return peers_; }

  /// Whether there are frames of that kind: of rows, and of peers without an offset.
  static bool has_edge(duckdb::WindowBoundary kind);
  WindowFrames frames(FrameEdge start, FrameEdge end) const;

 private:
  const std::vector<OrderKey> keys_;
  const std::size_t partition_keys_;
  std::uint32_t count_ = 0;
  std::vector<std::uint32_t> partitions_;
  std::vector<std::uint32_t> peers_;
};

}  // namespace tickstone::duck
