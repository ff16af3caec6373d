// SPDX-License-Identifier: Apache-2.0
#include "engine/cursors.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/row_changes.hpp"
#include "engine/row_keys.hpp"
#include "engine/tracking_sink.hpp"

namespace tickstone::engine {
namespace {

/// Gathers rows instead of sending them.
class GatheringSink final : public NullSink {
 public:
  explicit GatheringSink(Batch& into) : into_(into) {}
  void rows(const Batch& batch) override { append_batch(into_, batch); }

 private:
  Batch& into_;
};

}  // namespace

void Cursors::describe(const Execution& execution, const sql::CursorStatement& declared,
                       const std::string& text, Cursor& cursor) {
  cursor.text = text;
  cursor.created_us = execution.context.statement_start_us();
  cursor.is_held = declared.with_hold;
  cursor.is_binary = declared.is_binary;
  for (auto& column : cursor.columns) column.is_binary = declared.is_binary;
}

std::vector<catalog::RunningFacts::CursorInfo> Cursors::shown() const {
  std::vector<catalog::RunningFacts::CursorInfo> infos;
  for (const auto& [name, cursor] : cursors_) {
    infos.push_back({name, cursor.text, cursor.is_held, cursor.is_binary,
                     cursor.keeps_rows && !cursor.only_forward, cursor.created_us});
  }
  return infos;
}

std::vector<catalog::RunningFacts::CursorInfo> SessionContext::open_cursors() const {
  return cursors_ == nullptr ? std::vector<CursorInfo>() : cursors_->shown();
}

const std::vector<ResultColumn>& Cursors::columns(const std::string& name) const {
  const auto found = cursors_.find(name);
  if (found == cursors_.end())
    throw Error(ErrorCode::InvalidCursorName, "cursor \"" + name + "\" does not exist");
  return found->second.columns;
}

std::string Cursors::declare(Execution& execution, const sql::CursorStatement& declared,
                             const std::string& text) {
  auto& context = execution.context;
  if (!declared.locking.empty()) {
    if (declared.with_hold) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "DECLARE CURSOR WITH HOLD ... " + declared.locking.front().name() + " is not supported",
                  "Holdable cursors must be READ ONLY.");
    }
    if (declared.scroll) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "DECLARE SCROLL CURSOR ... " + declared.locking.front().name() + " is not supported",
                  "Scrollable cursors must be READ ONLY.");
    }
    // All its rows at once, not as they are fetched.
    auto read = read_locked(execution, {declared.query, declared.locking, true});
    Cursor cursor;
    cursor.columns = std::move(read.columns);
    cursor.kept = std::move(read.rows);
    cursor.locked = std::move(read.relations);
    cursor.keeps_rows = cursor.only_forward = true;
    describe(execution, declared, text, cursor);
    cursors_.insert_or_assign(declared.name, std::move(cursor));
    return "DECLARE CURSOR";
  }
  if (sql::locks_rows(declared.query))
    throw Error(ErrorCode::FeatureNotSupported, "a cursor with FOR UPDATE in a subquery is not supported");
  Cursor cursor;
  cursor.portal = std::make_unique<Portal>(
      "", nullptr, std::vector<Value>(execution.parameters.begin(), execution.parameters.end()));
  auto& portal = *cursor.portal;
  portal.plan = QueryPlan::make(context, declared.query, {});
  portal.open();
  cursor.columns = portal.columns();
  if (portal.holds_connection) context.detach_duck();
  cursor.is_held = declared.with_hold;
  cursor.keeps_rows = declared.scroll || declared.with_hold;
  if (declared.with_hold) read_to(context, cursor, UINT64_MAX);
  describe(execution, declared, text, cursor);
  cursors_.insert_or_assign(declared.name, std::move(cursor));
  return "DECLARE CURSOR";
}

/// Reads until the row is among those kept, or the end.
void Cursors::read_to(SessionContext& context, Cursor& cursor, std::uint64_t row) {
  const std::uint64_t have = cursor.kept.row_count();
  if (have >= row || cursor.portal == nullptr) return;
  GatheringSink sink(cursor.kept);
  cursor.portal->send(context, row - have, sink);
  if (cursor.portal->is_done) cursor.portal.reset();
}

/// Stands on the row, or before the first or after the last where there is none.
void Cursors::move_to(SessionContext& context, Cursor& cursor, Int128 row) {
  cursor.is_after_last = false;
  if (row <= 0) {
    cursor.position = 0;
    return;
  }
  read_to(context, cursor, row > INT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(row));
  const std::uint64_t have = cursor.kept.row_count();
  cursor.is_after_last = row > Int128{have};
  cursor.position = cursor.is_after_last ? have + 1 : static_cast<std::uint64_t>(row);
}

/// Rows `first` to `last`, both included, of a cursor that keeps them; backwards from `last`.
std::uint64_t Cursors::send(Execution& execution, Cursor& cursor, Int128 first, Int128 last,
                            bool is_backward) {
  if (first < 1) first = 1;
  if (last < first) return 0;
  read_to(execution.context, cursor, last > INT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(last));
  last = std::min<Int128>(last, cursor.kept.row_count());
  if (last < first) return 0;
  std::vector<std::uint32_t> rows;
  for (auto row = first; row <= last; ++row) rows.push_back(static_cast<std::uint32_t>(row - 1));
  if (is_backward) std::reverse(rows.begin(), rows.end());
  execution.sink.rows(pick_rows(cursor.kept, rows));
  return rows.size();
}

std::string Cursors::fetch(Execution& execution, const sql::CursorStatement& statement) {
  const auto found = cursors_.find(statement.name);
  if (found == cursors_.end())
    throw Error(ErrorCode::InvalidCursorName, "cursor \"" + statement.name + "\" does not exist");
  Cursor& cursor = found->second;
  auto& context = execution.context;
  using Direction = sql::CursorStatement::Direction;
  const bool is_move = statement.action == sql::CursorStatement::Action::Move;
  NullSink nowhere;
  Execution output{
      context, is_move ? static_cast<ResultSink&>(nowhere) : execution.sink, {}, execution.describe};
  if (!is_move && execution.describe) execution.sink.row_description(cursor.columns);
  const std::string tag = is_move ? "MOVE " : "FETCH ";
  const bool is_step =
      statement.direction == Direction::Forward || statement.direction == Direction::Backward;
  const Int128 step =
      statement.direction == Direction::Backward ? -Int128{statement.count} : Int128{statement.count};
  const bool is_forward = step >= 0;
  Int128 count = is_step && !is_forward ? -step : step;

  if (!cursor.keeps_rows || cursor.only_forward) {
    const bool goes_on =
        (is_step && is_forward && count > 0) ||
        (statement.direction == Direction::Relative && statement.count > 0) ||
        (statement.direction == Direction::Absolute && statement.count > 0 &&
         static_cast<std::uint64_t>(statement.count) > cursor.position && !cursor.is_after_last);
    if (!goes_on) {
      throw Error(ErrorCode::ObjectNotInPrerequisiteState, "cursor can only scan forward", {},
                  "Declare it with SCROLL option to enable backward scan.");
    }
    if (!cursor.only_forward && cursor.portal == nullptr) return tag + "0";
  }
  if (!cursor.keeps_rows) {
    std::uint64_t wanted =
        count > INT64_MAX || count == INT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(count);
    if (!is_step) {
      // What lies between is passed over.
      const auto target = statement.direction == Direction::Relative
                              ? static_cast<std::uint64_t>(statement.count)
                              : static_cast<std::uint64_t>(statement.count) - cursor.position;
      cursor.position += cursor.portal->send(context, target - 1, nowhere);
      wanted = 1;
    }
    const auto sent = cursor.portal->send(context, wanted, output.sink);
    cursor.position += sent;
    if (sent < wanted) cursor.is_after_last = true;
    return tag + std::to_string(sent);
  }

  const Int128 at = cursor.position;
  if (is_step && count == 0) {  // the row that it is on, again
    return tag + std::to_string(at == 0 || cursor.is_after_last ? 0 : send(output, cursor, at, at, false));
  }
  if (is_step) {
    if (count >= INT64_MAX) count = Int128{1} << 80;  // ALL
    const auto sent = is_forward ? send(output, cursor, at + 1, at + count, false)
                                 : send(output, cursor, at - count, at - 1, true);
    move_to(context, cursor, is_forward ? at + count : at - count);
    return tag + std::to_string(sent);
  }
  Int128 row = statement.direction == Direction::Relative ? at + count : count;
  if (statement.direction == Direction::Absolute && count < 0) {
    read_to(context, cursor, UINT64_MAX);
    row = Int128{cursor.kept.row_count()} + 1 + count;
  }
  move_to(context, cursor, row);
  const bool is_on_row = cursor.position > 0 && !cursor.is_after_last;
  return tag + std::to_string(is_on_row ? send(output, cursor, cursor.position, cursor.position, false) : 0);
}

std::vector<sql::NameLookup::KeyValue> Cursors::current_row(const std::string& name,
                                                            const sql::RelationInfo& relation,
                                                            const FormatContext& format) const {
  const auto found = cursors_.find(name);
  if (found == cursors_.end())
    throw Error(ErrorCode::InvalidCursorName, "cursor \"" + name + "\" does not exist");
  const Cursor& cursor = found->second;
  const std::string quoted = "cursor \"" + name + "\"";
  if (!cursor.only_forward) {
    throw Error(ErrorCode::FeatureNotSupported,
                "WHERE CURRENT OF a cursor without FOR UPDATE is not supported");
  }
  const LockedRead::Relation* source = nullptr;
  for (const auto& candidate : cursor.locked) {
    const auto& info = candidate.target->info();
    if (info.schema != relation.schema || info.name != relation.name) continue;
    if (source != nullptr) {
      throw Error(ErrorCode::InvalidCursorState,
                  quoted + " has multiple FOR UPDATE/SHARE references to table \"" + relation.name + "\"");
    }
    source = &candidate;
  }
  if (source == nullptr) {
    throw Error(ErrorCode::InvalidCursorState,
                quoted + " does not have a FOR UPDATE/SHARE reference to table \"" + relation.name + "\"");
  }
  if (cursor.position == 0 || cursor.is_after_last || cursor.position > cursor.kept.row_count())
    throw Error(ErrorCode::InvalidCursorState, quoted + " is not positioned on a row");
  const WriteTarget& target = *source->target;
  const Batch keys = storage_key(target, source->old);
  std::vector<sql::NameLookup::KeyValue> row;
  for (std::size_t i = 0; i < keys.columns.size(); ++i) {
    const bool is_row_id = target.has_row_id() && i + 1 == keys.columns.size();
    const Value value = value_at(keys.columns[i].view(), cursor.position - 1);
    row.push_back({is_row_id ? target.old_column_names().back() : target.column(target.key()[i]).name,
                   value.type, to_text(value, format)});
  }
  return row;
}

std::string Cursors::close(const std::string& name) {
  if (cursors_.erase(name) == 0)
    throw Error(ErrorCode::InvalidCursorName, "cursor \"" + name + "\" does not exist");
  return "CLOSE CURSOR";
}

void Cursors::end_transaction(bool committed) {
  std::erase_if(cursors_, [&](const auto& entry) {
    return !entry.second.is_committed && !(committed && entry.second.is_held);
  });
  for (auto& [name, cursor] : cursors_) cursor.is_committed = true;
}

}  // namespace tickstone::engine
