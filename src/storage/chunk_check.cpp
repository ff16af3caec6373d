// SPDX-License-Identifier: Apache-2.0
#include "storage/chunk_check.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "storage/row_order.hpp"
#include "storage/sealed_segment.hpp"
#include "storage/segment.hpp"

namespace tickstone::storage {

namespace {

/// Goes through the living rows of a segment in their order.
class Cursor {
 public:
  Cursor(FileSystem& files, const std::filesystem::path& path, const ManifestSegment& described,
         const std::shared_ptr<BlockCache>& cache)
      : described_(described),
        segment_(Segment::open(files, path, cache)),
        columns_(sort_columns(segment_->schema())),
        ended_(described.ended_rows.begin()) {
    settle();
  }

  bool at_end() const { return group_ == segment_->row_groups().size(); }
  const std::vector<ColumnView>& keys() const { return keys_; }
  std::size_t row_in_group() const { return row_; }
  std::uint64_t row() const { return segment_->row_groups()[group_].first_row + row_; }
  std::uint64_t number() const { return described_.number; }
  void advance() {
    ++row_;
    settle();
  }

 private:
  /// Moves on to the next living row from here on.
  void settle() {
    for (; !at_end(); ++row_) {
      if (row_ == segment_->row_groups()[group_].row_count) {
        ++group_;
        row_ = 0;
        blocks_.clear();
        if (at_end()) return;
      }
      if (ended_ == described_.ended_rows.end() || *ended_ != row()) break;
      ++ended_;
    }
    if (!at_end() && blocks_.empty()) load();
  }
  void load() {
    keys_.clear();
    for (const ColumnId column : columns_) {
      blocks_.push_back(segment_->read(group_, column));
      keys_.push_back(blocks_.back()->view());
    }
  }

  const ManifestSegment& described_;
  std::shared_ptr<const Segment> segment_;
  std::vector<ColumnId> columns_;
  std::vector<std::uint64_t>::const_iterator ended_;
  std::vector<std::shared_ptr<const Segment::Block>> blocks_;
  std::vector<ColumnView> keys_;
  std::size_t group_ = 0;
  std::size_t row_ = 0;
};

int order_of(const Cursor& a, const Cursor& b) {
  return order_rows(a.keys(), a.row_in_group(), b.keys(), b.row_in_group()).order;
}

}  // namespace

std::optional<RepeatedKey> find_repeated_key(FileSystem& files, const std::filesystem::path& segments,
                                             const ManifestChunk& chunk) {
  const auto cache = make_block_cache(1U << 20);
  std::vector<std::unique_ptr<Cursor>> cursors;  // a heap: the least key in front
  for (const auto& segment : chunk.segments) {
    cursors.push_back(
        std::make_unique<Cursor>(files, segments / SealedSegment::file_name(segment.number), segment, cache));
  }
  std::erase_if(cursors, [](const auto& cursor) { return cursor->at_end(); });
  const auto is_later = [](const auto& a, const auto& b) { return order_of(*a, *b) > 0; };
  std::make_heap(cursors.begin(), cursors.end(), is_later);
  while (cursors.size() > 1) {
    std::pop_heap(cursors.begin(), cursors.end(), is_later);
    Cursor& least = *cursors.back();
    const Cursor& next = *cursors.front();
    if (order_of(least, next) == 0) return RepeatedKey{least.number(), least.row(), next.number()};
    least.advance();
    if (least.at_end()) {
      cursors.pop_back();
    } else {
      std::push_heap(cursors.begin(), cursors.end(), is_later);
    }
  }
  return std::nullopt;
}

}  // namespace tickstone::storage
