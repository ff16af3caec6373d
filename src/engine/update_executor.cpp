// SPDX-License-Identifier: Apache-2.0
// UPDATE and DELETE.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/assignment.hpp"
#include "engine/constraints.hpp"
#include "engine/executors.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/locking_query.hpp"
#include "engine/mass_change.hpp"
#include "engine/returning.hpp"
#include "engine/rights.hpp"
#include "engine/row_changes.hpp"
#include "sql/statement_facts.hpp"

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

/// Runs `query` until the rows that it found are locked and unchanged since; nothing where there are more
/// than `limits`. `old_from`: where the old columns stand in its result.
std::optional<Batch> locked_rows(Execution& execution, storage::Transaction& writes,
                                 const WriteTarget& target, const sql::DuckQuery& query, std::size_t old_from,
                                 storage::LockMode mode, const GatherLimits& limits, Batch& old) {
  auto& context = execution.context;
  const auto& format = context.settings().format_context();
  for (;;) {
    auto found = run_within(context, query, execution.parameters, limits);
    if (!found) return std::nullopt;
    Batch result = std::move(*found);
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
                       [&](const auto& key) { return is_in(key.read_columns, column); });
  });
  return changes_key ? storage::LockMode::Update : storage::LockMode::NoKeyUpdate;
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
    count += erase_rows(context, writes, target, old);
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

/// How many rows a statement may take itself to change.
enum class Extent : std::uint8_t { Any, RowByRow };

constexpr GatherLimits kNoLimits{SIZE_MAX, SIZE_MAX};

/// Rows of a join may come several times, expressions of RETURNING may look at the table itself. (And the
/// locks of a query inside must not be given back.)
bool may_be_mass(const WriteTarget& target, const std::optional<std::vector<ReturnedColumn>>& plain_returning,
                 const sql::Expr& whole) {
  return plain_returning && !target.relation().temporary && !target.is_chunk() &&
         !sql::joins_other_tables(whole);
}

/// With other tables in FROM a bare name may be theirs, and `*` has their columns, too.
std::optional<std::vector<ReturnedColumn>> plain_unless_joined(const SessionContext& context,
                                                               const WriteTarget& target,
                                                               const std::string& alias,
                                                               const std::vector<sql::Expr>& returning,
                                                               const sql::Expr& whole) {
  if (!returning.empty() && (sql::joins_other_tables(whole) || !reads_all_columns(context, target)))
    return std::nullopt;
  return plain_returning(target, alias, returning);
}

sql::DuckQuery update_query(SessionContext& context, const sql::UpdateStatement& update,
                            const WriteTarget& target) {
  std::optional<sql::RelationInfo> marked;
  return sql::Rewriter(context).update_rows(update, info_to_read(context, target, marked),
                                            target.old_column_names(), target.default_texts());
}

sql::DuckQuery delete_query(SessionContext& context, const sql::DeleteStatement& del,
                            const WriteTarget& target) {
  std::optional<sql::RelationInfo> marked;
  return sql::Rewriter(context).delete_rows(del, info_to_read(context, target, marked),
                                            target.old_column_names(), !del.returning.empty());
}

void assign_rows(Batch& rows, const WriteTarget& target, const FormatContext& format) {
  for (std::size_t i = 0; i < rows.columns.size(); ++i)
    rows.columns[i] = assigned(std::move(rows.columns[i]), target.column(i), format);
}

/// Writers of rows share the table's lock, and those of the tables that depend on it.
std::shared_ptr<const WriteTarget> lock_write_target(SessionContext& context,
                                                     std::shared_ptr<const WriteTarget> target,
                                                     const sql::QualifiedName& name, const std::string& verb,
                                                     std::string_view command) {
  if (!context.lock_for_write(target->relation(), command) && !lock_dependents(context, *target, command))
    return target;
  return engine::lock_write_target(context, name, verb, command);
}

std::string update_many(Execution& execution, const sql::UpdateStatement& update,
                        const std::shared_ptr<const WriteTarget>& target) {
  auto& context = execution.context;
  auto& writes = context.writes("UPDATE");
  const auto& format = context.settings().format_context();
  ReferenceWatch watch(context, writes, *target);
  ReturnedRows returned(execution, *target, *plain_returning(*target, update.alias, update.returning));
  std::uint64_t count = 0;
  stream_rows(execution, update_query(context, update, *target), target->has_expressions(), [&](Batch rows) {
    const Batch old = take_old(*target, rows, target->column_count(), format);
    rows.columns.resize(target->column_count());
    assign_rows(rows, *target, format);
    fill_generated(context, *target, rows);
    check_rows(context, *target, rows);
    update_rows(context, writes, *target, old, rows);
    watch.updated(old, rows);
    if (!update.returning.empty()) returned.send(rows);
    count += rows.row_count();
  });
  finish_mass_change(writes, *target);
  watch.finish();
  if (!update.returning.empty()) returned.finish();
  return "UPDATE " + std::to_string(count);
}

std::string delete_many(Execution& execution, const sql::DeleteStatement& del,
                        const std::shared_ptr<const WriteTarget>& target) {
  auto& context = execution.context;
  auto& writes = context.writes("DELETE");
  const auto& format = context.settings().format_context();
  const bool with_rows = !del.returning.empty();
  ReferenceWatch watch(context, writes, *target);
  ReturnedRows returned(execution, *target, *plain_returning(*target, del.alias, del.returning));
  std::uint64_t count = 0;
  stream_rows(execution, delete_query(context, del, *target), target->has_computed_keys(), [&](Batch rows) {
    const std::size_t old_from = with_rows ? target->column_count() : 0;
    const Batch old = take_old(*target, rows, old_from, format);
    rows.columns.resize(old_from);
    count += erase_rows(context, writes, *target, old);
    watch.deleted(old);
    if (!with_rows) return;
    assign_rows(rows, *target, format);
    returned.send(rows);
  });
  finish_mass_change(writes, *target);
  watch.finish();
  if (with_rows) returned.finish();
  return "DELETE " + std::to_string(count);
}

/// DELETE of all rows of a table that this session has alone.
std::uint64_t truncate_all(SessionContext& context, const WriteTarget& target) {
  auto& writes = context.writes("DELETE");
  const std::uint64_t count = context.view().row_count(target.table());
  writes.truncate(target.table());
  for (const auto& key : target.unique_keys()) writes.truncate(key.table);
  return count;
}

std::string change_rows(Execution& execution, const sql::UpdateStatement& update, Extent extent) {
  auto& context = execution.context;
  auto target = find_write_target(context, update.table, "update");
  if (target->is_view()) {
    if (sql::reads_rows(update.whole)) target->require(context, catalog::Privilege::Select);
  } else {
    if (sql::reads_rows(update.whole))
      require_any_column(context, target->relation(), catalog::Privilege::Select, context.user());
    require_assignments(context, target->relation(), update.assignments);
  }
  const auto mark = lock_mark(context.writes("UPDATE"));
  bool is_first = true, locks_inside = false;
  const auto query = locked_within(execution, [&] {
    target = std::exchange(is_first, false)
                 ? lock_write_target(context, std::move(target), update.table, "update", "UPDATE")
                 : engine::lock_write_target(context, update.table, "update", "UPDATE");
    check_assignments(*target, update.assignments);
    auto made = update_query(context, update, *target);
    locks_inside = !made.subqueries.empty();
    return made;
  });
  const auto plain = plain_unless_joined(context, *target, update.alias, update.returning, update.whole);
  const auto& format = context.settings().format_context();
  Batch old;
  std::optional<Batch> found =
      locked_rows(execution, context.writes("UPDATE"), *target, query,
                  target->column_count() + joined_column_count(query), lock_mode(*target, update.assignments),
                  extent == Extent::Any && !locks_inside && may_be_mass(*target, plain, update.whole)
                      ? gather_limits(context)
                      : kNoLimits,
                  old);
  if (!found) {
    const auto alone = begin_mass_change(context, update.table, "update", "UPDATE", mark);
    return alone != nullptr ? update_many(execution, update, alone)
                            : change_rows(execution, update, Extent::RowByRow);
  }
  auto& writes = context.writes("UPDATE");
  Batch rows = std::move(*found);
  const auto joined = take_joined(query, target->column_count(), rows, format);
  rows.columns.resize(target->column_count());
  assign_rows(rows, *target, format);
  const std::size_t count = rows.row_count();
  fill_generated(context, *target, rows);
  check_rows(context, *target, rows);
  update_rows(context, writes, *target, old, rows);
  check_view_rows(context, *target, rows);
  ReferenceWatch watch(context, writes, *target);
  watch.updated(old, rows);
  watch.finish();
  if (!update.returning.empty())
    send_returning(execution, *target, update.alias, update.returning, plain, rows, joined);
  return "UPDATE " + std::to_string(count);
}

std::string delete_rows(Execution& execution, const sql::DeleteStatement& del, Extent extent) {
  auto& context = execution.context;
  auto target = find_write_target(context, del.table, "delete from");
  if (sql::reads_rows(del.whole)) {
    if (target->is_view()) {
      target->require(context, catalog::Privilege::Select);
    } else {
      require_any_column(context, target->relation(), catalog::Privilege::Select, context.user());
    }
  }
  const auto mark = lock_mark(context.writes("DELETE"));
  target = lock_write_target(context, std::move(target), del.table, "delete from", "DELETE");
  if (del.is_unconditional && del.returning.empty() && !target->is_chunk()) {
    if (extent == Extent::Any && target->referenced_by().empty() && !target->relation().temporary &&
        context.view().row_count(target->table()) > gather_limits(context).rows) {
      const auto alone = have_alone(context, del.table, "delete from", "DELETE", mark);
      if (alone == nullptr) return delete_rows(execution, del, Extent::RowByRow);
      return "DELETE " + std::to_string(truncate_all(context, *alone));
    }
    return "DELETE " + std::to_string(erase_all(context, context.writes("DELETE"), *target));
  }
  const bool with_rows = !del.returning.empty();
  bool locks_inside = false;
  const auto query = locked_within(execution, [&] {
    target = engine::lock_write_target(context, del.table, "delete from", "DELETE");
    auto made = delete_query(context, del, *target);
    locks_inside = !made.subqueries.empty();
    return made;
  });
  const auto plain = plain_unless_joined(context, *target, del.alias, del.returning, del.whole);
  const auto& format = context.settings().format_context();
  Batch old;
  std::optional<Batch> found = locked_rows(
      execution, context.writes("DELETE"), *target, query,
      with_rows ? target->column_count() + joined_column_count(query) : 0, storage::LockMode::Update,
      extent == Extent::Any && !locks_inside && may_be_mass(*target, plain, del.whole)
          ? gather_limits(context)
          : kNoLimits,
      old);
  if (!found) {
    const auto alone = begin_mass_change(context, del.table, "delete from", "DELETE", mark);
    return alone != nullptr ? delete_many(execution, del, alone)
                            : delete_rows(execution, del, Extent::RowByRow);
  }
  auto& writes = context.writes("DELETE");
  Batch rows = std::move(*found);
  const std::size_t count = old.row_count();
  erase_rows(context, writes, *target, old);
  ReferenceWatch watch(context, writes, *target);
  watch.deleted(old);
  watch.finish();
  if (with_rows) {
    const auto joined = take_joined(query, target->column_count(), rows, format);
    rows.columns.resize(target->column_count());
    assign_rows(rows, *target, format);
    send_returning(execution, *target, del.alias, del.returning, plain, rows, joined);
  }
  return "DELETE " + std::to_string(count);
}

}  // namespace

std::string execute_update(Execution& execution, const sql::UpdateStatement& statement) {
  return change_rows(execution, statement, Extent::Any);
}

std::string execute_delete(Execution& execution, const sql::DeleteStatement& statement) {
  return delete_rows(execution, statement, Extent::Any);
}

}  // namespace tickstone::engine
