// SPDX-License-Identifier: Apache-2.0
// Which executor a statement has.
#include "engine/executors.hpp"
#include "engine/user_functions.hpp"
#include "engine/user_types.hpp"
#include "engine/with_parts.hpp"

namespace tickstone::engine {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace

std::optional<std::string> execute_statement(Execution& execution, const sql::Statement& statement) {
  using Tag = std::optional<std::string>;
  std::optional<WithParts> parts;  // of WITH: there while the statement reads them
  if (!statement.with_parts.empty()) parts.emplace(execution.context).run(execution, statement);
  return std::visit(
      Overloaded{
          [&](const sql::QueryStatement& body) -> Tag {
            return body.has_locking ? execute_locking_query(execution, body) : execute_query(execution, body);
          },
          [&](const sql::ActionStatement& body) -> Tag { return execute_action(execution, body); },
          [&](const sql::InsertStatement& body) -> Tag { return execute_insert(execution, body); },
          [&](const sql::UpdateStatement& body) -> Tag { return execute_update(execution, body); },
          [&](const sql::DeleteStatement& body) -> Tag { return execute_delete(execution, body); },
          [&](const sql::MergeStatement& body) -> Tag { return execute_merge(execution, body); },
          [&](const sql::TruncateStatement& body) -> Tag { return execute_truncate(execution, body); },
          [&](const sql::CopyStatement& body) -> Tag { return execute_copy(execution, body); },
          [&](const sql::CreateTableStatement& body) -> Tag { return execute_create_table(execution, body); },
          [&](const sql::CreateIndexStatement& body) -> Tag { return execute_create_index(execution, body); },
          [&](const sql::CreateViewStatement& body) -> Tag { return execute_create_view(execution, body); },
          [&](const sql::CreateMaterializedViewStatement& body) -> Tag {
            return execute_create_materialized_view(execution, body);
          },
          [&](const sql::CreateSchemaStatement& body) -> Tag {
            return execute_create_schema(execution, body);
          },
          [&](const sql::CreateExtensionStatement& body) -> Tag {
            return execute_create_extension(execution, body);
          },
          [&](const sql::CreateSequenceStatement& body) -> Tag {
            return execute_create_sequence(execution, body);
          },
          [&](const sql::AlterSequenceStatement& body) -> Tag {
            return execute_alter_sequence(execution, body);
          },
          [&](const sql::SetSchemaStatement& body) -> Tag { return execute_set_schema(execution, body); },
          [&](const sql::AlterTableStatement& body) -> Tag { return execute_alter_table(execution, body); },
          [&](const sql::RenameStatement& body) -> Tag { return execute_rename(execution, body); },
          [&](const sql::DropStatement& body) -> Tag { return execute_drop(execution, body); },
          [&](const sql::CreateFunctionStatement& body) -> Tag {
            return execute_create_function(execution, body);
          },
          [&](const sql::DropFunctionStatement& body) -> Tag {
            return execute_drop_function(execution, body);
          },
          [&](const sql::AlterFunctionStatement& body) -> Tag {
            return execute_alter_function(execution, body);
          },
          [&](const sql::SchemaOwnerStatement& body) -> Tag { return execute_schema_owner(execution, body); },
          [&](const sql::TypeStatement& body) -> Tag { return execute_type(execution, body); },
          [&](const sql::GrantStatement& body) -> Tag { return execute_grant(execution, body); },
          [&](const sql::RoleStatement& body) -> Tag { return execute_role(execution, body); },
          [&](const sql::SettingStatement& body) -> Tag {
            return statement.tag == "ALTER SYSTEM" ? execute_alter_system(execution, body)
                                                   : execute_setting(execution, body);
          },
          [&](const sql::ExplainStatement& body) -> Tag { return execute_explain(execution, body); },
          [&](const sql::NotificationStatement& body) -> Tag {
            return execute_notification(execution, body);
          },
          [&](const sql::CommentStatement& body) -> Tag { return execute_comment(execution, body); },
          [](const auto&) -> Tag { return std::nullopt; },
      },
      statement.body);
}

}  // namespace tickstone::engine
