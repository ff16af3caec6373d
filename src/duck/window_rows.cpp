// SPDX-License-Identifier: Apache-2.0
#include "duck/window_rows.hpp"

#include <algorithm>
#include <numeric>

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::UnifiedVectorFormat;
using duckdb::WindowBoundary;

std::vector<UnifiedVectorFormat> formats_of(DataChunk& rows, const std::vector<OrderKey>& keys) {
  std::vector<UnifiedVectorFormat> formats(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    rows.data[keys[i].column].ToUnifiedFormat(rows.size(), formats[i]);
  return formats;
}

}  // namespace

bool WindowRows::find(DataChunk& rows) {
  const auto formats = formats_of(rows, keys_);
  count_ = static_cast<std::uint32_t>(rows.size());
  partitions_.clear();
  peers_.clear();
  for (std::uint32_t row = 0; row < count_; ++row) {
    std::size_t key = 0;  // the first that tells this row from the one before
    for (; row > 0 && key < keys_.size(); ++key) {
      const int order = keys_[key].order(formats[key], row - 1, formats[key], row);
      if (order > 0) return false;
      if (order < 0) break;
    }
    if (row == 0 || key < partition_keys_) partitions_.push_back(row);
    if (row == 0 || key < keys_.size()) peers_.push_back(row);
  }
  partitions_.push_back(count_);
  peers_.push_back(count_);
  return true;
}

std::vector<std::uint32_t> WindowRows::sorted(DataChunk& rows) const {
  const auto formats = formats_of(rows, keys_);
  std::vector<std::uint32_t> places(rows.size());
  std::iota(places.begin(), places.end(), 0U);
  std::stable_sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) {
    for (std::size_t key = 0; key < keys_.size(); ++key) {
      const int order = keys_[key].order(formats[key], a, formats[key], b);
      if (order != 0) return order < 0;
    }
    return false;
  });
  return places;
}

bool WindowRows::has_edge(WindowBoundary kind) {
  switch (kind) {
    case WindowBoundary::UNBOUNDED_PRECEDING:
    case WindowBoundary::UNBOUNDED_FOLLOWING:
    case WindowBoundary::CURRENT_ROW_ROWS:
    case WindowBoundary::CURRENT_ROW_RANGE:
    case WindowBoundary::CURRENT_ROW_GROUPS:
    case WindowBoundary::EXPR_PRECEDING_ROWS:
    case WindowBoundary::EXPR_FOLLOWING_ROWS:
      return true;
    default:
      return false;
  }
}

WindowFrames WindowRows::frames(FrameEdge start, FrameEdge end) const {
  WindowFrames frames;
  frames.begins.resize(count_);
  frames.ends.resize(count_);
  std::size_t peer = 0;
  for (std::size_t partition = 0; partition + 1 < partitions_.size(); ++partition) {
    const std::int64_t first = partitions_[partition];
    const std::int64_t last = partitions_[partition + 1];
    for (std::int64_t row = first; row < last; ++row) {
      while (peers_[peer + 1] <= row) ++peer;
      // `own`: where this side lies for the row alone.
      const auto place = [&](const FrameEdge& edge, std::int64_t own, std::int64_t of_peers) -> std::int64_t {
        switch (edge.kind) {
          case WindowBoundary::UNBOUNDED_PRECEDING:
            return first;
          case WindowBoundary::UNBOUNDED_FOLLOWING:
            return last;
          case WindowBoundary::CURRENT_ROW_RANGE:
          case WindowBoundary::CURRENT_ROW_GROUPS:
            return of_peers;
          case WindowBoundary::EXPR_PRECEDING_ROWS:
            return edge.offset >= own - first ? first : own - edge.offset;
          case WindowBoundary::EXPR_FOLLOWING_ROWS:
            return edge.offset >= last - own ? last : own + edge.offset;
          default:
            return own;
        }
      };
      const std::int64_t from = place(start, row, peers_[peer]);
      const std::int64_t to = place(end, row + 1, peers_[peer + 1]);
      frames.begins[row] = static_cast<std::uint32_t>(from);
      frames.ends[row] = static_cast<std::uint32_t>(std::max(from, to));
    }
  }
  return frames;
}

}  // namespace tickstone::duck
