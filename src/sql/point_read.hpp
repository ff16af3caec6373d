// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sql/rewrite.hpp"
#include "sql/statement.hpp"
#include "types/interval.hpp"

namespace tickstone::sql {

/// A SELECT that reads plain columns of one relation by conditions on single columns, sorted by columns: what
/// needs no general plan.
struct PointRead {
  /// A value that is the same for all rows.
  struct Operand {
    enum class Kind : std::uint8_t { Constant, Parameter, Now };
    Kind kind = Kind::Constant;
    Constant constant;            // without a type: an untyped literal
    int parameter = 0;            // $1 is 1
    std::optional<SqlType> cast;  // of the parameter
    IntervalValue after_now;      // Now: the transaction's time, and so much later
  };
  enum class Comparison : std::uint8_t { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual };
  struct Condition {
    std::size_t column = 0;
    Comparison comparison = Comparison::Equal;
    std::vector<Operand> operands;  // more than one: IN, the comparison is Equal
    bool is_any = false;            // `= ANY (the only operand)`, a parameter
  };
  /// `(columns) IN (SELECT * FROM unnest(arrays))`, the arrays being parameters.
  struct KeyList {
    std::vector<std::size_t> columns;
    std::vector<Operand> arrays;  // one a column
  };
  struct SortKey {
    std::size_t column = 0;
    bool is_descending = false;
    bool has_nulls_first = false;
  };

  RelationInfo relation;             // the other members count its columns from zero
  std::vector<std::size_t> columns;  // the output
  std::vector<std::string> output_names;
  std::vector<Condition> conditions;  // all of them hold
  std::optional<KeyList> keys;        // holds as well
  std::vector<SortKey> order;
  std::size_t distinct_on = 0;  // so many columns at the head of the order: DISTINCT ON them; no limit then
  std::optional<Operand> limit;
  std::optional<Operand> offset;
};

/// What the query is as a point read; nothing where it is more than that, or wrong.
std::optional<PointRead> point_read_of(const Expr& query, const NameLookup& lookup);

}  // namespace tickstone::sql
