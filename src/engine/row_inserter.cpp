// SPDX-License-Identifier: Apache-2.0
#include "engine/row_inserter.hpp"

#include <algorithm>
#include <numeric>

#include <tickstone/error.hpp>

#include "duck/spill_limit.hpp"
#include "engine/assignment.hpp"
#include "engine/mass_change.hpp"
#include "engine/rights.hpp"
#include "engine/row_changes.hpp"
#include "storage/mass_change.hpp"

namespace tickstone::engine {
namespace {

/// Rows found by a key of the target: index into `rows` of each asked key, or -1.
struct Existing {
  std::vector<std::int64_t> found;
  Batch rows;  // all columns, in the target's order
  Batch old;   // as `WriteTarget::old_columns`
};

Existing cut(const WriteTarget& target, storage::ReadView::LookupResult result) {
  Existing existing;
  existing.found = std::move(result.found);
  Column row_ids;
  if (target.has_row_id() && !result.rows.columns.empty()) {
    row_ids = std::move(result.rows.columns.back());
    result.rows.columns.pop_back();
  }
  if (result.rows.columns.empty()) return existing;
  existing.rows = target.from_storage(result.rows);
  existing.old = old_rows(target, existing.rows, target.has_row_id() ? &row_ids : nullptr);
  return existing;
}

/// What storage finds by one of the target's keys, `found` by row of the statement.
Existing find_existing(SessionContext& context, const WriteTarget& target, std::size_t arbiter,
                       const KeyEntries& asked, std::size_t row_count) {
  Existing existing;
  const auto& view = context.view();
  if (asked.rows.empty()) {
    existing.found.assign(row_count, -1);
    return existing;
  }
  std::vector<std::int64_t> found;
  if (arbiter == 0) {
    existing = cut(target, view.lookup(target.table(), asked.keys));
    found = std::move(existing.found);
  } else {
    // By way of the unique key's table: its rows end with what finds the row.
    const auto& key = target.unique_keys()[arbiter - 1];
    const auto entries = view.lookup(key.table, asked.keys);
    Batch by;
    if (target.has_row_id()) {
      for (const auto column : target.key()) {  // the time column, which a unique key contains
        const auto at = std::find(key.columns.begin(), key.columns.end(), column) - key.columns.begin();
        by.columns.push_back(entries.rows.columns[static_cast<std::size_t>(at)]);
      }
      by.columns.push_back(entries.rows.columns.back());
    } else {
      for (std::size_t i = 0; i < target.key().size(); ++i) {
        by.columns.push_back(entries.rows.columns[key.width() + i]);
      }
    }
    const auto entry_count = entries.rows.row_count();
    if (entry_count > 0) existing = cut(target, view.lookup(target.table(), by));
    found.reserve(asked.rows.size());
    for (const auto entry : entries.found) {
      found.push_back(entry < 0 || entry_count == 0 ? -1 : existing.found[static_cast<std::size_t>(entry)]);
    }
  }
  existing.found.assign(row_count, -1);
  for (std::size_t i = 0; i < asked.rows.size(); ++i) existing.found[asked.rows[i]] = found[i];
  return existing;
}

std::vector<ColumnView> all_views(const Batch& batch) {
  std::vector<ColumnView> views;
  for (const auto& column : batch.columns) views.push_back(column.view());
  return views;
}

DistinctKeys::Limits key_limits(SessionContext& context) {
  const auto& options = context.database().options();
  return {options.store.early_segment_bytes, duck::spill_limit_bytes(options.query_memory_bytes),
          options.temp_directory};
}

[[noreturn]] void throw_second_time() {
  throw Error(ErrorCode::CardinalityViolation,
              "ON CONFLICT DO UPDATE command cannot affect row a second time", {},
              "Ensure that no rows proposed for insertion within the same command have duplicate "
              "constrained values.");
}

}  // namespace

RowInserter::RowInserter(Execution& execution, std::shared_ptr<const InsertPlan> plan,
                         std::string_view command)
    : execution_(execution),
      context_(execution.context),
      plan_(std::move(plan)),
      target_(*plan_->target),
      writes_(context_.writes(command)),
      references_(context_, writes_, target_),
      statement_keys_(key_limits(context_)) {}

/// Keys that may collide, and which rows they are of.
KeyEntries RowInserter::asked_keys(const Batch& rows, std::size_t arbiter) {
  if (arbiter != 0) return new_key_entries(context_, target_, target_.unique_keys()[arbiter - 1], rows);
  KeyEntries asked;
  asked.rows.resize(rows.row_count());
  std::iota(asked.rows.begin(), asked.rows.end(), 0U);
  asked.keys = pick_columns(rows, target_.key());
  return asked;
}

storage::TableId RowInserter::key_table(std::size_t arbiter) const {
  return arbiter == 0 ? target_.table() : target_.unique_keys()[arbiter - 1].table;
}

void RowInserter::affected(const Batch& rows) {
  check_view_rows(context_, target_, rows);
  affected_count_ += rows.row_count();
  if (keeps_affected_) append_batch(affected_, rows);
}

void RowInserter::add(Batch rows) {
  if (rows.row_count() == 0) return;
  fill_generated(context_, target_, rows);
  check_rows(context_, target_, rows, place_);
  try {
    add_rows(rows);
  } catch (const Error&) {
    // What is wrong may be that a row comes a second time.
    if (statement_keys_.has_runs() && !statement_keys_.are_distinct()) throw_second_time();
    throw;
  }
  if (most_collisions_ && collisions_ > *most_collisions_) begin_mass_change();
}

void RowInserter::add_all(Batch rows) {
  is_one_row_ = rows.row_count() == 1;
  add(std::move(rows));
}

void RowInserter::limit_collisions(std::size_t rows) {
  most_collisions_ = rows;
  touched_before_ = storage::MassChanges::of(writes_).touched_count(target_.table());
}

void RowInserter::finish() {
  if (statement_keys_.has_runs() && !statement_keys_.are_distinct()) throw_second_time();
  if (is_mass_change_) finish_mass_change(writes_, target_);
  references_.finish();
}

/// While a mass change goes on, views show replaced rows still: nothing may look for them.
bool RowInserter::can_be_mass_change() const {
  if (target_.is_chunk() || target_.relation().temporary || reads_tables_ ||
      is_newer_than_view(context_, target_))
    return false;
  if (plan_->conflict.kind == ConflictPlan::Kind::Nothing) return true;
  const std::size_t arbiter = *plan_->conflict.arbiter;
  const auto& key = arbiter == 0 ? target_.key() : target_.unique_keys()[arbiter - 1].read_columns;
  const auto& assignments = plan_->statement.on_conflict.assignments;
  return std::none_of(assignments.begin(), assignments.end(), [&](const auto& assignment) {
    return std::find(key.begin(), key.end(), target_.column_index(assignment.column)) != key.end();
  });
}

void RowInserter::begin_mass_change() {
  most_collisions_.reset();
  if (!can_be_mass_change()) return;
  if (writes_.try_lock_table(target_.table(), /*exclusive=*/true)) {
    context_.refresh_view();
    is_mass_change_ = !is_newer_than_view(context_, target_) && engine::begin_mass_change(writes_, target_);
  }
  wants_table_alone_ = !is_mass_change_;
}

/// Whether nobody here looks at rows that are stored, but for a copy that RETURNING may want.
bool RowInserter::may_hand_over() const {
  return !place_ && target_.references().empty() && target_.view_checks().empty() &&
         target_.unique_keys().empty();
}

void RowInserter::hand_over(Batch& rows, storage::OnDuplicate on_duplicate) {
  if (keeps_affected_) append_batch(affected_, rows);
  affected_count_ += store_rows(writes_, target_, std::move(rows), on_duplicate).inserted;
}

void RowInserter::add_rows(Batch& rows) {
  switch (plan_->conflict.kind) {
    case ConflictPlan::Kind::None:
      return add_plain(rows);
    case ConflictPlan::Kind::Nothing:
      return target_.unique_keys().empty() ? add_skipping(rows) : add_where_free(rows);
    case ConflictPlan::Kind::Replace:
      // A blind write does not see whether the row is newer than the transaction's view.
      return context_.isolation() == Isolation::RepeatableRead ? add_updating(rows) : add_replacing(rows);
    case ConflictPlan::Kind::Merge:
    case ConflictPlan::Kind::Update:
      return add_updating(rows);
  }
}

void RowInserter::add_plain(Batch& rows) {
  if (may_hand_over()) return hand_over(rows, storage::OnDuplicate::Fail);
  try {
    insert_rows(context_, writes_, target_, rows);
  } catch (Error& error) {
    if (!place_ || error.code() != ErrorCode::UniqueViolation) throw;
    if (const auto row = find_duplicate(rows, error.constraint_name()))
      error.in_context(place_(*row, nullptr));
    throw;
  }
  references_.inserted(rows);
  affected(rows);
}

/// The first row that was refused, looked for again: storage tells the key alone.
std::optional<std::size_t> RowInserter::find_duplicate(const Batch& rows, const std::string& constraint) {
  std::size_t arbiter = 0;
  for (std::size_t i = 0; i < target_.unique_keys().size(); ++i) {
    if (target_.unique_keys()[i].name == constraint) arbiter = i + 1;
  }
  const auto asked = asked_keys(rows, arbiter);
  const auto views = all_views(asked.keys);
  context_.refresh_view();
  const auto found = context_.view().lookup(key_table(arbiter), asked.keys).found;
  RowKeys seen;
  for (std::size_t i = 0; i < asked.rows.size(); ++i) {
    if (found[i] >= 0 || seen.insert(views, i, i) != i) return asked.rows[i];
  }
  return std::nullopt;
}

void RowInserter::add_skipping(Batch& rows) {
  if (target_.has_row_id()) return add_plain(rows);
  if (may_hand_over() && !keeps_affected_) return hand_over(rows, storage::OnDuplicate::Skip);
  const auto result = store_rows(writes_, target_, rows, storage::OnDuplicate::Skip);
  if (result.skipped.empty()) references_.inserted(rows);
  if (result.skipped.empty()) return affected(rows);
  if (!keeps_affected_ && target_.references().empty() && target_.view_checks().empty()) {
    affected_count_ += rows.row_count() - result.skipped.size();
    return;
  }
  std::vector<bool> is_skipped(rows.row_count());
  for (const auto row : result.skipped) is_skipped[row] = true;
  std::vector<std::uint32_t> kept;
  for (std::uint32_t row = 0; row < rows.row_count(); ++row) {
    if (!is_skipped[row]) kept.push_back(row);
  }
  const Batch inserted = pick_rows(rows, kept);
  references_.inserted(inserted);
  affected(inserted);
}

/// DO NOTHING where several keys may collide: the rows that are free in each are inserted.
void RowInserter::add_where_free(Batch& rows) {
  std::vector<std::size_t> arbiters;
  if (plan_->conflict.arbiter) {
    arbiters.push_back(*plan_->conflict.arbiter);
  } else {
    for (std::size_t i = target_.has_row_id() ? 1 : 0; i <= target_.unique_keys().size(); ++i)
      arbiters.push_back(i);
  }
  std::vector<KeyEntries> asked;
  for (const auto arbiter : arbiters) {
    asked.push_back(asked_keys(rows, arbiter));
    collisions_ += asked.back().rows.size();
    lock_rows(context_, writes_, key_table(arbiter), asked.back().keys, storage::LockMode::Update);
  }
  context_.refresh_view();
  std::vector<bool> is_taken(rows.row_count());
  std::vector<std::vector<ColumnView>> views;
  std::vector<RowKeys> seen(arbiters.size());
  constexpr std::size_t kNone = SIZE_MAX;
  std::vector<std::vector<std::size_t>> places;  // of a row among those asked for
  for (std::size_t i = 0; i < arbiters.size(); ++i) {
    views.push_back(all_views(asked[i].keys));
    auto& place = places.emplace_back(rows.row_count(), kNone);
    for (std::size_t k = 0; k < asked[i].rows.size(); ++k) place[asked[i].rows[k]] = k;
    if (asked[i].rows.empty()) continue;
    const auto found = context_.view().lookup(key_table(arbiters[i]), asked[i].keys).found;
    for (std::size_t k = 0; k < found.size(); ++k) {
      if (found[k] >= 0) is_taken[asked[i].rows[k]] = true;
    }
  }
  std::vector<std::uint32_t> free;
  for (std::uint32_t row = 0; row < rows.row_count(); ++row) {
    // A row that an earlier one of the batch collides with takes none of its keys.
    for (std::size_t i = 0; i < arbiters.size() && !is_taken[row]; ++i) {
      if (places[i][row] == kNone) continue;
      const auto first = seen[i].insert(views[i], places[i][row], row);
      is_taken[row] = first != row && !is_taken[first];
    }
    if (!is_taken[row]) free.push_back(row);
  }
  if (free.empty()) return;
  if (free.size() == rows.row_count()) return insert_unseen(rows);
  Batch kept = pick_rows(rows, free);
  insert_unseen(kept);
}

/// A row that REPEATABLE READ cannot see, yet that is there, is a conflict of transactions.
void RowInserter::insert_unseen(Batch& rows) {
  try {
    if (may_hand_over()) return hand_over(rows, storage::OnDuplicate::Fail);
    insert_rows(context_, writes_, target_, rows);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::UniqueViolation || context_.isolation() != Isolation::RepeatableRead ||
        plan_->conflict.arbiter.value_or(0) != 0) {
      throw;
    }
    // ON CONFLICT (primary key): that another key is taken is no conflict of transactions.
    const bool is_other = plan_->conflict.arbiter &&
                          std::any_of(target_.unique_keys().begin(), target_.unique_keys().end(),
                                      [&](const auto& key) { return key.name == error.constraint_name(); });
    if (is_other) throw;
    throw Error(ErrorCode::SerializationFailure, "could not serialize access due to concurrent update");
  }
  references_.inserted(rows);
  affected(rows);
}

void RowInserter::require_new_keys(const std::vector<ColumnView>& key) {
  if (is_one_row_) return;
  for (std::size_t row = 0; row < key.front().size; ++row) {
    if (!statement_keys_.insert(key, row)) throw_second_time();
  }
}

void RowInserter::add_replacing(Batch& rows) {
  if (!is_one_row_) require_new_keys(views_of(rows, target_.key()));
  const bool is_handed_over = may_hand_over();
  if (is_handed_over) {
    hand_over(rows, storage::OnDuplicate::Replace);
  } else {
    store_rows(writes_, target_, rows, storage::OnDuplicate::Replace);
  }
  if (most_collisions_)
    collisions_ = storage::MassChanges::of(writes_).touched_count(target_.table()) - touched_before_;
  if (is_handed_over) return;
  references_.inserted(rows);
  affected(rows);
}

void RowInserter::add_updating(Batch& rows) {
  const std::size_t arbiter = *plan_->conflict.arbiter;
  const auto asked = asked_keys(rows, arbiter);
  require_new_keys(all_views(asked.keys));
  collisions_ += asked.rows.size();  // each is locked
  lock_rows(context_, writes_, key_table(arbiter), asked.keys, storage::LockMode::Update);
  context_.refresh_view();
  Existing existing = find_existing(context_, target_, arbiter, asked, rows.row_count());
  // By another key the row itself may be under change still.
  while (arbiter != 0 && existing.old.row_count() > 0 &&
         lock_rows(context_, writes_, target_.table(), storage_key(target_, existing.old),
                   storage::LockMode::Update)) {
    existing = find_existing(context_, target_, arbiter, asked, rows.row_count());
  }

  std::vector<std::uint32_t> fresh, colliding, existing_rows;
  for (std::uint32_t row = 0; row < rows.row_count(); ++row) {
    if (existing.found[row] < 0) {
      fresh.push_back(row);
    } else {
      colliding.push_back(row);
      existing_rows.push_back(static_cast<std::uint32_t>(existing.found[row]));
    }
  }
  if (colliding.empty()) return insert_unseen(rows);

  const std::uint64_t affected_before = affected_count_;
  Batch kept = std::move(affected_);
  affected_ = {};
  if (!fresh.empty()) {
    Batch new_rows = pick_rows(rows, fresh);
    insert_unseen(new_rows);
  }

  std::vector<std::uint32_t> updated;  // of the colliding rows
  Batch changed =
      update_existing(pick_rows(existing.rows, existing_rows), pick_rows(rows, colliding), updated);
  if (!updated.empty()) {
    fill_generated(context_, target_, changed);
    check_rows(context_, target_, changed, place_);
    std::vector<std::uint32_t> of_existing;
    for (const auto index : updated) of_existing.push_back(existing_rows[index]);
    const Batch old = pick_rows(existing.old, of_existing);
    update_rows(context_, writes_, target_, old, changed);
    references_.updated(old, changed);
    affected(changed);
  }
  if (!keeps_affected_) return;
  // RETURNING gives the rows in the statement's order.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> order;
  for (const auto row : fresh) order.emplace_back(row, static_cast<std::uint32_t>(order.size()));
  for (const auto index : updated)
    order.emplace_back(colliding[index], static_cast<std::uint32_t>(order.size()));
  std::sort(order.begin(), order.end());
  std::vector<std::uint32_t> positions;
  for (const auto& [row, position] : order) positions.push_back(position);
  const Batch part = positions.empty() ? Batch{} : pick_rows(affected_, positions);
  affected_ = std::move(kept);
  if (affected_count_ > affected_before) append_batch(affected_, part);
}

/// The new values of the rows that are there; `updated` are those that the WHERE lets through.
Batch RowInserter::update_existing(const Batch& existing, const Batch& excluded,
                                   std::vector<std::uint32_t>& updated) {
  const auto& format = context_.settings().format_context();
  const std::size_t count = existing.row_count();
  if (plan_->conflict.kind != ConflictPlan::Kind::Update) {
    Batch changed = existing;
    for (const auto& merge : plan_->conflict.merges) {
      if (merge.excluded) {
        changed.columns[merge.column] = excluded.columns[*merge.excluded];
        continue;
      }
      const auto& column = target_.column(merge.column);
      Column values(column.type);
      for (std::size_t i = 0; i < count; ++i) append_constant(values, merge.constant, column, format);
      changed.columns[merge.column] = std::move(values);
    }
    for (std::uint32_t row = 0; row < count; ++row) updated.push_back(row);
    return changed;
  }
  context_.set_rows("#existing", target_.source_columns(), std::make_shared<const Batch>(existing));
  context_.set_rows("#excluded", target_.source_columns(), std::make_shared<const Batch>(excluded));
  std::optional<sql::RelationInfo> marked;
  const auto query =
      sql::Rewriter(context_).conflict_rows(plan_->statement, info_to_read(context_, target_, marked),
                                            "#existing", "#excluded", target_.default_texts());
  for (const auto& relation : query.relations)
    reads_tables_ = reads_tables_ || relation.find('.') < relation.size();
  Batch result = run_typed(context_, query, execution_.parameters);
  const Column passes = std::move(result.columns.back());
  result.columns.pop_back();
  for (std::uint32_t row = 0; row < passes.size(); ++row) {
    if (!passes.is_null(row) && passes.view().integer(row) != 0) updated.push_back(row);
  }
  Batch changed;
  for (std::size_t i = 0; i < result.columns.size(); ++i) {
    changed.columns.push_back(assigned(std::move(result.columns[i]), target_.column(i), format));
  }
  return updated.size() == count ? changed : pick_rows(changed, updated);
}

}  // namespace tickstone::engine
