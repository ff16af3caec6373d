// SPDX-License-Identifier: Apache-2.0
#include "storage/live_manifest.hpp"

#include <algorithm>
#include <set>

#include "storage/store_core.hpp"

namespace tickstone::storage {

ManifestSegment describe_segment(const SealedSegment& sealed) {
  ManifestSegment segment;
  segment.number = sealed.number();
  segment.newest = sealed.newest_created();
  segment.level = sealed.level();
  segment.row_count = sealed.segment().row_count();
  segment.size_bytes = sealed.segment().size_bytes();
  return segment;
}

void LiveManifest::start(Manifest manifest, Named named) {
  current_ = std::move(manifest);
  named_ = std::move(named);
  chunks_.clear();
  for (std::size_t t = 0; t < current_.tables.size(); ++t) {
    const auto& chunks = current_.tables[t].chunks;
    for (std::size_t c = 0; c < chunks.size(); ++c) chunks_[chunks[c].number] = {t, c};
  }
}

const ManifestChunk* LiveManifest::find_chunk(std::uint32_t number) const {
  const auto found = chunks_.find(number);
  return found == chunks_.end() ? nullptr
                                : &current_.tables[found->second.first].chunks[found->second.second];
}

void LiveManifest::write(Manifest next, const std::vector<std::shared_ptr<SealedSegment>>& made) {
  next.next_segment = core_.segment_number_after_all();
  write_manifest(core_.files, core_.directory, next, [&] {
    for (const auto& sealed : made) {
      sealed->adopt();
      named_[sealed->number()] = sealed;
    }
  });
  Named named;
  for (const auto& table : next.tables) {
    for (const auto& chunk : table.chunks) {
      for (const auto& segment : chunk.segments) named[segment.number] = named_.at(segment.number);
    }
  }
  for (const auto& [number, sealed] : named_) {
    if (!named.contains(number)) sealed->disown();
  }
  start(std::move(next), std::move(named));
  for (const auto& sealed : made) sealed->set_logged_only(false);
}

void LiveManifest::replace(std::vector<ReplacedLayers>& replaced, const EndsTracker& tracker) {
  std::erase_if(replaced, [&](const ReplacedLayers& replacement) {
    const auto* chunk = find_chunk(replacement.chunk);
    if (chunk == nullptr) return true;
    return std::any_of(replacement.inputs.begin(), replacement.inputs.end(), [&](const MergeInput& input) {
      return std::none_of(chunk->segments.begin(), chunk->segments.end(),
                          [&](const auto& segment) { return segment.number == input.sealed->number(); });
    });
  });
  if (replaced.empty()) return;
  // Rows that ended since they were copied, at or before the commit that the manifest describes.
  std::map<std::uint64_t, std::set<std::uint64_t>> ended;
  for (const auto& [place, seq] : tracker.ends()) {
    if (seq > current_.seq) continue;
    for (const auto& replacement : replaced) {
      for (const auto& input : replacement.inputs) {
        if (input.sealed.get() != place.sealed) continue;
        const auto [segment, row] = replacement.moved(input, place.row);
        if (segment != nullptr) ended[segment->number()].insert(row);
      }
    }
  }
  Manifest next = current_;
  std::vector<std::shared_ptr<SealedSegment>> made;
  for (const auto& replacement : replaced) {
    const auto [t, c] = chunks_.at(replacement.chunk);
    auto& segments = next.tables[t].chunks[c].segments;
    for (const auto& input : replacement.inputs) {
      std::erase_if(segments,
                    [&](const ManifestSegment& segment) { return segment.number == input.sealed->number(); });
    }
    for (const auto& [sealed, first_row] : replacement.made) {
      segments.push_back(describe_segment(*sealed));
      const auto rows = ended.find(sealed->number());
      if (rows != ended.end()) segments.back().ended_rows.assign(rows->second.begin(), rows->second.end());
      made.push_back(sealed);
    }
  }
  write(std::move(next), made);
}

void LiveManifest::note_logged(std::shared_ptr<SealedSegment> sealed) {
  const std::lock_guard lock(logged_mutex_);
  logged_.push_back(std::move(sealed));
}

void LiveManifest::forget_logged() {
  const std::lock_guard lock(logged_mutex_);
  std::erase_if(logged_, [&](const auto& sealed) {
    if (sealed->newest_created() > current_.seq) return false;
    if (!names(sealed->number())) sealed->disown();
    return true;
  });
}

std::vector<std::shared_ptr<SealedSegment>> LiveManifest::logged() {
  const std::lock_guard lock(logged_mutex_);
  return logged_;
}

bool LiveManifest::has_dropped_logged(const StoreState& state) {
  const auto logged = this->logged();
  return std::any_of(logged.begin(), logged.end(), [&](const auto& sealed) {
    const auto* table = state.find(sealed->segment().schema().id);
    if (table == nullptr) return true;
    const auto* chunk =
        table->find_chunk(table->schema->time_column ? sealed->segment().time_range().start : 0);
    return chunk == nullptr ||
           std::find(chunk->segments.begin(), chunk->segments.end(), sealed) == chunk->segments.end();
  });
}

std::size_t LiveManifest::forget_dropped(const StoreState& state) {
  std::size_t forgotten = 0;
  Manifest next;
  for (std::size_t t = 0; t < current_.tables.size(); ++t) {
    const auto* table = state.find(current_.tables[t].schema.id);
    for (std::size_t c = 0; c < current_.tables[t].chunks.size(); ++c) {
      const auto& chunk = current_.tables[t].chunks[c];
      if (chunk.segments.empty()) continue;
      if (table != nullptr) {
        const auto found = table->chunks.find(chunk.range.start);
        if (found != table->chunks.end() && found->second->number == chunk.number) continue;
      }
      if (forgotten == 0) next = current_;
      forgotten += chunk.segments.size();
      next.tables[t].chunks[c].segments.clear();
    }
  }
  if (forgotten > 0) write(std::move(next), {});
  return forgotten;
}

}  // namespace tickstone::storage
