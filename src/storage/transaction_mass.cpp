// SPDX-License-Identifier: Apache-2.0
// UPDATE and DELETE of more rows than a transaction keeps in memory.
#include <algorithm>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "storage/key_codec.hpp"
#include "storage/mass_change.hpp"
#include "storage/replaced_layers.hpp"
#include "storage/store_core.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

/// A key that is touched costs so many bytes until the commit, about.
constexpr std::size_t kTouchedBytes = 512;
/// Chunks of which a smaller part changes are not copied while the keys fit in memory.
constexpr std::uint64_t kLeastShare = 8;
constexpr std::size_t kTouchedBatch = 8192;

}  // namespace

MassChanges& MassChanges::of(Transaction& transaction) { return dynamic_cast<MassChanges&>(transaction); }

bool ReplacedRows::add(const RowPlace& place) {
  const std::uint64_t rows =
      place.open != nullptr ? place.open->row_count() : place.sealed->segment().row_count();
  return marks_.try_emplace(layer_of(place), rows).first->second.set(place.row);
}

std::uint64_t ReplacedRows::count_in(const ChunkState& chunk) const {
  std::uint64_t count = 0;
  const auto add_layer = [&](const void* layer) {
    if (const RowMarks* marks = find(layer)) count += marks->count();
  };
  for (const auto& sealed : chunk.segments) add_layer(sealed.get());
  for (const auto& open : chunk.open) add_layer(open.get());
  return count;
}

/// The committed rows of the keys that this transaction has not replaced by a mass change under way.
std::vector<RowPlace> StoreTransaction::locate_committed(const OwnTable& own, const TableState& table,
                                                         const Batch& keys, CommitSeq seq) const {
  if (own.replaced == nullptr) return locate(table, keys, seq);
  auto places = locate(own.replaced->table(), keys, own.replaced->seq());
  for (auto& place : places) {
    if (place && own.replaced->has(place)) place = {};
  }
  return places;
}

bool StoreTransaction::begin_mass_change(TableId id) {
  check_active();
  place_lone();
  take_sealed(cancelled_);
  const Snapshot snapshot = core_.snapshot();
  OwnTable& own = own_table(id, snapshot);
  auto table = seen_as(id, own, snapshot);
  if (table == nullptr || table->schema->temporary) return false;
  const CommitSeq last = table->counters->last_commit.load(std::memory_order_acquire);
  if (last > snapshot.seq) return false;
  if (!table->schema->primary_key.empty()) {
    // What others have committed since may collide with the transaction's rows: committing decides.
    if (!own.parts.empty() && last > own.checked) return false;
    if (own.sealed != nullptr && last > own.sealed_checked) return false;
  }
  if (own.touched != nullptr && own.touched->has_guesses()) return false;
  auto replaced = std::make_unique<ReplacedRows>(std::move(table), snapshot.seq);
  if (own.touched != nullptr && !own.touched->is_empty()) {
    for (const auto& place : locate(replaced->table(), own.touched->touched().keys, snapshot.seq)) {
      if (place) replaced->add(place);
    }
  }
  own.replaced = std::move(replaced);
  return true;
}

std::uint64_t StoreTransaction::touched_count(TableId id) const {
  const auto found = tables_.find(id);
  return found == tables_.end() || found->second.touched == nullptr ? 0 : found->second.touched->count();
}

void StoreTransaction::finish_mass_change(TableId id) {
  operate([&] {
    take_sealed(cancelled_);
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(id, snapshot);
    const auto replaced = std::move(own.replaced);
    TICKSTONE_CHECK(replaced != nullptr);
    struct Changed {
      const ChunkState* chunk = nullptr;
      std::uint64_t count = 0;
    };
    std::vector<Changed> changed;
    for (const auto& [start, chunk] : replaced->table().chunks) {
      if (const auto count = replaced->count_in(*chunk); count > 0) changed.push_back({chunk.get(), count});
    }
    std::sort(changed.begin(), changed.end(),
              [](const Changed& a, const Changed& b) { return a.count < b.count; });
    std::uint64_t may_touch = core_.options.early_segment_bytes / kTouchedBytes;
    std::vector<std::int64_t> dropped;
    std::vector<MadeChunk> made;
    for (const auto& [chunk, count] : changed) {
      if (count <= may_touch && count * kLeastShare < visible_rows(*chunk, replaced->seq())) {
        touch_replaced(id, own, *replaced, *chunk);
        may_touch -= std::min(may_touch, count);
      } else {
        copy_unreplaced(id, own, *replaced, *chunk, snapshot);
        made.push_back({chunk->range, chunk->label, chunk->created_us});
        dropped.push_back(chunk->range.start);
      }
    }
    if (!dropped.empty()) replace_chunks(id, own, dropped, made, replaced->seq(), snapshot);
  });
}

/// Chunks that were copied as they were at `seq`.
void StoreTransaction::replace_chunks(TableId id, OwnTable& own, const std::vector<std::int64_t>& dropped,
                                      const std::vector<MadeChunk>& made, CommitSeq seq,
                                      const Snapshot& snapshot) {
  auto overlay = copy_overlay(id, own, snapshot);
  std::erase_if(overlay->made_chunks, [&](const MadeChunk& before) {
    return std::find(dropped.begin(), dropped.end(), before.range.start) != dropped.end();
  });
  overlay->dropped_chunks.insert(overlay->dropped_chunks.end(), dropped.begin(), dropped.end());
  overlay->made_chunks.insert(overlay->made_chunks.end(), made.begin(), made.end());
  set_overlay(id, own, std::move(overlay));
  own.copied_at = std::min(own.copied_at, seq);
}

std::uint64_t StoreTransaction::visible_rows(const ChunkState& chunk, CommitSeq seq) {
  std::uint64_t count = 0;
  for (const auto& sealed : chunk.segments) count += sealed->visible_row_count(seq);
  for (const auto& open : chunk.open) count += open->visible_row_count(seq);
  return count;
}

/// The rows of the chunk that stay, into segments of this transaction.
void StoreTransaction::copy_unreplaced(TableId id, OwnTable& own, const ReplacedRows& replaced,
                                       const ChunkState& chunk, const Snapshot& snapshot) {
  ReplacedLayers layers;
  for (const auto& sealed : chunk.segments)
    layers.inputs.push_back({nullptr, sealed, replaced.find(sealed.get()), {}, {}});
  for (const auto& open : chunk.open)
    layers.inputs.push_back({open, nullptr, replaced.find(open.get()), {}, {}});
  copy_layers(id, own, layers, chunk.range, replaced.seq(), snapshot);
}

/// Rows that are visible at `seq`, all of one chunk's range, into segments of this transaction.
void StoreTransaction::copy_layers(TableId id, OwnTable& own, ReplacedLayers& layers, const TimeRange& range,
                                   CommitSeq seq, const Snapshot& snapshot) {
  const auto table = seen_as(id, own, snapshot);
  layers.table = id;
  layers.start = range.start;
  BuildLimits limits;
  limits.segment_rows = core_.options.segment_rows;
  limits.pace = [this](std::uint64_t) {
    if (cancelled_ && cancelled_())
      throw Error(ErrorCode::QueryCanceled, "canceling statement due to user request");
  };
  build_segments(core_, *table, seq, limits, layers);
  core_.early_segment_bytes.fetch_add(layers.written_bytes, std::memory_order_relaxed);
  if (layers.made.empty()) return;
  own.sealed_checked = own.sealed == nullptr ? seq : std::min(own.sealed_checked, seq);
  for (const auto& [sealed, first_row] : layers.made) {
    sealed->adopt_rows(position_);
    own.sealed_modes[sealed.get()] = {};
    add_sealed(own, range, sealed, *table);
    Undo undo;
    undo.position = position_;
    undo.kind = Undo::Kind::SealedAdded;
    undo.table = id;
    undo.sealed = sealed;
    undo_.push_back(std::move(undo));
  }
  has_sealed_ = true;
}

/// Few rows of a chunk: as if they had been changed one by one.
void StoreTransaction::touch_replaced(TableId id, OwnTable& own, const ReplacedRows& replaced,
                                      const ChunkState& chunk) {
  const TableState& table = replaced.table();
  Batch rows = empty_rows(table);
  std::string key;
  const auto flush = [&] {
    const auto cells = key_cells(*table.schema, views_of(rows));
    for (std::size_t row = 0; row < rows.row_count(); ++row) {
      key.clear();
      for (const auto& cell : cells) append_key_part(key, cell, row);
      touch(id, own, *table.schema, cells, row, key, hash_key(key));
    }
    rows = empty_rows(table);
  };
  const auto add_layer = [&](RowPlace place, std::uint64_t row_count) {
    const RowMarks* marks =
        replaced.find(place.open != nullptr ? static_cast<const void*>(place.open) : place.sealed);
    if (marks == nullptr) return;
    for (place.row = 0; place.row < row_count; ++place.row) {
      if (!marks->has(place.row)) continue;
      append_row(table, place, rows);
      if (rows.row_count() == kTouchedBatch) flush();
    }
  };
  for (const auto& sealed : chunk.segments) {
    RowPlace place;
    place.sealed = sealed.get();
    add_layer(place, sealed->segment().row_count());
  }
  for (const auto& open : chunk.open) {
    RowPlace place;
    place.open = open.get();
    add_layer(place, open->row_count());
  }
  flush();
}

}  // namespace tickstone::storage
