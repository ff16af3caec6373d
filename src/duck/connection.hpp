// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/instance.hpp"
#include "duck/session_state.hpp"

namespace tickstone::duck {

class DuckConnection final : public Connection {
 public:
  DuckConnection(duckdb::shared_ptr<duckdb::DuckDB> db, std::shared_ptr<Workers> workers,
                 RelationSource& source, HostFunctions& functions);
  ~DuckConnection() override;

  std::unique_ptr<ResultStream> query(std::string_view duck_text) override;
  std::unique_ptr<PreparedQuery> prepare(std::string_view duck_text) override;
  void interrupt() override;
  void set_time_zone(const std::string& name) override;
  void set_styles(const DateStyle& dates, IntervalStyle intervals) override {
    session_->set_styles(dates, intervals);
  }
  void attach(RelationSource& source, HostFunctions& functions) override {
    session_->attach(source, functions);
  }
  std::vector<std::string> explain(std::string_view duck_text, bool analyze,
                                   std::span<const Value> parameters) override;

  duckdb::Connection& duck() { return connection_; }
  SessionState& session() { return *session_; }

  /// Runs it until there are rows, or an error. Errors: translated, or DuckDB's own.
  std::unique_ptr<ResultStream> run(
      const std::function<duckdb::unique_ptr<duckdb::PendingQueryResult>()>& begin);
  /// The helpers of an execution that begins.
  std::shared_ptr<WorkerUse> use_workers() {
    return session_->use_workers(std::make_shared<WorkerUse>(workers_));
  }

 private:
  duckdb::shared_ptr<duckdb::DuckDB> db_;
  std::shared_ptr<Workers> workers_;
  duckdb::Connection connection_;
  duckdb::shared_ptr<SessionState> session_;
};

/// How many rows a query reads that is run without DuckDB's pipelines; nothing where it is not. Errors:
/// translated.
std::optional<std::string> reading_of_short_plan(DuckConnection& connection, std::string_view duck_text,
                                                 std::span<const Value> parameters);

/// A result of DuckDB's that came without our helpers. Errors: translated.
std::unique_ptr<ResultStream> make_stream(duckdb::unique_ptr<duckdb::QueryResult> result);

/// DuckDB's EXPLAIN as lines of text.
std::vector<std::string> explain_lines(DuckConnection& connection, std::string_view duck_text, bool analyze,
                                       std::span<const Value> parameters);

}  // namespace tickstone::duck
