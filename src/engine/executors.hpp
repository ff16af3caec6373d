// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result_sink.hpp"
#include "engine/session_context.hpp"
#include "sql/lexer.hpp"
#include "sql/statement.hpp"

/// One function a statement: runs it in the context's transaction and returns its command tag. Rows go to the
/// sink.
namespace tickstone::engine {

struct Execution {
  SessionContext& context;
  ResultSink& sink;
  std::span<const Value> parameters;
  bool describe = true;           // send a row description before the rows (simple protocol)
  StatementSlot* slot = nullptr;  // where what ran by a plan of its shape is counted; set by whoever ran it
};

/// Runs the statement by its executor; nothing where it is the session's own (transactions, cursors, ...).
std::optional<std::string> execute_statement(Execution& execution, const sql::Statement& statement);

// query_executor.cpp
std::string execute_query(Execution& execution, const sql::QueryStatement& query);
std::string execute_explain(Execution& execution, const sql::ExplainStatement& explain);
/// Sends a whole batch as a result of its own.
void send_result(Execution& execution, const std::vector<ResultColumn>& columns, const Batch& batch);
/// Columns of a rewritten query as the client sees them, and how to turn DuckDB's batches into that.
std::vector<ResultColumn> result_columns(const std::vector<duck::ResultColumn>& actual,
                                         const sql::DuckQuery& query);
void fit_to_columns(Batch& batch, const std::vector<ResultColumn>& columns, const FormatContext& format);

// locking_query.cpp: SELECT ... FOR UPDATE and its kin
std::string execute_locking_query(Execution& execution, const sql::QueryStatement& query);

std::string execute_grant(Execution& execution, const sql::GrantStatement& grant);  // grants.cpp

// insert_executor.cpp, update_executor.cpp, copy_executor.cpp
std::string execute_insert(Execution& execution, const sql::InsertStatement& insert);
std::string execute_update(Execution& execution, const sql::UpdateStatement& update);
std::string execute_delete(Execution& execution, const sql::DeleteStatement& del);
std::string execute_merge(Execution& execution, const sql::MergeStatement& merge);  // merge_executor.cpp
std::vector<SqlType> merge_parameter_types(SessionContext& context, const sql::MergeStatement& merge);
std::string execute_truncate(Execution& execution, const sql::TruncateStatement& truncate);
std::string execute_copy(Execution& execution, const sql::CopyStatement& copy);
/// INSERT ... VALUES of literals without the parser: the tag, or nothing when it must take the general way.
/// `cache` remembers heads.
class LiteralInserts;
std::shared_ptr<LiteralInserts> make_literal_inserts();
std::optional<std::string> try_literal_insert(Execution& execution, LiteralInserts& cache,
                                              std::string_view statement);
/// What RETURNING gives, before any row exists; nothing without RETURNING.
std::optional<std::vector<ResultColumn>> describe_returning(SessionContext& context,
                                                            const sql::Statement& statement);
/// Types of $1.. of an INSERT, UPDATE or DELETE, as PostgreSQL infers them; Unknown where it cannot.
std::vector<SqlType> dml_parameter_types(SessionContext& context, const sql::Statement& statement);

// ddl_table.cpp
std::string execute_create_table(Execution& execution, const sql::CreateTableStatement& create);
std::string execute_alter_table(Execution& execution, const sql::AlterTableStatement& alter);
std::string execute_rename(Execution& execution, const sql::RenameStatement& rename);
std::string execute_set_schema(Execution& execution, const sql::SetSchemaStatement& set);
// ddl_sequences.cpp
std::string execute_create_sequence(Execution& execution, const sql::CreateSequenceStatement& create);
std::string execute_alter_sequence(Execution& execution, const sql::AlterSequenceStatement& alter);
// ddl_objects.cpp
std::string execute_create_index(Execution& execution, const sql::CreateIndexStatement& create);
std::string execute_create_view(Execution& execution, const sql::CreateViewStatement& create);
std::string execute_create_schema(Execution& execution, const sql::CreateSchemaStatement& create);
std::string execute_create_extension(Execution& execution, const sql::CreateExtensionStatement& create);
std::string execute_drop(Execution& execution, const sql::DropStatement& drop);
std::string execute_role(Execution& execution, const sql::RoleStatement& role);
std::string execute_comment(Execution& execution, const sql::CommentStatement& comment);

// actions.cpp: create_hypertable and its kin; continuous_aggregate.cpp
std::string execute_action(Execution& execution, const sql::ActionStatement& action);
std::vector<ResultColumn> action_columns(SessionContext& context, const sql::ActionStatement& action);
/// `(1,public,ohlcv,t)`: how a composite prints.
std::string record_text(const Batch& batch, std::size_t row, const FormatContext& format);
std::string execute_create_materialized_view(Execution& execution,
                                             const sql::CreateMaterializedViewStatement& create);
std::string execute_refresh_materialized_view(Execution& execution, const sql::QualifiedName& view);

// session_statements.cpp
std::string execute_setting(Execution& execution, const sql::SettingStatement& setting);
/// Into postgresql.auto.conf; takes effect with the next reload or start.
std::string execute_alter_system(Execution& execution, const sql::SettingStatement& setting);
std::string execute_lock_table(Execution& execution, const sql::LockTableStatement& lock);
std::string execute_notification(Execution& execution, const sql::NotificationStatement& statement);
std::string execute_utility(Execution& execution, const sql::UtilityStatement& utility);

}  // namespace tickstone::engine
