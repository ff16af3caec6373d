// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/executors.hpp"
#include "engine/locking_query.hpp"
#include "engine/portal.hpp"

namespace tickstone::engine {

/// The cursors that a session declared in SQL. One that can scroll keeps what it has read; one WITH HOLD
/// reads everything at once and outlives its transaction.
class Cursors {
 public:
  bool contains(const std::string& name) const { return cursors_.contains(name); }
  /// What FETCH gives. Errors: InvalidCursorName.
  const std::vector<ResultColumn>& columns(const std::string& name) const;
  /// `text`: of the statement, for pg_cursors.
  std::string declare(Execution& execution, const sql::CursorStatement& cursor, const std::string& text);
  /// FETCH and MOVE; rows go to the sink. Errors: InvalidCursorName, ObjectNotInPrerequisiteState.
  std::string fetch(Execution& execution, const sql::CursorStatement& cursor);
  /// The key of the row that a cursor with FOR UPDATE is on. Errors: InvalidCursorName; InvalidCursorState;
  /// FeatureNotSupported for a cursor that locks nothing.
  std::vector<sql::NameLookup::KeyValue> current_row(const std::string& name,
                                                     const sql::RelationInfo& relation,
                                                     const FormatContext& format) const;
  std::string close(const std::string& name);
  void close_all() { cursors_.clear(); }
  /// What pg_cursors shows.
  std::vector<catalog::RunningFacts::CursorInfo> shown() const;
  /// At the end of a transaction: those of it go, but for held ones when it committed.
  void end_transaction(bool committed);

 private:
  struct Cursor {
    std::unique_ptr<Portal> portal;
    std::vector<ResultColumn> columns;
    bool is_held = false;  // WITH HOLD
    bool is_binary = false;
    std::string text;  // of DECLARE
    std::int64_t created_us = 0;
    bool is_committed = false;  // its transaction has
    bool keeps_rows = false;
    bool only_forward = false;   // though it keeps its rows
    Batch kept;                  // what was read, of one that can scroll or locks its rows
    std::uint64_t position = 0;  // the row that it is on, from 1; 0: before the first
    bool is_after_last = false;
    std::vector<LockedRead::Relation> locked;  // what its rows come from
  };
  static void describe(const Execution& execution, const sql::CursorStatement& declared,
                       const std::string& text, Cursor& cursor);
  static void read_to(SessionContext& context, Cursor& cursor, std::uint64_t row);
  static void move_to(SessionContext& context, Cursor& cursor, Int128 row);
  static std::uint64_t send(Execution& execution, Cursor& cursor, Int128 first, Int128 last,
                            bool is_backward);

  std::map<std::string, Cursor> cursors_;
};

}  // namespace tickstone::engine
