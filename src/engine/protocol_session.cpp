// SPDX-License-Identifier: Apache-2.0
#include "engine/protocol_session.hpp"

#include <algorithm>
#include <map>

#include <tickstone/error.hpp>

#include "engine/block_end.hpp"
#include "engine/cursors.hpp"
#include "engine/executors.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/idle_plans.hpp"
#include "engine/portal.hpp"
#include "engine/prepared_statements.hpp"
#include "engine/query_plan.hpp"
#include "engine/statement_log.hpp"
#include "engine/temporary_tables.hpp"
#include "engine/tracking_sink.hpp"
#include "engine/transaction_block.hpp"
#include "engine/user_functions.hpp"
#include "sql/lexer.hpp"

namespace tickstone::engine {
namespace {

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
    context_.set_cursors(&cursors_);
    context_.set_prepared_statements(&statements_);
  }

  ~ProtocolSession() override {
    stop_idle_clock();
    portals_.clear();
    cursors_.close_all();
    statements_.clear();
    context_.rollback();
    // Boundary: a session ends in any case; without its plans the next one makes its own.
    try {
      context_.database().idle_plans().put(context_, std::move(plans_));
    } catch (...) {
    }
    context_.detach_duck();  // it may be another session's already
  }

  void execute_simple(std::string_view sql, ResultSink& sink) override {
    Running running(*this, sink, {LoggedCall::Kind::SimpleQuery, sql, {}, {}, {}});
    statements_.erase("");
    portals_.erase("");
    const auto parts = guarded([&] { return sql::split_statements(sql); });
    if (parts.empty()) {
      sink.empty_query();
      return;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool is_last = i + 1 == parts.size();
      has_more_statements_ = parts.size() > 1;
      part_ = parts[i];
      if (i > 0) running.restart_clock();
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

  bool execute_known(std::string_view sql, ResultSink& sink) override {
    if (failed_ || !is_known_query(sql)) return false;
    execute_simple(sql, sink);
    return true;
  }

  void parse(const std::string& name, std::string_view sql,
             const std::vector<std::uint32_t>& parameter_oids) override {
    const Running running(*this, null_sink_, {LoggedCall::Kind::Parse, sql, name, {}, {}});
    guarded([&] {
      auto statements = sql::parse(sql);
      if (statements.size() > 1)
        throw Error(ErrorCode::SyntaxError, "cannot insert multiple commands into a prepared statement");
      auto prepared = std::make_shared<Prepared>();
      prepared->text = sql;
      prepared->prepared_us = context_.clock().now_us();
      if (!statements.empty() && !failed_ &&
          std::holds_alternative<sql::QueryStatement>(statements.front().body)) {
        if (!context_.in_transaction()) context_.begin_transaction();
        context_.begin_statement();
        resolve_call(context_, statements.front());
      }
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
      if (!name.empty()) statements_.require_free(name);
      analyze(*prepared);
      statements_.put(name, std::move(prepared));
    });
  }

  StatementDescription describe_statement(const std::string& name) override {
    const Running running(*this, null_sink_, LoggedCall::Subject{});
    return guarded([&] {
      Prepared& prepared = *statements_.find(name);
      analyze(prepared);
      return StatementDescription{prepared.parameter_types, prepared.columns};
    });
  }

  void bind(const std::string& portal_name, const std::string& statement,
            std::vector<Value> parameters) override {
    const auto bound = statements_.find_if_any(statement);
    const auto text = text_of(bound);
    const Running running(*this, null_sink_,
                          {LoggedCall::Kind::Bind, text, statement, portal_name, parameters},
                          Running::Activity::Unchanged);
    guarded([&] {
      Prepared& prepared = *statements_.find(statement);
      if (failed_ && (prepared.statement == nullptr || !ends_failed_block(*prepared.statement)))
        throw_block_aborted();
      if (!portal_name.empty() && (portals_.contains(portal_name) || cursors_.contains(portal_name))) {
        throw Error(ErrorCode::DuplicateCursor, "cursor \"" + portal_name + "\" already exists");
      }
      if (parameters.size() != prepared.parameter_types.size()) {
        throw Error(ErrorCode::ProtocolViolation,
                    "bind message supplies " + std::to_string(parameters.size()) +
                        " parameters, but prepared statement \"" + statement + "\" requires " +
                        std::to_string(prepared.parameter_types.size()));
      }
      ++prepared.run_count;
      // The values stay where they are in memory, and so where the log finds them.
      portals_[portal_name] =
          std::make_unique<Portal>(statement, statements_.find(statement), std::move(parameters));
    });
  }

  std::optional<std::vector<ResultColumn>> describe_portal(const std::string& name) override {
    const Running running(*this, null_sink_, LoggedCall::Subject{});
    return guarded([&]() -> std::optional<std::vector<ResultColumn>> {
      // A cursor that was declared in SQL is a portal, too.
      if (!portals_.contains(name) && cursors_.contains(name)) return cursors_.columns(name);
      Portal& portal = find_portal(name);
      analyze(*portal.prepared);
      return portal.prepared->columns;
    });
  }

  ExecuteOutcome execute(const std::string& name, std::uint64_t max_rows, ResultSink& sink) override {
    Portal& portal = find_portal(name);
    const auto prepared = portal.prepared;  // COMMIT drops the portal
    has_more_statements_ = false;
    const auto kind = portal.has_begun() ? LoggedCall::Kind::ExecuteFetch : LoggedCall::Kind::Execute;
    const std::string statement_name = portal.statement_name;
    const bool is_fetched = prepared->statement != nullptr &&
                            std::holds_alternative<sql::QueryStatement>(prepared->statement->body) &&
                            !prepared->is_locking();
    std::vector<Value> parameters;
    if (!is_fetched) parameters = std::move(portal.parameters);
    const Running running(*this, sink,
                          {kind, text_of(prepared), statement_name, name,
                           is_fetched ? std::span<const Value>(portal.parameters) : parameters});
    return guarded([&] {
      if (prepared->statement == nullptr) {
        sink.empty_query();
        return ExecuteOutcome::Complete;
      }
      if (failed_ && !ends_failed_block(*prepared->statement)) throw_block_aborted();
      begin_if_needed(*prepared->statement);
      if (is_fetched) return fetch(portal, max_rows, sink);
      const auto started_ns = recorder().now_ns();
      TrackingSink tracking(sink);
      Execution execution{context_, tracking, parameters, false};
      context_.set_alone(!explicit_block_ && !context_.has_writes());
      const std::string tag = dispatch_widening(execution, tracking, *prepared->statement);
      count(*prepared->statement, prepared->slot, tag, started_ns);
      sink.command_complete(tag);
      return ExecuteOutcome::Complete;
    });
  }

  void close_statement(const std::string& name) override { statements_.erase(name); }
  void close_portal(const std::string& name) override {
    if (portals_.erase(name) == 0 && cursors_.contains(name)) cursors_.close(name);
  }

  void sync(bool failed, ResultSink& sink) override {
    const Running running(*this, sink, LoggedCall::Subject{});
    if (!explicit_block_ && context_.in_transaction()) {
      end_transaction(!failed);
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
  bool is_listening() const override { return context_.notifications().is_listening(); }
  bool has_notifications() const override { return context_.notifications().has_received(); }
  std::vector<Notification> take_notifications() override { return context_.notifications().take(); }
  const FormatContext& format_context() const override { return context_.settings().format_context(); }

 private:
  /// Around each call from outside: sink, time-out, what pg_stat_activity says.
  class Running {
   public:
    enum class Activity : std::uint8_t { Statement, Unchanged };
    Running(ProtocolSession& session, ResultSink& sink, const LoggedCall::Subject& subject,
            Activity activity = Activity::Statement)
        : session_(session), call_(session.context_, subject) {
      session.call_ = &call_;
      const auto text = subject.text;
      auto& context = session.context_;
      session.stop_idle_clock();
      context.set_sink(&sink);
      if (text.empty() || activity == Activity::Unchanged) return;
      is_statement_ = true;
      context.follow_configuration();
      context.clear_cancel();
      context.set_activity("active", text);
      start_clock();
    }
    /// statement_timeout is for each statement of a query, and may be set by the one before.
    void restart_clock() {
      stop_clock();
      session_.context_.clear_timeout();
      start_clock();
    }
    ~Running() {
      auto& context = session_.context_;
      session_.call_ = nullptr;
      session_.part_ = {};
      session_.start_idle_clock();
      stop_clock();
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
    void start_clock() {
      auto& context = session_.context_;
      const auto ms = context.settings().statement_timeout_ms();
      if (ms == 0) return;
      ticket_ = context.database().watchdog().arm(std::chrono::milliseconds(ms),
                                                  [&context] { context.cancel(true); });
    }
    void stop_clock() {
      if (ticket_ != 0) session_.context_.database().watchdog().disarm(std::exchange(ticket_, 0));
    }

    ProtocolSession& session_;
    LoggedCall call_;
    Watchdog::Ticket ticket_ = 0;
    bool is_statement_ = false;
  };

  /// idle_in_transaction_session_timeout runs while nothing else does.
  void start_idle_clock() {
    const auto ms = context_.settings().idle_in_transaction_timeout_ms();
    if (ms == 0 || !explicit_block_ || !context_.options().end_session || idle_ticket_ != 0) return;
    idle_ticket_ = context_.database().watchdog().arm(std::chrono::milliseconds(ms), [this] {
      context_.options().end_session(SessionEnd::IdleInTransaction);
    });
  }
  void stop_idle_clock() {
    if (idle_ticket_ != 0) context_.database().watchdog().disarm(std::exchange(idle_ticket_, 0));
  }

  /// Runs `action`; an error aborts the block, or rolls the implicit transaction back.
  template <typename Action>
  auto guarded(Action action) -> decltype(action()) {
    try {
      return action();
    } catch (Error& error) {
      note_error(error);
      abort_transaction();
      if (error.damage() == Damage::Database) context_.recover_instance();
      if (context_.is_cancelled() && error.code() == ErrorCode::QueryCanceled) context_.check_cancelled();
      throw;
    } catch (...) {
      abort_transaction();
      throw;
    }
  }

  void note_error(const Error& error) {
    auto& counters = context_.database().counters();
    counters.add(counters.errors);
    if (error.code() == ErrorCode::DeadlockDetected) counters.add(counters.deadlocks);
    if (error.code() == ErrorCode::SerializationFailure) counters.add(counters.serialization_failures);
    if (error.code() == ErrorCode::QueryCanceled) counters.add(counters.cancellations);
    if (call_ != nullptr) call_->failed(error, part_);
  }

  StatementRecorder& recorder() { return context_.recorder(); }
  static std::string_view text_of(const std::shared_ptr<Prepared>& prepared) {
    return prepared == nullptr || prepared->statement == nullptr ? std::string_view{}
                                                                 : prepared->statement->text;
  }
  /// A statement has ended well. EXECUTE counts as the statement that it names.
  void count(const sql::Statement& statement, StatementSlot& slot, std::string_view tag,
             std::int64_t started_ns) {
    const auto duration_ns = recorder().now_ns() - started_ns;
    if (const auto* execute = std::get_if<sql::ExecuteStatement>(&statement.body)) {
      if (const auto named = statements_.find_if_any(execute->name); named != nullptr)
        recorder().ended(named->slot, text_of(named), tag, duration_ns);
      return;
    }
    recorder().ended(slot, statement.text, tag, duration_ns);
  }

  void abort_transaction() noexcept {
    context_.clear_rows();
    for (auto& [name, portal] : portals_) portal->taken_ns = 0;  // what fails is not counted
    portals_.clear();
    cursors_.end_transaction(false);
    if (explicit_block_) {
      failed_ = true;
      context_.abort_to_savepoint();
    } else {
      context_.rollback();
    }
  }

  void end_transaction(bool commits) {
    portals_.clear();
    if (!commits) {
      cursors_.end_transaction(false);
      context_.rollback();
      return;
    }
    try {
      context_.commit();
    } catch (...) {
      cursors_.end_transaction(false);
      throw;
    }
    cursors_.end_transaction(true);
  }

  void begin_if_needed(const sql::Statement& statement) {
    if (!context_.in_transaction() && !is_control(statement)) context_.begin_transaction();
  }

  void run_text(std::string_view text, ResultSink& sink, bool is_last) {
    TrackingSink tracking(sink);
    Execution execution{context_, tracking, {}, true};
    const bool is_first = !context_.in_transaction();
    auto started_ns = recorder().now_ns();
    if (!failed_ && !may_end_block(text)) {
      if (!context_.in_transaction()) context_.begin_transaction();
      const auto mark = context_.mark_statement();
      try {
        const auto tag = run_known_shape(execution, text);
        context_.release_mark(mark);
        if (tag) {
          if (execution.slot != nullptr)
            recorder().ended(*execution.slot, text, *tag, recorder().now_ns() - started_ns);
          return finish_statement(*tag, sink, is_last);
        }
      } catch (const Error& error) {
        if (!needs_wide_numeric(error) || tracking.has_sent_rows()) throw;
        context_.undo_statement(mark);
        execution.describe = !tracking.has_sent();
      }
    }
    auto statements = sql::parse(text);
    if (statements.empty()) {
      if (is_last && !explicit_block_ && context_.in_transaction()) end_transaction(true);
      sink.empty_query();
      return;
    }
    for (auto& statement : statements) {
      if (failed_ && !ends_failed_block(statement)) throw_block_aborted();
      started_ns = recorder().now_ns();
      begin_if_needed(statement);
      context_.set_alone(!explicit_block_ && is_first && is_last && statements.size() == 1);
      if (!failed_) resolve_call(context_, statement);
      std::string tag;
      try {
        tag = dispatch_widening(execution, tracking, statement);
      } catch (const Error& error) {
        // A lost DuckDB holds no data: what has sent nothing is run again on a new one.
        if (error.damage() != Damage::Database || tracking.has_sent() || context_.has_writes()) throw;
        context_.recover_instance();
        tag = dispatch(execution, statement);
      }
      StatementSlot slot;
      count(statement, slot, tag, started_ns);
      finish_statement(tag, sink, is_last && &statement == &statements.back());
    }
  }

  bool is_known_query(std::string_view sql) {
    // Boundary: what cannot be read is told about where it is run.
    try {
      const auto parts = sql::split_statements(sql);
      return parts.size() == 1 && plans_.is_known(parts.front());
    } catch (const Error&) {
      return false;
    }
  }

  std::optional<std::string> run_known_shape(Execution& execution, std::string_view text) {
    context_.begin_statement();
    auto tag = try_literal_insert(execution, *literal_inserts_, text);
    if (!tag) tag = plans_.try_run(execution, text);
    has_queried_ = has_queried_ || tag.has_value();
    return tag;
  }

  void finish_statement(const std::string& tag, ResultSink& sink, bool is_last) {
    context_.clear_rows();
    if (is_last && !explicit_block_ && context_.in_transaction()) end_transaction(true);
    if (!tag.empty()) sink.command_complete(tag);
  }

  /// Runs a statement, and once more with numbers of any digits where 38 do not suffice for it.
  std::string dispatch_widening(Execution& execution, TrackingSink& tracking,
                                const sql::Statement& statement) {
    if (std::holds_alternative<sql::TransactionStatement>(statement.body))
      return dispatch(execution, statement);
    const auto mark = context_.mark_statement();
    try {
      auto tag = dispatch(execution, statement);
      context_.release_mark(mark);
      return tag;
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
      return transaction->action == sql::TransactionStatement::Action::Begin
                 ? (run_transaction(*transaction, execution), statement.tag)
                 : run_transaction(*transaction, execution);
    has_queried_ = true;
    context_.begin_statement();
    context_.set_in_block(explicit_block_ || context_.has_writes() || has_more_statements_);
    if (auto tag = execute_statement(execution, statement)) return *tag;
    if (const auto* prepare = std::get_if<sql::PrepareStatement>(&statement.body))
      return run_prepare(*prepare, statement.text);
    if (const auto* execute = std::get_if<sql::ExecuteStatement>(&statement.body))
      return run_execute(execution, *execute);
    if (const auto* deallocate = std::get_if<sql::DeallocateStatement>(&statement.body))
      return run_deallocate(*deallocate);
    if (const auto* cursor = std::get_if<sql::CursorStatement>(&statement.body))
      return run_cursor(execution, *cursor, statement.text);
    if (const auto* utility = std::get_if<sql::UtilityStatement>(&statement.body)) {
      run_utility(execution, *utility);
      return statement.tag;
    }
    if (const auto* lock = std::get_if<sql::LockTableStatement>(&statement.body)) {
      if (!explicit_block_)
        throw Error(ErrorCode::NoActiveSqlTransaction, "LOCK TABLE can only be used in transaction blocks");
      return execute_lock_table(execution, *lock);
    }
    if (const auto* set = std::get_if<sql::SetConstraintsStatement>(&statement.body))
      return execute_set_constraints(context_, *set);
    throw Error(ErrorCode::FeatureNotSupported, statement.tag + " is not supported");
  }

  /// SET TRANSACTION SNAPSHOT.
  void import_snapshot(const std::string& name) {
    if (has_queried_)
      throw Error(ErrorCode::ActiveSqlTransaction,
                  "SET TRANSACTION SNAPSHOT must be called before any query");
    if (context_.isolation() != Isolation::RepeatableRead)
      throw Error(
          ErrorCode::FeatureNotSupported,
          "a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ");
    context_.database().exported_snapshots().import(context_.options().pid, name);
  }

  std::string run_transaction(const sql::TransactionStatement& t, Execution& execution) {
    using Action = sql::TransactionStatement::Action;
    const auto apply_modes = [&] {
      if (t.isolation) context_.set_isolation(*t.isolation);
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
        has_queried_ = false;
        apply_modes();
        return "BEGIN";
      case Action::Commit:
      case Action::Rollback: {
        if (t.chain && !explicit_block_) {
          throw Error(ErrorCode::NoActiveSqlTransaction,
                      std::string(t.action == Action::Commit ? "COMMIT" : "ROLLBACK") +
                          " AND CHAIN can only be used in transaction blocks");
        }
        const bool was_block = explicit_block_, was_failed = failed_;
        explicit_block_ = failed_ = false;
        portals_.clear();
        if (!was_block) {
          execution.context.notice(
              {"WARNING", ErrorCode::NoActiveSqlTransaction, "there is no transaction in progress", {}, {}});
        }
        const bool commits = t.action == Action::Commit && !was_failed;
        if (context_.in_transaction()) end_transaction(commits);
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
        if (t.for_session) {
          auto& settings = context_.settings();
          if (t.isolation) settings.set("default_transaction_isolation", {*t.isolation}, false);
          if (t.read_only)
            settings.set("default_transaction_read_only", {*t.read_only ? "on" : "off"}, false);
          return "SET";
        }
        if (!explicit_block_) {
          execution.context.notice({"WARNING",
                                    ErrorCode::NoActiveSqlTransaction,
                                    "SET TRANSACTION can only be used in transaction blocks",
                                    {},
                                    {}});
          return "SET";
        }
        apply_modes();
        if (!t.snapshot.empty()) import_snapshot(t.snapshot);
        return "SET";
      case Action::Prepare:
      case Action::Other:
        break;
    }
    throw Error(ErrorCode::FeatureNotSupported, "two-phase commit is not supported");
  }

  // Prepared statements and portals

  void analyze(Prepared& prepared) {
    if (failed_) return;
    statements_.analyze(prepared);
    if (prepared.statement == nullptr) return;
    const auto* cursor = std::get_if<sql::CursorStatement>(&prepared.statement->body);
    if (cursor != nullptr && cursor->action == sql::CursorStatement::Action::Fetch)
      prepared.columns = cursors_.columns(cursor->name);
  }

  Portal& find_portal(const std::string& name) {
    const auto found = portals_.find(name);
    if (found == portals_.end())
      throw Error(ErrorCode::InvalidCursorName, "portal \"" + name + "\" does not exist");
    return *found->second;
  }

  ExecuteOutcome fetch(Portal& portal, std::uint64_t max_rows, ResultSink& sink) {
    const bool is_first = !portal.has_begun();
    const auto started_ns = recorder().now_ns();
    portal.recorder = &recorder();
    const auto open = [&] {
      has_queried_ = true;
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
    portal.taken_ns += recorder().now_ns() - started_ns;
    portal.row_count += sent;
    if (portal.is_done) {
      portal.count();
      sink.command_complete(portal.prepared->statement->tag + " " + std::to_string(sent));
      return ExecuteOutcome::Complete;
    }
    // Its stream stays open; others get a connection of their own.
    if (portal.holds_connection) context_.detach_duck();
    return ExecuteOutcome::Suspended;
  }

  std::string run_prepare(const sql::PrepareStatement& prepare, const std::string& text) {
    statements_.require_free(prepare.name);
    auto prepared = std::make_shared<Prepared>();
    prepared->statement = prepare.statement;
    prepared->declared_types = prepare.parameter_types;
    prepared->text = text;
    prepared->prepared_us = context_.clock().now_us();
    prepared->is_from_sql = true;
    analyze(*prepared);
    statements_.put(prepare.name, std::move(prepared));
    return "PREPARE";
  }

  std::string run_execute(Execution& execution, const sql::ExecuteStatement& execute) {
    const auto prepared = statements_.find(execute.name);
    analyze(*prepared);
    const auto values = statements_.arguments_of(execute, *prepared);
    ++prepared->run_count;
    if (prepared->plan != nullptr && !prepared->is_locking()) {
      context_.refresh_view();
      const auto plan = prepared->plan;
      const auto stream = plan->open(values).stream;
      if (execution.describe) execution.sink.row_description(plan->columns());
      return "SELECT " + std::to_string(send_rows(execution, *stream, plan->columns()));
    }
    Execution inner{context_, execution.sink, values, execution.describe};
    return dispatch(inner, *prepared->statement);
  }

  std::string run_deallocate(const sql::DeallocateStatement& deallocate) {
    if (deallocate.all) {
      statements_.clear();
      return "DEALLOCATE ALL";
    }
    statements_.find(deallocate.name);
    statements_.erase(deallocate.name);
    return "DEALLOCATE";
  }

  std::string run_cursor(Execution& execution, const sql::CursorStatement& cursor, const std::string& text) {
    using Action = sql::CursorStatement::Action;
    switch (cursor.action) {
      case Action::Declare:
        if (!explicit_block_ && !cursor.with_hold) {
          throw Error(ErrorCode::NoActiveSqlTransaction,
                      "DECLARE CURSOR can only be used in transaction blocks");
        }
        if (cursors_.contains(cursor.name) || portals_.contains(cursor.name))
          throw Error(ErrorCode::DuplicateCursor, "cursor \"" + cursor.name + "\" already exists");
        return cursors_.declare(execution, cursor, text);
      case Action::Fetch:
      case Action::Move:
        return cursors_.fetch(execution, cursor);
      case Action::Close:
        return cursors_.close(cursor.name);
      case Action::CloseAll:
        cursors_.close_all();
        break;
    }
    return "CLOSE CURSOR ALL";
  }

  void run_utility(Execution& execution, const sql::UtilityStatement& utility) {
    if (utility.command == "DISCARD ALL") {
      refuse_in_block(context_, utility.command);
      portals_.clear();
      cursors_.close_all();
      statements_.clear();
      context_.settings().reset_all();
      context_.settings().reset("session_authorization");
      context_.settings().reset("role");
      context_.discard_sequences();
      context_.notifications().unlisten_all();
      context_.advisory_locks().unlock_all();
      discard_temporary_tables(context_);
      return;
    }
    if (utility.command == "DISCARD TEMP") discard_temporary_tables(context_);
    if (utility.command == "DISCARD SEQUENCES") context_.discard_sequences();
    execute_utility(execution, utility);
  }

  SessionContext context_;
  LoggedCall* call_ = nullptr;  // the one at hand
  std::string_view part_;       // of its text: the statement that runs
  std::shared_ptr<LiteralInserts> literal_inserts_;
  PlanCache plans_;
  bool explicit_block_ = false;
  bool has_queried_ = false;  // in the block
  bool failed_ = false;
  bool has_more_statements_ = false;  // the query at hand has several
  Watchdog::Ticket idle_ticket_ = 0;
  PreparedStatements statements_{context_, plans_};
  std::map<std::string, std::unique_ptr<Portal>> portals_;
  Cursors cursors_;
  NullSink null_sink_;
};

}  // namespace

std::unique_ptr<Session> make_protocol_session(DatabaseCore& database, const SessionOptions& options) {
  return std::make_unique<ProtocolSession>(database, options);
}

}  // namespace tickstone::engine
