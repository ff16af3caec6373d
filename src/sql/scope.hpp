// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sql/rewrite.hpp"
#include "types/sql_type.hpp"

namespace tickstone::sql {

/// A column of a relation in FROM or of a query's output.
struct ScopeColumn {
  std::string name;
  std::optional<SqlType> type;
  bool is_not_null = false;
  ColumnSource source;
  bool is_denied = false;  // of a table whose other columns the role may read
};

/// Columns of a query or a relation, in order. `is_complete` is false where some are not known by name.
struct ColumnList {
  std::vector<ScopeColumn> columns;
  bool is_complete = true;
};

/// A relation in FROM under the name by which columns refer to it.
struct Range {
  std::string alias;
  std::string schema;            // of a table without an alias
  std::string scan_name;         // of a table: "schema.name"
  std::string scan_condition;    // of a part of a table: which rows
  bool scan_has_row_id = false;  // of such a part
  std::string scan_query;        // instead of both, of a view that is written through
  std::vector<std::string> primary_key;
  ColumnList list;
  std::vector<std::string> hidden;               // names that resolve and are not in `*`: rowid
  bool may_be_missing = false;                   // on the side of an outer join that may have no row
  std::vector<std::string> unlisted;             // columns that joins need and `*` has not
  bool is_value = false;                         // the alias itself is a value: a function of one column
  std::vector<DuckQuery::LockedRange> exported;  // of a query in FROM: rows to lock, by columns not in `*`
};

struct Fill;

/// The relations that a query's expressions see, and those of the queries around it.
struct Scope {
  const Scope* outer = nullptr;
  bool is_join = false;        // one side of a join: `outer` is the FROM clause around it
  bool qualifies = false;      // bare names are printed with their relation's
  const Fill* fill = nullptr;  // set: columns are those of filled rows
  std::vector<Range> ranges;
  ColumnList star;                            // what `*` gives
  std::map<std::string, ScopeColumn> merged;  // of JOIN ... USING: one column of that name, no ambiguity

  bool is_complete() const {
    for (const Range& range : ranges) {
      if (!range.list.is_complete) return false;
    }
    return true;
  }
  /// The scope of the query around this one's.
  const Scope* around() const {
    const Scope* scope = this;
    while (scope->is_join) scope = scope->outer;
    return scope->outer;
  }
};

/// A query of WITH.
struct Cte {
  ColumnList list;
  std::string text;        // `name AS (...)`; empty while it is translated
  std::size_t number = 0;  // in the order of the text
  bool is_recursive = false;
  bool has_rows = true;  // false: it writes, and returns nothing
  std::set<const Cte*> uses;
};

/// Relations of WITH by name; `outer` has those of the queries around.
struct CteScope {
  const CteScope* outer = nullptr;
  std::map<std::string, const Cte*, std::less<>> ctes;

  const Cte* find(std::string_view name) const {
    for (const CteScope* scope = this; scope != nullptr; scope = scope->outer) {
      const auto found = scope->ctes.find(name);
      if (found != scope->ctes.end()) return found->second;
    }
    return nullptr;
  }
};

}  // namespace tickstone::sql
