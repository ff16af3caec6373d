// SPDX-License-Identifier: Apache-2.0
#include "storage/sealed_segment.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone::storage {

SealedSegment::SealedSegment(std::uint64_t number, std::shared_ptr<const Segment> segment, CommitSeq newest,
                             FileSystem& files, std::filesystem::path path)
    : number_(number),
      segment_(std::move(segment)),
      newest_(newest),
      files_(files),
      path_(std::move(path)),
      block_count_((segment_->row_count() + kRowEndsBlock - 1) / kRowEndsBlock) {
  ends_ = std::make_unique<RowEnds[]>(block_count_);
}

SealedSegment::~SealedSegment() {
  if (!is_disowned_.load(std::memory_order_relaxed)) return;
  segment_.reset();
  try {
    files_.remove(path_);
  } catch (const Error&) {
    // Left over: removed when the store opens next.
  }
}

std::string SealedSegment::file_name(std::uint64_t number) { return fmt::format("{:010}.seg", number); }

void SealedSegment::set_ended(std::uint64_t row, CommitSeq seq) {
  const std::uint64_t block = row / kRowEndsBlock;
  const auto capacity = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kRowEndsBlock, segment_->row_count() - block * kRowEndsBlock));
  const auto offset = static_cast<std::uint32_t>(row % kRowEndsBlock);
  const std::uint32_t before = ends_[block].ended_count();
  ends_[block].set(offset, capacity, seq);
  const std::uint32_t after = ends_[block].ended_count();
  if (after > before) ended_total_.fetch_add(1, std::memory_order_release);
  if (after < before) ended_total_.fetch_sub(1, std::memory_order_release);
}

const Batch& SealedSegment::key_range() const {
  std::call_once(key_range_read_, [this] {
    Batch range;
    const std::size_t last = segment_->row_groups().size() - 1;
    for (const ColumnId id : sort_columns(segment_->schema())) {
      const auto first_block = segment_->read(0, id);
      const auto last_block = segment_->read(last, id);
      const auto first = first_block->view();
      auto& column = range.columns.emplace_back(first.type, first.layout);
      column.append_from(first, 0);
      column.append_from(last_block->view(), segment_->row_groups()[last].row_count - 1);
    }
    key_range_ = std::move(range);
  });
  return key_range_;
}

void SealedSegment::adopt_rows(CommitSeq seq) {
  for (const std::uint64_t row : ended_rows(kNeverEnded - 1)) set_ended(row, 0);
  newest_.store(seq, std::memory_order_relaxed);
}

bool SealedSegment::is_whole(std::uint64_t first, std::uint64_t count) const {
  if (count == 0) return true;
  for (std::uint64_t block = first / kRowEndsBlock; block <= (first + count - 1) / kRowEndsBlock; ++block) {
    if (ends_[block].ended_count() != 0) return false;
  }
  return true;
}

std::vector<std::uint64_t> SealedSegment::ended_rows(CommitSeq seq) const {
  std::vector<std::uint64_t> rows;
  for (std::size_t block = 0; block < block_count_; ++block) {
    if (ends_[block].ended_count() == 0) continue;
    const std::uint64_t begin = block * std::uint64_t{kRowEndsBlock};
    const std::uint64_t end = std::min<std::uint64_t>(begin + kRowEndsBlock, segment_->row_count());
    for (std::uint64_t row = begin; row < end; ++row) {
      if (ended(row) <= seq) rows.push_back(row);
    }
  }
  return rows;
}

std::uint64_t SealedSegment::visible_row_count(CommitSeq seq) const {
  return segment_->row_count() - (ended_count() == 0 ? 0 : ended_rows(seq).size());
}

}  // namespace tickstone::storage
