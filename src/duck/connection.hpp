// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/instance.hpp"
#include "duck/session_state.hpp"

namespace tickstone::duck {

class DuckConnection final : public Connection {
 public:
  DuckConnection(duckdb::shared_ptr<duckdb::DuckDB> db, RelationSource& source, HostFunctions& functions);
  ~DuckConnection() override;

  std::unique_ptr<ResultStream> query(std::string_view duck_text) override;
  std::unique_ptr<PreparedQuery> prepare(std::string_view duck_text) override;
  void interrupt() override;
  void set_time_zone(const std::string& name) override;
  void attach(RelationSource& source, HostFunctions& functions) override {
    session_->attach(source, functions);
  }
  std::vector<std::string> explain(std::string_view duck_text, bool analyze,
                                   std::span<const Value> parameters) override;

  duckdb::Connection& duck() { return connection_; }
  SessionState& session() { return *session_; }

 private:
  duckdb::shared_ptr<duckdb::DuckDB> db_;
  duckdb::Connection connection_;
  duckdb::shared_ptr<SessionState> session_;
};

/// Takes over a result of DuckDB's. Errors: translated.
std::unique_ptr<ResultStream> make_stream(duckdb::unique_ptr<duckdb::QueryResult> result);

/// DuckDB's EXPLAIN as lines of text.
std::vector<std::string> explain_lines(DuckConnection& connection, std::string_view duck_text, bool analyze,
                                       std::span<const Value> parameters);

}  // namespace tickstone::duck
