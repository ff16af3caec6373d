// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/query_plan.hpp"
#include "sql/statement.hpp"

namespace tickstone::engine {

/// A named or unnamed prepared statement.
struct Prepared {
  std::shared_ptr<const sql::Statement>
      statement;                        // nullptr: an empty query; shared with the portals bound to it
  std::vector<SqlType> declared_types;  // by the client; Unknown where it left that to us
  bool is_analyzed = false;
  std::vector<SqlType> parameter_types;
  std::optional<std::vector<ResultColumn>> columns;
  std::shared_ptr<QueryPlan> plan;  // of a query; shared with open portals

  StatementSlot slot;

  // For pg_prepared_statements.
  std::string text;  // that the client sent
  std::int64_t prepared_us = 0;
  bool is_from_sql = false;
  std::int64_t run_count = 0;

  bool is_locking() const {
    const auto* query = statement == nullptr ? nullptr : std::get_if<sql::QueryStatement>(&statement->body);
    return query != nullptr && query->has_locking;
  }
};

/// A bound statement, or a cursor: parameters, and the stream once it runs.
struct Portal {
  Portal(std::string statement_name_, std::shared_ptr<Prepared> prepared_, std::vector<Value> parameters_)
      : statement_name(std::move(statement_name_)),
        prepared(std::move(prepared_)),
        parameters(std::move(parameters_)) {}

  ~Portal() { count(); }
  Portal(const Portal&) = delete;
  Portal& operator=(const Portal&) = delete;

  std::string statement_name;
  std::shared_ptr<Prepared> prepared;
  std::vector<Value> parameters;
  std::shared_ptr<QueryPlan> plan;  // keeps the connection of the stream
  std::unique_ptr<duck::ResultStream> stream;
  bool holds_connection = true;  // `stream` does
  Batch pending;
  std::size_t pending_row = 0;
  bool is_done = false;
  StatementRecorder* recorder = nullptr;  // nullptr: it is not counted
  std::int64_t taken_ns = 0;              // not counted yet
  std::uint64_t row_count = 0;            // sent so far

  /// Counts the statement: when it is done, or closed before.
  void count() noexcept;
  bool has_begun() const { return stream != nullptr || is_done; }

  /// Runs `plan` with the parameters.
  void open() {
    auto opened = plan->open(parameters);
    stream = std::move(opened.stream);
    holds_connection = opened.holds_connection;
  }
  /// Of a portal that was opened.
  const std::vector<ResultColumn>& columns() const { return plan->columns(); }
  /// Up to `limit` rows to the sink; sets `is_done` when there are no more. Returns how many.
  std::uint64_t send(SessionContext& context, std::uint64_t limit, ResultSink& sink);
};

}  // namespace tickstone::engine
