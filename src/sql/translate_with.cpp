// SPDX-License-Identifier: Apache-2.0
// WITH.
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/recursive_check.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

std::string Translator::with_clause(const PgQuery__WithClause& with, const Scope* outer) {
  const Holding<bool> nested(is_top_level_, false);
  std::string text = with.recursive != 0 ? "WITH RECURSIVE " : "WITH ";
  for (std::size_t i = 0; i < with.n_ctes; ++i) {
    if (i > 0) text += ", ";
    cte(*with.ctes[i]->common_table_expr, with.recursive != 0, outer, text);
  }
  return text + " ";
}

void Translator::cte(const PgQuery__CommonTableExpr& cte, bool is_recursive, const Scope* outer,
                     std::string& text) {
  if (const auto rows = lookup_.with_rows(&cte)) return cte_of_rows(cte, *rows, text);
  if (cte.ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    throw located(Error(ErrorCode::FeatureNotSupported,
                        "WITH clause containing a data-modifying statement must be at the top level"),
                  cte.location);
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < cte.n_aliascolnames; ++i) names.emplace_back(string_of(cte.aliascolnames[i]));
  const PgQuery__SelectStmt* written = cte.ctequery->select_stmt;
  Expr searched;
  std::optional<TreeSwitch> own_tree;
  if (cte.search_clause != nullptr || cte.cycle_clause != nullptr) {
    if (!is_recursive)
      throw located(Error(ErrorCode::SyntaxError, "WITH query is not recursive"), cte.location);
    const Holding<bool> first_pass(is_first_pass_, true);
    ColumnList of_left;
    select(written->larg != nullptr ? *written->larg : *written, outer, of_left);
    for (std::size_t i = names.size(); i < of_left.columns.size(); ++i)
      names.push_back(of_left.columns[i].name);
    searched = searched_query(cte, names);
    own_tree.emplace(*this, searched.tree);
    written = node_of(searched)->select_stmt;
  }
  const PgQuery__SelectStmt& query = *written;
  // The scope is ours to fill: `push_ctes` made it.
  CteScope& scope = *const_cast<CteScope*>(ctes_);
  const auto renamed = [&names](ColumnList list) {
    for (std::size_t i = 0; i < names.size() && i < list.columns.size(); ++i) list.columns[i].name = names[i];
    return list;
  };
  if (is_recursive && query.op != PG_QUERY__SET_OPERATION__SETOP_NONE) {
    check_recursion(cte);
    const Holding<bool> first_pass(is_first_pass_, true);
    ColumnList of_left;
    select(*query.larg, outer, of_left);
    Cte& by_itself = entries_of_ctes_.emplace_back();
    by_itself.list = renamed(of_left);
    scope.ctes[cte.ctename] = &by_itself;
  }
  Cte made;
  ColumnList columns;
  std::string body;
  // Known by where it will be, before it can be referred to.
  Cte* const place = &entries_of_ctes_.emplace_back();
  {
    const Holding<std::set<const Cte*>*> own_uses(uses_, &made.uses);
    const Holding<const Cte*> owner(current_cte_, place);
    body = select(query, outer, columns);
  }
  if (columns.is_complete && cte.n_aliascolnames > columns.columns.size()) {
    throw located(Error(ErrorCode::InvalidColumnReference,
                        fmt::format("WITH query \"{}\" has {} columns available but {} columns specified",
                                    cte.ctename, columns.columns.size(), cte.n_aliascolnames)),
                  cte.location);
  }
  made.list = renamed(columns);
  made.number = ++cte_count_;
  made.is_recursive = is_recursive;
  std::string& own = made.text;
  own = duck_identifier(cte.ctename);
  if (!names.empty()) {
    own += '(';
    for (std::size_t i = 0; i < names.size(); ++i) own += (i > 0 ? ", " : "") + duck_identifier(names[i]);
    own += ')';
  }
  own += " AS ";
  if (cte.ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways) own += "MATERIALIZED ";
  if (cte.ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeNever) own += "NOT MATERIALIZED ";
  // DuckDB takes every UNION under RECURSIVE for a recursive one.
  const bool is_only_called_so = is_recursive && query.op != PG_QUERY__SET_OPERATION__SETOP_NONE &&
                                 cte.search_clause == nullptr && cte.cycle_clause == nullptr &&
                                 !is_recursive_query(cte);
  own += is_only_called_so ? "(SELECT * FROM (" + body + "))" : "(" + body + ")";
  text += own;
  *place = std::move(made);
  scope.ctes[cte.ctename] = place;
}

/// One whose rows are there already.
void Translator::cte_of_rows(const PgQuery__CommonTableExpr& cte, const NameLookup::WithRows& rows,
                             std::string& text) {
  CteScope& scope = *const_cast<CteScope*>(ctes_);
  Cte& made = entries_of_ctes_.emplace_back();
  made.has_rows = rows.has_rows;
  made.number = ++cte_count_;
  std::string names;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    const auto& column = rows.columns[i];
    const std::string name = i < cte.n_aliascolnames ? string_of(cte.aliascolnames[i]) : column.name;
    made.list.columns.push_back({name, column.type, false});
    names += (i > 0 ? ", " : "") + duck_identifier(name);
  }
  made.text = rows.has_rows ? fmt::format("{}({}) AS (SELECT * FROM {})", duck_identifier(cte.ctename), names,
                                          duck_quoted_identifier(rows.scan_name))
                            : fmt::format("{} AS (SELECT 1)", duck_identifier(cte.ctename));
  text += made.text;
  scope.ctes[cte.ctename] = &made;
}

}  // namespace tickstone::sql
