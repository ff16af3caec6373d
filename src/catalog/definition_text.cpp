// SPDX-License-Identifier: Apache-2.0
// Indexes and constraints as the DDL that makes them.
#include "catalog/definition_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catalog/object_names.hpp"
#include "catalog/shown_text.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

/// The parenthesis that closes the one at `open`, past strings and quoted names; npos where none does.
std::size_t closing_parenthesis(const std::string& text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\'' || text[i] == '"') {
      i = text.find(text[i], i + 1);
      if (i == std::string::npos) return i;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i;
    }
  }
  return std::string::npos;
}

bool is_parenthesized(const std::string& text) {
  return !text.empty() && text.front() == '(' && closing_parenthesis(text, 0) == text.size() - 1;
}

bool is_function_call(const std::string& text) {
  const auto open = text.find('(');
  if (open == std::string::npos || open == 0 || closing_parenthesis(text, open) != text.size() - 1)
    return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(open), [](char c) {
    return c == '_' || c == '.' || c == '"' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
  });
}

/// A condition in its own parentheses, as PostgreSQL prints operators; not so names and calls.
std::string condition_text(const std::string& text) {
  const bool is_plain = text.find_first_of(" =<>") == std::string::npos;
  return is_plain || is_parenthesized(text) ? text : "(" + text + ")";
}

std::string bare_condition_text(const std::string& text) {
  return is_parenthesized(text) ? text.substr(1, text.size() - 2) : text;
}

std::string column_list(const RelationObject& relation, const std::vector<storage::ColumnId>& columns) {
  std::string text;
  for (const storage::ColumnId id : columns) {
    const ColumnObject* column = relation.find_column(id);
    if (!text.empty()) text += ", ";
    text += column == nullptr ? "?" : quote_identifier(column->name);
  }
  return text;
}

bool has_equal_nulls(const RelationObject& relation, const ConstraintObject& constraint) {
  return std::any_of(relation.indexes.begin(), relation.indexes.end(), [&](const IndexObject& index) {
    return index.oid == constraint.index && index.nulls_not_distinct;
  });
}

std::string_view action_text(char action) {
  switch (action) {
    case 'c':
      return "CASCADE";
    case 'n':
      return "SET NULL";
    case 'd':
      return "SET DEFAULT";
    case 'r':
      return "RESTRICT";
    default:
      return {};
  }
}

}  // namespace

std::string called_function(const std::string& expression) {
  if (!is_function_call(expression)) return {};
  const auto parts = split_identifier(expression.substr(0, expression.find('(')));
  return parts.empty() ? std::string() : parts.back();
}

std::string index_key_text(const RelationObject& relation, const IndexObject::Key& key, bool is_pretty) {
  if (!key.expression_text.empty()) {
    const std::string& text = key.expression_text;
    if (is_function_call(text)) return text;
    return "(" + (is_pretty ? bare_condition_text(text) : condition_text(text)) + ")";
  }
  const ColumnObject* column = relation.find_column(key.column);
  return column == nullptr ? "?" : quote_identifier(column->name);
}

std::string index_definition(const RelationObject& relation, const IndexObject& index,
                             const std::string& relation_name, bool is_pretty) {
  std::string keys;
  for (const auto& key : index.keys) {
    if (!keys.empty()) keys += ", ";
    keys += index_key_text(relation, key, is_pretty);
    if (index.method != "btree") continue;
    if (key.descending) keys += " DESC";
    if (key.nulls_first != key.descending) keys += key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
  }
  std::string text = fmt::format("CREATE {}INDEX {} ON {} USING {} ({})", index.is_unique ? "UNIQUE " : "",
                                 quote_identifier(index.name), relation_name, index.method, keys);
  if (!index.include.empty()) text += fmt::format(" INCLUDE ({})", column_list(relation, index.include));
  if (index.nulls_not_distinct) text += " NULLS NOT DISTINCT";
  if (!index.where_text.empty()) {
    text +=
        " WHERE " + (is_pretty ? bare_condition_text(index.where_text) : condition_text(index.where_text));
  }
  return text;
}

std::string index_definition(const Catalog& catalog, const RelationObject& relation,
                             const IndexObject& index) {
  return index_definition(relation, index,
                          qualified_name(schema_name(catalog, relation.schema), relation.name), false);
}

std::string constraint_definition(const Catalog& catalog, const RelationObject& relation,
                                  const ConstraintObject& constraint) {
  return constraint_definition(catalog, relation, constraint, false);
}

std::string constraint_definition(const Catalog& catalog, const RelationObject& relation,
                                  const ConstraintObject& constraint, bool is_pretty,
                                  const RunningFacts* facts) {
  const std::string columns = column_list(relation, constraint.columns);
  switch (constraint.kind) {
    case ConstraintObject::Kind::PrimaryKey:
      return "PRIMARY KEY (" + columns + ")";
    case ConstraintObject::Kind::Unique:
      return std::string("UNIQUE ") + (has_equal_nulls(relation, constraint) ? "NULLS NOT DISTINCT " : "") +
             "(" + columns + ")";
    case ConstraintObject::Kind::Check: {
      const std::string text =
          facts == nullptr ? constraint.check_text : shown_text(catalog, *facts, constraint.check_text);
      return "CHECK (" + (is_pretty ? bare_condition_text(text) : condition_text(text)) + ")" +
             (constraint.is_not_valid ? " NOT VALID" : "");
    }
    case ConstraintObject::Kind::ForeignKey:
      break;
  }
  const RelationObject* referenced = catalog.find_relation(constraint.referenced_table);
  if (referenced == nullptr) return "FOREIGN KEY (" + columns + ")";
  const std::string name = facts != nullptr ? visible_name(catalog, *facts, referenced->oid)
                           : referenced->schema == kSchemaPublic
                               ? quote_identifier(referenced->name)
                               : qualified_name(schema_name(catalog, referenced->schema), referenced->name);
  std::string text = fmt::format("FOREIGN KEY ({}) REFERENCES {}({})", columns, name,
                                 column_list(*referenced, constraint.referenced_columns));
  if (constraint.matches_full) text += " MATCH FULL";
  if (const auto action = action_text(constraint.on_update); !action.empty()) {
    text += fmt::format(" ON UPDATE {}", action);
  }
  if (const auto action = action_text(constraint.on_delete); !action.empty()) {
    text += fmt::format(" ON DELETE {}", action);
  }
  if (constraint.is_deferrable) text += " DEFERRABLE";
  if (constraint.is_deferred) text += " INITIALLY DEFERRED";
  if (constraint.is_not_valid) text += " NOT VALID";
  return text;
}

std::string domain_check_definition(const TypeObject::Check& check) {
  return "CHECK (" + condition_text(check.text) + ")" + (check.is_not_valid ? " NOT VALID" : "");
}

}  // namespace tickstone::catalog
