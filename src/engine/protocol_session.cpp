// SPDX-License-Identifier: Apache-2.0
#include "engine/protocol_session.hpp"

#include <map>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/idle_plans.hpp"
#include "engine/portal.hpp"
#include "engine/query_plan.hpp"
#include "engine/tracking_sink.hpp"
#include "sql/lexer.hpp"

namespace tickstone::engine {
namespace {

[[noreturn]] void throw_block_aborted() {
  throw Error(ErrorCode::InFailedSqlTransaction,
              "current transaction is aborted, commands ignored until end of transaction block");
}

bool ends_failed_block(const sql::Statement& statement) {
  const auto* t = std::get_if<sql::TransactionStatement>(&statement.body);
  using Action = sql::TransactionStatement::Action;
  return t != nullptr &&
         (t->action == Action::Commit || t->action == Action::Rollback || t->action == Action::RollbackTo);
}

/// Statements that need neither a view nor a transaction of their own.
bool is_control(const sql::Statement& statement) {
  return std::holds_alternative<sql::TransactionStatement>(statement.body) ||
         std::holds_alternative<sql::DeallocateStatement>(statement.body);
}

std::uint32_t characters_before(std::string_view text, std::size_t byte_offset) {
  std::uint32_t count = 0;
  for (const char c : text.substr(0, byte_offset)) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

class ProtocolSession final : public Session {
 public:
  ProtocolSession(DatabaseCore& database, const SessionOptions& options)
      : context_(database, options), literal_inserts_(make_literal_inserts()) {
    database.idle_plans().take(context_, plans_);
  }

  ~ProtocolSession() override {
    portals_.clear();
    statements_.clear();
    context_.rollback();
    // Boundary: a session ends in any case; without its plans the next one makes its own.
    try {
      context_.database().idle_plans().put(context_, std::move(plans_));
    } catch (...) {
    }
  }

  void execute_simple(std::string_view sql, ResultSink& sink) override {
    const Running running(*this, sink, sql);
    statements_.erase("");
    portals_.erase("");
    const auto parts = guarded([&] { return sql::split_statements(sql); });
    if (parts.empty()) {
      sink.empty_query();
      return;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool is_last = i + 1 == parts.size();
      try {
        guarded([&] { run_text(parts[i], sink, is_last); });
      } catch (Error& error) {
        if (error.position()) {
          const auto offset = static_cast<std::size_t>(parts[i].data() - sql.data());
          error.at(*error.position() + characters_before(sql, offset));
        }
        throw;
      }
    }
  }

  void parse(const std::string& name, std::string_view sql,
             const std::vector<std::uint32_t>& parameter_oids) override {
    const Running running(*this, null_sink_, sql);
    guarded([&] {
      auto statements = sql::parse(sql);
      if (statements.size() > 1)
        throw Error(ErrorCode::SyntaxError, "cannot insert multiple commands into a prepared statement");
      auto prepared = std::make_shared<Prepared>();
      if (!statements.empty())
        prepared->statement = std::make_shared<sql::Statement>(std::move(statements.front()));
      for (const auto oid : parameter_oids) {
        const auto type = oid == 0 ? std::optional(SqlType{}) : type_from_oid(oid);
        if (!type)
          throw Error(ErrorCode::UndefinedObject, "type with OID " + std::to_string(oid) + " does not exist");
        prepared->declared_types.push_back(*type);
      }
      if (failed_ && (prepared->statement == nullptr || !ends_failed_block(*prepared->statement)))
        throw_block_aborted();
      if (!name.empty() && statements_.contains(name)) {
        throw Error(ErrorCode::DuplicatePreparedStatement,
                    "prepared statement \"" + name + "\" already exists");
      }
      analyze(*prepared);
      statements_[name] = std::move(prepared);
    });
  }

  StatementDescription describe_statement(const std::string& name) override {
    const Running running(*this, null_sink_, {});
    return guarded([&] {
      Prepared& prepared = find_statement(name);
      analyze(prepared);
      return StatementDescription{prepared.parameter_types, prepared.columns};
    });
  }

  void bind(const std::string& portal_name, const std::string& statement,
            std::vector<Value> parameters) override {
    const Running running(*this, null_sink_, {});
    guarded([&] {
      Prepared& prepared = find_statement(statement);
      if (failed_ && (prepared.statement == nullptr || !ends_failed_block(*prepared.statement)))
        throw_block_aborted();
      if (!portal_name.empty() && portals_.contains(portal_name)) {
        throw Error(ErrorCode::DuplicateCursor, "cursor \"" + portal_name + "\" already exists");
      }
      if (parameters.size() != prepared.parameter_types.size()) {
        throw Error(ErrorCode::ProtocolViolation,
                    "bind message supplies " + std::to_string(parameters.size()) +
                        " parameters, but prepared statement \"" + statement + "\" requires " +
                        std::to_string(prepared.parameter_types.size()));
      }
      portals_[portal_name] = std::make_unique<Portal>(statements_.at(statement), std::move(parameters));
    });
  }

  std::optional<std::vector<ResultColumn>> describe_portal(const std::string& name) override {
    const Running running(*this, null_sink_, {});
    return guarded([&] {
      Portal& portal = find_portal(name);
      analyze(*portal.prepared);
      return portal.prepared->columns;
    });
  }

  ExecuteOutcome execute(const std::string& name, std::uint64_t max_rows, ResultSink& sink) override {
    Portal& portal = find_portal(name);
    const auto prepared = portal.prepared;  // COMMIT drops the portal
    const Running running(*this, sink,
                          prepared->statement == nullptr ? std::string_view{} : prepared->statement->text);
    return guarded([&] {
      if (prepared->statement == nullptr) {
        sink.empty_query();
        return ExecuteOutcome::Complete;
      }
      if (failed_ && !ends_failed_block(*prepared->statement)) throw_block_aborted();
      begin_if_needed(*prepared->statement);
      if (std::holds_alternative<sql::QueryStatement>(prepared->statement->body) && !prepared->is_locking()) {
        return fetch(portal, max_rows, sink);
      }
      const auto parameters = std::move(portal.parameters);
      TrackingSink tracking(sink);
      Execution execution{context_, tracking, parameters, false};
      const std::string tag = dispatch_widening(execution, tracking, *prepared->statement);
      sink.command_complete(tag);
      return ExecuteOutcome::Complete;
    });
  }

  void close_statement(const std::string& name) override { statements_.erase(name); }
  void close_portal(const std::string& name) override { portals_.erase(name); }

  void sync(bool failed, ResultSink& sink) override {
    const Running running(*this, sink, {});
    if (!explicit_block_ && context_.in_transaction()) {
      portals_.clear();
      if (failed)
        context_.rollback();
      else
        context_.commit();
    }
  }

  TransactionStatus transaction_status() const override {
    return failed_           ? TransactionStatus::Failed
           : explicit_block_ ? TransactionStatus::InBlock
                             : TransactionStatus::Idle;
  }

  void cancel() override { context_.cancel(); }
  std::vector<std::pair<std::string, std::string>> take_reported_settings() override {
    return context_.settings().take_reported();
  }
  const FormatContext& format_context() const override { return context_.settings().format_context(); }

 private:
  /// Around each call from outside: sink, time-out, what pg_stat_activity says.
  class Running {
   public:
    Running(ProtocolSession& session, ResultSink& sink, std::string_view text) : session_(session) {
      auto& context = session.context_;
      context.set_sink(&sink);
      if (text.empty()) return;
      is_statement_ = true;
      context.clear_cancel();
      context.set_activity("active", text);
      if (const auto ms = context.settings().statement_timeout_ms(); ms > 0) {
        ticket_ = context.database().watchdog().arm(std::chrono::milliseconds(ms),
                                                    [&context] { context.cancel(true); });
      }
    }
    ~Running() {
      auto& context = session_.context_;
      if (ticket_ != 0) context.database().watchdog().disarm(ticket_);
      context.set_sink(nullptr);
      if (!is_statement_) return;
      context.set_activity(session_.failed_           ? "idle in transaction (aborted)"
                           : session_.explicit_block_ ? "idle in transaction"
                                                      : "idle",
                           {});
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    ProtocolSession& session_;
    Watchdog::Ticket ticket_ = 0;
    bool is_statement_ = false;
  };

  /// Runs `action`; an error aborts the block, or rolls the implicit transaction back.
  template <typename Action>
  auto guarded(Action action) -> decltype(action()) {
    try {
      return action();
    } catch (Error& error) {
      abort_transaction();
      if (error.damage() == Damage::Database) context_.recover_instance();
      if (context_.is_cancelled() && error.code() == ErrorCode::QueryCanceled) context_.check_cancelled();
      throw;
    } catch (...) {
      abort_transaction();
      throw;
    }
  }

  void abort_transaction() noexcept {
    context_.clear_rows();
    portals_.clear();
    if (explicit_block_) {
      failed_ = true;
      if (!has_savepoints_) context_.rollback();
    } else {
      context_.rollback();
    }
  }

  void begin_if_needed(const sql::Statement& statement) {
    if (!context_.in_transaction() && !is_control(statement)) context_.begin_transaction();
  }

  void run_text(std::string_view text, ResultSink& sink, bool is_last) {
    TrackingSink tracking(sink);
    Execution execution{context_, tracking, {}, true};
    if (!failed_) {
      if (!context_.in_transaction()) context_.begin_transaction();
      const auto mark = context_.mark_statement();
      try {
        if (auto tag = run_known_shape(execution, text)) return finish_statement(*tag, sink, is_last);
      } catch (const Error& error) {
        if (!needs_wide_numeric(error) || tracking.has_sent_rows()) throw;
        context_.undo_statement(mark);
        execution.describe = !tracking.has_sent();
      }
    }
    const auto statements = sql::parse(text);
    if (statements.empty()) {
      if (is_last && !explicit_block_ && context_.in_transaction()) context_.commit();
      sink.empty_query();
      return;
    }
    for (const auto& statement : statements) {
      if (failed_ && !ends_failed_block(statement)) throw_block_aborted();
      begin_if_needed(statement);
      std::string tag;
      try {
        tag = dispatch_widening(execution, tracking, statement);
      } catch (const Error& error) {
        // A lost DuckDB holds no data: what has sent nothing is run again on a new one.
        if (error.damage() != Damage::Database || tracking.has_sent() || context_.has_writes()) throw;
        context_.recover_instance();
        tag = dispatch(execution, statement);
      }
      finish_statement(tag, sink, is_last && &statement == &statements.back());
    }
  }

  std::optional<std::string> run_known_shape(Execution& execution, std::string_view text) {
    context_.begin_statement();
    if (auto tag = try_literal_insert(execution, *literal_inserts_, text)) return tag;
    return plans_.try_run(execution, text);
  }

  void finish_statement(const std::string& tag, ResultSink& sink, bool is_last) {
    context_.clear_rows();
    if (is_last && !explicit_block_ && context_.in_transaction()) {
      portals_.clear();
      context_.commit();
    }
    if (!tag.empty()) sink.command_complete(tag);
  }

  /// Runs a statement, and once more with numbers of any digits where 38 do not suffice for it.
  std::string dispatch_widening(Execution& execution, TrackingSink& tracking,
                                const sql::Statement& statement) {
    const auto mark = context_.mark_statement();
    try {
      return dispatch(execution, statement);
    } catch (const Error& error) {
      if (!needs_wide_numeric(error) || tracking.has_sent_rows()) throw;
      context_.undo_statement(mark);
      const SessionContext::WideNumeric wide(context_);
      Execution again{context_, execution.sink, execution.parameters,
                      execution.describe && !tracking.has_sent()};
      try {
        return dispatch(again, statement);
      } catch (const Error& second) {
        // What numbers of any digits cannot do is no fault of the statement's.
        if (second.code() == ErrorCode::UndefinedFunction || second.code() == ErrorCode::DatatypeMismatch)
          throw error;
        throw;
      }
    }
  }

  std::string dispatch(Execution& execution, const sql::Statement& statement) {
    if (const auto* transaction = std::get_if<sql::TransactionStatement>(&statement.body))
      return run_transaction(*transaction, execution);
    context_.begin_statement();
    return std::visit(
        [&](const auto& body) -> std::string {
          using Body = std::decay_t<decltype(body)>;
          if constexpr (std::is_same_v<Body, sql::QueryStatement>)
            return execute_query(execution, body);
          else if constexpr (std::is_same_v<Body, sql::ActionStatement>)
            return execute_action(execution, body);
          else if constexpr (std::is_same_v<Body, sql::InsertStatement>)
            return execute_insert(execution, body);
          else if constexpr (std::is_same_v<Body, sql::UpdateStatement>)
            return execute_update(execution, body);
          else if constexpr (std::is_same_v<Body, sql::DeleteStatement>)
            return execute_delete(execution, body);
          else if constexpr (std::is_same_v<Body, sql::TruncateStatement>)
            return execute_truncate(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CopyStatement>)
            return execute_copy(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CreateTableStatement>)
            return execute_create_table(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CreateIndexStatement>)
            return execute_create_index(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CreateViewStatement>)
            return execute_create_view(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CreateMaterializedViewStatement>)
            return execute_create_materialized_view(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CreateSchemaStatement>)
            return execute_create_schema(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CreateExtensionStatement>)
            return execute_create_extension(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CreateSequenceStatement>)
            return execute_create_sequence(execution, body);
          else if constexpr (std::is_same_v<Body, sql::AlterTableStatement>)
            return execute_alter_table(execution, body);
          else if constexpr (std::is_same_v<Body, sql::RenameStatement>)
            return execute_rename(execution, body);
          else if constexpr (std::is_same_v<Body, sql::DropStatement>)
            return execute_drop(execution, body);
          else if constexpr (std::is_same_v<Body, sql::RoleStatement>)
            return execute_role(execution, body);
          else if constexpr (std::is_same_v<Body, sql::SettingStatement>)
            return execute_setting(execution, body);
          else if constexpr (std::is_same_v<Body, sql::ExplainStatement>)
            return execute_explain(execution, body);
          else if constexpr (std::is_same_v<Body, sql::CommentStatement>)
            return execute_comment(execution, body);
          else if constexpr (std::is_same_v<Body, sql::PrepareStatement>)
            return run_prepare(body);
          else if constexpr (std::is_same_v<Body, sql::ExecuteStatement>)
            return run_execute(execution, body);
          else if constexpr (std::is_same_v<Body, sql::DeallocateStatement>)
            return run_deallocate(body);
          else if constexpr (std::is_same_v<Body, sql::CursorStatement>)
            return run_cursor(execution, body);
          else if constexpr (std::is_same_v<Body, sql::UtilityStatement>)
            return run_utility(execution, body);
          else
            throw Error(ErrorCode::FeatureNotSupported, statement.tag + " is not supported");
        },
        statement.body);
  }

  std::string run_transaction(const sql::TransactionStatement& t, Execution& execution) {
    using Action = sql::TransactionStatement::Action;
    const auto apply_modes = [&] {
      if (t.isolation) {
        context_.set_isolation(*t.isolation == "repeatable read" || *t.isolation == "serializable"
                                   ? Isolation::RepeatableRead
                                   : Isolation::ReadCommitted);
      }
      if (t.read_only) context_.set_read_only(*t.read_only);
    };
    switch (t.action) {
      case Action::Begin:
        if (explicit_block_) {
          execution.context.notice({"WARNING",
                                    ErrorCode::ActiveSqlTransaction,
                                    "there is already a transaction in progress",
                                    {},
                                    {}});
          return "BEGIN";
        }
        if (!context_.in_transaction()) context_.begin_transaction();
        explicit_block_ = true;
        apply_modes();
        return "BEGIN";
      case Action::Commit:
      case Action::Rollback: {
        const bool was_block = explicit_block_, was_failed = failed_;
        explicit_block_ = failed_ = has_savepoints_ = false;
        portals_.clear();
        if (!was_block) {
          execution.context.notice(
              {"WARNING", ErrorCode::NoActiveSqlTransaction, "there is no transaction in progress", {}, {}});
        }
        const bool commits = t.action == Action::Commit && !was_failed;
        if (context_.in_transaction()) {
          if (commits)
            context_.commit();
          else
            context_.rollback();
        }
        if (t.chain && was_block) {
          context_.begin_transaction();
          explicit_block_ = true;
        }
        return commits ? "COMMIT" : "ROLLBACK";
      }
      case Action::Savepoint:
      case Action::Release:
      case Action::RollbackTo: {
        const char* name = t.action == Action::Savepoint ? "SAVEPOINT"
                           : t.action == Action::Release ? "RELEASE SAVEPOINT"
                                                         : "ROLLBACK TO SAVEPOINT";
        if (!explicit_block_) {
          throw Error(ErrorCode::NoActiveSqlTransaction,
                      std::string(name) + " can only be used in transaction blocks");
        }
        if (t.action == Action::Savepoint) {
          context_.savepoint(t.savepoint);
          has_savepoints_ = true;
          return "SAVEPOINT";
        }
        if (t.action == Action::Release) {
          context_.release_savepoint(t.savepoint);
          return "RELEASE";
        }
        context_.rollback_to_savepoint(t.savepoint);
        failed_ = false;
        return "ROLLBACK";
      }
      case Action::SetCharacteristics:
        if (!explicit_block_) {
          execution.context.notice({"WARNING",
                                    ErrorCode::NoActiveSqlTransaction,
                                    "SET TRANSACTION can only be used in transaction blocks",
                                    {},
                                    {}});
          return "SET";
        }
        apply_modes();
        return "SET";
      case Action::Prepare:
      case Action::Other:
        break;
    }
    throw Error(ErrorCode::FeatureNotSupported, "two-phase commit is not supported");
  }

  // Prepared statements and portals

  void analyze(Prepared& prepared) {
    if (prepared.statement == nullptr || failed_) return;
    const auto& statement = *prepared.statement;
    if (const auto* query = std::get_if<sql::QueryStatement>(&statement.body)) {
      if (prepared.plan != nullptr && prepared.plan->is_valid(context_)) return;
      if (!context_.in_transaction()) context_.begin_transaction();
      context_.begin_statement();
      prepared.plan = plans_.plan_of(context_, statement.text, query->query, prepared.declared_types);
      prepared.columns = prepared.plan->columns();
      prepared.parameter_types = prepared.plan->parameter_types();
      return;
    }
    if (prepared.is_analyzed) return;
    prepared.is_analyzed = true;
    if (is_control(statement)) return;
    if (!context_.in_transaction()) context_.begin_transaction();
    context_.begin_statement();
    if (const auto* explain = std::get_if<sql::ExplainStatement>(&statement.body); explain != nullptr) {
      prepared.columns = {{"QUERY PLAN", SqlType::of(TypeId::Text)}};
    } else if (const auto* setting = std::get_if<sql::SettingStatement>(&statement.body);
               setting != nullptr) {
      if (setting->action == sql::SettingStatement::Action::Show)
        prepared.columns = {{setting->name, SqlType::of(TypeId::Text)}};
    } else if (const auto* action = std::get_if<sql::ActionStatement>(&statement.body); action != nullptr) {
      if (!action->is_call) prepared.columns = action_columns(*action);
    } else if (const auto* execute = std::get_if<sql::ExecuteStatement>(&statement.body);
               execute != nullptr) {
      Prepared& target = find_statement(execute->name);
      analyze(target);
      prepared.columns = target.columns;
    } else {
      prepared.columns = describe_returning(context_, statement);
    }
    auto inferred = dml_parameter_types(context_, statement);
    const auto count = std::max<std::size_t>({static_cast<std::size_t>(statement.parameter_count),
                                              inferred.size(), prepared.declared_types.size()});
    inferred.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (i < prepared.declared_types.size() && prepared.declared_types[i].id != TypeId::Unknown)
        inferred[i] = prepared.declared_types[i];
      if (inferred[i].id == TypeId::Unknown) inferred[i] = SqlType::of(TypeId::Text);
    }
    prepared.parameter_types = std::move(inferred);
  }

  Prepared& find_statement(const std::string& name) {
    const auto found = statements_.find(name);
    if (found == statements_.end()) {
      throw Error(ErrorCode::InvalidSqlStatementName,
                  name.empty() ? "unnamed prepared statement does not exist"
                               : "prepared statement \"" + name + "\" does not exist");
    }
    return *found->second;
  }

  Portal& find_portal(const std::string& name) {
    const auto found = portals_.find(name);
    if (found == portals_.end())
      throw Error(ErrorCode::InvalidCursorName, "portal \"" + name + "\" does not exist");
    return *found->second;
  }

  ExecuteOutcome fetch(Portal& portal, std::uint64_t max_rows, ResultSink& sink) {
    const bool is_first = portal.stream == nullptr && !portal.is_done;
    const auto open = [&] {
      context_.begin_statement();
      portal.plan = portal.prepared->plan;
      portal.open();
    };
    const std::uint64_t limit = max_rows == 0 ? UINT64_MAX : max_rows;
    TrackingSink tracking(sink);
    std::uint64_t sent = 0;
    try {
      if (is_first) {
        analyze(*portal.prepared);
        open();
      }
      sent = portal.send(context_, limit, tracking);
    } catch (const Error& error) {
      if (!is_first || !needs_wide_numeric(error) || tracking.has_sent_rows() || portal.plan == nullptr ||
          portal.plan->is_wide())
        throw;
      // The statement stays with numbers of any digits: it will need them again.
      auto& prepared = *portal.prepared;
      const SessionContext::WideNumeric wide(context_);
      portal.stream.reset();
      portal.pending = {};
      portal.pending_row = 0;
      prepared.plan = QueryPlan::make(context_, std::get<sql::QueryStatement>(prepared.statement->body).query,
                                      prepared.declared_types);
      open();
      sent = portal.send(context_, limit, tracking);
    }
    if (portal.is_done) {
      sink.command_complete(portal.prepared->statement->tag + " " + std::to_string(sent));
      return ExecuteOutcome::Complete;
    }
    // Its stream stays open; others get a connection of their own.
    if (portal.holds_connection) context_.detach_duck();
    return ExecuteOutcome::Suspended;
  }

  std::string run_prepare(const sql::PrepareStatement& prepare) {
    if (statements_.contains(prepare.name)) {
      throw Error(ErrorCode::DuplicatePreparedStatement,
                  "prepared statement \"" + prepare.name + "\" already exists");
    }
    auto prepared = std::make_shared<Prepared>();
    prepared->statement = prepare.statement;
    prepared->declared_types = prepare.parameter_types;
    analyze(*prepared);
    statements_[prepare.name] = std::move(prepared);
    return "PREPARE";
  }

  std::string run_execute(Execution& execution, const sql::ExecuteStatement& execute) {
    find_statement(execute.name);
    const auto prepared = statements_.at(execute.name);
    analyze(*prepared);
    if (execute.arguments.size() != prepared->parameter_types.size()) {
      throw Error(ErrorCode::SyntaxError,
                  "wrong number of parameters for prepared statement \"" + execute.name + "\"",
                  "Expected " + std::to_string(prepared->parameter_types.size()) + " parameters but got " +
                      std::to_string(execute.arguments.size()) + ".");
    }
    std::vector<Value> values;
    for (std::size_t i = 0; i < execute.arguments.size(); ++i) {
      values.push_back(coerce(context_.evaluate(execute.arguments[i]), prepared->parameter_types[i]));
    }
    if (prepared->plan != nullptr) {
      context_.refresh_view();
      const auto plan = prepared->plan;
      const auto stream = plan->open(values).stream;
      if (execution.describe) execution.sink.row_description(plan->columns());
      return "SELECT " + std::to_string(send_rows(execution, *stream, plan->columns()));
    }
    Execution inner{context_, execution.sink, values, execution.describe};
    return dispatch(inner, *prepared->statement);
  }

  Value coerce(const Value& value, const SqlType& type) const {
    if (value.is_null) return Value::null_of(type);
    if (value.type == type) return value;
    if (is_text_like(value.type.id) || value.type.id == TypeId::Unknown) {
      return parse_value(type, value.text, context_.settings().format_context());
    }
    Column column(value.type);
    append_value(column, value);
    return value_at(
        cast_column(column.view(), type, CastStrength::Assignment, context_.settings().format_context())
            .view(),
        0);
  }

  std::string run_deallocate(const sql::DeallocateStatement& deallocate) {
    if (deallocate.all) {
      statements_.clear();
      return "DEALLOCATE ALL";
    }
    find_statement(deallocate.name);
    statements_.erase(deallocate.name);
    return "DEALLOCATE";
  }

  std::string run_cursor(Execution& execution, const sql::CursorStatement& cursor) {
    using Action = sql::CursorStatement::Action;
    if (cursor.action == Action::Declare) {
      if (!explicit_block_ && !cursor.with_hold) {
        throw Error(ErrorCode::NoActiveSqlTransaction,
                    "DECLARE CURSOR can only be used in transaction blocks");
      }
      if (cursor.with_hold)
        throw Error(ErrorCode::FeatureNotSupported, "cursors WITH HOLD are not supported");
      if (portals_.contains(cursor.name))
        throw Error(ErrorCode::DuplicateCursor, "cursor \"" + cursor.name + "\" already exists");
      auto portal = std::make_unique<Portal>(
          nullptr, std::vector<Value>(execution.parameters.begin(), execution.parameters.end()));
      portal->plan = QueryPlan::make(context_, cursor.query, {});
      portal->open();
      if (portal->holds_connection) context_.detach_duck();
      portals_[cursor.name] = std::move(portal);
      return "DECLARE CURSOR";
    }
    if (cursor.action == Action::CloseAll) {
      portals_.clear();
      return "CLOSE CURSOR ALL";
    }
    const auto found = portals_.find(cursor.name);
    if (found == portals_.end())
      throw Error(ErrorCode::InvalidCursorName, "cursor \"" + cursor.name + "\" does not exist");
    if (cursor.action == Action::Close) {
      portals_.erase(found);
      return "CLOSE CURSOR";
    }
    using Direction = sql::CursorStatement::Direction;
    const bool is_forward = cursor.direction == Direction::Forward ||
                            (cursor.direction == Direction::Relative && cursor.count >= 0);
    if (!is_forward || cursor.count < 0) {
      throw Error(ErrorCode::ObjectNotInPrerequisiteState, "cursor can only scan forward", {},
                  "Declare it again to read from its start.");
    }
    Portal& portal = *found->second;
    const auto limit = static_cast<std::uint64_t>(cursor.count);
    if (cursor.action == Action::Move) {
      return "MOVE " + std::to_string(portal.send(context_, limit, null_sink_));
    }
    if (execution.describe) execution.sink.row_description(portal.columns);
    return "FETCH " + std::to_string(portal.send(context_, limit, execution.sink));
  }

  std::string run_utility(Execution& execution, const sql::UtilityStatement& utility) {
    if (utility.command == "DISCARD ALL" || utility.command == "DISCARD") {
      if (explicit_block_)
        throw Error(ErrorCode::ActiveSqlTransaction, "DISCARD ALL cannot run inside a transaction block");
      portals_.clear();
      statements_.clear();
      context_.settings().reset_all();
      return utility.command;
    }
    return execute_utility(execution, utility);
  }

  SessionContext context_;
  std::shared_ptr<LiteralInserts> literal_inserts_;
  PlanCache plans_;
  bool explicit_block_ = false;
  bool failed_ = false;
  bool has_savepoints_ = false;
  std::map<std::string, std::shared_ptr<Prepared>> statements_;  // shared with the portals bound to them
  std::map<std::string, std::unique_ptr<Portal>> portals_;
  NullSink null_sink_;
};

}  // namespace

std::unique_ptr<Session> make_protocol_session(DatabaseCore& database, const SessionOptions& options) {
  return std::make_unique<ProtocolSession>(database, options);
}

}  // namespace tickstone::engine
