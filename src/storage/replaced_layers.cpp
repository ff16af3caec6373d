// SPDX-License-Identifier: Apache-2.0
#include "storage/replaced_layers.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/block_cache.hpp"
#include "storage/segment_format.hpp"
#include "storage/store_core.hpp"

namespace tickstone::storage {

namespace {

/// Blocks of a segment that is read back stay for the moment only.
constexpr std::size_t kVerifyCacheBytes = 1 << 20;

/// Writes segments, one after another.
class SegmentSink final : public MergeSink {
 public:
  SegmentSink(StoreCore& core, const TableState& table, const BuildLimits& limits, ReplacedLayers& replaced)
      : core_(core), table_(table), limits_(limits), replaced_(replaced) {}

  void append(const Batch& rows, CommitSeq newest) override {
    if (writer_ == nullptr) {
      number_ = core_.next_segment_number();
      path_ = core_.segment_path(number_);
      writer_ = SegmentWriter::create(core_.files, path_, *table_.schema, core_.options.row_group_rows);
      newest_ = 0;
      first_row_ = rows_;
    }
    writer_->append(rows);
    rows_ += rows.row_count();
    newest_ = std::max(newest_, newest);
    if (limits_.pace) limits_.pace(rows.memory_bytes());
  }

  void cut() override {
    if (writer_ == nullptr) return;
    replaced_.written_bytes += writer_->finish();
    writer_.reset();
    auto sealed = std::make_shared<SealedSegment>(
        number_, Segment::open(core_.files, path_, core_.block_cache), newest_, core_.files, path_);
    sealed->disown();
    sealed->set_level(limits_.level);
    if (sealed->segment().row_count() != rows_ - first_row_) {
      throw Error(
          ErrorCode::DataCorrupted,
          fmt::format("segment file \"{}\" does not have the rows that were written", path_.string()));
    }
    read_back();
    replaced_.made.push_back({std::move(sealed), first_row_});
  }

  const RowChecksum& checksum() const { return checksum_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  /// From the file, not from what was decoded before.
  void read_back() {
    const auto segment = Segment::open(core_.files, path_, make_block_cache(kVerifyCacheBytes));
    std::vector<ColumnId> ids;
    for (const auto& column : stored_columns(*table_.schema)) ids.push_back(column.id);
    for (std::size_t group = 0; group < segment->row_groups().size(); ++group) {
      std::vector<std::shared_ptr<const Segment::Block>> blocks;
      std::vector<ColumnView> views;
      for (const ColumnId id : ids) {
        blocks.push_back(segment->read(group, id));
        views.push_back(blocks.back()->view());
      }
      checksum_.add(ids, views, nullptr, segment->row_groups()[group].row_count);
      if (limits_.pace) limits_.pace(0);
    }
  }

  StoreCore& core_;
  const TableState& table_;
  const BuildLimits& limits_;
  ReplacedLayers& replaced_;
  std::unique_ptr<SegmentWriter> writer_;
  std::uint64_t number_ = 0;
  std::filesystem::path path_;
  CommitSeq newest_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t first_row_ = 0;
  RowChecksum checksum_;
};

}  // namespace

std::pair<SealedSegment*, std::uint64_t> ReplacedLayers::moved(const MergeInput& input,
                                                               std::uint64_t row) const {
  if (row >= input.moved_to.size() || input.moved_to[row] == kNoRow) return {nullptr, 0};
  const std::uint64_t at = input.moved_to[row];
  const auto after =
      std::upper_bound(made.begin(), made.end(), at,
                       [](std::uint64_t value, const Made& next) { return value < next.first_row; });
  const Made& found = *std::prev(after);
  return {found.sealed.get(), at - found.first_row};
}

void build_segments(StoreCore& core, const TableState& table, CommitSeq seq, const BuildLimits& limits,
                    ReplacedLayers& replaced) {
  std::uint64_t expected = 0;
  for (const auto& input : replaced.inputs) expected += input.visible_row_count(seq);
  if (expected > UINT32_MAX - 1) {
    throw Error(ErrorCode::ProgramLimitExceeded,
                fmt::format("a chunk of table \"{}\" exceeds 4 billion rows", table.schema->name));
  }
  if (expected == 0) {
    for (auto& input : replaced.inputs) input.moved_to.assign(input.row_count(), kNoRow);
    return;
  }
  MergeLimits merge;
  merge.boundaries = limits.boundaries;
  // Pieces of equal size rather than a last small one.
  const std::uint64_t pieces = expected / limits.segment_rows + (expected % limits.segment_rows == 0 ? 0 : 1);
  merge.segment_rows =
      limits.boundaries == nullptr && pieces > 1 ? (expected + pieces - 1) / pieces : limits.segment_rows;
  SegmentSink sink(core, table, limits, replaced);
  const std::uint64_t written = merge_rows(table, seq, replaced.inputs, merge, sink);
  sink.cut();
  RowChecksum read;
  for (const auto& input : replaced.inputs) read.add(input.checksum);
  if (written != expected || read.row_count() != expected) {
    throw Error(ErrorCode::InternalError, fmt::format("segment file \"{}\" has {} rows instead of {}",
                                                      sink.path().string(), written, expected));
  }
  if (!(read == sink.checksum())) {
    throw Error(
        ErrorCode::DataCorrupted,
        fmt::format("segment file \"{}\" does not have the rows that were written", sink.path().string()),
        "The rows that were read back differ from those of the layers that it was made from.");
  }
}

void end_moved_rows(const EndsTracker& tracker, const std::vector<ReplacedLayers>& replaced) {
  std::unordered_map<const void*, std::pair<const ReplacedLayers*, const MergeInput*>> by_layer;
  for (const auto& replacement : replaced) {
    for (const auto& input : replacement.inputs) by_layer[input.layer()] = {&replacement, &input};
  }
  for (const auto& [place, seq] : tracker.ends()) {
    const auto found =
        by_layer.find(place.open != nullptr ? static_cast<const void*>(place.open) : place.sealed);
    if (found == by_layer.end()) continue;
    const auto [segment, row] = found->second.first->moved(*found->second.second, place.row);
    // A row that came to an open chunk after the copy began is in none.
    TICKSTONE_CHECK(segment != nullptr);
    segment->set_ended(row, seq);
  }
}

void install(const std::vector<ReplacedLayers>& replaced, StateBuilder& state) {
  for (const auto& replacement : replaced) {
    const auto* table = state.find(replacement.table);
    if (table == nullptr) continue;
    const auto found = table->chunks.find(replacement.start);
    if (found == table->chunks.end() || found->second->number != replacement.chunk) continue;
    ChunkState& chunk = state.edit_chunk(replacement.table, replacement.start);
    for (const auto& input : replacement.inputs) {
      if (input.open != nullptr) std::erase(chunk.open, input.open);
      if (input.sealed != nullptr) std::erase(chunk.segments, input.sealed);
    }
    for (const auto& made : replacement.made) chunk.segments.push_back(made.sealed);
    if (chunk.open.empty()) {
      chunk.has_active = false;
      chunk.has_late_segment = false;
    }
  }
}

}  // namespace tickstone::storage
