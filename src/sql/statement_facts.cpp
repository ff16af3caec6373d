// SPDX-License-Identifier: Apache-2.0
#include "sql/statement_facts.hpp"

#include <algorithm>
#include <deque>
#include <string>
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

bool reads_rows(const Expr& whole) {
  const auto* node = node_of(whole);
  bool found = false;
  const auto look = [&](const Node* part) {
    if (part == nullptr) return;
    walk(&part->base, [&](const ProtobufCMessage* message) {
      found = found || message->descriptor == &pg_query__column_ref__descriptor;
      return !found;
    });
  };
  if (node->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT) {
    const auto& update = *node->update_stmt;
    look(update.where_clause);
    for (std::size_t i = 0; i < update.n_target_list; ++i) look(update.target_list[i]->res_target->val);
    for (std::size_t i = 0; i < update.n_returning_list; ++i) look(update.returning_list[i]);
  } else if (node->node_case == PG_QUERY__NODE__NODE_DELETE_STMT) {
    const auto& del = *node->delete_stmt;
    look(del.where_clause);
    for (std::size_t i = 0; i < del.n_returning_list; ++i) look(del.returning_list[i]);
  }
  return found;
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

namespace {

/// A tree of our own, to write into.
Expr own_copy(const Expr& expr) {
  const bool is_query = node_of(expr)->node_case == PG_QUERY__NODE__NODE_SELECT_STMT;
  const std::string text = to_postgres_text(expr);
  return is_query ? parse_query(text) : parse_expression(text);
}

/// Texts and nodes that a changed tree points to.
class NewNames {
 public:
  char* text(const std::string& text) { return texts_.emplace_back(text).data(); }
  /// `schema.name` as a list of String nodes.
  Node** qualified(const QualifiedName& name) {
    auto& list = lists_.emplace_back();
    for (const std::string& part : {name.schema, name.name}) {
      auto& string = strings_.emplace_back();
      pg_query__string__init(&string);
      string.sval = text(part);
      auto& node = nodes_.emplace_back();
      pg_query__node__init(&node);
      node.node_case = PG_QUERY__NODE__NODE_STRING;
      node.string = &string;
      list.push_back(&node);
    }
    return list.data();
  }

 private:
  std::deque<std::string> texts_;
  std::deque<PgQuery__String> strings_;
  std::deque<Node> nodes_;
  std::deque<std::vector<Node*>> lists_;
};

std::string quoted_name(const std::string& name) {
  const bool is_plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
                        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (is_plain) return name;
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

/// `schema.name` within a text, as a regclass reads it, with another schema; nothing where it is not that
/// one's.
std::optional<std::string> with_schema_of_text(const std::string& text, const std::string& schema,
                                               const std::string& renamed) {
  for (const std::string& before : {schema + ".", quoted_name(schema) + "."}) {
    if (text.starts_with(before)) return quoted_name(renamed) + "." + text.substr(before.size());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> with_function_renamed(const Expr& expr, const QualifiedName& function,
                                                 const QualifiedName& renamed) {
  if (!calls_function(expr, function.schema, function.name)) return std::nullopt;
  const Expr own = own_copy(expr);
  NewNames names;
  walk(&node_of(own)->base, [&](const ProtobufCMessage* message) {
    auto* call = const_cast<PgQuery__FuncCall*>(
        as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor));
    if (call == nullptr || call->n_funcname == 0) return true;
    const bool is_in =
        call->n_funcname < 2 || function.schema == string_of(call->funcname[call->n_funcname - 2]);
    if (!is_in || function.name != string_of(call->funcname[call->n_funcname - 1])) return true;
    call->funcname = names.qualified(renamed);
    call->n_funcname = 2;
    return true;
  });
  return to_postgres_text(own);
}

std::optional<std::string> with_type_renamed(const Expr& expr, const QualifiedName& type,
                                             const QualifiedName& renamed) {
  const Expr own = own_copy(expr);
  NewNames names;
  bool is_changed = false;
  walk(&node_of(own)->base, [&](const ProtobufCMessage* message) {
    auto* name = const_cast<PgQuery__TypeName*>(
        as_message<PgQuery__TypeName>(message, pg_query__type_name__descriptor));
    if (name == nullptr || name->n_names == 0) return true;
    const bool is_in = name->n_names < 2 || type.schema == string_of(name->names[name->n_names - 2]);
    if (!is_in || type.name != string_of(name->names[name->n_names - 1])) return true;
    is_changed = true;
    if (renamed.schema == type.schema) {
      name->names[name->n_names - 1]->string->sval = names.text(renamed.name);
    } else {
      name->names = names.qualified(renamed);
      name->n_names = 2;
    }
    return true;
  });
  if (!is_changed) return std::nullopt;
  return to_postgres_text(own);
}

std::vector<Expr> conditions_of(const Expr& condition) {
  if (!condition) return {};
  std::vector<const Node*> nodes;
  append_conjuncts(node_of(condition), nodes);
  std::vector<Expr> all;
  for (const Node* node : nodes) all.push_back(Expr{condition.tree, node});
  return all;
}

bool is_one_of_several(const Expr& value) {
  return node_of(value)->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF;
}

std::optional<std::string> with_column_renamed(const Expr& expr, const std::string& column,
                                               const std::string& renamed) {
  const Expr own = own_copy(expr);
  NewNames names;
  bool is_changed = false;
  walk(&node_of(own)->base, [&](const ProtobufCMessage* message) {
    const auto* ref = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor);
    if (ref == nullptr || ref->n_fields == 0) return true;
    auto* name = ref->fields[ref->n_fields - 1];
    if (name->node_case != PG_QUERY__NODE__NODE_STRING || column != name->string->sval) return true;
    name->string->sval = names.text(renamed);
    is_changed = true;
    return true;
  });
  if (!is_changed) return std::nullopt;
  return to_postgres_text(own);
}

Expr with_value_named(const Expr& condition, const std::string& column) {
  const Expr own = own_copy(condition);
  NewNames names;
  walk(&node_of(own)->base, [&](const ProtobufCMessage* message) {
    const auto* ref = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor);
    if (ref == nullptr || ref->n_fields != 1 || ref->fields[0]->node_case != PG_QUERY__NODE__NODE_STRING)
      return true;
    if (std::string_view(ref->fields[0]->string->sval) == "value")
      ref->fields[0]->string->sval = names.text(column);
    return true;
  });
  return parse_expression(to_postgres_text(own));
}

std::optional<std::string> with_schema_renamed(const Expr& expr, const std::string& schema,
                                               const std::string& renamed) {
  const Expr own = own_copy(expr);
  NewNames names;
  bool is_changed = false;
  const auto rename = [&](char*& name) {
    if (schema != name) return;
    name = names.text(renamed);
    is_changed = true;
  };
  const auto rename_text = [&](const Node* node) {
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_A_CONST) return;
    if (node->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL) return;
    auto* string = node->a_const->sval;
    const auto changed = with_schema_of_text(string->sval, schema, renamed);
    if (!changed) return;
    string->sval = names.text(*changed);
    is_changed = true;
  };
  walk(&node_of(own)->base, [&](const ProtobufCMessage* message) {
    if (const auto* item = as_message<PgQuery__RangeVar>(message, pg_query__range_var__descriptor))
      rename(const_cast<PgQuery__RangeVar*>(item)->schemaname);
    if (const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor)) {
      if (call->n_funcname == 2 && call->funcname[0]->node_case == PG_QUERY__NODE__NODE_STRING)
        rename(call->funcname[0]->string->sval);
      const std::string name = call->n_funcname > 0 ? string_of(call->funcname[call->n_funcname - 1]) : "";
      if (call->n_args > 0 && (name == "nextval" || name == "currval" || name == "setval"))
        rename_text(call->args[0]);
    }
    if (const auto* column = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor)) {
      if (column->n_fields >= 3 && column->fields[0]->node_case == PG_QUERY__NODE__NODE_STRING)
        rename(column->fields[0]->string->sval);
    }
    if (const auto* cast = as_message<PgQuery__TypeCast>(message, pg_query__type_cast__descriptor)) {
      const auto* type = cast->type_name;
      const std::string name = type->n_names > 0 ? string_of(type->names[type->n_names - 1]) : "";
      if (name == "regclass" || name == "regproc" || name == "regprocedure") rename_text(cast->arg);
    }
    return true;
  });
  if (!is_changed) return std::nullopt;
  return to_postgres_text(own);
}

std::string with_relation_renamed(
    const Expr& query, const std::function<bool(const std::string& schema, const std::string& name)>& is_it,
    const QualifiedName& renamed) {
  const Expr own = own_copy(query);
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
  NewNames names;
  std::deque<PgQuery__Alias> aliases;
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
    item->schemaname = names.text(renamed.schema);
    item->relname = names.text(renamed.name);
  }
  return to_postgres_text(own);
}

namespace {

/// Names of WITH queries; what they are called within their own statements is no table.
std::vector<std::string> with_names_of(const Expr& expr) {
  std::vector<std::string> names;
  walk(&node_of(expr)->base, [&](const ProtobufCMessage* message) {
    if (const auto* with =
            as_message<PgQuery__CommonTableExpr>(message, pg_query__common_table_expr__descriptor))
      names.emplace_back(with->ctename);
    return true;
  });
  return names;
}

}  // namespace

std::string names_in_full(const Expr& expr, const SchemasOfNames& schemas) {
  const Expr own = own_copy(expr);
  const auto with_names = with_names_of(own);
  NewNames names;
  walk(&node_of(own)->base, [&](const ProtobufCMessage* message) {
    if (const auto* item = as_message<PgQuery__RangeVar>(message, pg_query__range_var__descriptor)) {
      const bool is_with = std::find(with_names.begin(), with_names.end(), item->relname) != with_names.end();
      if (*item->schemaname != '\0' || is_with) return true;
      const std::string schema = schemas.of_relation(item->relname);
      if (!schema.empty()) const_cast<PgQuery__RangeVar*>(item)->schemaname = names.text(schema);
    }
    if (const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor)) {
      if (call->n_funcname != 1) return true;
      const std::string name = string_of(call->funcname[0]);
      const std::string schema = schemas.of_function(name);
      if (schema.empty()) return true;
      auto* changed = const_cast<PgQuery__FuncCall*>(call);
      changed->funcname = names.qualified({schema, name, 0});
      changed->n_funcname = 2;
    }
    return true;
  });
  return to_postgres_text(own);
}

}  // namespace tickstone::sql
