// SPDX-License-Identifier: Apache-2.0
// SELECT ... FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE and FOR KEY SHARE.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/row_changes.hpp"

namespace tickstone::engine {
namespace {

using Wait = sql::RowLocking::Wait;

storage::LockMode mode_of(sql::RowLocking::Strength strength) {
  switch (strength) {
    case sql::RowLocking::Strength::KeyShare:
      return storage::LockMode::KeyShare;
    case sql::RowLocking::Strength::Share:
      return storage::LockMode::Share;
    case sql::RowLocking::Strength::NoKeyUpdate:
      return storage::LockMode::NoKeyUpdate;
    case sql::RowLocking::Strength::Update:
      break;
  }
  return storage::LockMode::Update;
}

/// Locks the rows of one relation that `kept` rows of the result come from, and leaves those that SKIP LOCKED
/// passes over out of `kept`. True when what was read has to be read again.
bool lock_range(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                const sql::DuckQuery::LockedRange& range, Batch& result, std::vector<std::uint32_t>& kept) {
  const Batch old = take_old(target, result, range.first_column, context.settings().format_context());
  const auto mode = mode_of(range.locking.strength);
  Batch keys = pick_rows(storage_key(target, old), kept);
  if (range.locking.wait != Wait::Block) {
    const auto taken = writes.try_lock(target.table(), keys, mode);
    if (range.locking.wait == Wait::Fail && std::find(taken.begin(), taken.end(), false) != taken.end()) {
      throw Error(ErrorCode::LockNotAvailable,
                  "could not obtain lock on row in relation \"" + target.name() + "\"");
    }
    std::vector<std::uint32_t> left;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (taken[i]) left.push_back(kept[i]);
    }
    if (left.size() < kept.size()) {
      kept = std::move(left);
      keys = pick_rows(storage_key(target, old), kept);
    }
  }
  return lock_rows(context, writes, target.table(), keys, mode);
}

}  // namespace

std::string execute_locking_query(Execution& execution, const sql::QueryStatement& query) {
  auto& context = execution.context;
  const std::string command = "SELECT " + query.locking.front().name();
  sql::DuckQuery rewritten;
  std::vector<std::shared_ptr<const WriteTarget>> targets;
  for (bool is_settled = false; !is_settled;) {
    is_settled = true;
    targets.clear();
    rewritten = sql::Rewriter(context).locking_query(query);
    for (const auto& range : rewritten.locked) {
      targets.push_back(find_write_target(context, {range.schema, range.name, 0}, "lock rows of"));
      if (context.lock_for_write(targets.back()->relation(), command)) {
        is_settled = false;
        break;
      }
    }
  }
  if (rewritten.locked.empty()) return execute_query(execution, query);
  auto& writes = context.writes(command);
  const std::size_t own_columns = rewritten.locked.front().first_column;
  for (;;) {
    auto stream = context.open(rewritten, execution.parameters);
    auto columns = result_columns(stream->columns(), rewritten);
    Batch result, part;
    for (const auto& column : stream->columns()) result.columns.emplace_back(column.type);
    while (stream->next(part)) {
      context.check_cancelled();
      if (result.row_count() == 0) {
        result = part;
      } else {
        append_batch(result, part);
      }
    }
    stream.reset();
    std::vector<std::uint32_t> kept(result.row_count());
    for (std::uint32_t row = 0; row < kept.size(); ++row) kept[row] = row;
    bool has_changed = false;
    for (std::size_t i = 0; i < targets.size() && !has_changed; ++i)
      has_changed = lock_range(context, writes, *targets[i], rewritten.locked[i], result, kept);
    if (has_changed) continue;
    columns.resize(own_columns);
    result.columns.resize(own_columns);
    if (kept.size() < result.row_count()) result = pick_rows(result, kept);
    const std::size_t count = result.row_count();
    fit_to_columns(result, columns, context.settings().format_context());
    send_result(execution, columns, result);
    return "SELECT " + std::to_string(count);
  }
}

}  // namespace tickstone::engine
