// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "storage/manifest.hpp"
#include "storage/replaced_layers.hpp"

namespace tickstone::storage {

class StoreCore;

/// The manifest on disk and the segments that it names, changed by one edit at a time.
///
/// Threads: `mutex()` is held from before a manifest is written until what it says is published, so that no
/// two edits cross; it is taken before the commit mutex. Every call but `mutex()` under it.
class LiveManifest {
 public:
  using Named = std::map<std::uint64_t, std::shared_ptr<SealedSegment>>;

  explicit LiveManifest(StoreCore& core) : core_(core) {}
  /// What was found when the store opened.
  void start(Manifest manifest, Named named);
  /// Forgets the segments that the log named at or before the manifest's commit: it is the manifest's word
  /// now.
  void forget_logged();

  std::mutex& mutex() { return mutex_; }
  const Manifest& current() const { return current_; }
  const ManifestChunk* find_chunk(std::uint32_t number) const;
  bool names(std::uint64_t segment) const { return named_.contains(segment); }
  /// A commit has named it in the log: until a manifest has caught up it stays on the disk. Threads: any.
  void note_logged(std::shared_ptr<SealedSegment> sealed);
  /// Those that were noted and not forgotten. Threads: any.
  std::vector<std::shared_ptr<SealedSegment>> logged();
  /// Whether the log names a segment that `state` has no more.
  bool has_dropped_logged(const StoreState& state);
  const std::shared_ptr<SealedSegment>& segment(std::uint64_t number) const { return named_.at(number); }

  /// Replaces the manifest; `made` are the segments in it that are new. Those that it no longer names go with
  /// their last reader. Errors: DiskFull, IoError; afterwards either manifest may be on disk, and the files
  /// of both stay.
  void write(Manifest next, const std::vector<std::shared_ptr<SealedSegment>>& made);
  /// An edit that puts segments in the place of others. Leaves out of `replaced` what has lost its inputs
  /// meanwhile, and writes nothing where nothing is left.
  void replace(std::vector<ReplacedLayers>& replaced, const EndsTracker& tracker);
  /// An edit that takes out the segments of chunks which `state` has no more. What dropped them must be
  /// durable in the log. Returns how many.
  std::size_t forget_dropped(const StoreState& state);

 private:
  StoreCore& core_;
  std::mutex mutex_;
  Manifest current_;
  Named named_;
  std::mutex logged_mutex_;
  std::vector<std::shared_ptr<SealedSegment>> logged_;
  std::unordered_map<std::uint32_t, std::pair<std::size_t, std::size_t>> chunks_;  // number: table, chunk
};

/// The entry of a segment; `ended_rows` are left to the caller.
ManifestSegment describe_segment(const SealedSegment& sealed);

}  // namespace tickstone::storage
