// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/file_system.hpp"
#include "storage/row_ends.hpp"
#include "storage/segment.hpp"

namespace tickstone::storage {

/// A segment in use: the file and the commits that ended rows of it since it was written.
///
/// Threads: one ends rows at a time; any read.
class SealedSegment {
 public:
  /// `newest`: all rows were created at or before this commit.
  SealedSegment(std::uint64_t number, std::shared_ptr<const Segment> segment, CommitSeq newest,
                FileSystem& files, std::filesystem::path path);
  ~SealedSegment();  // removes the file where it was disowned
  SealedSegment(const SealedSegment&) = delete;
  SealedSegment& operator=(const SealedSegment&) = delete;

  static std::string file_name(std::uint64_t number);

  std::uint64_t number() const { return number_; }
  const Segment& segment() const { return *segment_; }
  CommitSeq newest_created() const { return newest_.load(std::memory_order_relaxed); }
  /// 0: rows as they were sealed; 1: part of the chunk's sorted order by stretches of keys.
  std::uint8_t level() const { return level_.load(std::memory_order_relaxed); }
  void set_level(std::uint8_t level) { level_.store(level, std::memory_order_relaxed); }
  /// The first and the last key, as columns in sort order with two rows. Read when first asked for. Errors:
  /// DataCorrupted, IoError.
  const Batch& key_range() const;

  CommitSeq ended(std::uint64_t row) const {
    return ends_[row / kRowEndsBlock].at(static_cast<std::uint32_t>(row % kRowEndsBlock));
  }
  void set_ended(std::uint64_t row, CommitSeq seq);
  /// True where none of rows [first, first + count) has ended.
  bool is_whole(std::uint64_t first, std::uint64_t count) const;
  /// Rows whose life has ended at or before `seq`, ascending.
  std::vector<std::uint64_t> ended_rows(CommitSeq seq) const;
  std::uint64_t visible_row_count(CommitSeq seq) const;
  std::uint64_t ended_count() const { return ended_total_.load(std::memory_order_acquire); }

  /// The file goes with the last reader: no manifest names it any more.
  void disown() { is_disowned_.store(true, std::memory_order_relaxed); }
  /// All rows are made by this commit; those that ended before never were. Before anyone else sees it.
  void adopt_rows(CommitSeq seq);
  /// A commit record names it and no manifest yet.
  bool is_logged_only() const { return is_logged_only_.load(std::memory_order_relaxed); }
  void set_logged_only(bool is_logged_only) {
    is_logged_only_.store(is_logged_only, std::memory_order_relaxed);
  }
  /// A manifest names it: the file stays.
  void adopt() { is_disowned_.store(false, std::memory_order_relaxed); }

 private:
  std::uint64_t number_;
  std::shared_ptr<const Segment> segment_;
  std::atomic<CommitSeq> newest_;
  std::atomic<std::uint8_t> level_{0};
  std::atomic<std::uint64_t> ended_total_{0};
  mutable std::once_flag key_range_read_;
  mutable Batch key_range_;
  FileSystem& files_;
  std::filesystem::path path_;
  std::unique_ptr<RowEnds[]> ends_;
  std::size_t block_count_;
  std::atomic<bool> is_disowned_{false};
  std::atomic<bool> is_logged_only_{false};
};

}  // namespace tickstone::storage
