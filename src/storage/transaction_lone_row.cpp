// SPDX-License-Identifier: Apache-2.0
// A transaction that writes one row: no rows of its own, no list of touched keys, nothing to lay together.
#include <algorithm>
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

}  // namespace

TakenRows& TakenRows::of(Transaction& transaction) {
  // By far the quicker way to the same; for each statement.
  if (typeid(transaction) == typeid(StoreTransaction)) return static_cast<StoreTransaction&>(transaction);
  return dynamic_cast<TakenRows&>(transaction);
}

/// Whether nothing was written so far, and nothing can be taken back to.
bool StoreTransaction::is_blank() const {
  if (has_writes() || !savepoints_.empty() || has_logged_ || has_sealed_ || job_ != nullptr) return false;
  return std::all_of(tables_.begin(), tables_.end(), [](const auto& entry) {
    const OwnTable& own = entry.second;
    return own.overlay == nullptr && own.parts.empty() && own.sealed == nullptr && own.replaced == nullptr &&
           (own.touched == nullptr || own.touched->is_empty());
  });
}

Transaction::InsertResult StoreTransaction::insert_taken(TableId id, Batch&& rows, OnDuplicate mode) {
  check_active();
  if (rows.row_count() != 1 || !is_blank() || core_.options.adopted_rows <= 1) return insert(id, rows, mode);
  auto table = core_.snapshot().state->share(id);
  if (table == nullptr || table->schema->temporary || table->schema->primary_key.empty())
    return insert(id, rows, mode);
  LoneRow lone;
  lone.key.reserve(kKeyBytes);
  lone.table = id;
  lone.mode = mode;
  lone.rows = std::move(rows);
  lone.columns = views_of(lone.rows);  // which a move leaves where they are
  check_rows(*table->schema, lone.columns);
  lone.key_cells = key_cells(*table->schema, lone.columns);
  for (const auto& cell : lone.key_cells) append_key_part(lone.key, cell, 0);
  lone.hash = hash_key(lone.key);
  core_.locks.lock(lock_owner_, id, lone.hash, LockMode::Update, patience());
  // After the lock: what its holders committed counts.
  const Snapshot now = core_.snapshot();
  lone.base = now.state->share(id);
  if (lone.base == nullptr || lone.base->schema != table->schema ||
      !holds(lone.base->layout, *table->schema, lone.columns)) {
    return insert(id, lone.rows, mode);
  }
  InsertResult result;
  lone.checked = now.seq;
  if (mode != OnDuplicate::Replace && locate_row(*lone.base, lone.key_cells, lone.key, lone.hash, now.seq)) {
    if (mode == OnDuplicate::Fail) throw_duplicate(*table->schema, lone.key_cells, 0);
    result.skipped.push_back(0);
    return result;
  }
  changes_.reset();
  lone_.emplace(std::move(lone));
  result.inserted = 1;
  return result;
}

void StoreTransaction::place_lone() {
  if (!lone_) return;
  const LoneRow lone = *std::exchange(lone_, std::nullopt);
  insert(lone.table, lone.rows, lone.mode);
}

void StoreTransaction::encode_lone() {
  record_.clear();
  if (lone_->is_skipped) return;
  if (time_us_ == kUnknownTime) time_us_ = core_.options.clock->now_us();
  ByteWriter body;
  put_row_commit(id_, time_us_, lone_->table, *lone_->base->schema, lone_->rows, body);
  record_ = body.take();
}

void StoreTransaction::prepare_lone(const StateBuilder& state) {
  LoneRow& lone = *lone_;
  const auto* table = state.find(lone.table);
  require_unchanged(*lone.base->schema, table);
  lone.replaced = {};
  const bool is_free = lone.mode != OnDuplicate::Replace &&
                       table->counters->last_commit.load(std::memory_order_acquire) <= lone.checked;
  if (!is_free) {
    // The key is locked; whoever wrote too many rows to lock each may still have been first.
    const auto place = locate_row(*table, lone.key_cells, lone.key, lone.hash, kNewest);
    if (place && lone.mode == OnDuplicate::Fail) throw_duplicate(*table->schema, lone.key_cells, 0);
    lone.is_skipped = place && lone.mode == OnDuplicate::Skip;
    if (place && lone.mode == OnDuplicate::Replace) lone.replaced = place;
    if (lone.is_skipped) record_.clear();
  }
  if (!record_.empty()) set_first_chunk(record_, state.next_chunk());
}

void StoreTransaction::apply_lone(StateBuilder& state, CommitSeq seq) {
  const LoneRow& lone = *lone_;
  if (lone.is_skipped) return;
  if (lone.replaced) {
    lone.replaced.set_ended(seq);
    core_.note_ends({lone.replaced}, seq);
  }
  const auto* table = state.find(lone.table);
  const auto counters = table->counters;
  const auto& time_column = table->schema->time_column;
  const std::int64_t time = time_column ? time_of(lone.columns[table->schema->index_of(*time_column)], 0) : 0;
  OpenChunk::Rows source;
  source.columns = &lone.columns;
  source.count = 1;
  state.append(lone.table, time, source, seq, nullptr);
  counters->last_commit.store(seq, std::memory_order_release);
}

}  // namespace tickstone::storage
