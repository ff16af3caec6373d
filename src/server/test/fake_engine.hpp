// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "engine/database.hpp"
#include "server/scram.hpp"

namespace tickstone::server {

/// What the fake database and its sessions share with the test.
struct FakeState {
  std::mutex mutex;
  std::condition_variable changed;
  int live_sessions = 0;
  int waiting_statements = 0;
  std::string copied;
  engine::SessionOptions last_options;

  template <typename Condition>
  void wait_until(Condition condition) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return condition(*this); });
  }
};

/// A session that does what the words of a statement say: `rows N`, `error`, `fatal`, `wait`, `copy in`,
/// `copy in fail`, `copy out`, `notice`, `set NAME VALUE`, `begin`, `commit`; anything else is an empty
/// query.
class FakeSession final : public engine::Session {
 public:
  explicit FakeSession(FakeState& state) : state_(state) {
    const std::lock_guard lock(state_.mutex);
    ++state_.live_sessions;
  }
  ~FakeSession() override {
    const std::lock_guard lock(state_.mutex);
    --state_.live_sessions;
    state_.changed.notify_all();
  }

  void execute_simple(std::string_view sql, engine::ResultSink& sink) override {
    if (sql.starts_with("rows ")) sink.row_description(columns());
    run(sql, sink, 0);
  }

  bool execute_known(std::string_view /*sql*/, engine::ResultSink& /*sink*/) override { return false; }

  void parse(const std::string& statement, std::string_view sql,
             const std::vector<std::uint32_t>& parameter_oids) override {
    if (sql == "syntax") throw Error(ErrorCode::SyntaxError, "syntax error at or near \"syntax\"").at(1);
    statements_[statement] = {std::string(sql), {}};
    for (const auto oid : parameter_oids) statements_[statement].types.push_back(*type_from_oid(oid));
  }
  engine::StatementDescription describe_statement(const std::string& statement) override {
    const auto& found = find(statement);
    engine::StatementDescription description;
    description.parameter_types = found.types;
    if (found.sql.starts_with("rows ")) description.columns = columns();
    return description;
  }
  void bind(const std::string& portal, const std::string& statement, std::vector<Value> parameters) override {
    portals_[portal] = {find(statement).sql, 0};
    bound_ = std::move(parameters);
  }
  std::optional<std::vector<engine::ResultColumn>> describe_portal(const std::string& portal) override {
    if (!portals_.at(portal).sql.starts_with("rows ")) return std::nullopt;
    return columns();
  }
  ExecuteOutcome execute(const std::string& portal, std::uint64_t max_rows,
                         engine::ResultSink& sink) override {
    const auto found = portals_.find(portal);
    if (found == portals_.end()) {
      throw Error(ErrorCode::InvalidCursorName, "portal \"" + portal + "\" does not exist");
    }
    auto& open = found->second;
    if (max_rows == 0 || !open.sql.starts_with("rows ")) {
      run(open.sql, sink, open.sent);
      return ExecuteOutcome::Complete;
    }
    const std::uint64_t all = std::stoull(open.sql.substr(5));
    const auto to = std::min(all, open.sent + max_rows);
    sink.rows(numbers(open.sent, to));
    open.sent = to;
    if (to < all) return ExecuteOutcome::Suspended;
    sink.command_complete("SELECT " + std::to_string(all));
    return ExecuteOutcome::Complete;
  }
  void close_statement(const std::string& statement) override { statements_.erase(statement); }
  void close_portal(const std::string& portal) override { portals_.erase(portal); }
  void sync(bool failed, engine::ResultSink&) override {
    if (failed && status_ == engine::TransactionStatus::InBlock) status_ = engine::TransactionStatus::Failed;
  }
  engine::TransactionStatus transaction_status() const override { return status_; }
  void cancel() override {
    const std::lock_guard lock(state_.mutex);
    if (is_waiting_) is_cancelled_ = true;
    state_.changed.notify_all();
  }
  std::vector<std::pair<std::string, std::string>> take_reported_settings() override {
    return std::exchange(settings_, {});
  }
  bool is_listening() const override { return false; }
  bool has_notifications() const override { return false; }
  std::vector<engine::Notification> take_notifications() override { return {}; }
  const FormatContext& format_context() const override { return context_; }

 private:
  struct Statement {
    std::string sql;
    std::vector<SqlType> types;
  };
  struct Portal {
    std::string sql;
    std::uint64_t sent;
  };

  static std::vector<engine::ResultColumn> columns() {
    return {{"n", SqlType::of(TypeId::BigInt)}, {"word", SqlType::of(TypeId::Text)}};
  }
  static Batch numbers(std::uint64_t from, std::uint64_t to) {
    Batch batch;
    batch.columns.emplace_back(SqlType::of(TypeId::BigInt));
    batch.columns.emplace_back(SqlType::of(TypeId::Text));
    for (auto n = from; n < to; ++n) {
      batch.columns[0].append_fixed(static_cast<std::int64_t>(n));
      if (n % 3 == 2) {
        batch.columns[1].append_null();
      } else {
        batch.columns[1].append_bytes("row " + std::to_string(n));
      }
    }
    return batch;
  }

  const Statement& find(const std::string& statement) const {
    const auto found = statements_.find(statement);
    if (found == statements_.end()) {
      throw Error(ErrorCode::InvalidSqlStatementName,
                  "prepared statement \"" + statement + "\" does not exist");
    }
    return found->second;
  }

  void wait() {
    std::unique_lock lock(state_.mutex);
    is_waiting_ = true;
    ++state_.waiting_statements;
    state_.changed.notify_all();
    state_.changed.wait(lock, [&] { return is_cancelled_; });
    is_waiting_ = is_cancelled_ = false;
    --state_.waiting_statements;
    state_.changed.notify_all();
    throw Error(ErrorCode::QueryCanceled, "canceling statement due to user request");
  }

  void run(std::string_view sql, engine::ResultSink& sink, std::uint64_t sent) {
    if (sql.starts_with("rows ")) {
      const auto count = std::stoull(std::string(sql.substr(5)));
      sink.rows(numbers(sent, count));
      sink.command_complete("SELECT " + std::to_string(count));
    } else if (sql == "error") {
      throw Error(ErrorCode::DivisionByZero, "division by zero");
    } else if (sql == "crash") {
      throw std::runtime_error("something else");
    } else if (sql == "fatal") {
      throw Error(ErrorCode::InternalError, "session is lost").damaging(Damage::Session);
    } else if (sql == "wait") {
      wait();
    } else if (sql.starts_with("copy in")) {
      sink.begin_copy_in(false, 2);
      std::string chunk;
      std::string all;
      while (sink.read_copy_data(chunk)) {
        if (sql == "copy in fail")
          throw Error(ErrorCode::BadCopyFileFormat, "extra data after last expected column");
        all += chunk;
      }
      const std::lock_guard lock(state_.mutex);
      state_.copied = all;
      sink.command_complete("COPY 2");
    } else if (sql == "copy out") {
      sink.begin_copy_out(false, 2);
      sink.copy_data("1\tone\n");
      sink.copy_data("2\ttwo\n");
      sink.end_copy_out();
      sink.command_complete("COPY 2");
    } else if (sql == "notice") {
      sink.notice(
          {"NOTICE", ErrorCode::SuccessfulCompletion, "relation \"t\" already exists, skipping", {}, {}});
      sink.command_complete("CREATE TABLE");
    } else if (sql.starts_with("set ")) {
      const auto space = sql.find(' ', 4);
      settings_.emplace_back(sql.substr(4, space - 4), sql.substr(space + 1));
      sink.command_complete("SET");
    } else if (sql == "begin") {
      status_ = engine::TransactionStatus::InBlock;
      sink.command_complete("BEGIN");
    } else if (sql == "parameters") {
      Batch batch;
      batch.columns.emplace_back(SqlType::of(TypeId::BigInt));
      batch.columns.emplace_back(SqlType::of(TypeId::Text));
      append_value(batch.columns[0], bound_.at(0));
      append_value(batch.columns[1], bound_.at(1));
      sink.rows(batch);
      sink.command_complete("SELECT 1");
    } else {
      sink.empty_query();
    }
  }

  FakeState& state_;
  FormatContext context_;
  engine::TransactionStatus status_ = engine::TransactionStatus::Idle;
  std::map<std::string, Statement> statements_;
  std::map<std::string, Portal> portals_;
  std::vector<Value> bound_;
  std::vector<std::pair<std::string, std::string>> settings_ = {{"server_version", "15.0"},
                                                                {"TimeZone", "UTC"}};
  bool is_waiting_ = false;
  bool is_cancelled_ = false;
};

/// Users `ann` (password `secret`) and `bob` (no password), database `inavvi`.
class FakeDatabase final : public engine::Database {
 public:
  FakeState& state() { return state_; }

  std::unique_ptr<engine::Session> connect(const engine::SessionOptions& options) override {
    if (options.database != "inavvi") {
      throw Error(ErrorCode::InvalidCatalogName, "database \"" + options.database + "\" does not exist");
    }
    {
      const std::lock_guard lock(state_.mutex);
      state_.last_options = options;
    }
    return std::make_unique<FakeSession>(state_);
  }
  std::optional<std::string> find_verifier(std::string_view role) const override {
    if (role == "ann") return verifier_;
    if (role == "bob") return "";
    return std::nullopt;
  }
  bool is_member(std::string_view role, std::string_view other) const override {
    return role == other || (role == "bob" && other == "staff");
  }
  void set_verifier(std::string_view, std::string verifier) override { verifier_ = std::move(verifier); }
  const std::string& name() const override { return name_; }
  const std::string& owner() const override { return owner_; }
  void set_verifier_maker(VerifierMaker maker) override { verifier_ = maker("secret"); }
  storage::Store& store() override {
    TICKSTONE_CHECK(!"the fake has no store");
    __builtin_unreachable();
  }
  void checkpoint() override {}
  std::optional<std::int64_t> run_due_jobs() override { return std::nullopt; }
  engine::DatabaseStatus status() override { return {}; }
  bool accepts_writes() override { return true; }

 private:
  FakeState state_;
  std::string verifier_;
  std::string name_ = "inavvi";
  std::string owner_ = "ann";
};

}  // namespace tickstone::server
