// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "duck/connection.hpp"
#include "duck/short_plan.hpp"

namespace tickstone::duck {

std::vector<ResultColumn> columns_of(const duckdb::vector<duckdb::string>& names,
                                     const duckdb::vector<duckdb::LogicalType>& types);

/// A prepared statement of DuckDB's, planned anew where what the plan depends on has changed.
class DuckPrepared final : public PreparedQuery {
 public:
  DuckPrepared(DuckConnection& connection, std::string text);

  const std::vector<SqlType>& parameter_types() const override { return parameter_types_; }
  const std::vector<ResultColumn>& columns() const override { return columns_; }
  std::unique_ptr<ResultStream> execute(std::span<const Value> parameters) override;

  /// What `execute` would read without DuckDB's pipelines; nothing where it would not. Errors: DuckDB's.
  std::optional<std::string> reading_of_short_plan(std::span<const Value> parameters);

 private:
  void set_session_parameters();
  bool set_parameters(std::span<const Value> parameters);
  bool is_current() const;
  void prepare();
  void find_short_plan();
  duckdb::Value parameter_value(std::size_t index, const Value& value) const;

  DuckConnection& connection_;
  std::string text_;
  duckdb::unique_ptr<duckdb::PreparedStatement> statement_;
  duckdb::shared_ptr<duckdb::PreparedStatementData> planned_;
  std::unique_ptr<ShortPlan> short_plan_;  // of `planned_`; nullptr: it is more than that
  /// Of `planned_`, each with the place of its value.
  std::vector<std::pair<std::size_t, duckdb::BoundParameterData*>> plan_parameters_;
  PlanNotes notes_;
  const TimeZone* zone_ = nullptr;
  std::vector<duckdb::LogicalType> duck_types_;
  std::vector<SqlType> parameter_types_;
  std::vector<ResultColumn> columns_;
};

}  // namespace tickstone::duck
