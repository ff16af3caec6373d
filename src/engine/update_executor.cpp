// SPDX-License-Identifier: Apache-2.0
// UPDATE, DELETE and TRUNCATE.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/assignment.hpp"
#include "engine/constraints.hpp"
#include "engine/executors.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/locking_query.hpp"
#include "engine/returning.hpp"
#include "engine/row_changes.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kEraseRows = 16'384;

/// Rows of distinct keys: of several for one key the first counts.
std::vector<std::uint32_t> first_of_each(const Batch& key) {
  std::vector<std::size_t> all(key.columns.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto views = views_of(key, all);
  RowKeys seen;
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < key.row_count(); ++row) {
    if (seen.insert(views, row, row) == row) rows.push_back(row);
  }
  return rows;
}

/// Runs `query` until the rows that it found are locked and unchanged since. `old_from`: where the old
/// columns stand in its result.
Batch locked_rows(Execution& execution, storage::Transaction& writes, const WriteTarget& target,
                  const sql::DuckQuery& query, std::size_t old_from, storage::LockMode mode, Batch& old) {
  auto& context = execution.context;
  const auto& format = context.settings().format_context();
  for (;;) {
    Batch result = run_typed(context, query, execution.parameters);
    old = take_old(target, result, old_from, format);
    result.columns.resize(old_from);
    const Batch key = storage_key(target, old);
    if (lock_rows(context, writes, target.table(), key, mode)) continue;
    const auto rows = first_of_each(key);
    if (rows.size() == old.row_count()) return result;
    old = pick_rows(old, rows);
    return pick_rows(result, rows);
  }
}

void check_assignments(const WriteTarget& target, const std::vector<sql::Assignment>& assignments) {
  std::vector<std::size_t> seen;
  for (const auto& assignment : assignments) {
    const std::size_t column = target.column_index(assignment.column);
    if (std::find(seen.begin(), seen.end(), column) != seen.end()) {
      throw Error(ErrorCode::SyntaxError,
                  "multiple assignments to same column \"" + assignment.column + "\"");
    }
    seen.push_back(column);
    const auto& object = target.column(column);
    if (assignment.is_default || (object.generated_text.empty() && object.identity != 'a')) continue;
    const std::string quoted = "\"" + assignment.column + "\"";
    throw Error(ErrorCode::GeneratedAlways, "column " + quoted + " can only be updated to DEFAULT",
                object.generated_text.empty()
                    ? "Column " + quoted + " is an identity column defined as GENERATED ALWAYS."
                    : "Column " + quoted + " is a generated column.");
  }
}

/// Rows whose keys stay may be referenced meanwhile.
storage::LockMode lock_mode(const WriteTarget& target, const std::vector<sql::Assignment>& assignments) {
  const auto is_in = [](const std::vector<std::size_t>& key, std::size_t column) {
    return std::find(key.begin(), key.end(), column) != key.end();
  };
  const bool changes_key = std::any_of(assignments.begin(), assignments.end(), [&](const auto& assignment) {
    const auto column = target.column_index(assignment.column);
    return is_in(target.key(), column) ||
           std::any_of(target.unique_keys().begin(), target.unique_keys().end(),
                       [&](const auto& key) { return is_in(key.columns, column); });
  });
  return changes_key ? storage::LockMode::Update : storage::LockMode::NoKeyUpdate;
}

/// What TRUNCATE is to truncate. With CASCADE also the tables with foreign keys to those, `also` by name.
std::vector<catalog::RelationObject> truncated_tables(SessionContext& context,
                                                      const sql::TruncateStatement& truncate,
                                                      std::vector<std::string>& also) {
  std::vector<catalog::RelationObject> tables;
  const auto is_listed = [&](catalog::Oid oid) {
    return std::any_of(tables.begin(), tables.end(), [&](const auto& table) { return table.oid == oid; });
  };
  for (const auto& name : truncate.tables) {
    const auto& relation = relation_to_write(context, name);
    if (relation.kind != catalog::RelationKind::Table) {
      throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not a table");
    }
    if (!is_listed(relation.oid)) tables.push_back(relation);
  }
  also.clear();
  const auto catalog = context.catalog();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    for (const auto* child : catalog->relations()) {
      const bool refers =
          std::any_of(child->constraints.begin(), child->constraints.end(), [&](const auto& c) {
            return c.kind == catalog::ConstraintObject::Kind::ForeignKey &&
                   c.referenced_table == tables[i].oid;
          });
      if (!refers || is_listed(child->oid)) continue;
      if (!truncate.cascade) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "cannot truncate a table referenced in a foreign key constraint",
                    "Table \"" + child->name + "\" references \"" + tables[i].name + "\".",
                    "Truncate table \"" + child->name + "\" at the same time, or use TRUNCATE ... CASCADE.");
      }
      also.push_back(child->name);
      tables.push_back(*child);
    }
  }
  return tables;
}

/// DELETE of all rows, straight from storage's scan.
std::uint64_t erase_all(SessionContext& context, storage::Transaction& writes, const WriteTarget& target) {
  storage::ScanRequest request;
  request.table = target.table();
  for (const auto column : target.old_columns()) request.columns.push_back(target.column(column).id);
  if (target.has_row_id()) request.columns.push_back(storage::kRowIdColumn);
  const auto scan = context.view().scan(request);
  const auto state = scan->make_state();
  const auto make_old = [&] {
    Batch old;
    for (const auto column : target.old_columns()) old.columns.emplace_back(target.column(column).type);
    if (target.has_row_id()) old.columns.emplace_back(SqlType::of(TypeId::BigInt));
    return old;
  };
  std::uint64_t count = 0;
  ReferenceWatch watch(context, writes, target);
  Batch old = make_old();
  const auto flush = [&] {
    const auto seen = context.view().seq();
    const Batch key = storage_key(target, old);
    if (context.isolation() == Isolation::RepeatableRead) {
      lock_rows(context, writes, target.table(), key, storage::LockMode::Update);
    } else {
      writes.lock(target.table(), key, seen);  // whatever they hold by now, they go
    }
    count += erase_rows(writes, target, old);
    watch.deleted(old);
    old = make_old();
  };
  storage::ScanBatch part;
  while (scan->read(*state, part)) {
    context.check_cancelled();
    for (std::size_t i = 0; i < old.columns.size(); ++i) old.columns[i].append_all(part.columns[i]);
    if (old.row_count() >= kEraseRows) flush();
  }
  if (old.row_count() > 0) flush();
  watch.finish();
  return count;
}

}  // namespace

std::string execute_update(Execution& execution, const sql::UpdateStatement& update) {
  auto& context = execution.context;
  std::shared_ptr<const WriteTarget> target;
  const auto query = locked_within(execution, [&] {
    target = lock_write_target(context, update.table, "update", "UPDATE");
    check_assignments(*target, update.assignments);
    return sql::Rewriter(context).update_rows(update, target->info(), target->old_column_names(),
                                              target->default_texts());
  });
  auto& writes = context.writes("UPDATE");
  Batch old;
  Batch rows = locked_rows(execution, writes, *target, query, target->column_count(),
                           lock_mode(*target, update.assignments), old);
  const auto& format = context.settings().format_context();
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    rows.columns[i] = assigned(std::move(rows.columns[i]), target->column(i), format);
  }
  const std::size_t count = rows.row_count();
  fill_generated(context, *target, rows);
  check_rows(context, *target, rows);
  update_rows(writes, *target, old, rows);
  ReferenceWatch watch(context, writes, *target);
  watch.updated(old, rows);
  watch.finish();
  if (!update.returning.empty())
    send_returning(execution, *target, update.alias, update.returning,
                   plain_returning(*target, update.alias, update.returning), rows);
  return "UPDATE " + std::to_string(count);
}

std::string execute_delete(Execution& execution, const sql::DeleteStatement& del) {
  auto& context = execution.context;
  auto target = lock_write_target(context, del.table, "delete from", "DELETE");
  auto& writes = context.writes("DELETE");
  if (del.is_unconditional && del.returning.empty()) {
    return "DELETE " + std::to_string(erase_all(context, writes, *target));
  }
  const bool with_rows = !del.returning.empty();
  const auto query = locked_within(execution, [&] {
    target = lock_write_target(context, del.table, "delete from", "DELETE");
    return sql::Rewriter(context).delete_rows(del, target->info(), target->old_column_names(), with_rows);
  });
  Batch old;
  Batch rows = locked_rows(execution, writes, *target, query, with_rows ? target->column_count() : 0,
                           storage::LockMode::Update, old);
  const std::size_t count = old.row_count();
  erase_rows(writes, *target, old);
  ReferenceWatch watch(context, writes, *target);
  watch.deleted(old);
  watch.finish();
  if (with_rows) {
    const auto& format = context.settings().format_context();
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
      rows.columns[i] = assigned(std::move(rows.columns[i]), target->column(i), format);
    }
    send_returning(execution, *target, del.alias, del.returning,
                   plain_returning(*target, del.alias, del.returning), rows);
  }
  return "DELETE " + std::to_string(count);
}

std::string execute_truncate(Execution& execution, const sql::TruncateStatement& truncate) {
  auto& context = execution.context;
  std::vector<catalog::RelationObject> tables;
  std::vector<std::string> also;
  for (bool is_settled = false; !is_settled;) {
    tables = truncated_tables(context, truncate, also);
    is_settled = true;
    const auto catalog = context.catalog();
    for (const auto& table : tables) {
      const auto schema = catalog->find_schema(table.schema)->name;
      if (context.lock_for_change({schema, table.name, 0}, "TRUNCATE TABLE")) is_settled = false;
    }
  }
  for (const auto& name : also) context.notice("truncate cascades to table \"" + name + "\"");
  auto& writes = context.writes("TRUNCATE TABLE");
  auto& store = context.database().store();
  for (const auto& relation : tables) {
    writes.truncate(relation.table());
    for (const auto& index : relation.indexes) {
      if (index.key_table != 0) writes.truncate(index.key_table);
    }
    if (!truncate.restart_identity) continue;
    for (const auto& column : relation.columns) {
      if (column.sequence == 0) continue;
      const auto* sequence = context.catalog()->find_relation(column.sequence);
      if (sequence == nullptr || !sequence->sequence) continue;
      context.on_commit([&store, oid = sequence->oid, start = sequence->sequence->start] {
        store.set_sequence(oid, start);
      });
    }
  }
  return "TRUNCATE TABLE";
}

}  // namespace tickstone::engine
