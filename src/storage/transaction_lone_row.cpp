// SPDX-License-Identifier: Apache-2.0
// A transaction that writes one row, or one to each of a few tables: no rows of its own, no list of touched
// keys, nothing to lay together.
#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <typeinfo>

#include <tickstone/error.hpp>

#include "storage/commit_record.hpp"
#include "storage/key_codec.hpp"
#include "storage/row_time.hpp"
#include "storage/store_core.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kKeyBytes = 64;  // of most keys
/// Of a table, its log of changes and the like.
constexpr std::size_t kMostLoneRows = 4;

}  // namespace

TakenRows& TakenRows::of(Transaction& transaction) {
  // By far the quicker way to the same; for each statement.
  if (typeid(transaction) == typeid(StoreTransaction)) return static_cast<StoreTransaction&>(transaction);
  return dynamic_cast<TakenRows&>(transaction);
}

/// Whether all that was written so far are such rows, in other tables, and nothing can be taken back to.
bool StoreTransaction::can_stay_alone(TableId id) const {
  if (has_writes_ || !undo_.empty() || !savepoints_.empty() || has_logged_ || has_sealed_ ||
      job_ != nullptr || lone_.size() >= kMostLoneRows || find_lone(id) != nullptr) {
    return false;
  }
  return std::all_of(tables_.begin(), tables_.end(), [](const auto& entry) {
    const OwnTable& own = entry.second;
    return own.overlay == nullptr && own.parts.empty() && own.sealed == nullptr && own.replaced == nullptr &&
           (own.touched == nullptr || own.touched->is_empty());
  });
}

const StoreTransaction::LoneRow* StoreTransaction::find_lone(TableId id) const {
  for (const auto& lone : lone_) {
    if (lone.table == id) return &lone;
  }
  return nullptr;
}

Transaction::InsertResult StoreTransaction::insert_taken(TableId id, Batch&& rows, OnDuplicate mode) {
  static_assert(std::is_nothrow_move_constructible_v<LoneRow>);
  check_active();
  if (rows.row_count() != 1 || core_.options.adopted_rows <= 1 || !can_stay_alone(id))
    return insert(id, rows, mode);
  auto table = core_.snapshot().state->share(id);
  if (table == nullptr || table->schema->temporary) return insert(id, rows, mode);
  const TableSchema& schema = *table->schema;
  LoneRow lone;
  lone.table = id;
  lone.mode = mode;
  lone.rows = std::move(rows);
  lone.columns = views_of(lone.rows);  // which a move leaves where they are
  check_rows(schema, lone.columns);
  const bool has_key = !schema.primary_key.empty();
  if (has_key) {
    lone.key_cells = key_cells(schema, lone.columns);
    lone.key.reserve(kKeyBytes);
    for (const auto& cell : lone.key_cells) append_key_part(lone.key, cell, 0);
    lone.hash = hash_key(lone.key);
    core_.locks.lock(lock_owner_, id, lone.hash, LockMode::Update, patience());
  }
  // After the lock: what its holders committed counts.
  const Snapshot now = core_.snapshot();
  lone.base = now.state->share(id);
  if (lone.base == nullptr || lone.base->schema != table->schema ||
      !holds(lone.base->layout, schema, lone.columns)) {
    return insert(id, lone.rows, mode);
  }
  InsertResult result;
  if (!has_key) {
    result.first_row_id = lone.base->counters->next_row_id.fetch_add(1);
    auto& row_id = lone.rows.columns.emplace_back(SqlType::of(TypeId::BigInt));
    row_id.append_fixed(result.first_row_id);
    lone.columns.push_back(row_id.view());
  } else if (mode != OnDuplicate::Replace &&
             locate_row(*lone.base, lone.key_cells, lone.key, lone.hash, now.seq)) {
    if (mode == OnDuplicate::Fail) throw_duplicate(schema, lone.key_cells, 0);
    result.skipped.push_back(0);
    return result;
  }
  lone.checked = now.seq;
  changes_.reset();
  lone_.push_back(std::move(lone));
  result.inserted = 1;
  return result;
}

void StoreTransaction::place_lone() {
  if (lone_.empty()) return;
  for (LoneRow& lone : std::exchange(lone_, {})) {
    std::optional<std::int64_t> row_id;
    if (lone.base->schema->primary_key.empty()) {
      row_id = lone.columns.back().fixed<std::int64_t>(0);
      lone.rows.columns.pop_back();
    }
    insert_rows(lone.table, lone.rows, lone.mode, row_id);
  }
}

void StoreTransaction::encode_lone() {
  record_.clear();
  if (time_us_ == kUnknownTime) time_us_ = core_.options.clock->now_us();
  std::sort(lone_.begin(), lone_.end(), [](const LoneRow& a, const LoneRow& b) { return a.table < b.table; });
  std::array<RowsOfTable, kMostLoneRows> tables;
  std::size_t count = 0;
  for (const auto& lone : lone_) {
    if (!lone.is_skipped) tables[count++] = {lone.base->schema.get(), &lone.rows};
  }
  if (count == 0) return;
  ByteWriter body;
  put_row_commit(id_, time_us_, std::span(tables).first(count), body);
  record_ = body.take();
}

void StoreTransaction::prepare_lone(const StateBuilder& state) {
  bool has_skipped = false;
  for (LoneRow& lone : lone_) {
    const auto* table = state.find(lone.table);
    require_unchanged(*lone.base->schema, table);
    if (lone.key.empty()) continue;
    lone.replaced = {};
    const bool is_free = lone.mode != OnDuplicate::Replace &&
                         table->counters->last_commit.load(std::memory_order_acquire) <= lone.checked;
    if (is_free) continue;
    // The key is locked; whoever wrote too many rows to lock each may still have been first.
    const auto place = locate_row(*table, lone.key_cells, lone.key, lone.hash, kNewest);
    if (!place) continue;
    if (lone.mode == OnDuplicate::Fail) throw_duplicate(*table->schema, lone.key_cells, 0);
    if (lone.mode == OnDuplicate::Replace) lone.replaced = place;
    lone.is_skipped = lone.mode == OnDuplicate::Skip;
    has_skipped |= lone.is_skipped;
  }
  if (has_skipped) encode_lone();
  if (!record_.empty()) set_first_chunk(record_, state.next_chunk());
}

void StoreTransaction::apply_lone(StateBuilder& state, CommitSeq seq) {
  for (const LoneRow& lone : lone_) {
    if (lone.is_skipped) continue;
    if (lone.replaced) {
      lone.replaced.set_ended(seq);
      core_.note_ends({lone.replaced}, seq);
    }
    const auto* table = state.find(lone.table);
    const auto counters = table->counters;
    const auto& time_column = table->schema->time_column;
    const std::int64_t time =
        time_column ? time_of(lone.columns[table->schema->index_of(*time_column)], 0) : 0;
    OpenChunk::Rows source;
    source.columns = &lone.columns;
    source.count = 1;
    state.append(lone.table, time, source, seq, nullptr);
    counters->last_commit.store(seq, std::memory_order_release);
  }
}

}  // namespace tickstone::storage
