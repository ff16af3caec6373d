// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/executors.hpp"
#include "engine/returning.hpp"
#include "engine/write_target.hpp"

namespace tickstone::engine {

/// What ON CONFLICT does, names resolved.
struct ConflictPlan {
  enum class Kind : std::uint8_t {
    None,
    Nothing,
    Replace,  // DO UPDATE that gives every column beside the key its value from EXCLUDED: a blind write
    Merge,    // DO UPDATE of values from EXCLUDED and constants alone
    Update    // DO UPDATE with expressions or a WHERE
  };
  Kind kind = Kind::None;
  /// Which key: nothing for DO NOTHING without a target; 0 the primary key, i the i-th unique key from 1.
  std::optional<std::size_t> arbiter;
  struct Merge {
    std::size_t column;
    std::optional<std::size_t> excluded;  // else the constant
    sql::Constant constant;
  };
  std::vector<Merge> merges;
};

/// An INSERT with its names resolved, apart from its rows.
struct InsertPlan {
  std::shared_ptr<const WriteTarget> target;
  sql::InsertStatement statement;
  std::vector<std::size_t> columns;  // the target's columns that the rows give, in the statement's order
  bool has_column_list = false;
  ConflictPlan conflict;
  std::optional<std::vector<ReturnedColumn>> plain_returning;

  /// For the rows of VALUES: what each cell is, so that literals and parameters need no parser.
  struct Cell {
    enum class Kind : std::uint8_t { Default, Constant, Parameter, Expression };
    Kind kind = Kind::Default;
    sql::Constant constant;
    std::size_t parameter = 0;  // from zero
  };
  std::vector<std::vector<Cell>> cells;
};

/// Errors: UndefinedColumn, DuplicateColumn, SyntaxError, InvalidColumnReference, GeneratedAlways, ...
std::shared_ptr<InsertPlan> make_insert_plan(SessionContext& context, const sql::InsertStatement& statement);
/// The cells of `plan.statement.values`.
void plan_cells(InsertPlan& plan);

/// A listed column that the table has, once. Errors: UndefinedColumn, DuplicateColumn.
std::vector<std::size_t> resolve_columns(const WriteTarget& target, const std::vector<std::string>& names);
/// `$3` alone, from zero.
std::optional<std::size_t> parameter_of(const sql::Expr& expression);

}  // namespace tickstone::engine
