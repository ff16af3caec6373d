// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "market/store_check.hpp"

namespace tickstone::market {

/// What every check of `check_store` has at hand. Checks throw what the database says; the runner tells it.
struct CheckContext {
  using Row = std::vector<std::optional<std::string>>;

  Connection& connection;
  Home home;
  const CheckOptions& options;
  TradingCalendar calendar;
  Timestamp now{};  // what freshness and gaps are judged by

  bool is_tickstone() const { return home == Home::Embedded || home == Home::Tickstone; }
  std::vector<Row> rows(const std::string& sql);
  /// The first cell of the first row; empty where there is none.
  std::string text(const std::string& sql);
  /// Whether the name, as SQL writes it, is a table or view on the search path.
  bool has_relation(const std::string& name);
};

std::string text_of(const std::optional<std::string>& cell);
std::int64_t number_of(const std::optional<std::string>& cell);
double real_of(const std::optional<std::string>& cell);
bool truth_of(const std::optional<std::string>& cell);
/// Of a cell with microseconds since 1970; none of NULL.
std::optional<Timestamp> time_of(const std::optional<std::string>& cell);

/// SQL: whole microseconds since 1970 of a time; NULL where it is infinite.
std::string micros_sql(const std::string& time);
/// SQL: whole microseconds of an interval.
std::string span_sql(const std::string& interval);
/// SQL: `TIMESTAMPTZ '2026-01-05 14:30:00+00'`.
std::string time_sql(Timestamp time);
/// SQL: `('AAPL', 'MSFT')`.
std::string list_sql(const std::vector<std::string>& texts);

/// For people: `3 days 2 h`, `15 min`, `0.21 ms`, the two largest units.
std::string duration_text(std::chrono::microseconds duration);
/// For people: `2026-01-05 14:30`, in UTC, with seconds where there are any.
std::string moment_text(Timestamp time);
/// `1 row`, `12 rows`, `1,200 rows`; `s` is added to the noun.
std::string counted_text(std::uint64_t count, std::string_view noun);

void worsen(CheckStatus& status, CheckStatus other);
/// Worst first, and as they were within a status.
void sort_items(CheckResult& result);

// server_checks.cpp
CheckResult check_connection(CheckContext& context);
CheckResult check_server(CheckContext& context);
CheckResult check_schema(CheckContext& context);
CheckResult check_tables(CheckContext& context);
CheckResult check_probe(CheckContext& context);
CheckResult check_disk(CheckContext& context);
// data_checks.cpp
CheckResult check_freshness(CheckContext& context);
CheckResult check_duplicates(CheckContext& context);
// gap_check.cpp
CheckResult check_gaps(CheckContext& context);
// job_checks.cpp
CheckResult check_jobs(CheckContext& context);
CheckResult check_aggregates(CheckContext& context);
CheckResult check_retention(CheckContext& context);
// upkeep_check.cpp
CheckResult check_upkeep(CheckContext& context);

}  // namespace tickstone::market
