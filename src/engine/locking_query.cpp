// SPDX-License-Identifier: Apache-2.0
#include "engine/locking_query.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <set>

#include <tickstone/error.hpp>

#include "engine/assignment.hpp"
#include "engine/query_plan.hpp"
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

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kRowsBeyond = 16;  // read beyond a LIMIT at first, since some may be passed over
constexpr std::uint64_t kMoreRows = 8;

using Targets = std::vector<std::shared_ptr<const WriteTarget>>;

/// The tables whose rows the query locks, locked to be written. False when names must be looked up again.
bool lock_tables(SessionContext& context, const sql::DuckQuery& query, Targets& targets) {
  targets.clear();
  for (const auto& range : query.locked) {
    targets.push_back(find_write_target(context, {range.schema, range.name, 0}, "lock rows of"));
    if (context.lock_for_write(targets.back()->relation(), "SELECT " + range.locking.name())) return false;
  }
  return true;
}

std::uint64_t evaluate_limit(Execution& execution, const std::string& text, const char* word, ErrorCode code,
                             std::uint64_t otherwise) {
  if (text.empty()) return otherwise;
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc{} && end == text.data() + text.size()) return number;
  sql::DuckQuery query;
  query.text = "SELECT CAST(" + text + " AS BIGINT)";
  const Batch result = execution.context.run(query, execution.parameters);
  if (result.row_count() == 0 || result.columns[0].is_null(0)) return otherwise;
  const auto value = result.columns[0].fixed<std::int64_t>(0);
  if (value < 0) throw Error(code, std::string(word) + " must not be negative");
  return static_cast<std::uint64_t>(value);
}

/// Locks what one relation has to do with `rows` of the result, and leaves those that SKIP LOCKED passes over
/// out of them. True when what was read has to be read again.
bool lock_range(SessionContext& context, storage::Transaction& writes, const WriteTarget& target,
                const sql::RowLocking& locking, const Batch& all_keys, std::vector<std::uint32_t>& rows) {
  const auto mode = mode_of(locking.strength);
  Batch keys = pick_rows(all_keys, rows);
  if (locking.wait != Wait::Block) {
    const auto taken = writes.try_lock(target.table(), keys, mode);
    if (locking.wait == Wait::Fail && std::find(taken.begin(), taken.end(), false) != taken.end()) {
      throw Error(ErrorCode::LockNotAvailable,
                  "could not obtain lock on row in relation \"" + target.name() + "\"");
    }
    std::vector<std::uint32_t> left;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (taken[i]) left.push_back(rows[i]);
    }
    if (left.size() < rows.size()) {
      rows = std::move(left);
      keys = pick_rows(all_keys, rows);
    }
  }
  return lock_rows(context, writes, target.table(), keys, mode);
}

/// Reads and locks until what was read is what is locked.
LockedRead lock_and_read(Execution& execution, const sql::DuckQuery& query, const Targets& targets) {
  auto& context = execution.context;
  const auto& format = context.settings().format_context();
  const auto limit =
      evaluate_limit(execution, query.limit, "LIMIT", ErrorCode::InvalidRowCountInLimit, kNoLimit);
  const auto offset =
      evaluate_limit(execution, query.offset, "OFFSET", ErrorCode::InvalidRowCountInOffset, 0);
  const std::uint64_t wanted = limit > kNoLimit - offset ? kNoLimit : limit + offset;
  const bool skips = std::any_of(query.locked.begin(), query.locked.end(),
                                 [](const auto& range) { return range.locking.wait == Wait::Skip; });
  std::uint64_t asked = !skips || wanted > kNoLimit - kRowsBeyond ? wanted : wanted + kRowsBeyond;
  for (;;) {
    sql::DuckQuery part;
    part.text = query.text;
    if (asked < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      part.text += " LIMIT " + std::to_string(asked);
    const auto stream = context.open(part, execution.parameters);
    LockedRead read;
    read.columns = result_columns(stream->columns(), query);
    Batch result, piece;
    for (const auto& column : stream->columns()) result.columns.emplace_back(column.type);
    while (stream->next(piece)) {
      context.check_cancelled();
      if (result.row_count() == 0) {
        result = piece;
      } else {
        append_batch(result, piece);
      }
    }
    const std::size_t count = result.row_count();
    std::vector<Batch> keys;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      read.relations.push_back(
          {targets[i], take_old(*targets[i], result, query.locked[i].first_column, format)});
      keys.push_back(storage_key(*targets[i], read.relations.back().old));
    }
    std::vector<std::uint32_t> kept;
    bool has_changed = false;
    for (std::size_t from = 0; from < count && kept.size() < wanted && !has_changed;) {
      const auto to = static_cast<std::size_t>(std::min<std::uint64_t>(count, wanted - kept.size() + from));
      std::vector<std::uint32_t> rows(to - from);
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(from));
      from = to;
      for (std::size_t i = 0; i < targets.size() && !has_changed && !rows.empty(); ++i) {
        has_changed = lock_range(context, context.writes("SELECT FOR UPDATE"), *targets[i],
                                 query.locked[i].locking, keys[i], rows);
      }
      kept.insert(kept.end(), rows.begin(), rows.end());
    }
    if (has_changed) continue;
    if (kept.size() < wanted && count == asked) {  // too many were passed over
      asked = asked > kNoLimit / kMoreRows ? kNoLimit : asked * kMoreRows;
      continue;
    }
    kept.erase(kept.begin(),
               kept.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(offset, kept.size())));
    if (!query.locked.empty()) {
      const std::size_t own = query.locked.front().first_column;
      read.columns.resize(own);
      result.columns.resize(own);
    }
    if (kept.size() < count) {
      result = pick_rows(result, kept);
      for (auto& relation : read.relations) relation.old = pick_rows(relation.old, kept);
    }
    fit_to_columns(result, read.columns, format);
    read.rows = std::move(result);
    return read;
  }
}

/// The rows of a query inside, under the name by which the text around knows them.
void set_subquery_rows(SessionContext& context, const std::string& name, const LockedRead& read) {
  std::vector<duck::SourceColumn> columns;
  std::set<std::string> names;
  for (const auto& column : read.columns) {
    duck::SourceColumn& source = columns.emplace_back();
    source.name = column.name;
    while (!names.insert(source.name).second) source.name += '#';  // the text knows it by its place
    source.type = column.type;
  }
  Batch rows = read.rows;
  if (rows.columns.empty()) {
    for (const auto& column : read.columns) rows.columns.emplace_back(column.type);
  }
  context.set_rows(name, std::move(columns), std::make_shared<const Batch>(std::move(rows)));
}

/// As `locked_within`; `own`: the tables whose rows the query itself locks.
sql::DuckQuery take_locks(Execution& execution, const std::function<sql::DuckQuery()>& translate,
                          Targets& own) {
  auto& context = execution.context;
  for (;;) {
    sql::DuckQuery query = translate();
    std::vector<Targets> inner(query.subqueries.size());
    bool is_settled = lock_tables(context, query, own);
    for (std::size_t i = 0; i < inner.size() && is_settled; ++i) {
      if (query.subqueries[i].is_needed)
        is_settled = lock_tables(context, *query.subqueries[i].query, inner[i]);
    }
    if (!is_settled) continue;
    for (std::size_t i = 0; i < inner.size(); ++i) {
      const auto& subquery = query.subqueries[i];
      if (subquery.is_needed) {
        set_subquery_rows(context, subquery.name, lock_and_read(execution, *subquery.query, inner[i]));
        continue;
      }
      LockedRead nothing;
      nothing.columns =
          result_columns(context.duck()->prepare(subquery.query->text)->columns(), *subquery.query);
      if (!subquery.query->locked.empty())
        nothing.columns.resize(subquery.query->locked.front().first_column);
      set_subquery_rows(context, subquery.name, nothing);
    }
    query.subqueries.clear();
    return query;
  }
}

}  // namespace

sql::DuckQuery locked_within(Execution& execution, const std::function<sql::DuckQuery()>& translate) {
  Targets none;
  return take_locks(execution, translate, none);
}

LockedRead read_locked(Execution& execution, const sql::QueryStatement& query) {
  Targets targets;
  const auto rewritten = take_locks(
      execution, [&] { return sql::Rewriter(execution.context).locking_query(query); }, targets);
  return lock_and_read(execution, rewritten, targets);
}

std::string execute_locking_query(Execution& execution, const sql::QueryStatement& query) {
  auto& context = execution.context;
  if (query.locking.empty()) {
    const auto rewritten = locked_within(
        execution, [&] { return sql::Rewriter(context).query(query.query, sql::Rewriter::Rows::Sent); });
    const auto stream = context.open(rewritten, execution.parameters);
    const auto columns = result_columns(stream->columns(), rewritten);
    if (execution.describe) execution.sink.row_description(columns);
    return "SELECT " + std::to_string(send_rows(execution, *stream, columns));
  }
  const LockedRead read = read_locked(execution, query);
  send_result(execution, read.columns, read.rows);
  return "SELECT " + std::to_string(read.rows.row_count());
}

}  // namespace tickstone::engine
