// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/executors.hpp"
#include "engine/write_target.hpp"

/// Queries that lock the rows that they read: FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE.
///
/// One inside a statement (in WITH, in FROM, in an expression) is run before the statement, once, and its
/// rows stand in its place; so the statement changes what was locked and nothing else. One that refers to the
/// query around it would have to be run for each of its rows: it is refused.
namespace tickstone::engine {

/// What a statement reads, translated with the locks taken that are asked for inside of it. `translate` is
/// called again when a table was changed before its lock was there.
/// Errors: those of locks; ReadOnlySqlTransaction.
sql::DuckQuery locked_within(Execution& execution, const std::function<sql::DuckQuery()>& translate);

/// Rows that were read and are locked now.
struct LockedRead {
  std::vector<ResultColumn> columns;
  Batch rows;
  /// Of each relation whose rows are locked, the old rows (`WriteTarget::old_columns`) that `rows` come from.
  struct Relation {
    std::shared_ptr<const WriteTarget> target;
    Batch old;
  };
  std::vector<Relation> relations;
};
/// Runs SELECT ... FOR UPDATE and its kin to the end.
LockedRead read_locked(Execution& execution, const sql::QueryStatement& query);

}  // namespace tickstone::engine
