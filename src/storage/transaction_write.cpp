// SPDX-License-Identifier: Apache-2.0
// INSERT, UPDATE, DELETE and row locks of a transaction.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/commit_record.hpp"
#include "storage/key_codec.hpp"
#include "storage/row_time.hpp"
#include "storage/rows_by_series.hpp"
#include "storage/store_core.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

/// Rows of small batches are locked also where nothing committed can collide: another session that inserts
/// the same key waits. Of larger ones committing decides; so it does after this many locks.
constexpr std::size_t kAlwaysLockedRows = 256;
constexpr std::size_t kMostInsertLocks = 100'000;
/// Batches with more rows that could collide are not locked row by row: committing decides.
constexpr std::size_t kMaxLockedRows = 10'000;
/// Parts with fewer rows than this are not divided by savepoints.
constexpr RowNumber kLeastSealedRows = 4096;
/// Rows of one log record.
constexpr RowNumber kLoggedRows = 65'536;

}  // namespace

/// Whether rows go to a new part: a part can go to a segment when no savepoint divides its rows.
bool StoreTransaction::ends_part(const OpenChunk& rows, const PartState& state) const {
  return rows.row_count() >= kLeastSealedRows && !savepoints_.empty() &&
         savepoints_.back() >= state.first_position;
}

/// What lies below a transaction's newest rows of a chunk: its own earlier runs and what is committed.
class StoreTransaction::OwnLayers final : public OlderLayers {
 public:
  OwnLayers(const TableState& table, const TableState* sealed, const std::vector<OwnPart>& parts,
            std::size_t part, CommitSeq seq)
      : parts_(parts),
        part_(part),
        committed_(ChunkLayers::all_of(table.find_chunk(parts[part].range.start), seq + 1)) {
    if (sealed != nullptr) {
      sealed_.emplace(ChunkLayers::all_of(sealed->find_chunk(parts[part].range.start), seq + 1));
    }
  }

  std::int64_t last_time(const OpenChunk& rows, RowNumber row) const override {
    std::int64_t last = committed_.last_time(rows, row);
    if (sealed_) last = std::max(last, sealed_->last_time(rows, row));
    for (std::size_t i = 0; i < part_; ++i) {
      if (parts_[i].range.start != parts_[part_].range.start || parts_[i].rows->row_count() == 0) continue;
      if (!rows.schema().time_column) return INT64_MAX;
      if (const auto series = parts_[i].rows->find_series_of(rows, row)) {
        last = std::max(last, parts_[i].rows->series_last_time(*series));
      }
    }
    return last;
  }
  std::uint64_t version() const override { return committed_.version(); }

 private:
  const std::vector<OwnPart>& parts_;
  std::size_t part_;
  ChunkLayers committed_;
  std::optional<ChunkLayers> sealed_;
};

void StoreTransaction::check_rows(const TableSchema& schema, const std::vector<ColumnView>& columns) const {
  TICKSTONE_CHECK(columns.size() >= schema.columns.size());
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const auto& column = schema.columns[i];
    TICKSTONE_CHECK(columns[i].layout.physical == initial_layout(column.type).physical ||
                    column.type.id == TypeId::Numeric);
    const bool is_key = std::find(schema.primary_key.begin(), schema.primary_key.end(), column.id) !=
                        schema.primary_key.end();
    if ((!column.not_null && !is_key && schema.time_column != column.id) || columns[i].validity == nullptr)
      continue;
    for (std::size_t row = 0; row < columns[i].size; ++row) {
      if (!columns[i].is_null(row)) continue;
      throw Error(
          ErrorCode::NotNullViolation,
          fmt::format("null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                      column.name, schema.name),
          describe_failing_row(
              {columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(schema.columns.size())}, row))
          .about(schema.name, column.name);
    }
  }
  check_times(schema, columns);
}

std::shared_ptr<const TableState> StoreTransaction::widened(TableId id, OwnTable& own,
                                                            const Snapshot& snapshot,
                                                            const std::vector<ColumnView>& columns) {
  auto table = seen_as(id, own, snapshot);
  if (holds(table->layout, *table->schema, columns)) return table;
  auto layout = widened_for(table->layout, *table->schema, columns);
  if (layout == table->layout) return table;
  auto overlay = copy_overlay(id, own, snapshot);
  if (layout.columns != table->layout.columns) overlay->version = core_.next_version();
  overlay->layout = std::move(layout);
  set_overlay(id, own, std::move(overlay));
  return seen_as(id, own, snapshot);
}

std::vector<StoreTransaction::Placed> StoreTransaction::place_rows(
    TableId id, OwnTable& own, const TableState& table, const std::vector<ColumnView>& columns,
    const std::vector<RowNumber>* picked, OnDuplicate mode, const Snapshot& snapshot, bool wants_suspects) {
  const auto count = static_cast<RowNumber>(picked == nullptr ? columns.front().size : picked->size());
  struct Group {
    TimeRange range;
    std::vector<RowNumber> rows;
  };
  std::vector<Group> groups;
  auto row_at = [&](RowNumber i) { return picked == nullptr ? i : (*picked)[i]; };
  if (count == 0) return {};
  if (!table.schema->time_column) {
    groups.push_back({chunk_range(table, 0), {}});
    if (picked != nullptr) groups.front().rows = *picked;
  } else {
    const ColumnView& times = columns[table.schema->index_of(*table.schema->time_column)];
    std::map<std::int64_t, std::size_t> by_start;
    std::size_t current = 0;
    auto is_in = [](const TimeRange& range, std::int64_t time) {
      return time >= range.start && (time < range.end || range.end == INT64_MAX);
    };
    bool is_all_one = true;
    for (RowNumber i = 0; i < count; ++i) {
      const std::int64_t time = time_of(times, row_at(i));
      if (groups.empty() || !is_in(groups[current].range, time)) {
        const TimeRange range = chunk_range(table, time);
        const auto [entry, is_new] = by_start.try_emplace(range.start, groups.size());
        if (is_new) groups.push_back({range, {}});
        current = entry->second;
        if (groups.size() > 1 && is_all_one) {
          // The rows so far were the first group's.
          is_all_one = false;
          for (RowNumber earlier = 0; earlier < i; ++earlier) groups.front().rows.push_back(row_at(earlier));
        }
      }
      if (!is_all_one) groups[current].rows.push_back(row_at(i));
    }
    if (is_all_one && picked != nullptr) groups.front().rows = *picked;
  }

  std::vector<Placed> placed;
  for (auto& group : groups) {
    std::size_t part = own.parts.size();
    while (part > 0 && own.parts[part - 1].range != group.range) --part;
    const bool fits = part > 0 && own.parts[part - 1].rows->shared_schema() == table.schema &&
                      own.parts[part - 1].rows->layout().columns == table.layout.columns &&
                      !own.part_states[part - 1].is_sealing &&
                      !ends_part(*own.parts[part - 1].rows, own.part_states[part - 1]);
    if (fits) {
      --part;
    } else {
      part = own.parts.size();
      own.parts.push_back(
          {next_part_++, group.range, std::make_shared<OpenChunk>(table.schema, table.layout)});
      own.part_states.emplace_back();
    }
    OpenChunk& rows = *own.parts[part].rows;
    Placed result;
    result.part = part;
    result.picked = rows_by_series(*table.schema, columns, group.rows);
    const bool is_rearranged = !result.picked.empty();
    if (!is_rearranged) result.picked = std::move(group.rows);
    result.count = result.picked.empty() ? count : static_cast<RowNumber>(result.picked.size());
    OpenChunk::Rows source;
    source.columns = &columns;
    source.rows = result.picked.empty() ? nullptr : result.picked.data();
    source.count = result.count;
    const OwnLayers older(table, own.sealed.get(), own.parts, part, snapshot.seq);
    result.first = rows.append(source, position_, older, wants_suspects ? &result.suspects : nullptr);
    if (is_rearranged && !result.suspects.empty()) {
      // The first that was given is the first that is refused.
      std::vector<RowNumber> by_batch_row(columns.front().size, kNoRow);
      for (const RowNumber row : result.suspects) by_batch_row[result.batch_row(row)] = row;
      result.suspects.clear();
      for (const RowNumber row : by_batch_row) {
        if (row != kNoRow) result.suspects.push_back(row);
      }
    }
    auto& part_state = own.part_states[part];
    if (part_state.first_position == 0) part_state.first_position = position_;
    part_state.last_position = position_;
    auto& runs = part_state.runs;
    if (runs.empty() || runs.back().mode != mode) runs.push_back({result.first, mode});
    Undo undo;
    undo.position = position_;
    undo.kind = Undo::Kind::Appended;
    undo.table = id;
    undo.rows = &rows;
    undo.first = result.first;
    undo.count = result.count;
    undo_.push_back(std::move(undo));
    placed.push_back(std::move(result));
  }
  own.checked = std::min(own.checked, snapshot.seq);
  own.view_checked = std::min(own.view_checked, snapshot.seq);
  return placed;
}

void StoreTransaction::end_own(TableId id, const OwnFound& found) {
  found.part->rows->set_ended(found.row, position_);
  Undo undo;
  undo.position = position_;
  undo.kind = Undo::Kind::Ended;
  undo.table = id;
  undo.rows = found.part->rows.get();
  undo.first = found.row;
  undo_.push_back(std::move(undo));
}

void StoreTransaction::touch(TableId id, OwnTable& own, const TableSchema& schema,
                             const std::vector<ColumnView>& cells, std::size_t row, std::string_view key,
                             std::uint64_t hash, bool is_guess) {
  if (own.touched == nullptr) own.touched = std::make_shared<TouchedKeys>(empty_keys(schema));
  if (!own.touched->add(cells, row, key, hash, position_, is_guess)) return;
  if (!undo_.empty() && undo_.back().kind == Undo::Kind::Touched && undo_.back().table == id &&
      undo_.back().position == position_) {
    return;
  }
  Undo undo;
  undo.position = position_;
  undo.kind = Undo::Kind::Touched;
  undo.table = id;
  undo_.push_back(std::move(undo));
}

LockTable::Patience StoreTransaction::patience() const {
  LockTable::Patience patience;
  if (lock_timeout_.count() > 0) patience.deadline = std::chrono::steady_clock::now() + lock_timeout_;
  if (cancelled_) patience.cancelled = &cancelled_;
  return patience;
}

bool StoreTransaction::lock_keys(TableId id, const std::vector<ColumnView>& cells, std::size_t count,
                                 LockMode mode) {
  bool has_waited = false;
  std::string key;
  const auto patience = this->patience();
  for (std::size_t row = 0; row < count; ++row) {
    key.clear();
    for (const auto& cell : cells) append_key_part(key, cell, row);
    has_waited |= core_.locks.lock(lock_owner_, id, hash_key(key), mode, patience) ==
                  LockTable::Outcome::TakenAfterWait;
  }
  return has_waited;
}

std::vector<bool> StoreTransaction::try_lock(TableId id, const Batch& keys, LockMode mode) {
  check_active();
  const auto cells = views_of(keys);
  LockTable::Patience patience;
  patience.no_wait = true;
  std::vector<bool> taken(keys.row_count());
  std::string key;
  for (std::size_t row = 0; row < taken.size(); ++row) {
    key.clear();
    for (const auto& cell : cells) append_key_part(key, cell, row);
    taken[row] =
        core_.locks.lock(lock_owner_, id, hash_key(key), mode, patience) != LockTable::Outcome::NotAvailable;
  }
  return taken;
}

bool StoreTransaction::lock_table(TableId id, bool exclusive) {
  check_active();
  return core_.locks.lock_table(lock_owner_, id, exclusive ? LockMode::Update : LockMode::KeyShare,
                                patience()) == LockTable::Outcome::TakenAfterWait;
}

bool StoreTransaction::try_lock_table(TableId id, bool exclusive) {
  check_active();
  LockTable::Patience patience;
  patience.no_wait = true;
  return core_.locks.lock_table(lock_owner_, id, exclusive ? LockMode::Update : LockMode::KeyShare,
                                patience) != LockTable::Outcome::NotAvailable;
}

void StoreTransaction::throw_duplicate(const TableSchema& schema, const std::vector<ColumnView>& cells,
                                       std::size_t row) const {
  Error error(ErrorCode::UniqueViolation,
              fmt::format("duplicate key value violates unique constraint \"{}\"", schema.primary_key_name),
              describe_duplicate(schema, cells, row));
  error.about(schema.name, {}, schema.primary_key_name);
  throw error;
}

void StoreTransaction::resolve_suspects(TableId id, OwnTable& own, const TableState& table,
                                        const Placed& placed, OnDuplicate mode,
                                        const std::vector<ColumnView>& columns, InsertResult& result) {
  if (placed.suspects.empty()) return;
  const TableSchema& schema = *table.schema;
  const auto cells = key_cells(schema, columns);
  OpenChunk& rows = *own.parts[placed.part].rows;
  const std::vector<OwnPart> earlier(own.parts.begin(),
                                     own.parts.begin() + static_cast<std::ptrdiff_t>(placed.part));
  auto skip = [&](RowNumber row) {
    rows.set_ended(row, 0);
    result.skipped.push_back(placed.batch_row(row));
    --result.inserted;
  };
  std::vector<RowNumber> open_questions;
  std::string key;
  for (const RowNumber row : placed.suspects) {
    const RowNumber batch_row = placed.batch_row(row);
    key.clear();
    rows.append_key(key, row);
    const std::uint64_t hash = hash_key(key);
    OwnFound own_row;
    OpenChunk::FoundRow found;
    if (rows.may_have_key_twice(row)) found = rows.find(key, hash, position_, row);
    if (found.found == OpenChunk::Found::Visible) {
      own_row = {&own.parts[placed.part], found.row};
    } else if (found.found == OpenChunk::Found::Absent) {
      own_row = find_own(earlier, cells, batch_row, key, hash, position_);
    }
    if (own_row.part != nullptr) {
      if (mode == OnDuplicate::Fail) throw_duplicate(schema, cells, batch_row);
      if (mode == OnDuplicate::Skip) {
        skip(row);
      } else {
        end_own(id, own_row);
      }
      continue;
    }
    // Touched and without an own row: erased by this transaction, so there is nothing to collide with. One
    // among the sealed may have taken its place since.
    const bool is_touched = own.touched != nullptr && own.touched->contains(key, hash);
    if (!is_touched || own.sealed != nullptr) open_questions.push_back(row);
  }
  if (open_questions.empty()) return;

  const auto keys_of = [&](const std::vector<RowNumber>& asked) {
    std::vector<RowNumber> batch_rows;
    batch_rows.reserve(asked.size());
    for (const RowNumber row : asked) batch_rows.push_back(placed.batch_row(row));
    Batch asked_keys;
    asked_keys.columns.reserve(cells.size());
    for (const auto& cell : cells) {
      auto& column = asked_keys.columns.emplace_back(cell.type, cell.layout);
      column.append_rows(cell, batch_rows.data(), batch_rows.size());
    }
    return asked_keys;
  };
  Batch keys = keys_of(open_questions);
  if (own.sealed != nullptr) {
    const auto sealed = locate_sealed(own, keys);
    std::vector<RowNumber> left;
    for (std::size_t i = 0; i < open_questions.size(); ++i) {
      if (!sealed[i]) {
        left.push_back(open_questions[i]);
      } else if (mode == OnDuplicate::Fail) {
        throw_duplicate(schema, views_of(keys), i);
      } else if (mode == OnDuplicate::Skip) {
        skip(open_questions[i]);
      } else {
        end_sealed(id, sealed[i]);
      }
    }
    if (left.empty()) return;
    if (left.size() < open_questions.size()) {
      open_questions = std::move(left);
      keys = keys_of(open_questions);
    }
  }
  if (own.sealed != nullptr && own.touched != nullptr) {
    const auto asked_views = views_of(keys);
    std::vector<RowNumber> left;
    for (std::size_t i = 0; i < open_questions.size(); ++i) {
      key.clear();
      for (const auto& cell : asked_views) append_key_part(key, cell, i);
      if (!own.touched->contains(key, hash_key(key))) left.push_back(open_questions[i]);
    }
    if (left.empty()) return;
    if (left.size() < open_questions.size()) {
      open_questions = std::move(left);
      keys = keys_of(open_questions);
    }
  }
  const auto key_views = views_of(keys);
  if (own.replaced == nullptr && open_questions.size() <= kMaxLockedRows &&
      lock_owner_.count() < kMostInsertLocks)
    lock_keys(id, key_views, open_questions.size(), LockMode::Update);
  if (mode == OnDuplicate::Replace && own.replaced != nullptr) {
    for (const auto& place : locate_committed(own, table, keys, 0)) {
      if (place) own.replaced->add(place);
    }
    return;
  }
  if (mode == OnDuplicate::Replace) {
    for (std::size_t i = 0; i < open_questions.size(); ++i) {
      key.clear();
      for (const auto& cell : key_views) append_key_part(key, cell, i);
      touch(id, own, schema, key_views, i, key, hash_key(key));
    }
    return;
  }
  // After the locks: what their holders committed counts.
  const Snapshot now = core_.snapshot();
  const auto seen = seen_as(id, own, now);
  if (seen == nullptr) return;
  const auto places = locate_committed(own, *seen, keys, now.seq);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) continue;
    if (mode == OnDuplicate::Fail) throw_duplicate(schema, key_views, i);
    skip(open_questions[i]);
  }
}

Transaction::InsertResult StoreTransaction::insert(TableId id, const Batch& rows, OnDuplicate on_duplicate) {
  return insert_rows(id, rows, on_duplicate, std::nullopt);
}

/// `row_id`: of the first row, where it was given before.
Transaction::InsertResult StoreTransaction::insert_rows(TableId id, const Batch& rows,
                                                        OnDuplicate on_duplicate,
                                                        std::optional<std::int64_t> row_id) {
  make_room();
  return operate([&] {
    InsertResult result;
    Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(id, snapshot);
    auto columns = views_of(rows);
    const std::size_t count = rows.row_count();
    const auto schema = seen_as(id, own, snapshot)->schema;
    check_rows(*schema, columns);
    if (count == 0) return result;
    if (own.replaced == nullptr && !schema->primary_key.empty() && count <= kAlwaysLockedRows &&
        lock_owner_.count() < kMostInsertLocks &&
        lock_keys(id, key_cells(*schema, columns), count, LockMode::Update)) {
      snapshot = core_.snapshot();
      own_table(id, snapshot);
    }
    const auto table = widened(id, own, snapshot, columns);
    Column row_ids(SqlType::of(TypeId::BigInt));
    if (table->schema->primary_key.empty()) {
      result.first_row_id =
          row_id ? *row_id : table->counters->next_row_id.fetch_add(static_cast<std::int64_t>(count));
      row_ids.reserve(count);
      for (std::size_t i = 0; i < count; ++i)
        row_ids.append_fixed(result.first_row_id + static_cast<std::int64_t>(i));
      columns.push_back(row_ids.view());
    }
    result.inserted = count;
    const auto placed = place_rows(id, own, *table, columns, nullptr, on_duplicate, snapshot, true);
    for (const auto& part : placed) resolve_suspects(id, own, *table, part, on_duplicate, columns, result);
    std::sort(result.skipped.begin(), result.skipped.end());
    own.unlogged_bytes += rows.memory_bytes();
    gathered_bytes_ += rows.memory_bytes();
    if (!has_sealed_ && job_ == nullptr && own.unlogged_bytes >= core_.options.early_log_bytes)
      log_rows(id, own);
    return result;
  });
}

void StoreTransaction::update(TableId id, const Batch& rows, const std::vector<std::int64_t>* row_ids) {
  make_room();
  operate([&] {
    Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(id, snapshot);
    auto columns = views_of(rows);
    const TableSchema& schema = *seen_as(id, own, snapshot)->schema;
    check_rows(schema, columns);
    if (rows.row_count() == 0) return;
    Column ids(SqlType::of(TypeId::BigInt));
    if (schema.primary_key.empty()) {
      TICKSTONE_CHECK(row_ids != nullptr && row_ids->size() == rows.row_count());
      for (const std::int64_t row_id : *row_ids) ids.append_fixed(row_id);
      columns.push_back(ids.view());
    }
    const auto cells = key_cells(schema, columns);
    Batch keys;
    for (const auto& cell : cells) {
      auto& column = keys.columns.emplace_back(cell.type, cell.layout);
      column.append_all(cell);
    }
    if (own.replaced == nullptr) lock_keys(id, cells, rows.row_count(), LockMode::NoKeyUpdate);
    snapshot = core_.snapshot();
    const auto table = widened(id, own, snapshot, columns);
    const auto places = locate_committed(own, *table, keys, snapshot.seq);
    const auto sealed = locate_sealed(own, keys);
    std::vector<RowNumber> updated;
    std::string key;
    for (RowNumber row = 0; row < places.size(); ++row) {
      key.clear();
      for (const auto& cell : cells) append_key_part(key, cell, row);
      const std::uint64_t hash = hash_key(key);
      const auto own_row = find_own(own.parts, cells, row, key, hash, position_);
      if (own_row.part != nullptr) {
        end_own(id, own_row);
      } else if (sealed[row] && sealed[row].sealed->ended(sealed[row].row) == kNeverEnded) {
        end_sealed(id, sealed[row]);
      } else if (own.replaced != nullptr) {
        if (!places[row] || !own.replaced->add(places[row])) continue;
      } else if (places[row] && (own.touched == nullptr || !own.touched->contains(key, hash))) {
        touch(id, own, schema, cells, row, key, hash);
      } else {
        continue;  // erased meanwhile
      }
      updated.push_back(row);
    }
    place_rows(id, own, *table, columns, &updated, OnDuplicate::Replace, snapshot, false);
    own.unlogged_bytes += rows.memory_bytes();
    gathered_bytes_ += rows.memory_bytes();
    if (!has_sealed_ && job_ == nullptr && own.unlogged_bytes >= core_.options.early_log_bytes)
      log_rows(id, own);
  });
}

std::uint64_t StoreTransaction::erase(TableId id, const Batch& keys) {
  return operate([&]() -> std::uint64_t {
    OwnTable& own = own_table(id, core_.snapshot());
    const auto cells = views_of(keys);
    if (own.replaced == nullptr) lock_keys(id, cells, keys.row_count(), LockMode::Update);
    const Snapshot snapshot = core_.snapshot();
    const auto table = seen_as(id, own, snapshot);
    if (table == nullptr) return 0;
    const auto places = locate_committed(own, *table, keys, snapshot.seq);
    const auto sealed = locate_sealed(own, keys);
    std::uint64_t erased = 0;
    std::string key;
    for (std::size_t row = 0; row < places.size(); ++row) {
      key.clear();
      for (const auto& cell : cells) append_key_part(key, cell, row);
      const std::uint64_t hash = hash_key(key);
      const auto own_row = find_own(own.parts, cells, row, key, hash, position_);
      const bool is_touched = own.touched != nullptr && own.touched->contains(key, hash);
      if (own_row.part != nullptr) end_own(id, own_row);
      // Of a key that is given twice the second finds it gone.
      const bool is_sealed = sealed[row] && sealed[row].sealed->ended(sealed[row].row) == kNeverEnded;
      if (is_sealed) end_sealed(id, sealed[row]);
      bool is_committed = places[row] && !is_touched;
      if (own.replaced != nullptr) {
        is_committed = places[row] && own.replaced->add(places[row]);
      } else if (is_committed) {
        touch(id, own, *table->schema, cells, row, key, hash);
      }
      if (own_row.part != nullptr || is_sealed || is_committed) ++erased;
    }
    return erased;
  });
}

bool StoreTransaction::lock(TableId id, const Batch& keys, CommitSeq seen, LockMode mode) {
  check_active();
  place_lone();
  OwnTable& own = own_table(id, core_.snapshot());
  const auto cells = views_of(keys);
  if (own.replaced == nullptr && lock_keys(id, cells, keys.row_count(), mode)) return true;
  const Snapshot snapshot = core_.snapshot();
  const auto table = seen_as(id, own, snapshot);
  if (table == nullptr || table->counters->last_commit.load(std::memory_order_acquire) <= seen) return false;
  const auto places = locate(*table, keys, snapshot.seq);
  const auto sealed = locate_sealed(own, keys);
  std::string key;
  for (std::size_t row = 0; row < places.size(); ++row) {
    if (sealed[row]) continue;
    if (places[row] ? places[row].created() <= seen
                    : table->counters->last_erase.load(std::memory_order_acquire) <= seen) {
      continue;
    }
    key.clear();
    for (const auto& cell : cells) append_key_part(key, cell, row);
    const std::uint64_t hash = hash_key(key);
    // What this transaction wrote itself is not newer than it knows.
    if (find_own(own.parts, cells, row, key, hash, position_).part != nullptr) continue;
    if (own.touched != nullptr && own.touched->contains(key, hash)) continue;
    return true;
  }
  return false;
}

/// Writes rows that are not in the log yet, so that committing has little left to write and recovery little
/// to hold at once.
void StoreTransaction::log_rows(TableId id, OwnTable& own) {
  own.unlogged_bytes = 0;
  for (std::size_t i = 0; i < own.parts.size(); ++i) {
    const OpenChunk& rows = *own.parts[i].rows;
    const TableSchema& schema = rows.schema();
    if (schema.temporary) return;
    auto& state = own.part_states[i];
    if (state.is_sealing) continue;
    while (state.logged_rows < rows.row_count()) {
      std::vector<RowNumber> chosen(std::min(kLoggedRows, rows.row_count() - state.logged_rows));
      std::iota(chosen.begin(), chosen.end(), state.logged_rows);
      LoggedRows logged;
      logged.table = id;
      logged.part = own.parts[i].number;
      logged.first_row = state.logged_rows;
      for (const auto& column : schema.columns) logged.columns.push_back(column.id);
      if (rows.has_row_ids()) logged.columns.push_back(kRowIdColumn);
      logged.rows = rows.gather(chosen);
      ByteWriter body;
      body.reserve(logged.rows.memory_bytes() + 1024);
      put_logged_rows(logged, body);
      if (!has_logged_) {
        // Before it is written: a checkpoint must not let go of the file.
        core_.note_log_use(id_, core_.log->current_file());
        has_logged_ = true;
      }
      core_.log->append(LogRecordKind::Rows, id_, body.bytes());
      if (core_.log->wants_next()) core_.log->prepare_next();
      state.logged_rows += static_cast<RowNumber>(chosen.size());
    }
  }
}

}  // namespace tickstone::storage
