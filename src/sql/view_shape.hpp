// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sql/statement.hpp"

namespace tickstone::sql {

/// The query of a view as far as rows can be written through it: one table or view, columns of it, a
/// condition.
struct ViewShape {
  /// Why it cannot be written through, in PostgreSQL's words; empty: it can.
  std::string problem;
  /// What PostgreSQL can write through and we cannot; empty: there is nothing.
  std::string unsupported;
  QualifiedName source;
  std::string alias;  // what the query calls it
  struct Output {
    bool is_star = false;
    std::string column;  // of the source
  };
  std::vector<Output> outputs;
  Expr where;
};

ViewShape view_shape_of(const Expr& query);

}  // namespace tickstone::sql
