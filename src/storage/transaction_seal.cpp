// SPDX-License-Identifier: Apache-2.0
// Rows of a large transaction that go to segments before it commits.
#include <algorithm>

#include "storage/checkpoint.hpp"
#include "storage/key_codec.hpp"
#include "storage/replaced_layers.hpp"
#include "storage/store_core.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kKeyRows = 8192;

std::size_t bytes_of(const std::vector<OwnPart>& parts) {
  std::size_t bytes = 0;
  for (const auto& part : parts) bytes += part.rows->memory_bytes();
  return bytes;
}

}  // namespace

/// Keeps what the transaction has in memory within bounds, before it takes more.
void StoreTransaction::make_room() {
  const std::size_t limit = core_.options.early_segment_bytes;
  if (gathered_bytes_ < std::max(next_room_check_, limit / 4)) return;
  check_active();
  std::size_t bytes = 0;
  for (const auto& [id, own] : tables_) bytes += bytes_of(own.parts);
  if (bytes < limit) {
    next_room_check_ = gathered_bytes_ + (limit - bytes) / 4;
    return;
  }
  for (auto& [id, own] : tables_) seal(id, own);
  gathered_bytes_ = 0;
  next_room_check_ = 0;
  if (!has_logged_) return;
  const bool needs_log = std::any_of(tables_.begin(), tables_.end(), [](const auto& entry) {
    const auto& states = entry.second.part_states;
    return std::any_of(states.begin(), states.end(),
                       [](const PartState& state) { return state.logged_rows > 0; });
  });
  if (needs_log) return;
  core_.forget_log_use(id_);
  has_logged_ = false;
}

/// Not where a savepoint divides its rows, or may bring back one that has ended: a segment goes as a whole.
bool StoreTransaction::can_seal(const OwnPart& part, const PartState& state) const {
  const OpenChunk& rows = *part.rows;
  if (rows.row_count() == 0) return false;
  if (savepoints_.empty()) return true;
  const auto divides = std::lower_bound(savepoints_.begin(), savepoints_.end(), state.first_position);
  if (divides != savepoints_.end() && *divides < state.last_position) return false;
  for (std::size_t block = 0; OpenChunk::block_begin(block) < rows.row_count(); ++block) {
    if (rows.is_block_whole(block)) continue;
    const RowNumber end =
        std::min(rows.row_count(), OpenChunk::block_begin(block) + OpenChunk::block_capacity(block));
    for (RowNumber row = OpenChunk::block_begin(block); row < end; ++row) {
      if (!rows.is_live(row) && rows.ended(row) > savepoints_.front()) return false;
    }
  }
  return true;
}

void StoreTransaction::seal(TableId id, OwnTable& own) {
  if (own.parts.empty() || (own.overlay != nullptr && own.overlay->is_dropped)) return;
  const auto table = seen_as(id, own, core_.snapshot());
  if (table == nullptr || table->schema->temporary) return;
  for (std::size_t i = 0; i < own.parts.size();) {
    const OwnPart part = own.parts[i];
    const PartState state = own.part_states[i];
    if (!can_seal(part, state)) {
      ++i;
      continue;
    }
    ReplacedLayers replaced;
    replaced.table = id;
    replaced.inputs.push_back({part.rows, nullptr, nullptr, {}, {}});
    BuildLimits limits;
    limits.segment_rows = core_.options.segment_rows;
    limits.pace = [this](std::uint64_t) {
      if (cancelled_ && cancelled_())
        throw Error(ErrorCode::QueryCanceled, "canceling statement due to user request");
    };
    build_segments(core_, *table, position_, limits, replaced);
    core_.early_segment_bytes.fetch_add(replaced.written_bytes, std::memory_order_relaxed);
    std::vector<std::shared_ptr<SealedSegment>> made;
    own.sealed_checked = own.sealed == nullptr ? own.checked : std::min(own.sealed_checked, own.checked);
    for (const auto& [sealed, first_row] : replaced.made) {
      SealedModes modes;
      modes.mode = state.runs.front().mode;
      if (state.runs.size() > 1) modes.by_row.resize(sealed->segment().row_count() / 4 + 1);
      own.sealed_modes[sealed.get()] = std::move(modes);
      add_sealed(own, part.range, sealed, *table);
      made.push_back(sealed);
    }
    if (state.runs.size() > 1) {
      std::size_t run = 0;
      for (RowNumber row = 0; row < part.rows->row_count(); ++row) {
        while (run + 1 < state.runs.size() && state.runs[run + 1].first <= row) ++run;
        const auto [sealed, at] = replaced.moved(replaced.inputs.front(), row);
        if (sealed == nullptr) continue;
        own.sealed_modes[sealed].by_row[at / 4] |=
            static_cast<std::uint8_t>(static_cast<unsigned>(state.runs[run].mode) << (at % 4 * 2));
      }
    }
    note_sealed(id, part, made);
    own.parts.erase(own.parts.begin() + static_cast<std::ptrdiff_t>(i));
    own.part_states.erase(own.part_states.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (own.sealed != nullptr) has_sealed_ = true;
  own.unlogged_bytes = 0;
  changes_.reset();
}

/// What was told of the part's rows is told of the segments.
void StoreTransaction::note_sealed(TableId id, const OwnPart& part,
                                   const std::vector<std::shared_ptr<SealedSegment>>& made) {
  has_writes_ = true;
  if (savepoints_.empty()) {
    undo_.clear();
    return;
  }
  std::vector<Undo> kept;
  bool is_first = true;
  for (auto& undo : undo_) {
    if (undo.rows != part.rows.get()) {
      kept.push_back(std::move(undo));
      continue;
    }
    if (undo.kind != Undo::Kind::Appended || !std::exchange(is_first, false)) continue;
    for (const auto& sealed : made) {
      Undo added;
      added.position = undo.position;
      added.kind = Undo::Kind::SealedAdded;
      added.table = id;
      added.sealed = sealed;
      kept.push_back(std::move(added));
    }
  }
  undo_ = std::move(kept);
}

void StoreTransaction::add_sealed(OwnTable& own, const TimeRange& range,
                                  std::shared_ptr<SealedSegment> sealed, const TableState& table) {
  auto state = std::make_shared<TableState>(own.sealed == nullptr ? table : *own.sealed);
  if (own.sealed == nullptr) state->chunks.clear();
  auto chunk = std::make_shared<ChunkState>();
  const auto found = state->chunks.find(range.start);
  if (found != state->chunks.end()) *chunk = *found->second;
  chunk->range = range;
  chunk->segments.push_back(std::move(sealed));
  state->chunks[range.start] = std::move(chunk);
  own.sealed = std::move(state);
}

void StoreTransaction::remove_sealed(OwnTable& own, const SealedSegment& sealed) {
  auto state = std::make_shared<TableState>(*own.sealed);
  for (auto& [start, chunk] : state->chunks) {
    const auto is_it = [&](const auto& segment) { return segment.get() == &sealed; };
    if (std::none_of(chunk->segments.begin(), chunk->segments.end(), is_it)) continue;
    auto changed = std::make_shared<ChunkState>(*chunk);
    std::erase_if(changed->segments, is_it);
    chunk = std::move(changed);
    break;
  }
  std::erase_if(state->chunks, [](const auto& entry) { return entry.second->segments.empty(); });
  own.sealed = std::move(state);
}

void StoreTransaction::drop_sealed(TableId id, OwnTable& own,
                                   const std::function<bool(const TimeRange&)>& which) {
  if (own.sealed == nullptr) return;
  const auto before = own.sealed;
  for (const auto& [start, chunk] : before->chunks) {
    if (!which(chunk->range)) continue;
    for (const auto& sealed : chunk->segments) {
      remove_sealed(own, *sealed);
      Undo undo;
      undo.position = position_;
      undo.kind = Undo::Kind::SealedRemoved;
      undo.table = id;
      undo.sealed = sealed;
      undo.range = chunk->range;
      undo_.push_back(std::move(undo));
    }
  }
}

/// Where the transaction's own rows of these keys are among its segments.
std::vector<RowPlace> StoreTransaction::locate_sealed(const OwnTable& own, const Batch& keys) const {
  if (own.sealed == nullptr) return std::vector<RowPlace>(keys.row_count());
  return locate(*own.sealed, keys, position_);
}

void StoreTransaction::end_sealed(TableId id, const RowPlace& place) {
  place.sealed->set_ended(place.row, position_);
  Undo undo;
  undo.position = position_;
  undo.kind = Undo::Kind::SealedEnded;
  undo.table = id;
  for (const auto& [start, chunk] : tables_[id].sealed->chunks) {
    for (const auto& sealed : chunk->segments) {
      if (sealed.get() == place.sealed) undo.sealed = sealed;
    }
  }
  undo.sealed_row = place.row;
  undo_.push_back(std::move(undo));
}

void StoreTransaction::each_later_key(const OwnTable& own, const TableState& table, CommitSeq since,
                                      const std::function<void(const Batch& keys)>& visit) const {
  for (const auto& [start, own_chunk] : own.sealed->chunks) {
    const auto* chunk = table.find_chunk(own_chunk->range.start);
    if (chunk == nullptr) continue;
    for (const auto& open : chunk->open) {
      std::vector<RowNumber> rows;
      const RowNumber count = open->row_count();
      for (RowNumber row = open->visible_prefix(since); row < count; ++row) {
        if (open->is_live(row)) rows.push_back(row);
        if (rows.size() < kKeyRows && row + 1 < count) continue;
        if (rows.empty()) continue;
        const Batch gathered = open->gather(rows);
        Batch keys;
        for (const auto& cell : key_cells(open->schema(), views_of(gathered))) {
          keys.columns.emplace_back(cell.type, cell.layout).append_all(cell);
        }
        visit(keys);
        rows.clear();
      }
    }
    for (const auto& sealed : chunk->segments) {
      if (sealed->newest_created() <= since) continue;
      const Segment& segment = sealed->segment();
      for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
        Batch keys;
        for (const ColumnId column : key_columns(*table.schema)) {
          const auto block = segment.read(group, column);
          const auto view = block->view();
          keys.columns.emplace_back(view.type, view.layout).append_all(view);
        }
        visit(keys);
      }
    }
  }
}

void StoreTransaction::guess_sealed_collisions(TableId id, OwnTable& own, const TableState& table,
                                               CommitSeq since) {
  if (own.sealed == nullptr) return;
  each_later_key(own, table, std::max(since, own.sealed_checked), [&](const Batch& keys) {
    const auto cells = views_of(keys);
    const auto places = locate_sealed(own, keys);
    std::string key;
    for (std::size_t row = 0; row < places.size(); ++row) {
      if (!places[row]) continue;
      key.clear();
      for (const auto& cell : cells) append_key_part(key, cell, row);
      touch(id, own, *table.schema, cells, row, key, hash_key(key), true);
    }
  });
}

/// Whether keys of the segments are still new, up to what is committed now.
void StoreTransaction::check_sealed(TableId id, OwnTable& own, const TableState& table, CommitSeq seq) {
  if (own.sealed == nullptr || table.schema->primary_key.empty()) return;
  if (table.counters->last_commit.load(std::memory_order_acquire) > own.sealed_checked) {
    each_later_key(own, table, own.sealed_checked, [&](const Batch& keys) {
      const auto cells = views_of(keys);
      const auto own_places = locate_sealed(own, keys);
      if (std::none_of(own_places.begin(), own_places.end(),
                       [](const RowPlace& place) { return bool(place); })) {
        return;
      }
      const auto places = locate(table, keys, kNewest);
      std::string key;
      for (std::size_t row = 0; row < places.size(); ++row) {
        if (!own_places[row] || !places[row]) continue;
        key.clear();
        for (const auto& cell : cells) append_key_part(key, cell, row);
        const std::uint64_t hash = hash_key(key);
        if (own.touched != nullptr && own.touched->contains(key, hash)) continue;
        switch (own.sealed_modes.at(own_places[row].sealed).of(own_places[row].row)) {
          case OnDuplicate::Fail:
            throw_duplicate(*table.schema, cells, row);
          case OnDuplicate::Skip:
            own_places[row].sealed->set_ended(own_places[row].row, 0);
            break;
          case OnDuplicate::Replace:
            touch(id, own, *table.schema, cells, row, key, hash);
            break;
        }
        record_.clear();  // to be made again
      }
    });
  }
  own.sealed_checked = seq;
}

void StoreTransaction::prepare_sealed() {
  const Snapshot snapshot = core_.snapshot();
  for (auto& [id, own] : tables_) {
    if (own.sealed == nullptr) continue;
    const auto table = seen_as(id, own, snapshot);
    if (table == nullptr) continue;
    check_sealed(id, own, *table, snapshot.seq);
    if (!own.parts.empty()) log_rows(id, own);
  }
}

void StoreTransaction::encode_sealed(const OwnTable& own, LoggedTable& table) const {
  if (own.sealed == nullptr) return;
  for (const auto& [start, chunk] : own.sealed->chunks) {
    for (const auto& sealed : chunk->segments) {
      if (sealed->ended_count() == sealed->segment().row_count()) continue;
      LoggedTable::Segment segment;
      segment.number = sealed->number();
      segment.row_count = sealed->segment().row_count();
      segment.size_bytes = sealed->segment().size_bytes();
      segment.without = sealed->ended_rows(kNewest);
      table.segments.push_back(std::move(segment));
    }
  }
}

void StoreTransaction::apply_sealed(TableId id, OwnTable& own, StateBuilder& state, CommitSeq seq) {
  if (own.sealed == nullptr) return;
  for (const auto& [start, chunk] : own.sealed->chunks) {
    for (const auto& sealed : chunk->segments) {
      if (sealed->ended_count() == sealed->segment().row_count()) continue;
      sealed->adopt_rows(seq);
      sealed->set_logged_only(true);
      sealed->adopt();
      core_.checkpointer->manifest().note_logged(sealed);
      state.add_segment(id, sealed);
    }
  }
}

}  // namespace tickstone::storage
