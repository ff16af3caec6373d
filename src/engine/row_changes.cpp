// SPDX-License-Identifier: Apache-2.0
#include "engine/row_changes.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "engine/assignment.hpp"
#include "storage/taken_rows.hpp"

namespace tickstone::engine {
namespace {

/// Of a key that is columns alone.
KeyEntries plain_entries(const std::vector<std::size_t>& columns, const Batch& rows) {
  KeyEntries entries;
  const auto views = views_of(rows, columns);
  for (std::uint32_t row = 0; row < rows.row_count(); ++row) {
    if (!has_null(views, row)) entries.rows.push_back(row);
  }
  entries.keys = entries.rows.size() == rows.row_count() ? pick_columns(rows, columns)
                                                         : pick(rows, columns, entries.rows);
  return entries;
}

void append_row_id(Batch& entries, std::int64_t row_id) { entries.columns.back().append_fixed(row_id); }

/// What a unique key has of old rows.
KeyEntries old_key_entries(SessionContext& context, const WriteTarget& target, const UniqueKey& key,
                           const Batch& old) {
  if (key.is_computed()) return key_entries(context, target.own_info(), key, target.old_columns(), old);
  std::vector<std::size_t> columns;
  for (const auto column : key.columns) columns.push_back(target.old_column_of(column));
  return plain_entries(columns, old);
}

/// Enters the listed rows into one table of unique keys.
void enter_key(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
               const UniqueKey& key, const Batch& rows, const KeyEntries& all,
               const std::vector<bool>* listed, const std::vector<std::int64_t>& row_ids) {
  std::vector<std::uint32_t> kept, entered;
  for (std::uint32_t i = 0; i < all.rows.size(); ++i) {
    if (listed != nullptr && !(*listed)[all.rows[i]]) continue;
    kept.push_back(i);
    entered.push_back(all.rows[i]);
  }
  if (entered.empty()) return;
  Batch entries = kept.size() == all.rows.size() ? all.keys : pick_rows(all.keys, kept);
  if (target.has_row_id()) {
    entries.columns.emplace_back(SqlType::of(TypeId::BigInt));
    for (const auto row : entered) append_row_id(entries, row_ids[row]);
  } else {
    Batch found_by = pick(rows, target.key(), entered);
    for (auto& column : found_by.columns) entries.columns.push_back(std::move(column));
  }
  insert_entries(context, writes, target.relation(), key, entries);
}

/// Takes the listed old rows out of one table of unique keys.
void leave_key(storage::Transaction& writes, const UniqueKey& key, const KeyEntries& all,
               const std::vector<bool>* listed) {
  std::vector<std::uint32_t> left;
  for (std::uint32_t i = 0; i < all.rows.size(); ++i) {
    if (listed == nullptr || (*listed)[all.rows[i]]) left.push_back(i);
  }
  if (!left.empty())
    writes.erase(key.table, left.size() == all.rows.size() ? all.keys : pick_rows(all.keys, left));
}

/// Rows whose entry is not what it was, or was not there.
std::vector<bool> changed_entries(const KeyEntries& before, const KeyEntries& after, std::size_t row_count) {
  const auto bytes_of = [&](const KeyEntries& entries) {
    std::vector<std::optional<std::string>> bytes(row_count);
    std::vector<std::size_t> all(entries.keys.columns.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const auto views = views_of(entries.keys, all);
    for (std::size_t i = 0; i < entries.rows.size(); ++i)
      append_key_bytes(bytes[entries.rows[i]].emplace(), views, i);
    return bytes;
  };
  const auto a = bytes_of(before), b = bytes_of(after);
  std::vector<bool> changed(row_count);
  for (std::size_t row = 0; row < row_count; ++row) changed[row] = a[row] != b[row];
  return changed;
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

void insert_entries(SessionContext& context, storage::Transaction& writes,
                    const catalog::RelationObject& relation, const UniqueKey& key, const Batch& entries) {
  if (!key.is_computed()) {
    writes.insert(key.table, entries, storage::OnDuplicate::Fail);
    return;
  }
  try {
    writes.insert(key.table, entries, storage::OnDuplicate::Fail);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::UniqueViolation) throw;
    // Storage would name what it keeps, not what the key is made of.
    Batch keys = entries;
    keys.columns.resize(key.width());
    const auto found = writes.read_view()->lookup(key.table, keys).found;
    std::vector<std::size_t> all(key.width());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const auto views = views_of(keys, all);
    RowKeys seen;
    std::uint32_t row = 0;
    while (row + 1 < keys.row_count() && found[row] < 0 && seen.insert(views, row, row) == row) ++row;
    throw Error(error.code(), error.message(), key_detail(context, relation, key, keys, row))
        .about(relation.name, {}, key.name);
  }
}

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

storage::Transaction::InsertResult store_rows(storage::Transaction& writes, const WriteTarget& target,
                                              Batch&& rows, storage::OnDuplicate on_duplicate) {
  if (!target.is_in_storage_order()) rows = target.to_storage(rows);
  auto result = storage::TakenRows::of(writes).insert_taken(target.table(), std::move(rows), on_duplicate);
  target.counters().add(target.counters().inserted, result.inserted);
  return result;
}

KeyEntries new_key_entries(SessionContext& context, const WriteTarget& target, const UniqueKey& key,
                           const Batch& rows) {
  if (!key.is_computed()) return plain_entries(key.columns, rows);
  std::vector<std::size_t> columns(target.column_count());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  return key_entries(context, target.own_info(), key, columns, rows);
}

void insert_rows(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                 const Batch& rows) {
  const auto result = store_rows(writes, target, rows, storage::OnDuplicate::Fail);
  if (target.unique_keys().empty()) return;
  std::vector<std::int64_t> row_ids;
  if (target.has_row_id()) {
    row_ids.resize(rows.row_count());
    std::iota(row_ids.begin(), row_ids.end(), result.first_row_id);
  }
  for (const auto& key : target.unique_keys())
    enter_key(context, writes, target, key, rows, new_key_entries(context, target, key, rows), nullptr,
              row_ids);
}

void update_rows(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                 const Batch& old, const Batch& rows) {
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
    const UniqueKey* key;
    KeyEntries after;
    std::vector<bool> rows;
  };
  std::vector<KeyChange> key_changes;
  for (const auto& key : target.unique_keys()) {
    KeyChange change{&key, {}, {}};
    const auto has_changes = [&] {
      return !moved.empty() || std::find(change.rows.begin(), change.rows.end(), true) != change.rows.end();
    };
    if (!key.is_computed()) change.rows = changed_rows(target, key.columns, old, rows);
    if (!key.is_computed() && !has_changes()) continue;
    const auto before = old_key_entries(context, target, key, old);
    change.after = new_key_entries(context, target, key, rows);
    if (key.is_computed()) change.rows = changed_entries(before, change.after, count);
    if (!has_changes()) continue;
    for (const auto row : moved) change.rows[row] = true;
    leave_key(writes, key, before, &change.rows);
    key_changes.push_back(std::move(change));
  }

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
  for (const auto& change : key_changes)
    enter_key(context, writes, target, *change.key, rows, change.after, &change.rows, row_ids);
}

std::uint64_t erase_rows(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                         const Batch& old) {
  const std::size_t count = old.row_count();
  if (count == 0) return 0;
  for (const auto& key : target.unique_keys())
    leave_key(writes, key, old_key_entries(context, target, key, old), nullptr);
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
