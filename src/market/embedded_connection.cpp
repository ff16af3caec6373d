// SPDX-License-Identifier: Apache-2.0
#include <list>
#include <unordered_map>

#include <tickstone/error.hpp>

#include "engine/database.hpp"
#include "engine/memory_budget.hpp"
#include "market/connection.hpp"
#include "market/parameter_value.hpp"

namespace tickstone::market {
namespace {

constexpr std::size_t kPreparedStatements = 256;

using OnNotice = std::function<void(const std::string&)>;

std::vector<ResultColumn> columns_from(const std::vector<engine::ResultColumn>& columns) {
  std::vector<ResultColumn> same;
  same.reserve(columns.size());
  for (const auto& column : columns) {
    // The session alone knows objects and labels: their names are texts here, as over the wire.
    const bool is_name = is_object_name(column.type.id) || column.type.id == TypeId::Enum;
    same.push_back({column.name, is_name ? SqlType{TypeId::Text, column.type.is_array} : column.type});
  }
  return same;
}

/// What all statements have in common: notices as psql prints them, COPY as given, the tag.
class Sink : public engine::ResultSink {
 public:
  explicit Sink(const OnNotice& on_notice) : on_notice_(on_notice) {}
  std::function<bool(std::string&)> copy_source;
  std::function<void(std::string_view)> copy_target;
  std::string tag;

  void row_description(const std::vector<engine::ResultColumn>& /*columns*/) override {}
  void rows(const Batch& /*batch*/) override {}
  void command_complete(std::string_view text) override { tag = text; }
  void empty_query() override {}
  void notice(const engine::Notice& notice) override {
    if (!on_notice_) return;
    std::string text = notice.severity + ":  " + notice.message + "\n";
    if (!notice.detail.empty()) text += "DETAIL:  " + notice.detail + "\n";
    if (!notice.hint.empty()) text += "HINT:  " + notice.hint + "\n";
    on_notice_(text);
  }
  void begin_copy_in(bool /*is_binary*/, std::size_t /*column_count*/) override {
    if (!copy_source) throw Error(ErrorCode::FeatureNotSupported, "COPY FROM STDIN needs copy_in");
  }
  bool read_copy_data(std::string& chunk) override { return copy_source(chunk); }
  void begin_copy_out(bool /*is_binary*/, std::size_t /*column_count*/) override {
    if (!copy_target) throw Error(ErrorCode::FeatureNotSupported, "COPY TO STDOUT needs copy_out");
  }
  void copy_data(std::string_view bytes) override { copy_target(bytes); }
  void end_copy_out() override {}

 private:
  const OnNotice& on_notice_;
};

class RowSink final : public Sink {
 public:
  RowSink(const OnNotice& on_notice, const engine::Session& session, const RowHandler& handler)
      : Sink(on_notice), session_(session), handler_(handler) {}
  /// Of what is run without having been described before.
  void row_description(const std::vector<engine::ResultColumn>& columns) override {
    if (handler_.on_columns) handler_.on_columns(columns_from(columns));
  }
  void rows(const Batch& batch) override {
    if (!handler_.on_rows || batch.row_count() == 0) return;
    Batch named(batch);
    for (auto& column : named.columns) {
      if (!is_object_name(column.type().id)) continue;
      column = cast_column(column.view(), SqlType{TypeId::Text, column.type().is_array},
                           CastStrength::Explicit, session_.format_context());
    }
    handler_.on_rows(std::move(named));
  }

 private:
  const engine::Session& session_;
  const RowHandler& handler_;
};

/// Each result as text, in the session's format.
class TextSink final : public Sink {
 public:
  TextSink(const OnNotice& on_notice, const engine::Session& session,
           const std::function<void(const TextResult&)>& on_result)
      : Sink(on_notice), session_(session), on_result_(on_result) {}

  void row_description(const std::vector<engine::ResultColumn>& columns) override {
    result_ = {columns_from(columns), {}, {}};
  }
  void rows(const Batch& batch) override {
    const auto& format = session_.format_context();
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      auto& cells = result_.rows.emplace_back();
      for (const auto& column : batch.columns) {
        if (column.is_null(row)) {
          cells.emplace_back();
        } else {
          std::string text;
          append_text(text, column.view(), row, format);
          cells.emplace_back(std::move(text));
        }
      }
    }
  }
  void command_complete(std::string_view text) override {
    result_.tag = text;
    on_result_(result_);
    result_ = {};
  }
  void begin_copy_out(bool /*is_binary*/, std::size_t /*column_count*/) override {
    result_ = {};
    if (!copy_target) result_.columns.push_back({"copy", SqlType::of(TypeId::Text)});
  }
  void copy_data(std::string_view bytes) override {
    if (copy_target) return copy_target(bytes);
    std::string line(bytes);
    if (!line.empty() && line.back() == '\n') line.pop_back();
    result_.rows.push_back({std::move(line)});
  }

 private:
  const engine::Session& session_;
  const std::function<void(const TextResult&)>& on_result_;
  TextResult result_;
};

class EmbeddedConnection final : public Connection {
 public:
  EmbeddedConnection(std::shared_ptr<engine::Database> database, const ManagerOptions& options)
      : database_(std::move(database)), on_notice_(options.on_notice) {
    engine::SessionOptions session;
    session.user = database_->owner();
    session.database = database_->name();
    session.application_name = options.application_name;
    if (options.statement_timeout.count() > 0) {
      session.settings.emplace_back("statement_timeout", std::to_string(options.statement_timeout.count()));
    }
    session_ = database_->connect(session);
  }

  std::string query(std::string_view sql, const Parameters& parameters, const RowHandler& handler) override {
    const bool was_known = statements_by_sql_.contains(sql);
    if (!was_known && parameters.empty()) {
      // Texts that differ by their literals are not planned one by one.
      RowSink sink(on_notice_, *session_, handler);
      if (session_->execute_known(sql, sink)) return sink.tag;
    }
    try {
      return run(sql, parameters, handler);
    } catch (const Error& error) {
      // DISCARD or a schema change has taken the statement away: nothing has run yet.
      const bool is_gone = error.code() == ErrorCode::InvalidSqlStatementName ||
                           (error.code() == ErrorCode::FeatureNotSupported &&
                            error.message() == "cached plan must not change result type");
      if (!is_gone) throw;
      forget(statements_.begin());
      if (!was_known || in_transaction()) throw;
    }
    return run(sql, parameters, handler);
  }

  void run_script(const std::string& sql, const std::function<void(const TextResult&)>& on_result,
                  const std::function<void(std::string_view)>& on_copy_data) override {
    TextSink sink(on_notice_, *session_, on_result);
    sink.copy_target = on_copy_data;
    session_->execute_simple(sql, sink);
  }

  std::string copy_in(const std::string& statement, const std::function<bool(std::string&)>& next) override {
    Sink sink(on_notice_);
    sink.copy_source = next;
    session_->execute_simple(statement, sink);
    return sink.tag;
  }

  std::string copy_out(const std::string& statement,
                       const std::function<void(std::string_view)>& on_data) override {
    Sink sink(on_notice_);
    sink.copy_target = on_data;
    session_->execute_simple(statement, sink);
    return sink.tag;
  }

  bool is_open() override { return true; }
  bool in_transaction() const override {
    return session_->transaction_status() != engine::TransactionStatus::Idle;
  }
  void cancel() override { session_->cancel(); }

 private:
  struct Statement {
    std::string sql;
    std::string name;
    std::vector<SqlType> parameter_types;
  };

  void forget(std::list<Statement>::iterator at) {
    session_->close_statement(at->name);
    statements_by_sql_.erase(at->sql);
    statements_.erase(at);
  }

  const Statement& prepare(std::string_view sql) {
    if (const auto found = statements_by_sql_.find(sql); found != statements_by_sql_.end()) {
      statements_.splice(statements_.begin(), statements_, found->second);
      return statements_.front();
    }
    if (statements_.size() >= kPreparedStatements) forget(std::prev(statements_.end()));
    Statement made{std::string(sql), "tickstone_" + std::to_string(++statement_count_), {}};
    session_->parse(made.name, made.sql, {});
    made.parameter_types = session_->describe_statement(made.name).parameter_types;
    statements_.push_front(std::move(made));
    statements_by_sql_[statements_.front().sql] = statements_.begin();
    return statements_.front();
  }

  std::string run(std::string_view sql, const Parameters& parameters, const RowHandler& handler) {
    RowSink sink(on_notice_, *session_, handler);
    try {
      const Statement& statement = prepare(sql);
      if (parameters.size() != statement.parameter_types.size()) {
        throw Error(ErrorCode::ProtocolViolation,
                    "bind message supplies " + std::to_string(parameters.size()) +
                        " parameters, but prepared statement \"" + statement.name + "\" requires " +
                        std::to_string(statement.parameter_types.size()));
      }
      std::vector<Value> values;
      values.reserve(parameters.size());
      for (std::size_t i = 0; i < parameters.size(); ++i)
        values.push_back(value_of(parameters[i], statement.parameter_types[i], session_->format_context()));
      session_->bind("", statement.name, std::move(values));
      // As they are now: a schema change may have come since the statement was prepared.
      if (const auto columns = session_->describe_portal(""); columns && handler.on_columns)
        handler.on_columns(columns_from(*columns));
      session_->execute("", 0, sink);
    } catch (...) {
      session_->sync(true, sink);
      throw;
    }
    session_->sync(false, sink);
    return sink.tag;
  }

  std::shared_ptr<engine::Database> database_;
  OnNotice on_notice_;
  std::unique_ptr<engine::Session> session_;
  std::list<Statement> statements_;  // latest used first
  std::unordered_map<std::string_view, std::list<Statement>::iterator> statements_by_sql_;
  std::uint64_t statement_count_ = 0;
};

class EmbeddedSource final : public ConnectionSource {
 public:
  EmbeddedSource(const std::string& directory, const ManagerOptions& options) : options_(options) {
    engine::DatabaseOptions settings;
    settings.store.create_if_missing = options.create_if_missing;
    constexpr std::size_t kShareOfDefault = 2;  // the rest is the program's own
    engine::set_memory(settings, options.memory_bytes != 0
                                     ? options.memory_bytes
                                     : std::max(engine::default_memory_bytes() / kShareOfDefault,
                                                static_cast<std::size_t>(engine::kLeastMemoryBytes)));
    if (!options.runs_jobs) settings.background_workers = 0;
    database_ = engine::Database::open(directory, settings);
  }
  EmbeddedSource(std::shared_ptr<engine::Database> database, ManagerOptions options)
      : options_(std::move(options)), database_(std::move(database)) {}

  std::unique_ptr<Connection> connect() override {
    return std::make_unique<EmbeddedConnection>(database_, options_);
  }
  Home home() const override { return Home::Embedded; }
  std::string server_version() const override {
    return std::string(engine::kServerVersion) + " (Tickstone " TICKSTONE_VERSION ")";
  }

 private:
  ManagerOptions options_;
  std::shared_ptr<engine::Database> database_;
};

}  // namespace

std::shared_ptr<ConnectionSource> open_embedded_source(const std::string& directory,
                                                       const ManagerOptions& options) {
  return std::make_shared<EmbeddedSource>(directory, options);
}

std::shared_ptr<ConnectionSource> make_embedded_source(std::shared_ptr<engine::Database> database,
                                                       const ManagerOptions& options) {
  return std::make_shared<EmbeddedSource>(std::move(database), options);
}

}  // namespace tickstone::market
