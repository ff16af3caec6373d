// SPDX-License-Identifier: Apache-2.0
// How a transaction's rows become everybody's.
#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/commit_record.hpp"
#include "storage/key_codec.hpp"
#include "storage/store_core.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

/// A chunk with more layers than this in memory takes rows one by one.
constexpr std::size_t kMaxAdoptedLayers = 8;
/// Of so few rows the columns made for the log are kept until the rows are applied.
constexpr std::size_t kKeptRows = 64;
constexpr std::size_t kRecordBytes = 512;  // of a small commit

std::vector<RowNumber> live_rows(const OpenChunk& rows, RowNumber first) {
  std::vector<RowNumber> live;
  for (RowNumber row = first; row < rows.row_count(); ++row) {
    if (rows.is_live(row)) live.push_back(row);
  }
  return live;
}

std::vector<RowNumber> ended_rows(const OpenChunk& rows, RowNumber count) {
  std::vector<RowNumber> ended;
  for (std::size_t block = 0; OpenChunk::block_begin(block) < count; ++block) {
    if (rows.is_block_whole(block)) continue;
    const RowNumber end = std::min(count, OpenChunk::block_begin(block) + OpenChunk::block_capacity(block));
    for (RowNumber row = OpenChunk::block_begin(block); row < end; ++row) {
      if (!rows.is_live(row)) ended.push_back(row);
    }
  }
  return ended;
}

}  // namespace

/// The log record of the commit: what is left of the transaction when all operations are laid together.
void StoreTransaction::encode() {
  record_.clear();
  struct Kept {
    Batch* logged;
    std::size_t table, run;  // in the commit's record
  };
  std::vector<Kept> kept;
  CommitRecord commit;
  commit.transaction = id_;
  if (time_us_ == kUnknownTime) time_us_ = core_.options.clock->now_us();
  commit.time_us = time_us_;
  for (auto& [id, own] : tables_) {
    const auto* overlay = own.overlay.get();
    if (overlay == nullptr && own.base == nullptr) continue;
    const bool is_created = overlay != nullptr && overlay->is_created;
    if (is_created && overlay->is_dropped) continue;
    const TableSchema& schema = overlay != nullptr ? *overlay->schema : *own.base->schema;
    if (schema.temporary) continue;
    LoggedTable table;
    table.table = id;
    if (overlay != nullptr) {
      table.ddl = overlay->is_dropped   ? LoggedTable::Ddl::Drop
                  : is_created          ? LoggedTable::Ddl::Create
                  : overlay->is_altered ? LoggedTable::Ddl::Alter
                                        : LoggedTable::Ddl::None;
      table.is_truncated = overlay->is_truncated && !is_created;
      table.dropped_chunks = overlay->dropped_chunks;
      table.made_chunks = overlay->made_chunks;
      if (table.ddl == LoggedTable::Ddl::Create || table.ddl == LoggedTable::Ddl::Alter) {
        table.schema = schema;
        table.defaults.assign(overlay->defaults.begin(), overlay->defaults.end());
      }
    }
    own.touched_keys.reset();
    if (table.ddl != LoggedTable::Ddl::Drop) {
      if (own.touched != nullptr) {
        auto touched = own.touched->touched();
        const auto cells = views_of(touched.keys);
        std::vector<std::uint32_t> erased;
        for (std::uint32_t row = 0; row < touched.encoded.size(); ++row) {
          const auto& key = touched.encoded[row];
          // Rows in segments of their own are not compared with others when they are applied.
          if (find_own(own.parts, cells, row, key, hash_key(key), position_).part == nullptr)
            erased.push_back(row);
        }
        own.erases = !erased.empty();
        if (own.erases) table.erased_keys = select_rows(touched.keys, erased);
        own.touched_keys = std::move(touched.keys);
      }
      encode_sealed(own, table);
      for (std::size_t i = 0; i < own.parts.size(); ++i) {
        const OpenChunk& rows = *own.parts[i].rows;
        const RowNumber logged = own.part_states[i].logged_rows;
        own.part_states[i].logged = {};
        if (logged > 0) table.earlier.push_back({own.parts[i].number, ended_rows(rows, logged)});
        const auto live = live_rows(rows, logged);
        if (live.empty()) continue;
        LoggedRows run;
        run.table = id;
        run.columns.reserve(rows.column_count());
        for (const auto& column : rows.schema().columns) run.columns.push_back(column.id);
        if (rows.has_row_ids()) run.columns.push_back(kRowIdColumn);
        run.rows = rows.gather(live);
        if (logged == 0 && live.size() <= kKeptRows)
          kept.push_back({&own.part_states[i].logged, commit.tables.size(), table.rows.size()});
        table.rows.push_back(std::move(run));
      }
    }
    const bool is_empty = table.ddl == LoggedTable::Ddl::None && !table.is_truncated &&
                          table.dropped_chunks.empty() && table.made_chunks.empty() &&
                          table.erased_keys.columns.empty() && table.segments.empty() &&
                          table.earlier.empty() && table.rows.empty();
    if (!is_empty) commit.tables.push_back(std::move(table));
  }
  if (commit.tables.empty()) return;
  ByteWriter body;
  body.reserve(kRecordBytes);
  put_commit(commit, body);
  record_ = body.take();
  for (const auto& [rows, table, run] : kept) *rows = std::move(commit.tables[table].rows[run].rows);
}

/// Errors: UndefinedTable, SerializationFailure where the table is not what the transaction wrote to.
void StoreTransaction::require_unchanged(const TableSchema& schema, const TableState* committed) {
  if (committed == nullptr) {
    throw Error(ErrorCode::UndefinedTable, "relation \"" + schema.name + "\" does not exist",
                "It was dropped by another transaction.");
  }
  if (committed->schema.get() != &schema) {
    throw Error(ErrorCode::SerializationFailure, "could not serialize access due to concurrent update",
                fmt::format("Table \"{}\" was altered by another transaction.", schema.name));
  }
}

void StoreTransaction::prepare(const StateBuilder& state) {
  if (!lone_.empty()) return prepare_lone(state);
  bool has_skipped = false;
  for (auto& [id, own] : tables_) {
    own.ends.clear();
    const auto* overlay = own.overlay.get();
    const auto committed = state.share(id);
    if (overlay != nullptr && overlay->is_created) {
      if (committed != nullptr) {
        throw Error(ErrorCode::DuplicateTable, "relation \"" + overlay->schema->name + "\" already exists");
      }
      continue;
    }
    if (own.base == nullptr) continue;
    const bool writes =
        overlay != nullptr || !own.parts.empty() || own.touched != nullptr || own.sealed != nullptr;
    if (!writes) continue;
    require_unchanged(*own.base->schema, committed.get());
    if (overlay != nullptr && overlay->is_dropped) continue;
    // Whoever copied a chunk had the table alone; a row that came in spite of that must not be lost.
    if (committed->counters->last_commit.load(std::memory_order_acquire) > own.copied_at) {
      throw Error(ErrorCode::SerializationFailure, "could not serialize access due to concurrent update");
    }
    const auto table = overlay == nullptr ? committed : overlaid(committed, *overlay);
    check_ranges(own, *table);
    const auto before = record_.size();
    prepare_table(id, own, *table);
    has_skipped |= before != record_.size();
  }
  if (has_skipped) encode();
  if (!record_.empty()) set_first_chunk(record_, state.next_chunk());
}

/// Rows that were gathered for one chunk must not come to lie in two: others may have divided it.
void StoreTransaction::check_ranges(const OwnTable& own, const TableState& table) {
  const auto is_divided = [&](const TimeRange& range) {
    const TimeRange now = chunk_range(table, range.start);
    return now.start > range.start || now.end < range.end;
  };
  const bool has_divided = std::any_of(own.parts.begin(), own.parts.end(),
                                       [&](const OwnPart& part) {
                                         return is_divided(part.range) && part.rows->live_row_count() > 0;
                                       }) ||
                           (own.sealed != nullptr &&
                            std::any_of(own.sealed->chunks.begin(), own.sealed->chunks.end(),
                                        [&](const auto& entry) { return is_divided(entry.second->range); }));
  if (has_divided)
    throw Error(
        ErrorCode::SerializationFailure, "could not serialize access due to concurrent update",
        fmt::format("Chunks of table \"{}\" were changed by another transaction.", table.schema->name));
}

/// Finds the rows that this commit ends, and whether its new keys are still new.
void StoreTransaction::prepare_table(TableId id, OwnTable& own, const TableState& table) {
  check_sealed(id, own, table, core_.applied_seq);
  if (own.touched != nullptr) {
    if (!own.touched_keys) own.touched_keys = own.touched->touched().keys;
    for (const auto& place : locate(table, *own.touched_keys, kNewest)) {
      if (place) own.ends.push_back(place);
    }
  }
  const TableSchema& schema = *table.schema;
  if (schema.primary_key.empty()) return;
  if (table.counters->last_commit.load(std::memory_order_acquire) <= own.checked) return;
  // Others have committed since the rows were checked.
  for (std::size_t i = 0; i < own.parts.size(); ++i) {
    OpenChunk& rows = *own.parts[i].rows;
    const auto* chunk = table.find_chunk(own.parts[i].range.start);
    if (chunk == nullptr) continue;
    const ChunkLayers layers = ChunkLayers::all_of(chunk, kCommittedLayers);
    std::vector<RowNumber> suspects;
    std::string key;
    for (std::uint32_t series = 0; series < rows.series().size(); ++series) {
      const auto& known = rows.series()[series];
      const std::int64_t last = layers.last_time(rows, known.last_row.load(std::memory_order_acquire));
      if (last == INT64_MIN || (schema.time_column && known.min_time > last)) continue;
      for (const RowNumber row : rows.series_rows(series, rows.row_count())) {
        if (!rows.is_live(row) || (schema.time_column && rows.time(row) > last)) continue;
        if (own.touched != nullptr) {
          key.clear();
          rows.append_key(key, row);
          if (own.touched->contains(key, hash_key(key))) continue;
        }
        suspects.push_back(row);
      }
    }
    if (suspects.empty()) continue;
    std::sort(suspects.begin(), suspects.end());
    const Batch suspect_rows = rows.gather(suspects);
    Batch keys;
    for (const auto& cell : key_cells(rows.schema(), views_of(suspect_rows))) {
      keys.columns.emplace_back(cell.type, cell.layout).append_all(cell);
    }
    const auto places = locate(table, keys, kNewest);
    const auto& runs = own.part_states[i].runs;
    for (std::size_t at = 0; at < places.size(); ++at) {
      if (!places[at]) continue;
      const auto run =
          std::prev(std::upper_bound(runs.begin(), runs.end(), suspects[at],
                                     [](RowNumber row, const Run& next) { return row < next.first; }));
      switch (run->mode) {
        case OnDuplicate::Fail:
          throw_duplicate(schema, views_of(keys), at);
        case OnDuplicate::Skip:
          rows.set_ended(suspects[at], 0);
          record_.clear();  // to be made again without the row
          break;
        case OnDuplicate::Replace:
          own.ends.push_back(places[at]);
          break;
      }
    }
  }
}

void StoreTransaction::apply(StateBuilder& state, CommitSeq seq) {
  state.set_time(time_us_);
  if (!lone_.empty()) return apply_lone(state, seq);
  for (auto& [id, own] : tables_) {
    if (own.overlay != nullptr && own.overlay->is_created && own.overlay->is_dropped) continue;
    if (own.overlay == nullptr && own.base == nullptr) continue;
    apply_table(id, own, state, seq);
  }
}

void StoreTransaction::apply_table(TableId id, OwnTable& own, StateBuilder& state, CommitSeq seq) {
  const auto* overlay = own.overlay.get();
  const bool writes =
      overlay != nullptr || !own.parts.empty() || own.touched != nullptr || own.sealed != nullptr;
  if (!writes) return;
  if (overlay != nullptr) {
    if (overlay->is_dropped) {
      state.drop_table(id);
      return;
    }
    if (overlay->is_created) {
      auto table = std::make_shared<TableState>();
      table->schema = overlay->schema;
      table->version = overlay->version;
      table->layout = overlay->layout;
      table->defaults = overlay->defaults;
      table->counters = overlay->counters;
      state.add_table(std::move(table));
    } else {
      if (overlay->is_altered) {
        TableState& table = state.edit_table(id);
        table.layout = carried_layout(table.layout, *table.schema, *overlay->schema);
        table.schema = overlay->schema;
        table.version = std::max(overlay->version, core_.next_version());
        table.defaults = overlay->defaults;
      }
      state.widen(id, overlay->layout, core_.next_version());
      if (overlay->is_truncated) state.drop_all_chunks(id);
      for (const std::int64_t start : overlay->dropped_chunks) state.drop_chunk(id, start);
      for (const auto& made : overlay->made_chunks) state.make_chunk(id, made);
    }
  }
  for (const auto& place : own.ends) place.set_ended(seq);
  core_.note_ends(own.ends, seq);

  apply_sealed(id, own, state, seq);
  const auto counters = state.find(id)->counters;
  for (std::size_t i = 0; i < own.parts.size(); ++i) {
    const auto& part = own.parts[i];
    OpenChunk& rows = *part.rows;
    const std::uint64_t live = rows.live_row_count();
    if (live == 0) continue;
    const auto* table = state.find(id);
    const bool is_current =
        rows.shared_schema() == table->schema && rows.layout().columns == table->layout.columns;
    const auto first_live = [&] {
      RowNumber row = 0;
      while (!rows.is_live(row)) ++row;
      return row;
    };
    const std::int64_t time = table->schema->time_column ? rows.time(first_live()) : 0;
    const auto* chunk = table->find_chunk(time);
    if (live >= core_.options.adopted_rows && live * 2 >= rows.row_count() && is_current &&
        (chunk == nullptr || chunk->open.size() < kMaxAdoptedLayers)) {
      state.adopt(id, time, part.rows, seq);
      continue;
    }
    if (const Batch& logged = own.part_states[i].logged; is_current && logged.row_count() == live) {
      const auto columns = views_of(logged);
      OpenChunk::Rows source;
      source.columns = &columns;
      source.count = static_cast<RowNumber>(live);
      state.append(id, time, source, seq, nullptr);
      continue;
    }
    std::vector<std::unique_ptr<MissingColumn>> missing(table->schema->columns.size());
    for (std::size_t block = 0; OpenChunk::block_begin(block) < rows.row_count(); ++block) {
      const RowNumber begin = OpenChunk::block_begin(block);
      const RowNumber count = std::min(rows.row_count() - begin, OpenChunk::block_capacity(block));
      std::vector<OpenChunk::Lease> leases(rows.column_count());
      std::vector<ColumnView> columns;
      const auto& target = *state.find(id)->schema;
      for (std::size_t column = 0; column < target.columns.size(); ++column) {
        if (rows.schema().find(target.columns[column].id) != nullptr) {
          const std::size_t index = rows.schema().index_of(target.columns[column].id);
          columns.push_back(rows.view(index, begin, count, leases[index]));
        } else {
          if (missing[column] == nullptr)
            missing[column] = std::make_unique<MissingColumn>(*state.find(id), column);
          columns.push_back(missing[column]->view(count));
        }
      }
      if (rows.has_row_ids()) {
        columns.push_back(rows.view(rows.column_count() - 1, begin, count, leases.back()));
      }
      std::vector<RowNumber> chosen;
      if (!rows.is_block_whole(block)) {
        for (RowNumber row = 0; row < count; ++row) {
          if (rows.is_live(begin + row)) chosen.push_back(row);
        }
        if (chosen.empty()) continue;
      }
      OpenChunk::Rows source;
      source.columns = &columns;
      source.rows = chosen.empty() ? nullptr : chosen.data();
      source.count = chosen.empty() ? count : static_cast<RowNumber>(chosen.size());
      state.append(id, time, source, seq, nullptr);
    }
  }
  counters->last_commit.store(seq, std::memory_order_release);
  const bool drops_rows = overlay != nullptr && (overlay->is_truncated || !overlay->dropped_chunks.empty());
  if (own.erases || drops_rows) counters->last_erase.store(seq, std::memory_order_release);
}

}  // namespace tickstone::storage
