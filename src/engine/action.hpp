// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "engine/action_arguments.hpp"

namespace tickstone::engine {

/// The rows of an action's answer, with named columns.
struct ActionResult {
  std::vector<ResultColumn> columns;
  Batch rows;

  /// One row of one column.
  static ActionResult scalar(std::string_view name, const Value& value);
  /// The next column of a single row.
  void add(std::string_view name, const Value& value);
};

/// A function that acts on the database, of one topic's table below.
struct Action {
  std::vector<std::string_view> signature;
  std::vector<std::string_view> output;  // column names of the answer; empty: nothing (VOID, or CALL)
  ActionResult (*run)(SessionContext&, std::string_view function, const ActionArguments&) = nullptr;
  /// Of functions with a second form: that takes a dimension (`by_range(...)`) or an array.
  std::vector<std::string_view> other_signature = {};
  std::vector<std::string_view> other_output = {};
  bool takes_anything = false;  // its arguments are not looked at
};
using Actions = std::map<std::string_view, Action>;

void add_hypertable_actions(Actions& actions);   // hypertable.cpp
void add_dimension_actions(Actions& actions);    // dimensions.cpp
void add_chunk_actions(Actions& actions);        // chunk_actions.cpp
void add_chunk_move_actions(Actions& actions);   // chunk_moves.cpp
void add_chunk_shape_actions(Actions& actions);  // chunk_shapes.cpp
void add_columnstore_actions(Actions& actions);  // columnstore.cpp
void add_policy_actions(Actions& actions);       // policies.cpp
void add_job_actions(Actions& actions);          // job_actions.cpp
void add_refused_actions(Actions& actions);      // refused_actions.cpp

}  // namespace tickstone::engine
