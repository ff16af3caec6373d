// SPDX-License-Identifier: Apache-2.0
#include "sql/statement_facts.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include <tickstone/error.hpp>

#include "sql/parse_tree.hpp"

namespace tickstone::sql {

bool joins_other_tables(const Expr& whole) {
  const auto* node = node_of(whole);
  if (node->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT) return node->update_stmt->n_from_clause > 0;
  if (node->node_case == PG_QUERY__NODE__NODE_DELETE_STMT) return node->delete_stmt->n_using_clause > 0;
  return true;
}

bool names_column(const Expr& query, const std::string& column) {
  bool found = false;
  walk(&node_of(query)->base, [&](const ProtobufCMessage* message) {
    if (message->descriptor == &pg_query__a__star__descriptor) found = true;
    if (const auto* join = as_message<PgQuery__JoinExpr>(message, pg_query__join_expr__descriptor))
      found = found || join->is_natural != 0;
    if (const auto* name = as_message<PgQuery__String>(message, pg_query__string__descriptor))
      found = found || column == name->sval;
    return !found;
  });
  return found;
}

bool calls_function(const Expr& expr, const std::string& schema, const std::string& name) {
  bool found = false;
  walk(&node_of(expr)->base, [&](const ProtobufCMessage* message) {
    const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
    if (call == nullptr || call->n_funcname == 0) return !found;
    const bool is_in = call->n_funcname < 2 || schema == string_of(call->funcname[call->n_funcname - 2]);
    found = found || (is_in && name == string_of(call->funcname[call->n_funcname - 1]));
    return !found;
  });
  return found;
}

std::string with_relation_renamed(
    const Expr& query, const std::function<bool(const std::string& schema, const std::string& name)>& is_it,
    const QualifiedName& renamed) {
  // A tree of our own, to write into.
  const Expr own = parse_query(to_postgres_text(query));
  std::vector<PgQuery__RangeVar*> items;
  std::vector<PgQuery__ColumnRef*> columns;
  std::vector<std::string> with_names;
  walk(&node_of(own)->base, [&](const ProtobufCMessage* message) {
    if (const auto* item = as_message<PgQuery__RangeVar>(message, pg_query__range_var__descriptor))
      items.push_back(const_cast<PgQuery__RangeVar*>(item));
    if (const auto* column = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor))
      columns.push_back(const_cast<PgQuery__ColumnRef*>(column));
    if (const auto* with =
            as_message<PgQuery__CommonTableExpr>(message, pg_query__common_table_expr__descriptor))
      with_names.emplace_back(with->ctename);
    return true;
  });
  std::deque<std::string> texts;
  std::deque<PgQuery__Alias> aliases;
  const auto text_of = [&](const std::string& text) { return texts.emplace_back(text).data(); };
  // Columns first, while their tables have their names: schema.table.column needs no schema any more.
  for (auto* column : columns) {
    if (column->n_fields < 3) continue;
    Node** fields = column->fields + column->n_fields - 3;
    if (!is_it(string_of(fields[0]), string_of(fields[1]))) continue;
    column->fields = fields + 1;
    column->n_fields = 2;
  }
  for (auto* item : items) {
    const bool is_bare = *item->schemaname == '\0';
    if (!is_it(item->schemaname, item->relname)) continue;
    if (is_bare && std::find(with_names.begin(), with_names.end(), item->relname) != with_names.end()) {
      throw Error(ErrorCode::FeatureNotSupported,
                  std::string("cannot rename \"") + item->relname +
                      "\" where a view reads it that has a WITH query of the same name");
    }
    if (item->alias == nullptr) {
      auto& alias = aliases.emplace_back();
      pg_query__alias__init(&alias);
      alias.aliasname = item->relname;
      item->alias = &alias;
    }
    item->schemaname = text_of(renamed.schema);
    item->relname = text_of(renamed.name);
  }
  return to_postgres_text(own);
}

}  // namespace tickstone::sql
