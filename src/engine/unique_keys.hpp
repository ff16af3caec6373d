// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/objects.hpp"
#include "engine/session_context.hpp"
#include "sql/rewrite.hpp"
#include "sql/statement.hpp"
#include "storage/store.hpp"

namespace tickstone::engine {

/// A UNIQUE beside the primary key and the storage table that enforces it. That table's rows are the values
/// of the key, then whether they are NULL (of NULLS NOT DISTINCT), then what finds the row.
struct UniqueKey {
  static constexpr std::size_t kNoColumn = SIZE_MAX;

  UniqueKey(const catalog::RelationObject& relation, const catalog::IndexObject& index);

  std::string name;
  storage::TableId table = 0;
  std::vector<std::size_t> columns;    // of the relation; kNoColumn: an expression
  std::vector<sql::Expr> expressions;  // as many as columns; empty handles for columns
  std::vector<std::string> texts;      // of the expressions
  std::vector<SqlType> types;          // of the values
  sql::Expr where;                     // of a part of the rows
  std::string where_text;
  bool nulls_not_distinct = false;
  std::vector<std::size_t> read_columns;  // what it is made of: of keys, expressions and condition

  /// Its values are not just columns that hold no NULL.
  bool is_computed() const { return has_expressions_ || where || nulls_not_distinct; }
  /// How many columns of its table stand before those that find the row.
  std::size_t width() const { return columns.size() * (nulls_not_distinct ? 2 : 1); }

 private:
  bool has_expressions_ = false;
};

/// What is in a unique key of some rows.
struct KeyEntries {
  std::vector<std::uint32_t> rows;  // which of them are in it
  Batch keys;                       // of those: the first `width()` columns of the key's table
};

/// `rows` have the relation's columns `columns`, among them all that the key reads, and perhaps more after
/// them. Errors: those of the key's expressions.
KeyEntries key_entries(SessionContext& context, const sql::RelationInfo& info, const UniqueKey& key,
                       const std::vector<std::size_t>& columns, const Batch& rows);

/// `Key (a, b)=(1, null) already exists.` of an entry.
std::string key_detail(SessionContext& context, const catalog::RelationObject& relation, const UniqueKey& key,
                       const Batch& keys, std::size_t row);

/// Finds the types of the expressions of a UNIQUE index.
/// Errors: UndefinedColumn, InvalidObjectDefinition where a value may change while the row stays.
void plan_index(SessionContext& context, const catalog::RelationObject& relation,
                catalog::IndexObject& index);

}  // namespace tickstone::engine
