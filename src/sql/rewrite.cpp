// SPDX-License-Identifier: Apache-2.0
#include "sql/rewrite.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "sql/duck_text.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

using Defaults = std::vector<std::pair<std::string, std::string>>;

DuckQuery finished(Translator& translator, std::string text, const ColumnList& columns) {
  DuckQuery query;
  query.text = std::move(text);
  query.relations = std::move(translator.relations);
  query.parameter_types = std::move(translator.parameter_types);
  query.subqueries = translator.locking_subqueries();
  if (columns.is_complete) {
    for (const ScopeColumn& column : columns.columns) {
      query.output_names.push_back(column.name);
      query.output_types.push_back(column.type);
      query.output_sources.push_back(column.source);
    }
  }
  return query;
}

const RelationInfo::Column& column_of(const RelationInfo& table, const std::string& name,
                                      std::uint32_t position) {
  for (const RelationInfo::Column& column : table.columns) {
    if (column.name == name) return column;
  }
  Error error(ErrorCode::UndefinedColumn,
              fmt::format("column \"{}\" of relation \"{}\" does not exist", name, table.name));
  if (position > 0) error.at(position);
  throw error;
}

/// The default of a column as DuckDB's text; NULL where it has none.
Typed default_value(Translator& translator, const Defaults& defaults, const RelationInfo::Column& column) {
  const auto found = std::find_if(defaults.begin(), defaults.end(),
                                  [&](const auto& pair) { return pair.first == column.name; });
  if (found == defaults.end()) {
    Typed null;
    null.text = "NULL";
    null.form = Typed::Form::Null;
    return translator.coerced(std::move(null), column.type);
  }
  const Expr expr = parse_expression(found->second);
  const Translator::TreeSwitch other_tree(translator, expr.tree);
  return translator.coerced(translator.expression(node_of(expr), Scope{}), column.type);
}

/// The new values of all columns of `table`: those assigned, and the old ones of `range` for the others.
std::string new_values(Translator& translator, const std::vector<Assignment>& assignments,
                       const RelationInfo& table, const Range& range, const Scope& scope,
                       const Defaults& defaults, ColumnList& out) {
  std::map<std::string, const Assignment*> by_column;
  for (const Assignment& assignment : assignments) {
    column_of(table, assignment.column, assignment.position);
    if (!by_column.emplace(assignment.column, &assignment).second) {
      throw Error(ErrorCode::SyntaxError,
                  fmt::format("multiple assignments to same column \"{}\"", assignment.column));
    }
  }
  std::string text;
  for (const RelationInfo::Column& column : table.columns) {
    if (!text.empty()) text += ", ";
    const auto assigned = by_column.find(column.name);
    if (assigned == by_column.end()) {
      text += duck_identifier(range.alias) + "." + duck_identifier(column.name);
      out.columns.push_back({column.name, column.type, column.not_null});
      continue;
    }
    const Assignment& assignment = *assigned->second;
    Typed value = assignment.is_default ? default_value(translator, defaults, column)
                                        : translator.expression(node_of(assignment.value), scope);
    // A number as written, which may have more digits than a NUMERIC of ours.
    if (value.is_number && value.form == Typed::Form::Plain && column.type.id == TypeId::Double &&
        !column.type.is_array)
      value.form = Typed::Form::UnknownLiteral;
    if (!assignment.is_default) value = translator.coerced(std::move(value), column.type);
    text += value.text + " AS " + duck_identifier(column.name);
    out.columns.push_back({column.name, value.type, false});
  }
  return text;
}

std::string old_values(const std::vector<std::string>& columns, const Range& range, const RelationInfo& table,
                       ColumnList& out) {
  std::string text;
  for (const std::string& name : columns) {
    if (!text.empty()) text += ", ";
    text += duck_identifier(range.alias) + "." + duck_identifier(name);
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const auto& c) { return c.name == name; });
    out.columns.push_back(
        {name, column != table.columns.end() ? std::optional(column->type) : std::nullopt, true});
  }
  return text;
}

/// Columns of the other tables in FROM, which RETURNING may name.
std::string joined_values(const Scope& scope, std::vector<DuckQuery::JoinedRange>& joined, ColumnList& out) {
  std::string text;
  for (std::size_t i = 1; i < scope.ranges.size(); ++i) {
    const Range& range = scope.ranges[i];
    if (!range.list.is_complete) continue;
    DuckQuery::JoinedRange& made = joined.emplace_back();
    made.alias = range.alias;
    made.first_column = out.columns.size();
    for (const ScopeColumn& column : range.list.columns) {
      text += ", " + duck_identifier(range.alias) + "." + duck_identifier(column.name);
      made.columns.push_back({column.name, column.type.value_or(SqlType{}), false});
      out.columns.push_back({column.name, column.type, false});
    }
  }
  return text;
}

/// ONLY of a hypertable.
void leave_out_chunks(const RelationInfo& table, const std::vector<std::string>& old_columns, Range& range) {
  if (!table.has_chunks) return;
  range.scan_condition = "false";
  range.scan_has_row_id = std::find(old_columns.begin(), old_columns.end(), "rowid") != old_columns.end();
}

std::string table_text(const Range& range) {
  return fmt::format("{} AS {}", scan_text(range, true), duck_identifier(range.alias));
}

}  // namespace

DuckQuery Rewriter::query(const Expr& query, Rows rows) const {
  TICKSTONE_CHECK(query && node_of(query)->node_case == PG_QUERY__NODE__NODE_SELECT_STMT);
  Translator translator(lookup_, query.tree, locks_);
  translator.set_top_level(true);
  translator.set_sends_rows(rows == Rows::Sent);
  ColumnList columns;
  std::string text = translator.select(*node_of(query)->select_stmt, nullptr, columns);
  return finished(translator, std::move(text), columns);
}

DuckQuery Rewriter::locking_query(const QueryStatement& query) const {
  Translator translator(lookup_, query.query.tree, locks_);
  translator.set_top_level(true);
  DuckQuery out;
  const LockRequest request{query.locking, &out, nullptr};
  translator.set_locking(&request);
  ColumnList columns;
  std::string text = translator.select(*node_of(query.query)->select_stmt, nullptr, columns);
  DuckQuery rest = finished(translator, std::move(text), columns);
  rest.locked = std::move(out.locked);
  rest.limit = std::move(out.limit);
  rest.offset = std::move(out.offset);
  return rest;
}

DuckQuery Rewriter::update_rows(const UpdateStatement& update, const RelationInfo& table,
                                const std::vector<std::string>& old_columns,
                                const std::vector<std::pair<std::string, std::string>>& defaults) const {
  const PgQuery__UpdateStmt& stmt = *node_of(update.whole)->update_stmt;
  Translator translator(lookup_, update.whole.tree, locks_);
  std::string text;
  if (stmt.with_clause != nullptr) {
    translator.push_ctes();
    text = translator.with_clause(*stmt.with_clause, nullptr);
  }
  Scope scope;
  Range target = translator.table_range(table, update.alias);
  target.hidden = old_columns;
  if (stmt.relation->inh == 0) leave_out_chunks(table, old_columns, target);
  translator.add_relation(target.scan_name);
  scope.ranges.push_back(target);
  const std::string others = translator.from_clause(stmt.n_from_clause, stmt.from_clause, scope);
  ColumnList columns;
  std::string list = new_values(translator, update.assignments, table, target, scope, defaults, columns);
  std::vector<DuckQuery::JoinedRange> joined;
  if (!update.returning.empty()) list += joined_values(scope, joined, columns);
  const std::string old = old_values(old_columns, target, table, columns);
  text += "SELECT ";
  // A row that joins several updates once, with any of them.
  if (stmt.n_from_clause > 0 && !old.empty()) text += fmt::format("DISTINCT ON ({}) ", old);
  text += list;
  if (!old.empty()) text += ", " + old;
  text += " FROM " + table_text(target);
  constexpr std::size_t kFromLength = 6;
  if (!others.empty()) text += ", " + others.substr(kFromLength);
  if (stmt.where_clause != nullptr) {
    text += " WHERE " +
            translator.coerced(translator.expression(stmt.where_clause, scope), SqlType::of(TypeId::Boolean))
                .text;
  }
  DuckQuery query = finished(translator, std::move(text), columns);
  query.joined = std::move(joined);
  return query;
}

DuckQuery Rewriter::delete_rows(const DeleteStatement& del, const RelationInfo& table,
                                const std::vector<std::string>& old_columns, bool with_all_columns) const {
  const PgQuery__DeleteStmt& stmt = *node_of(del.whole)->delete_stmt;
  Translator translator(lookup_, del.whole.tree, locks_);
  std::string text;
  if (stmt.with_clause != nullptr) {
    translator.push_ctes();
    text = translator.with_clause(*stmt.with_clause, nullptr);
  }
  Scope scope;
  Range target = translator.table_range(table, del.alias);
  target.hidden = old_columns;
  if (stmt.relation->inh == 0) leave_out_chunks(table, old_columns, target);
  translator.add_relation(target.scan_name);
  scope.ranges.push_back(target);
  const std::string others = translator.from_clause(stmt.n_using_clause, stmt.using_clause, scope);
  ColumnList columns;
  std::string list;
  std::vector<DuckQuery::JoinedRange> joined;
  if (with_all_columns) {
    list = new_values(translator, {}, table, target, scope, {}, columns);
    list += joined_values(scope, joined, columns);
  }
  const std::string old = old_values(old_columns, target, table, columns);
  if (!list.empty() && !old.empty()) list += ", ";
  text += "SELECT ";
  if (stmt.n_using_clause > 0 && !old.empty()) text += fmt::format("DISTINCT ON ({}) ", old);
  text += list + old;
  if (list.empty() && old.empty()) text += "1";
  text += " FROM " + table_text(target);
  constexpr std::size_t kFromLength = 6;
  if (!others.empty()) text += ", " + others.substr(kFromLength);
  if (stmt.where_clause != nullptr) {
    text += " WHERE " +
            translator.coerced(translator.expression(stmt.where_clause, scope), SqlType::of(TypeId::Boolean))
                .text;
  }
  DuckQuery query = finished(translator, std::move(text), columns);
  query.joined = std::move(joined);
  return query;
}

DuckQuery Rewriter::insert_values(const InsertStatement& insert, const RelationInfo& table,
                                  const std::vector<std::string>& columns,
                                  const std::vector<std::pair<std::string, std::string>>& defaults) const {
  const PgQuery__InsertStmt& stmt = *node_of(insert.whole)->insert_stmt;
  Translator translator(lookup_, insert.whole.tree, locks_);
  std::string text;
  if (stmt.with_clause != nullptr) {
    translator.push_ctes();
    text = translator.with_clause(*stmt.with_clause, nullptr);
  }
  std::vector<const RelationInfo::Column*> targets;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::uint32_t position = i < insert.column_positions.size() ? insert.column_positions[i] : 0;
    targets.push_back(&column_of(table, columns[i], position));
  }
  ColumnList out;
  for (const RelationInfo::Column* column : targets)
    out.columns.push_back({column->name, column->type, false});
  const Scope scope;
  std::vector<std::string> rows;
  for (const std::vector<Expr>& row : insert.values) {
    if (row.size() > columns.size())
      throw Error(ErrorCode::SyntaxError, "INSERT has more expressions than target columns");
    if (row.size() < columns.size() && !insert.columns.empty())
      throw Error(ErrorCode::SyntaxError, "INSERT has more target columns than expressions");
    std::string& fields = rows.emplace_back();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const bool is_given = i < row.size() && row[i];
      const Typed value =
          is_given ? translator.coerced(translator.expression(node_of(row[i]), scope), targets[i]->type)
                   : default_value(translator, defaults, *targets[i]);
      fields += (i > 0 ? ", " : "") + value.text;
      // One type in all rows, or DuckDB's.
      if (rows.size() == 1) {
        out.columns[i].type = value.type;
      } else if (out.columns[i].type != value.type) {
        out.columns[i].type.reset();
      }
    }
  }
  if (rows.size() == 1) return finished(translator, text + "SELECT " + rows[0], out);
  text += "SELECT * FROM (VALUES ";
  for (std::size_t r = 0; r < rows.size(); ++r) text += (r > 0 ? ", (" : "(") + rows[r] + ")";
  text += ") AS v(";
  for (std::size_t i = 0; i < columns.size(); ++i) text += (i > 0 ? ", " : "") + duck_identifier(columns[i]);
  return finished(translator, text + ")", out);
}

DuckQuery Rewriter::insert_query(const InsertStatement& insert) const {
  const PgQuery__InsertStmt& stmt = *node_of(insert.whole)->insert_stmt;
  Translator translator(lookup_, insert.whole.tree, locks_);
  std::string text;
  if (stmt.with_clause != nullptr) {
    translator.push_ctes();
    text = translator.with_clause(*stmt.with_clause, nullptr);
  }
  // Untyped literals become what the columns are that they go to.
  Translator::TypeHints hints;
  if (const auto table = lookup_.find_relation(insert.table.schema, insert.table.name)) {
    if (insert.columns.empty()) {
      for (const RelationInfo::Column& column : table->columns) hints.emplace_back(column.type);
    } else {
      for (std::size_t i = 0; i < insert.columns.size(); ++i) {
        hints.emplace_back(column_of(*table, insert.columns[i],
                                     i < insert.column_positions.size() ? insert.column_positions[i] : 0)
                               .type);
      }
    }
  }
  const PgQuery__SelectStmt& select = *node_of(insert.query)->select_stmt;
  ColumnList columns;
  const std::string body = translator.select(select, nullptr, columns, hints.empty() ? nullptr : &hints);
  text = text.empty() || select.with_clause == nullptr
             ? text + body
             : fmt::format("{}SELECT * FROM ({}) AS query", text, body);
  return finished(translator, std::move(text), columns);
}

DuckQuery Rewriter::returning(const std::vector<Expr>& targets, const RelationInfo& table,
                              const std::string& alias, const std::string& rows_name,
                              const std::vector<DuckQuery::JoinedRange>& joined,
                              const std::vector<std::string>& joined_names) const {
  TICKSTONE_CHECK(!targets.empty());
  Translator translator(lookup_, targets[0].tree, locks_);
  translator.set_top_level(true);
  Scope scope;
  Range range = translator.table_range(table, alias);
  range.scan_name = rows_name;
  range.scan_condition.clear();
  range.scan_query.clear();
  if (table.shown) {  // of a view `*` is not all
    std::string shown;
    for (const ScopeColumn& column : range.list.columns)
      shown += (shown.empty() ? "" : ", ") + duck_identifier(column.name);
    range.scan_query = fmt::format("(SELECT {} FROM {})", shown, duck_quoted_identifier(rows_name));
  }
  scope.star = range.list;
  scope.ranges.push_back(range);
  std::string from = table_text(range);
  for (std::size_t i = 0; i < joined.size(); ++i) {
    Range other;
    other.alias = joined[i].alias;
    other.scan_name = joined_names.at(i);
    for (const RelationInfo::Column& column : joined[i].columns) {
      const bool is_known = column.type.id != TypeId::Unknown;
      other.list.columns.push_back(
          {column.name, is_known ? std::optional(column.type) : std::nullopt, false});
    }
    scope.star.columns.insert(scope.star.columns.end(), other.list.columns.begin(), other.list.columns.end());
    from += " POSITIONAL JOIN " + table_text(other);
    scope.ranges.push_back(std::move(other));
  }
  std::vector<Node*> nodes;
  for (const Expr& target : targets) nodes.push_back(const_cast<Node*>(node_of(target)));
  ColumnList columns;
  const std::string list = translator.targets(nodes.size(), nodes.data(), scope, columns, nullptr);
  return finished(translator, fmt::format("SELECT {} FROM {}", list, from), columns);
}

DuckQuery Rewriter::conflict_rows(const InsertStatement& insert, const RelationInfo& table,
                                  const std::string& existing_name, const std::string& excluded_name,
                                  const std::vector<std::pair<std::string, std::string>>& defaults) const {
  Translator translator(lookup_, insert.whole.tree, locks_);
  // `excluded` is looked at after the table, so that a bare name is the table's.
  Scope around;
  Range excluded = translator.table_range(table, "excluded");
  for (ScopeColumn& column : excluded.list.columns) column.is_denied = false;  // the row is the writer's own
  excluded.scan_name = excluded_name;
  excluded.scan_condition.clear();
  excluded.scan_query.clear();
  around.ranges.push_back(excluded);
  Scope scope;
  scope.outer = &around;
  scope.qualifies = true;
  Range existing = translator.table_range(table, insert.alias);
  existing.scan_name = existing_name;
  existing.scan_condition.clear();
  existing.scan_query.clear();
  scope.ranges.push_back(existing);
  ColumnList columns;
  std::string text = "SELECT " + new_values(translator, insert.on_conflict.assignments, table, existing,
                                            scope, defaults, columns);
  const SqlType boolean = SqlType::of(TypeId::Boolean);
  text +=
      ", " +
      (insert.on_conflict.where
           ? translator.coerced(translator.expression(node_of(insert.on_conflict.where), scope), boolean).text
           : "true");
  columns.columns.push_back({"?column?", boolean, false});
  text += fmt::format(" FROM {} POSITIONAL JOIN {}", table_text(existing), table_text(excluded));
  return finished(translator, std::move(text), columns);
}

std::string Rewriter::view_rows(const Expr& condition, const RelationInfo& table, const std::string& alias,
                                const std::vector<std::string>& names, bool has_row_id) const {
  const Expr always = parse_expression("true");
  const Expr& where = condition ? condition : always;
  Translator translator(lookup_, where.tree, locks_);
  Scope scope;
  scope.ranges.push_back(translator.table_range(table, alias));
  const Range& range = scope.ranges.back();
  const std::string prefix = duck_identifier(range.alias) + ".";
  std::string text = "(SELECT ";
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    text += fmt::format("{}{}{} AS {}", i > 0 ? ", " : "", prefix, duck_identifier(table.columns[i].name),
                        duck_identifier(names[i]));
  }
  if (has_row_id) text += ", " + prefix + "rowid";
  text += " FROM " + table_text(range);
  if (condition) {
    text += " WHERE " +
            translator.coerced(translator.expression(node_of(condition), scope), SqlType::of(TypeId::Boolean))
                .text;
  }
  if (!translator.locking_subqueries().empty())
    throw Error(ErrorCode::FeatureNotSupported, "a view that locks rows is not supported");
  return text + ")";
}

DuckQuery Rewriter::expressions(const std::vector<Expr>& exprs, const RelationInfo* table,
                                const std::string& rows_name) const {
  TICKSTONE_CHECK(!exprs.empty());
  Translator translator(lookup_, exprs[0].tree, locks_);
  Scope scope;
  std::string from;
  if (table != nullptr) {
    Range range = translator.table_range(*table, "");
    range.scan_name = rows_name;
    range.scan_condition.clear();
    range.scan_query.clear();
    from = " FROM " + table_text(range);
    scope.star = range.list;
    scope.ranges.push_back(std::move(range));
  }
  ColumnList columns;
  std::string text = "SELECT ";
  for (std::size_t i = 0; i < exprs.size(); ++i) {
    const Translator::TreeSwitch own_tree(translator, exprs[i].tree);
    const Typed value =
        translator.coerced(translator.expression(node_of(exprs[i]), scope), SqlType::of(TypeId::Text));
    text += (i > 0 ? ", " : "") + value.text;
    columns.columns.push_back({output_name_of(node_of(exprs[i])), value.type, value.is_not_null});
  }
  return finished(translator, text + from, columns);
}

}  // namespace tickstone::sql
