// SPDX-License-Identifier: Apache-2.0
#include "engine/row_changes.hpp"

#include <algorithm>
#include <numeric>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "engine/assignment.hpp"

namespace tickstone::engine {
namespace {

void append_row_id(Batch& entries, std::int64_t row_id) { entries.columns.back().append_fixed(row_id); }

/// Enters the listed rows into one table of unique keys.
void enter_key(storage::Transaction& writes, const WriteTarget& target, const WriteTarget::UniqueKey& key,
               const Batch& rows, const std::vector<std::uint32_t>& listed,
               const std::vector<std::int64_t>& row_ids) {
  const auto views = views_of(rows, key.columns);
  std::vector<std::uint32_t> entered;
  for (const auto row : listed) {
    if (!has_null(views, row)) entered.push_back(row);
  }
  if (entered.empty()) return;
  Batch entries = pick(rows, key.columns, entered);
  if (target.has_row_id()) {
    entries.columns.emplace_back(SqlType::of(TypeId::BigInt));
    for (const auto row : entered) append_row_id(entries, row_ids[row]);
  } else {
    Batch found_by = pick(rows, target.key(), entered);
    for (auto& column : found_by.columns) entries.columns.push_back(std::move(column));
  }
  writes.insert(key.table, entries, storage::OnDuplicate::Fail);
}

/// Takes the listed old rows out of one table of unique keys.
void leave_key(storage::Transaction& writes, const WriteTarget& target, const WriteTarget::UniqueKey& key,
               const Batch& old, const std::vector<std::uint32_t>& listed) {
  std::vector<std::size_t> columns;
  for (const auto column : key.columns) columns.push_back(target.old_column_of(column));
  const auto views = views_of(old, columns);
  std::vector<std::uint32_t> left;
  for (const auto row : listed) {
    if (!has_null(views, row)) left.push_back(row);
  }
  if (!left.empty()) writes.erase(key.table, pick(old, columns, left));
}

std::vector<std::uint32_t> all_rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

std::vector<std::int64_t> row_ids_of(const Batch& old) {
  const auto& column = old.columns.back();
  std::vector<std::int64_t> ids(column.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = column.fixed<std::int64_t>(i);
  return ids;
}

storage::Transaction::InsertResult put_rows(storage::Transaction& writes, const WriteTarget& target,
                                            const Batch& rows, storage::OnDuplicate on_duplicate) {
  if (target.is_in_storage_order()) return writes.insert(target.table(), rows, on_duplicate);
  return writes.insert(target.table(), target.to_storage(rows), on_duplicate);
}

}  // namespace

std::vector<bool> changed_rows(const WriteTarget& target, const std::vector<std::size_t>& columns,
                               const Batch& old, const Batch& rows) {
  std::vector<std::size_t> before_columns;
  for (const auto column : columns) before_columns.push_back(target.old_column_of(column));
  const auto before = views_of(old, before_columns), after = views_of(rows, columns);
  std::vector<bool> changed(rows.row_count());
  std::string a, b;
  for (std::size_t row = 0; row < changed.size(); ++row) {
    a.clear();
    b.clear();
    append_key_bytes(a, before, row);
    append_key_bytes(b, after, row);
    changed[row] = a != b;
  }
  return changed;
}

storage::Transaction::InsertResult store_rows(storage::Transaction& writes, const WriteTarget& target,
                                              const Batch& rows, storage::OnDuplicate on_duplicate) {
  auto result = put_rows(writes, target, rows, on_duplicate);
  target.counters().add(target.counters().inserted, result.inserted);
  return result;
}

void insert_rows(storage::Transaction& writes, const WriteTarget& target, const Batch& rows) {
  const auto result = store_rows(writes, target, rows, storage::OnDuplicate::Fail);
  if (target.unique_keys().empty()) return;
  std::vector<std::int64_t> row_ids;
  if (target.has_row_id()) {
    row_ids.resize(rows.row_count());
    std::iota(row_ids.begin(), row_ids.end(), result.first_row_id);
  }
  const auto all = all_rows(rows.row_count());
  for (const auto& key : target.unique_keys()) enter_key(writes, target, key, rows, all, row_ids);
}

void update_rows(storage::Transaction& writes, const WriteTarget& target, const Batch& old,
                 const Batch& rows) {
  const std::size_t count = rows.row_count();
  if (count == 0) return;
  target.counters().add(target.counters().updated, count);
  std::vector<std::int64_t> row_ids;
  if (target.has_row_id()) row_ids = row_ids_of(old);
  const auto key_changed = changed_rows(target, target.key(), old, rows);
  std::vector<std::uint32_t> moved, stayed;
  for (std::uint32_t row = 0; row < count; ++row) (key_changed[row] ? moved : stayed).push_back(row);

  // A row's entry in a table of unique keys changes with the key's own columns and with what it points to.
  struct KeyChange {
    const WriteTarget::UniqueKey* key;
    std::vector<std::uint32_t> rows;
  };
  std::vector<KeyChange> key_changes;
  for (const auto& key : target.unique_keys()) {
    const auto changed = changed_rows(target, key.columns, old, rows);
    KeyChange change{&key, {}};
    for (std::uint32_t row = 0; row < count; ++row) {
      if (changed[row] || key_changed[row]) change.rows.push_back(row);
    }
    if (!change.rows.empty()) key_changes.push_back(std::move(change));
  }
  for (const auto& change : key_changes) leave_key(writes, target, *change.key, old, change.rows);

  if (!moved.empty()) {
    writes.erase(target.table(), pick_rows(storage_key(target, old), moved));
    const auto result = put_rows(writes, target, pick_rows(rows, moved), storage::OnDuplicate::Fail);
    if (target.has_row_id()) {
      for (std::size_t i = 0; i < moved.size(); ++i)
        row_ids[moved[i]] = result.first_row_id + static_cast<std::int64_t>(i);
    }
  }
  if (!stayed.empty()) {
    std::vector<std::int64_t> stayed_ids;
    if (target.has_row_id()) {
      for (const auto row : stayed) stayed_ids.push_back(row_ids[row]);
    }
    const auto* ids = target.has_row_id() ? &stayed_ids : nullptr;
    if (moved.empty() && target.is_in_storage_order()) {
      writes.update(target.table(), rows, ids);
    } else {
      const Batch part = moved.empty() ? rows : pick_rows(rows, stayed);
      writes.update(target.table(), target.to_storage(part), ids);
    }
  }
  for (const auto& change : key_changes) enter_key(writes, target, *change.key, rows, change.rows, row_ids);
}

std::uint64_t erase_rows(storage::Transaction& writes, const WriteTarget& target, const Batch& old) {
  const std::size_t count = old.row_count();
  if (count == 0) return 0;
  const auto all = all_rows(count);
  for (const auto& key : target.unique_keys()) leave_key(writes, target, key, old, all);
  const auto erased = writes.erase(target.table(), storage_key(target, old));
  target.counters().add(target.counters().deleted, erased);
  return erased;
}

Batch storage_key(const WriteTarget& target, const Batch& old) {
  std::vector<std::size_t> columns(target.key().size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  if (target.has_row_id()) columns.push_back(old.columns.size() - 1);
  return pick_columns(old, columns);
}

Batch old_rows(const WriteTarget& target, const Batch& rows, const Column* row_ids) {
  Batch old = pick_columns(rows, target.old_columns());
  if (target.has_row_id()) {
    TICKSTONE_CHECK(row_ids != nullptr);
    old.columns.push_back(*row_ids);
  }
  return old;
}

Batch take_old(const WriteTarget& target, Batch& result, std::size_t from, const FormatContext& format) {
  Batch old;
  const auto& columns = target.old_columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    old.columns.push_back(assigned(std::move(result.columns[from + i]), target.column(columns[i]), format));
  }
  if (target.has_row_id()) old.columns.push_back(std::move(result.columns[from + columns.size()]));
  return old;
}

bool lock_rows(SessionContext& context, storage::Transaction& writes, storage::TableId table,
               const Batch& keys, storage::LockMode mode) {
  if (keys.row_count() == 0) return false;
  const auto seen = context.view().seq();
  if (!writes.lock(table, keys, seen, mode)) return false;
  if (context.isolation() == Isolation::RepeatableRead) {
    // Having waited alone is no conflict: asked again, the locks are ours and only newer commits count.
    if (writes.lock(table, keys, seen, mode)) {
      const auto found = writes.read_view()->lookup(table, keys).found;
      const bool is_deleted = std::find(found.begin(), found.end(), -1) != found.end();
      throw Error(
          ErrorCode::SerializationFailure,
          std::string("could not serialize access due to concurrent ") + (is_deleted ? "delete" : "update"));
    }
    return false;
  }
  context.refresh_view();
  return true;
}

}  // namespace tickstone::engine
