// SPDX-License-Identifier: Apache-2.0
#include "storage/transaction.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "storage/checkpoint.hpp"
#include "storage/key_codec.hpp"
#include "storage/store_core.hpp"

namespace tickstone::storage {

namespace {

[[noreturn]] void throw_undefined(TableId id, const TableState* base) {
  throw Error(ErrorCode::UndefinedTable,
              base == nullptr ? fmt::format("table {} does not exist", id)
                              : fmt::format("relation \"{}\" does not exist", base->schema->name));
}

}  // namespace

std::vector<ColumnView> key_cells(const TableSchema& schema, const std::vector<ColumnView>& columns) {
  std::vector<ColumnView> cells;
  const auto key = key_columns(schema);
  cells.reserve(key.size());
  for (const ColumnId column : key) {
    cells.push_back(columns[column == kRowIdColumn ? schema.columns.size() : schema.index_of(column)]);
  }
  return cells;
}

Batch empty_keys(const TableSchema& schema) {
  Batch keys;
  const auto key = key_columns(schema);
  keys.columns.reserve(key.size());
  for (const ColumnId column : key) {
    keys.columns.emplace_back(column == kRowIdColumn ? SqlType::of(TypeId::BigInt)
                                                     : schema.find(column)->type);
  }
  return keys;
}

StoreTransaction::StoreTransaction(StoreCore& core)
    : core_(core), id_(core.next_transaction()), lock_owner_(id_) {}

StoreTransaction::~StoreTransaction() { rollback(); }

void StoreTransaction::check_active() const {
  if (is_finished_) throw Error(ErrorCode::InvalidTransactionState, "the transaction has ended");
  if (core_.log == nullptr) {
    throw Error(ErrorCode::ReadOnlySqlTransaction, "cannot write: the database was opened read-only");
  }
}

StoreTransaction::OwnTable& StoreTransaction::own_table(TableId id, const Snapshot& snapshot) {
  OwnTable& own = tables_[id];
  if (own.overlay != nullptr && own.overlay->is_dropped) throw_undefined(id, own.base.get());
  if (own.overlay != nullptr && own.overlay->is_created) return own;
  auto committed = snapshot.state->share(id);
  if (committed == nullptr) throw_undefined(id, own.base.get());
  if (own.base == nullptr || own.base->schema != committed->schema) {
    if (own.base != nullptr && (!own.parts.empty() || own.overlay != nullptr || own.sealed != nullptr)) {
      throw Error(ErrorCode::SerializationFailure, "could not serialize access due to concurrent update",
                  fmt::format("Table \"{}\" was altered by another transaction.", own.base->schema->name));
    }
    own.base = std::move(committed);
  }
  return own;
}

std::shared_ptr<const TableState> StoreTransaction::seen_as(TableId id, OwnTable& own,
                                                            const Snapshot& snapshot) {
  auto committed = snapshot.state->share(id);
  if (own.overlay == nullptr) return committed;
  if (own.seen_committed == committed && own.seen_overlay == own.overlay) return own.seen;
  if (committed != nullptr && committed->version > own.overlay->version) {
    // Both have changed since: what they make together is a version that neither was.
    auto renewed = std::make_shared<TableOverlay>(*own.overlay);
    renewed->version = core_.next_version();
    own.overlay = std::move(renewed);
  }
  own.seen = overlaid(committed, *own.overlay);
  own.seen_committed = std::move(committed);
  own.seen_overlay = own.overlay;
  return own.seen;
}

/// As `seen_as`, but wide enough for its own rows: those may have been written beside wider numbers than
/// `snapshot` shows.
std::shared_ptr<const TableState> StoreTransaction::viewed_as(TableId id, OwnTable& own,
                                                              const Snapshot& snapshot) {
  auto table = seen_as(id, own, snapshot);
  if (table == nullptr) return nullptr;
  std::optional<TableLayout> widened;
  auto include = [&](const TableLayout& held, const TableSchema& schema) {
    if (&schema == table->schema.get() && held.columns == table->layout.columns) return;
    widened = widened_for(widened.value_or(table->layout), *table->schema,
                          carried_layout(held, schema, *table->schema));
  };
  for (const auto& part : own.parts) {
    if (part.rows->live_row_count() > 0) include(part.rows->layout(), part.rows->schema());
  }
  if (own.sealed != nullptr) include(own.sealed->layout, *own.sealed->schema);
  if (!widened || widened->columns == table->layout.columns) return table;
  if (own.viewed == nullptr || own.viewed_of != table || own.viewed->layout.columns != widened->columns) {
    auto viewed = std::make_shared<TableState>(*table);
    viewed->layout = *std::move(widened);
    viewed->version = core_.next_version();
    own.viewed = std::move(viewed);
    own.viewed_of = std::move(table);
  }
  return own.viewed;
}

std::shared_ptr<TableOverlay> StoreTransaction::copy_overlay(TableId id, OwnTable& own,
                                                             const Snapshot& snapshot) {
  if (own.overlay != nullptr) return std::make_shared<TableOverlay>(*own.overlay);
  const auto committed = snapshot.state->share(id);
  auto overlay = std::make_shared<TableOverlay>();
  overlay->schema = committed->schema;
  overlay->version = committed->version;
  overlay->layout = committed->layout;
  overlay->defaults = committed->defaults;
  overlay->counters = committed->counters;
  return overlay;
}

void StoreTransaction::set_overlay(TableId id, OwnTable& own, std::shared_ptr<const TableOverlay> overlay) {
  Undo undo;
  undo.position = position_;
  undo.kind = Undo::Kind::Overlay;
  undo.table = id;
  undo.overlay = std::exchange(own.overlay, std::move(overlay));
  undo_.push_back(std::move(undo));
}

std::shared_ptr<const ReadView> StoreTransaction::read_view() {
  place_lone();
  const Snapshot snapshot = core_.snapshot();
  return std::make_shared<SnapshotView>(snapshot, own_changes(snapshot), core_.readers);
}

std::shared_ptr<const ReadView> StoreTransaction::read_view_at(const ReadView& base) {
  place_lone();
  const Snapshot& snapshot = dynamic_cast<const SnapshotView&>(base).snapshot();
  return std::make_shared<SnapshotView>(snapshot, own_changes(snapshot), core_.readers);
}

std::shared_ptr<const OwnChanges> StoreTransaction::own_changes(const Snapshot& snapshot) {
  if (!has_writes()) return nullptr;
  bool is_current = changes_ != nullptr && changes_of_ == snapshot.state.get();
  for (auto& [id, own] : tables_) {
    const auto table = seen_as(id, own, snapshot);
    if (table == nullptr || (own.parts.empty() && own.sealed == nullptr)) continue;
    if (table->counters->last_commit.load(std::memory_order_acquire) <= own.view_checked) continue;
    touch_possible_collisions(id, own, *table, snapshot);
    is_current = false;
  }
  if (is_current) return changes_;
  auto changes = std::make_shared<OwnChanges>();
  changes->position = position_;
  for (auto& [id, own] : tables_) {
    auto viewed = viewed_as(id, own, snapshot);
    const bool is_wider = viewed != nullptr && viewed == own.viewed;
    if (own.overlay != nullptr || is_wider) changes->tables[id] = std::move(viewed);
    if (own.parts.empty() && own.touched == nullptr && own.sealed == nullptr) continue;
    auto rows = std::make_shared<OwnRows>();
    rows->parts = own.parts;
    rows->touched = own.touched;
    rows->sealed = own.sealed;
    changes->rows[id] = std::move(rows);
  }
  changes_ = std::move(changes);
  changes_of_ = snapshot.state.get();
  return changes_;
}

/// Others have committed since this transaction's rows were checked. Rows whose keys they may have written
/// too must hide theirs from this transaction, until committing decides between them.
void StoreTransaction::touch_possible_collisions(TableId id, OwnTable& own, const TableState& table,
                                                 const Snapshot& snapshot) {
  const CommitSeq since = own.view_checked == kNeverEnded ? 0 : own.view_checked;
  own.view_checked = std::max(since, snapshot.seq);
  if (table.schema->primary_key.empty()) return;
  guess_sealed_collisions(id, own, table, since);
  std::string key;
  for (const auto& part : own.parts) {
    const OpenChunk& rows = *part.rows;
    const auto* chunk = table.find_chunk(part.range.start);
    if (chunk == nullptr) continue;
    const ChunkLayers layers = ChunkLayers::all_of(chunk, kCommittedLayers);
    for (std::uint32_t series = 0; series < rows.series().size(); ++series) {
      const RowNumber last_row = rows.series()[series].last_row.load(std::memory_order_acquire);
      const std::int64_t last = layers.last_time(rows, last_row);
      if (last == INT64_MIN || (table.schema->time_column && rows.series()[series].min_time > last)) continue;
      std::vector<RowNumber> live;
      for (const RowNumber row : rows.series_rows(series, rows.row_count())) {
        if (rows.is_live(row)) live.push_back(row);
      }
      const Batch cells = rows.gather(live);
      const auto key_views = key_cells(rows.schema(), views_of(cells));
      for (std::size_t i = 0; i < live.size(); ++i) {
        key.clear();
        for (const auto& cell : key_views) append_key_part(key, cell, i);
        touch(id, own, rows.schema(), key_views, i, key, hash_key(key), true);
      }
    }
  }
}

void StoreTransaction::create_table(const TableSchema& schema) {
  operate([&] {
    check_schema(schema);
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = tables_[schema.id];
    if (snapshot.state->find(schema.id) != nullptr || own.overlay != nullptr) {
      throw Error(ErrorCode::DuplicateTable, "relation \"" + schema.name + "\" already exists");
    }
    auto overlay = std::make_shared<TableOverlay>();
    overlay->schema = std::make_shared<const TableSchema>(schema);
    overlay->version = core_.next_version();
    overlay->layout = initial_table_layout(schema);
    overlay->counters = std::make_shared<TableCounters>();
    overlay->is_created = true;
    set_overlay(schema.id, own, std::move(overlay));
  });
}

void StoreTransaction::drop_table(TableId table) {
  operate([&] {
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(table, snapshot);
    auto overlay = copy_overlay(table, own, snapshot);
    overlay->is_dropped = true;
    set_overlay(table, own, std::move(overlay));
  });
}

void StoreTransaction::alter_table(const TableSchema& schema,
                                   const std::vector<std::pair<ColumnId, Value>>& defaults_of_new_columns) {
  take_sealed(cancelled_);
  operate([&] {
    check_schema(schema);
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(schema.id, snapshot);
    auto overlay = copy_overlay(schema.id, own, snapshot);
    const TableSchema& before = *overlay->schema;
    const auto seen = seen_as(schema.id, own, snapshot);
    const bool is_resorted = before.primary_key != schema.primary_key ||
                             before.series_key != schema.series_key ||
                             before.time_column != schema.time_column;
    if (is_resorted && (!seen->chunks.empty() || !own.parts.empty() || own.sealed != nullptr)) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot change the key of table \"" + before.name + "\" in place while it has rows");
    }
    overlay->layout = carried_layout(overlay->layout, before, schema);
    for (const auto& [column, value] : defaults_of_new_columns) overlay->defaults[column] = value;
    overlay->schema = std::make_shared<const TableSchema>(schema);
    overlay->version = core_.next_version();
    overlay->is_altered = !overlay->is_created;
    set_overlay(schema.id, own, std::move(overlay));
  });
}

void StoreTransaction::end_own_rows(TableId id, OwnTable& own,
                                    const std::function<bool(const OwnPart&)>& which) {
  for (const auto& part : own.parts) {
    if (!which(part)) continue;
    for (RowNumber row = 0; row < part.rows->row_count(); ++row) {
      if (part.rows->is_live(row)) end_own(id, {&part, row});
    }
  }
}

void StoreTransaction::truncate(TableId table) {
  operate([&] {
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(table, snapshot);
    end_own_rows(table, own, [](const OwnPart&) { return true; });
    drop_sealed(table, own, [](const TimeRange&) { return true; });
    auto overlay = copy_overlay(table, own, snapshot);
    overlay->is_truncated = true;
    overlay->made_chunks.clear();
    set_overlay(table, own, std::move(overlay));
  });
}

std::vector<ChunkInfo> StoreTransaction::drop_chunks(TableId table, TimeRange range) {
  return operate([&] {
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(table, snapshot);
    const auto seen = seen_as(table, own, snapshot);
    auto overlay = copy_overlay(table, own, snapshot);
    auto lies_in = [&](const TimeRange& chunk) {
      return chunk.start >= range.start && chunk.end <= range.end;
    };
    std::vector<ChunkInfo> dropped;
    for (const auto& [start, chunk] : seen->chunks) {
      if (!lies_in(chunk->range)) continue;
      dropped.push_back(describe_chunk(table, *chunk));
      overlay->dropped_chunks.push_back(start);
    }
    std::erase_if(overlay->made_chunks, [&](const MadeChunk& made) { return lies_in(made.range); });
    end_own_rows(table, own, [&](const OwnPart& part) { return lies_in(part.range); });
    drop_sealed(table, own, lies_in);
    if (!dropped.empty()) set_overlay(table, own, std::move(overlay));
    return dropped;
  });
}

Transaction::Savepoint StoreTransaction::savepoint() {
  place_lone();
  if (savepoints_.empty() && !undo_.empty()) {
    has_writes_ = true;
    undo_.clear();
  }
  savepoints_.push_back(position_);
  return {position_, lock_owner_.count()};
}

void StoreTransaction::release(Savepoint savepoint) {
  const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), savepoint.position);
  if (found != savepoints_.rend()) savepoints_.erase(std::next(found).base());
}

void StoreTransaction::rollback_to(Savepoint savepoint) {
  undo_to(savepoint.position);
  core_.locks.release_to(lock_owner_, savepoint.lock_count);
}

void StoreTransaction::undo_to(std::uint64_t position) {
  changes_.reset();
  for (auto& [id, own] : tables_) own.replaced.reset();
  if (job_ != nullptr && position < job_->position()) {
    // Rows that are being written are among what is undone. What is later changes none of what is written.
    try {
      take_sealed({});
    } catch (const std::exception&) {
      // Boundary: the rows stay in memory, and are undone there.
    }
  }
  while (!savepoints_.empty() && savepoints_.back() > position) savepoints_.pop_back();
  while (!undo_.empty() && undo_.back().position > position) {
    Undo& undo = undo_.back();
    OwnTable& own = tables_[undo.table];
    switch (undo.kind) {
      case Undo::Kind::Appended:
        for (RowNumber row = undo.first; row < undo.first + undo.count; ++row) undo.rows->set_ended(row, 0);
        break;
      case Undo::Kind::Ended:
        undo.rows->set_ended(undo.first, kNeverEnded);
        break;
      case Undo::Kind::Touched:
        own.touched->take_back_after(position);
        own.view_checked = 0;
        break;
      case Undo::Kind::Overlay:
        own.overlay = std::move(undo.overlay);
        if (own.overlay == nullptr || own.overlay->dropped_chunks.empty()) own.copied_at = kNeverEnded;
        break;
      case Undo::Kind::SealedAdded:
        remove_sealed(own, *undo.sealed);
        break;
      case Undo::Kind::SealedRemoved:
        add_sealed(own, undo.range, std::move(undo.sealed), *own.sealed);
        break;
      case Undo::Kind::SealedEnded:
        undo.sealed->set_ended(undo.sealed_row, kNeverEnded);
        break;
    }
    undo_.pop_back();
  }
  for (auto& [id, own] : tables_) {
    while (!own.part_states.empty() && own.part_states.back().first_position > position) {
      own.part_states.pop_back();
      own.parts.pop_back();
    }
    if (!own.parts.empty() || own.sealed != nullptr) continue;
    own.checked = own.view_checked = kNeverEnded;
  }
}

CommitSeq StoreTransaction::commit(bool synchronous) {
  if (is_finished_) throw Error(ErrorCode::InvalidTransactionState, "the transaction has ended");
  if (!has_writes()) {
    rollback();
    return core_.snapshot().seq;
  }
  try {
    check_active();
    for (const auto& [id, own] : tables_) TICKSTONE_CHECK(own.replaced == nullptr);
    // While the last segments are written, the rows behind them go to the log.
    if (job_ != nullptr) log_rest();
    take_sealed(cancelled_);
    std::size_t bytes = 0;
    for (const auto& lone : lone_) bytes += lone.rows.memory_bytes();
    for (const auto& [id, own] : tables_) {
      for (const auto& part : own.parts) bytes += part.rows->memory_bytes();
    }
    core_.wait_for_room(bytes);
    if (has_sealed_) prepare_sealed();
    lone_.empty() ? encode() : encode_lone();
    const CommitSeq seq = core_.commits.commit(*this, synchronous);
    if (on_committed_) on_committed_(seq);
    // A manifest that names the segments lets go of the log.
    if (has_sealed_ && core_.checkpointer != nullptr) core_.checkpointer->request();
    finish();
    return seq;
  } catch (...) {
    rollback();
    throw;
  }
}

void StoreTransaction::rollback() noexcept {
  if (is_finished_) return;
  if (has_logged_) {
    try {
      core_.log->append(LogRecordKind::Abort, id_, {});
    } catch (const Error&) {
      // Boundary: the record only spares recovery some reading.
    }
  }
  finish();
}

void StoreTransaction::finish() noexcept {
  is_finished_ = true;
  job_.reset();
  core_.locks.release_all(lock_owner_);
  if (has_logged_) core_.forget_log_use(id_);
  undo_.clear();
  tables_.clear();
  lone_.clear();
  changes_.reset();
}

}  // namespace tickstone::storage
