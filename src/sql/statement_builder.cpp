// SPDX-License-Identifier: Apache-2.0
#include "sql/statement_builder.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/statement.hpp"

namespace tickstone::sql {

namespace {

int highest_parameter(const Node* node) {
  int highest = 0;
  walk(&node->base, [&highest](const ProtobufCMessage* message) {
    if (const auto* parameter = as_message<PgQuery__ParamRef>(message, pg_query__param_ref__descriptor)) {
      highest = std::max(highest, static_cast<int>(parameter->number));
    }
    return true;
  });
  return highest;
}

/// The words of a statement we do not have, from its text: CREATE FUNCTION, ALTER DOMAIN.
std::string first_words(std::string_view text) {
  std::string words;
  int count = 0;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (++count == 2) break;
      words += ' ';
    } else {
      words += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return words;
}

}  // namespace

void StatementBuilder::refuse(const std::string& construct, int location) const {
  Error error(ErrorCode::FeatureNotSupported, fmt::format("{} is not supported", construct));
  if (const std::uint32_t position = tree_->position(location); position > 0) error.at(position);
  throw error;
}

QualifiedName StatementBuilder::name_of(const PgQuery__RangeVar* relation) const {
  if (relation == nullptr) return {};
  return {relation->schemaname, relation->relname, tree_->position(relation->location)};
}

QualifiedName StatementBuilder::name_of_list(const Node* node) const {
  QualifiedName name;
  if (node->node_case == PG_QUERY__NODE__NODE_STRING) {
    name.name = node->string->sval;
  } else if (node->node_case == PG_QUERY__NODE__NODE_LIST) {
    const PgQuery__List* list = node->list;
    if (list->n_items > 0) name.name = string_of(list->items[list->n_items - 1]);
    if (list->n_items > 1) name.schema = string_of(list->items[list->n_items - 2]);
  } else if (node->node_case == PG_QUERY__NODE__NODE_TYPE_NAME) {
    const PgQuery__TypeName* type = node->type_name;
    if (type->n_names > 0) name.name = string_of(type->names[type->n_names - 1]);
    if (type->n_names > 1) name.schema = string_of(type->names[type->n_names - 2]);
  }
  return name;
}

std::string StatementBuilder::option_value(const Node* node) const {
  if (node == nullptr) return {};
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_STRING:
      return node->string->sval;
    case PG_QUERY__NODE__NODE_INTEGER:
      return std::to_string(node->integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT:
      return node->float_->fval;
    case PG_QUERY__NODE__NODE_BOOLEAN:
      return node->boolean->boolval != 0 ? "true" : "false";
    case PG_QUERY__NODE__NODE_A_STAR:
      return "*";
    case PG_QUERY__NODE__NODE_TYPE_NAME: {
      const PgQuery__TypeName* type = node->type_name;
      std::string words;
      for (std::size_t i = 0; i < type->n_names; ++i) {
        const std::string part = string_of(type->names[i]);
        if (i == 0 && type->n_names > 1 && part == "pg_catalog") continue;
        if (!words.empty()) words += '.';
        words += part;
      }
      return words;
    }
    case PG_QUERY__NODE__NODE_LIST: {
      std::string items;
      for (std::size_t i = 0; i < node->list->n_items; ++i) {
        if (i > 0) items += ',';
        items += option_value(node->list->items[i]);
      }
      return items;
    }
    case PG_QUERY__NODE__NODE_A_CONST:
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
      const std::optional<Constant> constant = constant_of(expr(node));
      return constant && !constant->is_null ? constant->text : std::string();
    }
    default:
      return {};
  }
}

std::vector<Option> StatementBuilder::options_of(std::size_t count, Node* const* nodes) const {
  std::vector<Option> options;
  for (std::size_t i = 0; i < count; ++i) {
    if (nodes[i]->node_case != PG_QUERY__NODE__NODE_DEF_ELEM) continue;
    const PgQuery__DefElem* element = nodes[i]->def_elem;
    Option option;
    if (*element->defnamespace != '\0') option.name = std::string(element->defnamespace) + ".";
    option.name += element->defname;
    option.value = option_value(element->arg);
    if (element->arg != nullptr && element->arg->node_case == PG_QUERY__NODE__NODE_LIST) {
      for (std::size_t item = 0; item < element->arg->list->n_items; ++item)
        option.list.push_back(option_value(element->arg->list->items[item]));
    }
    options.push_back(std::move(option));
  }
  return options;
}

Statement StatementBuilder::build(const Node* node, std::string_view text) {
  Statement out;
  out.text = text;
  text_ = text;
  out.parameter_count = highest_parameter(node);
  build_body(node, out);
  return out;
}

void StatementBuilder::build_body(const Node* node, Statement& out) {
  if (build_type(node, out)) return;
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      build_select(node, out);
      return take_with_parts(node->select_stmt->with_clause, node, out);
    case PG_QUERY__NODE__NODE_CALL_STMT:
      return build_call(*node->call_stmt, out);
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      build_insert(node, out);
      return take_with_parts(node->insert_stmt->with_clause, node, out);
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      build_update(node, out);
      return take_with_parts(node->update_stmt->with_clause, node, out);
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      build_delete(node, out);
      return take_with_parts(node->delete_stmt->with_clause, node, out);
    case PG_QUERY__NODE__NODE_MERGE_STMT:
      return build_merge(*node->merge_stmt, out);
    case PG_QUERY__NODE__NODE_COPY_STMT:
      return build_copy(*node->copy_stmt, out);
    case PG_QUERY__NODE__NODE_CREATE_STMT:
      return build_create_table(*node->create_stmt, out);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return build_create_table_as(*node->create_table_as_stmt, out);
    case PG_QUERY__NODE__NODE_INDEX_STMT:
      return build_create_index(*node->index_stmt, out);
    case PG_QUERY__NODE__NODE_VIEW_STMT:
      return build_create_view(*node->view_stmt, out);
    case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
      return build_create_sequence(*node->create_seq_stmt, out);
    case PG_QUERY__NODE__NODE_ALTER_SEQ_STMT:
      return build_alter_sequence(*node->alter_seq_stmt, out);
    case PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT:
      return build_set_schema(*node->alter_object_schema_stmt, out);
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
      return build_alter_table(*node->alter_table_stmt, out);
    case PG_QUERY__NODE__NODE_RENAME_STMT:
      return build_rename(*node->rename_stmt, out);
    case PG_QUERY__NODE__NODE_DROP_STMT:
      if (node->drop_stmt->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION ||
          node->drop_stmt->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_PROCEDURE ||
          node->drop_stmt->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_ROUTINE)
        return build_drop_function(*node->drop_stmt, out);
      return build_drop(*node->drop_stmt, out);
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
      return build_create_function(*node->create_function_stmt, out);
    case PG_QUERY__NODE__NODE_COMMENT_STMT:
      return build_comment(*node->comment_stmt, out);
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT: {
      const PgQuery__TruncateStmt* truncate = node->truncate_stmt;
      TruncateStatement body;
      for (std::size_t i = 0; i < truncate->n_relations; ++i)
        body.tables.push_back(name_of(truncate->relations[i]->range_var));
      for (std::size_t i = 0; i < truncate->n_relations; ++i) {
        if (truncate->relations[i]->range_var->inh == 0) body.only.push_back(body.tables[i]);
      }
      body.restart_identity = truncate->restart_seqs != 0;
      body.cascade = truncate->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
      out.tag = "TRUNCATE TABLE";
      out.body = std::move(body);
      return;
    }
    case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT: {
      const PgQuery__CreateSchemaStmt* create = node->create_schema_stmt;
      if (create->n_schema_elts > 0) refuse("CREATE SCHEMA with elements");
      CreateSchemaStatement body;
      body.owner = create->authrole != nullptr ? create->authrole->rolename : "";
      body.name = *create->schemaname != '\0' ? std::string(create->schemaname) : body.owner;
      body.if_not_exists = create->if_not_exists != 0;
      out.tag = "CREATE SCHEMA";
      out.body = std::move(body);
      return;
    }
    case PG_QUERY__NODE__NODE_CREATE_EXTENSION_STMT: {
      const PgQuery__CreateExtensionStmt* create = node->create_extension_stmt;
      CreateExtensionStatement body{create->extname, create->if_not_exists != 0, false};
      for (const Option& option : options_of(create->n_options, create->options)) {
        if (option.name == "cascade") body.cascade = option.value != "false";
      }
      out.tag = "CREATE EXTENSION";
      out.body = std::move(body);
      return;
    }
    default:
      break;
  }
  if (!build_session(node, out)) refuse(first_words(text_));
}

namespace {

/// BEGIN, COMMIT and ROLLBACK as drivers send them around each of their statements: the parser takes longer
/// over one than what is between them.
std::optional<Statement> lone_word(std::string_view text) {
  using Action = TransactionStatement::Action;
  static constexpr std::pair<std::string_view, Action> kWords[] = {
      {"BEGIN", Action::Begin}, {"COMMIT", Action::Commit}, {"ROLLBACK", Action::Rollback}};
  const std::string_view word = text.ends_with(';') ? text.substr(0, text.size() - 1) : text;
  for (const auto& [name, action] : kWords) {
    const bool is_it = std::equal(word.begin(), word.end(), name.begin(), name.end(), [](char a, char b) {
      return a == b || (a >= 'a' && a - ('a' - 'A') == b);
    });
    if (!is_it) continue;
    TransactionStatement transaction;
    transaction.action = action;
    Statement statement;
    statement.text = word;
    statement.tag = name;
    statement.body = std::move(transaction);
    return statement;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Statement> parse(std::string_view text) {
  if (auto statement = lone_word(text)) return {std::move(*statement)};
  const std::shared_ptr<const ParseTree> tree = ParseTree::parse(text);
  std::vector<Statement> statements;
  for (std::size_t i = 0; i < tree->statement_count(); ++i) {
    statements.push_back(StatementBuilder(tree).build(tree->statement(i), tree->statement_text(i)));
  }
  return statements;
}

}  // namespace tickstone::sql
