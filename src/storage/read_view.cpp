// SPDX-License-Identifier: Apache-2.0
#include "storage/read_view.hpp"

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/key_codec.hpp"
#include "storage/locate.hpp"
#include "storage/row_count.hpp"
#include "storage/table_scan.hpp"

namespace tickstone::storage {

OwnFound find_own(const std::vector<OwnPart>& parts, const std::vector<ColumnView>& cells,
                  std::size_t cell_row, std::string_view key, std::uint64_t hash, std::uint64_t position) {
  for (std::size_t i = parts.size(); i-- > 0;) {
    const OpenChunk& rows = *parts[i].rows;
    if (!rows.may_hold(cells, cell_row)) continue;
    const auto found = rows.find(key, hash, position);
    if (found.found == OpenChunk::Found::Visible) return {&parts[i], found.row};
    if (found.found == OpenChunk::Found::Gone) return {};
  }
  return {};
}

const TableState* SnapshotView::find(TableId table) const {
  if (own_ != nullptr) {
    const auto changed = own_->tables.find(table);
    if (changed != own_->tables.end()) return changed->second.get();
  }
  return snapshot_.state->find(table);
}

const TableState* SnapshotView::find_unchanged(TableId table) const {
  const bool is_changed = own_ != nullptr && (own_->tables.contains(table) || own_->rows.contains(table));
  return is_changed ? nullptr : snapshot_.state->find(table);
}

TableView SnapshotView::view_of(TableId table) const {
  TableView view;
  view.seq = snapshot_.seq;
  bool is_changed = false;
  if (own_ != nullptr) {
    view.position = own_->position;
    const auto rows = own_->rows.find(table);
    if (rows != own_->rows.end()) view.own = rows->second;
    const auto changed = own_->tables.find(table);
    is_changed = changed != own_->tables.end();
    if (is_changed) view.table = changed->second;
  }
  if (!is_changed) {
    const auto found = snapshot_.state->tables.find(table);
    if (found != snapshot_.state->tables.end()) view.table = found->second;
  }
  if (view.table == nullptr)
    throw Error(ErrorCode::UndefinedTable, fmt::format("table {} does not exist", table));
  return view;
}

std::vector<TableId> SnapshotView::tables() const {
  std::vector<TableId> ids;
  for (const auto& [id, table] : snapshot_.state->tables) {
    if (find(id) != nullptr) ids.push_back(id);
  }
  if (own_ != nullptr) {
    for (const auto& [id, table] : own_->tables) {
      if (table != nullptr && snapshot_.state->find(id) == nullptr) ids.push_back(id);
    }
  }
  return ids;
}

const TableSchema* SnapshotView::schema(TableId table) const {
  const auto* state = find(table);
  return state == nullptr ? nullptr : state->schema.get();
}

std::uint64_t SnapshotView::schema_version(TableId table) const {
  const auto* state = find(table);
  return state == nullptr ? 0 : state->version;
}

std::vector<ColumnLayout> SnapshotView::layouts(TableId table) const {
  return view_of(table).table->layout.columns;
}

std::unique_ptr<TableScan> SnapshotView::scan(const ScanRequest& request) const {
  return make_table_scan(view_of(request.table), request);
}

std::vector<ChunkInfo> SnapshotView::chunks(TableId table) const {
  std::vector<ChunkInfo> infos;
  if (const auto* state = find(table)) {
    for (const auto& [start, chunk] : state->chunks) infos.push_back(describe_chunk(table, *chunk));
  }
  return infos;
}

CommitSeq SnapshotView::newest_commit(TableId table) const {
  const TableState* state = find(table);
  return state == nullptr ? 0 : state->counters->last_commit.load(std::memory_order_acquire);
}

std::uint64_t SnapshotView::row_count(TableId table) const {
  TableView view = view_of(table);
  std::uint64_t count = 0;
  if (view.has_touched()) {
    ScanRequest request;
    request.table = table;
    return count_rows(*make_table_scan(std::move(view), request));
  }
  for (const auto& [start, chunk] : view.table->chunks) {
    for (const auto& sealed : chunk->segments) count += sealed->visible_row_count(view.seq);
    for (const auto& open : chunk->open) count += open->visible_row_count(view.seq);
  }
  if (view.own != nullptr) {
    for (const auto& part : view.own->parts) count += part.rows->visible_row_count(view.position);
    if (view.own->sealed != nullptr) {
      for (const auto& [start, chunk] : view.own->sealed->chunks) {
        for (const auto& sealed : chunk->segments) count += sealed->visible_row_count(view.position);
      }
    }
  }
  return count;
}

ReadView::LookupResult SnapshotView::lookup(TableId table, const Batch& keys) const {
  const TableView view = view_of(table);
  LookupResult result;
  result.rows = empty_rows(*view.table);
  result.found.assign(keys.row_count(), -1);
  auto places = locate(*view.table, keys, view.seq);
  if (view.own != nullptr) {
    const auto cells = views_of(keys);
    std::string key;
    std::vector<RowPlace> sealed;
    if (view.own->sealed != nullptr) sealed = locate(*view.own->sealed, keys, view.position);
    for (std::size_t row = 0; row < places.size(); ++row) {
      key.clear();
      for (const auto& cell : cells) append_key_part(key, cell, row);
      const std::uint64_t hash = hash_key(key);
      const auto own = find_own(view.own->parts, cells, row, key, hash, view.position);
      if (own.part != nullptr) {
        places[row] = RowPlace{};
        places[row].open = own.part->rows.get();
        places[row].row = own.row;
      } else if (!sealed.empty() && sealed[row]) {
        places[row] = sealed[row];
      } else if (view.own->touched != nullptr && view.own->touched->hides(key, hash, view.position)) {
        places[row] = RowPlace{};
      }
    }
  }
  std::int64_t next = 0;
  for (std::size_t row = 0; row < places.size(); ++row) {
    if (!places[row]) continue;
    append_row(*view.table, places[row], result.rows);
    result.found[row] = next++;
  }
  return result;
}

}  // namespace tickstone::storage
