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

}  // namespace

/// Keeps what the transaction has in memory within bounds, before it takes more: one half of it is written
/// while the other fills.
void StoreTransaction::make_room() {
  if (job_ != nullptr && job_->is_done()) take_sealed(cancelled_);
  // Rows before the first segment are in the log as well, in vain: it comes sooner.
  const std::size_t limit = core_.options.early_segment_bytes / (has_sealed_ || job_ != nullptr ? 2 : 4);
  if (gathered_bytes_ < std::max(next_room_check_, limit / 4)) return;
  check_active();
  std::size_t bytes = 0;
  for (const auto& [id, own] : tables_) {
    for (std::size_t i = 0; i < own.parts.size(); ++i) {
      if (!own.part_states[i].is_sealing) bytes += own.parts[i].rows->memory_bytes();
    }
  }
  if (bytes < limit) {
    next_room_check_ = gathered_bytes_ + (limit - bytes) / 4;
    return;
  }
  take_sealed(cancelled_);
  begin_sealing();
  gathered_bytes_ = 0;
  next_room_check_ = 0;
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

void StoreTransaction::begin_sealing() {
  std::vector<SealJob::Piece> pieces;
  std::vector<PartState*> states;
  const Snapshot snapshot = core_.snapshot();
  for (auto& [id, own] : tables_) {
    if (own.parts.empty() || (own.overlay != nullptr && own.overlay->is_dropped)) continue;
    const auto table = seen_as(id, own, snapshot);
    if (table == nullptr || table->schema->temporary) continue;
    for (std::size_t i = 0; i < own.parts.size(); ++i) {
      if (!can_seal(own.parts[i], own.part_states[i])) continue;
      SealJob::Piece& piece = pieces.emplace_back();
      piece.table = table;
      piece.part = own.parts[i];
      piece.replaced.table = id;
      piece.replaced.inputs.push_back({own.parts[i].rows, nullptr, nullptr, {}, {}});
      states.push_back(&own.part_states[i]);
    }
  }
  if (pieces.empty()) return;
  job_ = std::make_unique<SealJob>(core_, position_, std::move(pieces));
  for (PartState* state : states) state->is_sealing = true;
}

/// Waits for the job that runs, if any, and goes on with the segments that it made. Errors: the job's.
void StoreTransaction::take_sealed(const std::function<bool()>& cancelled) {
  if (job_ == nullptr) return;
  try {
    job_->wait(cancelled);
  } catch (...) {
    drop_sealing();  // the rows are still here
    throw;
  }
  for (const auto& piece : job_->pieces()) install_sealed(piece);
  job_.reset();
  has_writes_ = true;
  changes_.reset();
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

void StoreTransaction::drop_sealing() noexcept {
  job_.reset();
  for (auto& [id, own] : tables_) {
    for (auto& state : own.part_states) state.is_sealing = false;
  }
}

/// Segments take the place of the part that they were made from.
void StoreTransaction::install_sealed(const SealJob::Piece& piece) {
  OwnTable& own = tables_[piece.replaced.table];
  std::size_t index = 0;
  while (own.parts[index].number != piece.part.number) ++index;
  const PartState& state = own.part_states[index];
  const OpenChunk& rows = *piece.part.rows;
  own.sealed_checked = own.sealed == nullptr ? own.checked : std::min(own.sealed_checked, own.checked);
  for (const auto& [sealed, first_row] : piece.replaced.made) {
    SealedModes modes;
    modes.mode = state.runs.front().mode;
    if (state.runs.size() > 1) modes.by_row.resize(sealed->segment().row_count() / 4 + 1);
    own.sealed_modes[sealed.get()] = std::move(modes);
    add_sealed(own, piece.part.range, sealed, *piece.table);
  }
  const auto& input = piece.replaced.inputs.front();
  if (state.runs.size() > 1) {
    std::size_t run = 0;
    for (RowNumber row = 0; row < rows.row_count(); ++row) {
      while (run + 1 < state.runs.size() && state.runs[run + 1].first <= row) ++run;
      const auto [sealed, at] = piece.replaced.moved(input, row);
      if (sealed == nullptr) continue;
      own.sealed_modes[sealed].by_row[at / 4] |=
          static_cast<std::uint8_t>(static_cast<unsigned>(state.runs[run].mode) << (at % 4 * 2));
    }
  }
  // What the transaction replaced or erased while its rows were written.
  for (std::size_t block = 0; OpenChunk::block_begin(block) < rows.row_count(); ++block) {
    if (rows.is_block_whole(block)) continue;
    const RowNumber end =
        std::min(rows.row_count(), OpenChunk::block_begin(block) + OpenChunk::block_capacity(block));
    for (RowNumber row = OpenChunk::block_begin(block); row < end; ++row) {
      const CommitSeq ended = rows.ended(row);
      if (ended == kNeverEnded || ended <= job_->position()) continue;
      const auto [sealed, at] = piece.replaced.moved(input, row);
      TICKSTONE_CHECK(sealed != nullptr);
      sealed->set_ended(at, ended);
    }
  }
  note_sealed(piece);
  own.parts.erase(own.parts.begin() + static_cast<std::ptrdiff_t>(index));
  own.part_states.erase(own.part_states.begin() + static_cast<std::ptrdiff_t>(index));
  if (own.sealed != nullptr) has_sealed_ = true;
  own.unlogged_bytes = 0;
}

/// What was told of the part's rows is told of the segments.
void StoreTransaction::note_sealed(const SealJob::Piece& piece) {
  std::vector<Undo> kept;
  bool is_first = true;
  for (auto& undo : undo_) {
    if (undo.rows != piece.part.rows.get()) {
      kept.push_back(std::move(undo));
      continue;
    }
    Undo told;
    told.position = undo.position;
    told.table = piece.replaced.table;
    if (undo.kind == Undo::Kind::Appended && std::exchange(is_first, false)) {
      told.kind = Undo::Kind::SealedAdded;
      for (const auto& made : piece.replaced.made) {
        told.sealed = made.sealed;
        kept.push_back(told);
      }
    }
    if (undo.kind != Undo::Kind::Ended || undo.position <= job_->position()) continue;
    const auto [segment, row] = piece.replaced.moved(piece.replaced.inputs.front(), undo.first);
    for (const auto& made : piece.replaced.made) {
      if (made.sealed.get() == segment) told.sealed = made.sealed;
    }
    told.kind = Undo::Kind::SealedEnded;
    told.sealed_row = row;
    kept.push_back(std::move(told));
  }
  undo_ = std::move(kept);
}

void StoreTransaction::add_sealed(OwnTable& own, const TimeRange& range,
                                  std::shared_ptr<SealedSegment> sealed, const TableState& table) {
  auto state = std::make_shared<TableState>(own.sealed == nullptr ? table : *own.sealed);
  if (own.sealed == nullptr) {
    state->chunks.clear();
  } else if (table.schema == state->schema) {
    state->layout = widened_for(state->layout, *state->schema, table.layout);
  }
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

void StoreTransaction::log_rest() {
  for (auto& [id, own] : tables_) {
    if (!own.parts.empty()) log_rows(id, own);
  }
}

void StoreTransaction::prepare_sealed() {
  const Snapshot snapshot = core_.snapshot();
  for (auto& [id, own] : tables_) {
    if (own.sealed == nullptr) continue;
    const auto table = seen_as(id, own, snapshot);
    if (table == nullptr) continue;
    check_sealed(id, own, *table, snapshot.seq);
  }
  log_rest();
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
